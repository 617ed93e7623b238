"""`{"cidr": "10.0.0.0/8"}`: text that is an IP address in a network.

As in AWS's engine the mask has at least one bit free (/31, /127 at most), and the address may have bits behind the mask. Its errors have
no place. Unlike there, an IPv6 address is never in an IPv4 network: that comes from comparing prefixes of hexadecimal digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from emulator.pattern.addresses import Address, looks_like_address, parse_address
from emulator.pattern.errors import PatternError

if TYPE_CHECKING:
    from emulator.pattern.dialect import Dialect
    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Key, Test
    from emulator.pattern.tokens import Tokens

_BITS = {4: 32, 6: 128}
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_INTEGER_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Network:
    """The value is a text that is read as an address from `low` to `high`."""

    low: Address
    high: Address

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""
        address = parse_address(value) if isinstance(value, str) else None
        return address is not None and self.low <= address <= self.high

    def keys(self) -> tuple[Key, ...]:
        """Give none: an index has no ranges."""
        return ()

    def show(self) -> object:
        """Write it as it stands in a pattern, without the bits behind the mask."""
        version, low = self.low
        free = (self.high.number - low).bit_length()
        address = IPv4Address(low) if version == 4 else IPv6Address(low)
        return {"cidr": f"{address}/{_BITS[version] - free}"}


def parse(tokens: Tokens, _dialect: Dialect) -> Test:
    """Read what follows `"cidr":` up to the end of the object."""
    test = parse_network(tokens.expect_string("prefix match pattern must be a string"))
    tokens.expect_end("Only one key allowed in match expression")
    return test


def parse_network(text: str) -> Network:
    """Read `address/bits`."""
    parts = text.rstrip("/").split("/")
    if len(parts) != 2:
        raise PatternError("Malformed CIDR, one '/' required")
    bits = _parse_bits(parts[1])
    address = parse_address(parts[0])
    if address is None:
        kind = "Invalid" if looks_like_address(parts[0]) else "Nonstandard"
        raise PatternError(f"{kind} IP address: {parts[0]}")
    size = _BITS[address.version]
    if bits >= size:
        raise PatternError(f"IPv{address.version} mask bits must be < {size}")
    free = (1 << (size - bits)) - 1
    low = address.number & ~free
    return Network(Address(address.version, low), Address(address.version, low | free))


def _parse_bits(text: str) -> int:
    bits = int(text) if _INTEGER.fullmatch(text) else None
    if bits is None or not -_INTEGER_MAX - 1 <= bits <= _INTEGER_MAX:
        raise PatternError("Malformed CIDR, mask bits must be an integer")
    if bits < 0:
        raise PatternError("Malformed CIDR, mask bits must not be negative")
    return bits
