r"""AWS's managed data identifiers: what in a text is an e-mail address, a credit card number, an IP address.

`find(name, text)` gives the places as `(start, end)`: characters from 0, the end not included, in order, none overlapping.
Three identifiers find something: EmailAddress, CreditCardNumber and IpAddress; any other name finds nothing.

No keyword has to stand nearby, as AWS wants it for card numbers. An escape of JSON (`\n`, `\u00e4`) separates as a blank does, and
is never part of a place, so that masking leaves a JSON message readable. Each search takes time linear in the text's length: every
pattern has a bounded length, or is possessive.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Span = tuple[int, int]
    Finder = Callable[[str], Iterator[Span]]

_JSON_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])')

_LOCAL_MAX_CHARS = 64
_DOMAIN_MAX_CHARS = 253
_LOCAL_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}(?![A-Za-z0-9])")

_CARD = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9]\.)"
    r"(?:[0-9]{13,19}"
    r"|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3}(?![0-9A-Za-z]))?"
    r"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"
    r"|[0-9]{6}([ -])[0-9]{13})"
    r"(?![0-9A-Za-z])"
)
"""A number in one piece or in the groups that are printed on cards, but not the decimals of a fraction."""

_CARD_PREFIX = re.compile(
    r"4"  # Visa, Electron
    r"|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"  # Mastercard
    r"|3[47]"  # American Express
    r"|6011|64[4-9]|65|62"  # Discover, UnionPay
    r"|30[0-5]|3[689]"  # Diners Club
    r"|35(?:2[89]|[3-8])|2131|1800"  # JCB
    r"|5019"  # Dankort
)
_CARD_GROUPED_DIGITS = 16

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?<![0-9A-Za-z])(?<![0-9]\.)(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9A-Za-z]|\.[0-9])")
_IPV6_RUN = re.compile(r"[0-9A-Fa-f:.]{2,}+")
_IPV6_MAX_CHARS = 45


def find(name: str, text: str) -> list[Span]:
    """Find all places in `text` of what the data identifier `name` stands for."""
    finder = FINDERS.get(name)
    return [] if finder is None else list(finder(blank_escapes(text)))


def blank_escapes(text: str) -> str:
    """Write blanks over the escapes of JSON; everything else stays in its place."""
    if "\\" not in text:
        return text
    return _JSON_ESCAPE.sub(lambda found: " " * len(found[0]), text)


def _emails(text: str) -> Iterator[Span]:
    """Find e-mail addresses: out from each `@`, to both sides."""
    floor = 0
    at = text.find("@")
    while at >= 0:
        before = text[max(floor, at - _LOCAL_MAX_CHARS) : at]
        local = before[len(before.rstrip(_LOCAL_CHARS)) :].rpartition("..")[2].lstrip(".")
        domain = _DOMAIN.match(text, at + 1, at + 1 + _DOMAIN_MAX_CHARS)
        if local and not local.endswith(".") and domain is not None:
            floor = domain.end()
            yield at - len(local), floor
        at = text.find("@", at + 1)


def _cards(text: str) -> Iterator[Span]:
    """Find numbers that begin as a card's and whose last digit is right."""
    found = _CARD.search(text)
    while found is not None:
        start, end = found.span()
        digits = "".join(filter(str.isdigit, found[0]))
        if len(digits) > _CARD_GROUPED_DIGITS and found[1] and not is_card_number(digits):
            digits = digits[:_CARD_GROUPED_DIGITS]  # what follows in a group of its own belongs to something else
            end = start + _CARD_GROUPED_DIGITS + 3
        if is_card_number(digits):
            yield start, end
        else:
            separator = found[1] or found[2] or found[3]
            end = text.index(separator, start) if separator else end  # the number may begin with the next group
        found = _CARD.search(text, end)


def is_card_number(digits: str) -> bool:
    """Tell whether digits begin as a card number does and pass Luhn's check."""
    if _CARD_PREFIX.match(digits) is None:
        return False
    total = sum(map(int, digits[-1::-2])) + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0


def _addresses(text: str) -> Iterator[Span]:
    """Find IP addresses of both versions."""
    taken = sorted([*_ipv6(text), *(found.span() for found in _IPV4.finditer(text))])
    last = 0
    for start, end in taken:
        if start >= last:  # an IPv6 address may end in an IPv4 one
            last = end
            yield start, end


def _ipv6(text: str) -> Iterator[Span]:
    for found in _IPV6_RUN.finditer(text):
        start, end = found.span()
        run = found[0]
        if run.count(":") < 2 or end - start > _IPV6_MAX_CHARS + 3:
            continue
        if run[0] == ":" != run[1]:
            start += 1  # "ip:2001:db8::1"
        elif start and text[start - 1].isalnum():
            continue
        if text[end : end + 1].isalnum():
            continue
        while end > start and (text[end - 1] == "." or (text[end - 1] == ":" != text[end - 2])):
            end -= 1  # the sentence's
        if _is_ipv6(text[start:end]):
            yield start, end


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address  # rarely needed

    if not any(character in "0123456789abcdefABCDEF" for character in text):
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


FINDERS: Mapping[str, Finder] = {"EmailAddress": _emails, "CreditCardNumber": _cards, "IpAddress": _addresses}
