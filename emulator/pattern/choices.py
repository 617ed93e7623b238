"""Where `$or` is the operator, in dialects in which it may also be an ordinary key.

It is the operator if it is an array of two objects or more, none of which uses the name of an operator as a key at any depth. That can only
be told at the end of the array, so the text is read once before it is parsed.
"""

from __future__ import annotations

from typing import Final

from emulator.pattern.tokens import Kind, Tokens

OR: Final = "$or"
OBJECTS_MIN: Final = 2

RESERVED: Final = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("=", "<", "<=", ">", ">="),
        *("regex", "not-wildcard", "not-equals-ignore-case"),
        *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
        *("ip-address-in-range", "ip-address-not-in-range"),
    }
)
"""No field inside `$or` may have these names (event-ruler: Constants.java)."""


class _Scope:
    """An object or array that is open."""

    __slots__ = ("as_fields", "key", "objects", "or_at", "others", "uses_reserved")

    def __init__(self, *, as_fields: bool, or_at: int | None = None) -> None:
        self.as_fields = as_fields
        """Whether the keys of an object, or of the objects in an array, are fields and not operators."""
        self.or_at = or_at
        """Where the `$or` stands whose array this is."""
        self.key = ""
        self.objects = self.others = 0
        """The entries of an array."""
        self.uses_reserved = False


def find_choices(text: str) -> frozenset[int]:
    """Tell where the `$or` stand that are operators; raise PatternError with Jackson's words if the text is not JSON."""
    tokens = Tokens(text)
    found: set[int] = set()
    scopes: list[_Scope] = []
    name_at = 0
    while (kind := tokens.advance()) is not Kind.END:
        if kind is Kind.NAME:
            scopes[-1].key, name_at = tokens.name, tokens.start
            scopes[-1].uses_reserved |= tokens.name in RESERVED
        elif kind is Kind.START_OBJECT or kind is Kind.START_ARRAY:
            scopes.append(_enter(kind, scopes[-1] if scopes else None, name_at))
        elif kind is Kind.END_OBJECT or kind is Kind.END_ARRAY:
            inner = scopes.pop()
            if _is_choice(inner):
                found.add(inner.or_at or 0)
            elif inner.or_at is None and inner.as_fields and scopes:
                scopes[-1].uses_reserved |= inner.uses_reserved
        elif scopes:
            scopes[-1].others += 1
        if not scopes:
            break  # what follows the pattern is not looked at, as in AWS's engine
    return frozenset(found)


def _enter(kind: Kind, outer: _Scope | None, name_at: int) -> _Scope:
    if outer is None:
        return _Scope(as_fields=True)
    if kind is Kind.START_OBJECT:
        outer.objects += 1
        return _Scope(as_fields=outer.as_fields)
    outer.others += 1
    is_or = outer.as_fields and outer.key == OR
    return _Scope(as_fields=is_or, or_at=name_at if is_or else None)


def _is_choice(scope: _Scope) -> bool:
    return scope.or_at is not None and scope.objects >= OBJECTS_MIN and not scope.others and not scope.uses_reserved
