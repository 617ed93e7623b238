"""IP addresses as AWS's engine reads them, which is as Java does.

Four decimal numbers may have leading zeroes. An IPv4 address in IPv6 clothing (`::ffff:102:304`) is the IPv4 address.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

_V4 = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)")
_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_V4_LENGTH_MAX = 15
_V6_LENGTH_MAX = 39


class Address(NamedTuple):
    """An IP address; `version` is 4 or 6."""

    version: int
    number: int


def looks_like_address(text: str) -> bool:
    """Tell whether a text has the form of an address, though its numbers may be too large."""
    return _V4.fullmatch(text) is not None or _V6.fullmatch(text) is not None


def parse_address(text: str) -> Address | None:
    """Read an address, or answer None."""
    if len(text) > _V6_LENGTH_MAX:
        return None
    match = _V4.fullmatch(text)
    if match is None:
        return _parse_v6(text) if _V6.fullmatch(text) else None
    if len(text) > _V4_LENGTH_MAX:
        return None
    number = 0
    for part in match.groups():
        if int(part) > 0xFF:
            return None
        number = number << 8 | int(part)
    return Address(4, number)


def _parse_v6(text: str) -> Address | None:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return None
    inner = address.ipv4_mapped
    return Address(6, int(address)) if inner is None else Address(4, int(inner))
