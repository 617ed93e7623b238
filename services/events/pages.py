"""EventBridge's edge of emulator/pages.py: the size of a page, and what a bad token is called."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from emulator.pages import BadTokenError, cut
from services.events import errors, limits

if TYPE_CHECKING:
    from collections.abc import Iterable

V = TypeVar("V")


def page(items: Iterable[tuple[str, V]], token: str | None, limit: int | None) -> tuple[list[V], str | None]:
    """Cut a page out of `(key, value)` pairs, by key; the values, and the token for the rest or None.

    Raises ValidationException for a token that is not ours.
    """
    try:
        return cut(sorted(items, key=itemgetter(0)), token, limits.PAGE_MAX if limit is None else limit)
    except BadTokenError:
        raise errors.not_valid("NextToken") from None


def answer(member: str, items: Iterable[tuple[str, V]], token: str | None, limit: int | None) -> dict[str, Any]:
    """Cut a page and make the answer of a list: `member` with the values, and NextToken where there is more."""
    shown, more = page(items, token, limit)
    return {member: shown} if more is None else {member: shown, "NextToken": more}
