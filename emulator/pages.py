"""Lists in pages with opaque tokens. A token holds the key after which the next page begins, so what is added or removed between two
calls shifts nothing: nothing that stays is shown twice or left out.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

V = TypeVar("V")

_MARK = b"\x01page:"
"""Tells our tokens from other base64 text."""


class BadTokenError(ValueError):
    """A token is not one of ours."""


def cut(items: Sequence[tuple[str, V]], token: str | None, size: int) -> tuple[list[V], str | None]:
    """Cut a page out of `(key, value)` pairs that are sorted by their keys, which are unique.

    Answers the values, at most `size` of them, and the token for the rest, or None where there is no rest. An empty token means the
    start. Raises BadTokenError.
    """
    start = bisect_right(items, _key(token), key=itemgetter(0)) if token else 0
    page = items[start : start + size]
    more = start + size < len(items)
    return [value for _, value in page], _token(page[-1][0]) if more else None


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(_MARK + key.encode()).decode()


def _key(token: str) -> str:
    """Read a token. Only what `_token` writes is accepted, to the letter."""
    try:
        key = base64.b64decode(token, altchars=b"-_", validate=True).removeprefix(_MARK).decode()
    except (binascii.Error, ValueError):
        raise BadTokenError(token) from None
    if _token(key) != token:
        raise BadTokenError(token)
    return key
