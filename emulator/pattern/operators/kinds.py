"""What every operator turns its JSON into: a test of one value, and what an index can make of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from emulator.pattern.fields import Value


class KeyKind(Enum):
    """How a value that passes a test is related to the key of that test."""

    VALUE = "value"
    """It equals the key."""
    PREFIX = "prefix"
    """It is text that starts with the key."""
    SUFFIX = "suffix"
    """It is text that ends with the key."""
    ADDRESS = "address"
    """It is text that is read as the address that is the key."""
    FOLDED = "folded"
    """It is text that is the key without regard to case. This and those below are the index's own (filing.py)."""
    SPAN = "span"
    """It is a number in a span of numbers."""
    PRESENT = "present"
    """It is there."""

    __hash__ = object.__hash__


class Key(NamedTuple):
    """What an index can find the values by that pass a test."""

    kind: KeyKind
    of: Hashable


class Test(Protocol):
    """A condition on one value. Instances are frozen, and equal if they test for the same."""

    def matches(self, value: Value) -> bool:
        """Tell whether a value passes."""

    def keys(self) -> tuple[Key, ...]:
        """Give keys of which every value that passes has one; none if there are none such."""

    def show(self) -> object:
        """Write it as it stands in a pattern, as JSON is in Python."""
