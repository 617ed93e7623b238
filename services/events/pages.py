"""Lists in pages with opaque tokens: every list of EventBridge is cut here. A token holds the key after which the next page begins."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

from services.events import errors, limits

if TYPE_CHECKING:
    from collections.abc import Iterable

V = TypeVar("V")


def page(items: Iterable[tuple[str, V]], token: str | None, limit: int | None) -> tuple[list[V], str | None]:
    """Cut a page out of `(key, value)` pairs, by key; the values, and the token for the rest or None.

    Raises ValidationException for a token that is not ours.
    """
    after = _key(token) if token else ""
    rest = sorted(((key, value) for key, value in items if key > after), key=lambda item: item[0])
    size = limits.PAGE_MAX if limit is None else limit
    cut = rest[:size]
    return [value for _, value in cut], _token(cut[-1][0]) if cut and len(rest) > size else None


def answer(member: str, items: Iterable[tuple[str, V]], token: str | None, limit: int | None) -> dict[str, Any]:
    """Cut a page and make the answer of a list: `member` with the values, and NextToken where there is more."""
    shown, more = page(items, token, limit)
    return {member: shown} if more is None else {member: shown, "NextToken": more}


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(f"events:{key}".encode()).decode()


def _key(token: str) -> str:
    try:
        text = base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise errors.not_valid("NextToken") from None
    if not text.startswith("events:"):
        raise errors.not_valid("NextToken")
    return text.removeprefix("events:")
