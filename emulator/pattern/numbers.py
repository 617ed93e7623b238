"""Numbers as AWS's engine compares them: those that a double holds so that its shortest decimal form is the number again.

Other numbers (1234567890123456789, 1e400) are equal to themselves and to nothing else, and are neither greater nor less than anything.
"""

from __future__ import annotations

from decimal import Decimal, DecimalException
from math import isfinite
from typing import Final

EXACT_MAX: Final = 2**53
"""Up to here every whole number is comparable."""
_WHOLE_MIN = -(2**63)
_WHOLE_MAX = 2**64 - 1


def parse_number(text: str) -> float:
    """Read a JSON number as JSON parsers do: a whole number of 64 bits stays whole."""
    if text.lstrip("-").isdigit() and _WHOLE_MIN <= int(text) <= _WHOLE_MAX:
        return int(text)
    return float(text)


def is_comparable_text(text: str) -> bool:
    """Tell whether a JSON number can be compared."""
    try:
        nearest = float(text)
        return isfinite(nearest) and Decimal(repr(nearest)) == Decimal(text)
    except DecimalException:  # an exponent beyond all bounds
        return False


def is_comparable(number: float) -> bool:
    """Tell whether a number of an event can be compared."""
    return -EXACT_MAX <= number <= EXACT_MAX or is_comparable_text(repr(number))
