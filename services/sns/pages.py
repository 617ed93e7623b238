"""SNS's edge of emulator/pages.py: what a bad token is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from emulator.pages import BadTokenError, cut
from services.sns import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

V = TypeVar("V")


def page(
    items: Sequence[tuple[str, V]], token: str | None, size: int, parameter: str = "NextToken"
) -> tuple[list[V], str | None]:
    """Cut a page out of sorted `(key, value)` pairs. Raises InvalidParameter with the name of `parameter` for a bad token."""
    try:
        return cut(items, token, size)
    except BadTokenError:
        raise errors.invalid_parameter(parameter) from None
