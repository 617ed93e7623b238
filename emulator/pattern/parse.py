"""Text -> `Pattern`, with the errors of AWS's engine (event-ruler) in its order and at its places.

A pattern is read into a tree first: fields that all have to match, and `$or`s with their branches. What it would become as alternatives
without `$or` is counted on the way, so that it is refused before it is written out if it is too much.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from emulator.pattern.choices import OBJECTS_MIN, OR, RESERVED, find_choices
from emulator.pattern.complexity import is_too_complex
from emulator.pattern.dialect import Counting
from emulator.pattern.errors import PatternError
from emulator.pattern.operators import parse_test
from emulator.pattern.tokens import Kind, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.pattern.dialect import Dialect
    from emulator.pattern.operators.kinds import Test

PATHS_LENGTH_MAX = 1 << 22
"""Paths repeat the keys that lead to them; together they may have so many characters."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern and its normal form. An event matches if it matches one alternative; it matches that if for each path it has a value that
    passes one of the tests there.
    """

    text: str
    alternatives: tuple[Mapping[str, tuple[Test, ...]], ...]

    @property
    def paths(self) -> frozenset[str]:
        """All paths that the pattern names."""
        return frozenset(chain.from_iterable(self.alternatives))


class _Field(NamedTuple):
    path: str
    depth: int
    """How many keys lead to it."""
    tests: tuple[Test, ...]


class _Choice(NamedTuple):
    """A `$or`."""

    branches: list[list[_Field | _Choice]]


_Entries = list[_Field | _Choice]


class _Scope:
    """An object that is being read, or the array of a `$or`."""

    __slots__ = ("depth", "entries", "found", "in_or", "path", "ways")

    def __init__(self, path: str | None, depth: int, entries: _Entries, *, in_or: bool) -> None:
        self.path = path
        """None at the top."""
        self.depth = depth
        self.entries = entries
        """Where the fields go; an object inside an object shares those of the outer one."""
        self.in_or = in_or
        self.found = 0
        """How many keys there were."""
        self.ways = 1
        """How many alternatives the entries become."""


class _OrScope(_Scope):
    """The array of a `$or`; `found` counts its objects, `ways` adds up over them."""

    __slots__ = ("branches",)

    def __init__(self, outer: _Scope) -> None:
        super().__init__(outer.path, outer.depth, [], in_or=True)
        self.branches: list[_Entries] = []
        self.ways = 0


class _Parser:
    """One reading of one text. Objects are kept on a stack of its own, as they may nest a thousand deep."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.dialect = dialect
        self.tokens = Tokens(text)
        self.choices = None if dialect.or_strict else find_choices(text)
        self.paths_length = 0
        self.scopes: list[_Scope] = []
        self.ways = 0

    def parse(self) -> _Entries:
        """Read the whole pattern; `ways` tells afterwards how many alternatives it has."""
        if self.tokens.advance() is not Kind.START_OBJECT:
            raise self.tokens.error("Filter is not an object")
        top = _Scope(None, 0, [], in_or=False)
        self.scopes.append(top)
        while self.scopes:
            scope = self.scopes[-1]
            if isinstance(scope, _OrScope):
                self._next_branch(scope)
            elif self.tokens.advance() is Kind.END_OBJECT:
                self._close_object(scope)
            else:
                self._next_key(scope, self.tokens.name)
        self.ways = top.ways
        return top.entries

    def _next_key(self, scope: _Scope, name: str) -> None:
        tokens = self.tokens
        scope.found += 1
        if name == OR and (self.choices is None or tokens.start in self.choices):
            if tokens.advance() is not Kind.START_ARRAY:
                raise tokens.error(f"It must be an Array followed with {OR}.")
            self.scopes.append(_OrScope(scope))
            return
        if scope.in_or and name in RESERVED:
            raise tokens.error(f"{name} is Ruler reserved fieldName which cannot be used inside {OR}.")
        kind = tokens.advance()
        if kind is Kind.START_OBJECT:
            self.scopes.append(_Scope(self._path(scope, name), scope.depth + 1, scope.entries, in_or=scope.in_or))
        elif kind is Kind.START_ARRAY:
            tests = self._parse_tests()
            scope.entries.append(_Field(self._path(scope, name), scope.depth + 1, tests))
        else:
            raise tokens.error(f'"{name}" must be an object or an array')

    def _close_object(self, scope: _Scope) -> None:
        if not scope.found:
            raise self.tokens.error("Empty objects are not allowed")
        self.scopes.pop()
        if self.scopes:
            self._add_ways(self.scopes[-1], scope.ways)

    def _next_branch(self, scope: _OrScope) -> None:
        kind = self.tokens.advance()
        if kind is Kind.START_OBJECT:
            scope.found += 1
            branch: _Entries = []
            scope.branches.append(branch)
            self.scopes.append(_Scope(scope.path, scope.depth, branch, in_or=True))
        elif kind is not Kind.END_ARRAY:
            raise self.tokens.error(f"Only JSON object is allowed in array of {OR} relationship.")
        elif scope.found < OBJECTS_MIN:
            raise self.tokens.error(f"There must have at least {OBJECTS_MIN} Objects in {OR} relationship.")
        else:
            self.scopes.pop()
            self.scopes[-1].entries.append(_Choice(scope.branches))
            self._add_ways(self.scopes[-1], scope.ways)

    def _add_ways(self, outer: _Scope, ways: int) -> None:
        """Count the alternatives of something inside: they add up in `$or`, and multiply in an object. Too many stay too many."""
        total = outer.ways + ways if isinstance(outer, _OrScope) else outer.ways * ways
        outer.ways = min(total, self.dialect.combinations_max + 1)

    def _parse_tests(self) -> tuple[Test, ...]:
        tests = []
        while self.tokens.advance() is not Kind.END_ARRAY:
            tests.append(parse_test(self.tokens, self.dialect))
        if not tests:
            raise self.tokens.error("Empty arrays are not allowed")
        return tuple(tests)

    def _path(self, scope: _Scope, name: str) -> str:
        path = name if scope.path is None else f"{scope.path}.{name}"
        self.paths_length += len(path)
        if self.paths_length > PATHS_LENGTH_MAX:
            raise PatternError(self.dialect.too_complex)
        return path


def parse_pattern(text: str, dialect: Dialect) -> Pattern:
    """Read a pattern; raise PatternError if it is none."""
    if len(text) > dialect.bytes_max or len(text.encode("utf-8", "replace")) > dialect.bytes_max:
        raise PatternError(dialect.too_complex)
    parser = _open(text, dialect)
    entries = parser.parse()
    fields = list(_all_fields(entries))
    if dialect.keys_max is not None and len({field.path for field in fields}) > dialect.keys_max:
        raise PatternError(dialect.too_many_keys)
    if not dialect.nested and any(field.depth > 1 for field in fields):
        raise PatternError(dialect.not_nested)
    if parser.ways > dialect.combinations_max:
        raise PatternError(dialect.too_complex)
    alternatives = _expand(entries, [{}])
    if sum(_combinations(alternative, dialect.counting) for alternative in alternatives) > dialect.combinations_max:
        raise PatternError(dialect.too_complex)
    found = tuple({path: field.tests for path, field in each.items()} for each in alternatives)
    if dialect.wildcard_score_max is not None and is_too_complex(found, dialect.wildcard_score_max):
        raise PatternError(dialect.too_many_wildcards)
    return Pattern(text, found)


def _open(text: str, dialect: Dialect) -> _Parser:
    try:
        return _Parser(text, dialect)
    except PatternError as error:
        raise PatternError(dialect.not_json) if dialect.not_json is not None else error from None


def _all_fields(entries: _Entries) -> list[_Field]:
    fields: list[_Field] = []
    waiting = [entries]
    while waiting:
        for entry in waiting.pop():
            if isinstance(entry, _Field):
                fields.append(entry)
            else:
                waiting.extend(entry.branches)
    return fields


_Alternative = dict[str, _Field]


def _expand(entries: _Entries, alternatives: list[_Alternative]) -> list[_Alternative]:
    """Write each of the alternatives so far out with more entries; what comes later takes the place of what it names again."""
    for entry in entries:
        if isinstance(entry, _Field):
            for alternative in alternatives:
                alternative[entry.path] = entry
        else:
            before, alternatives = alternatives, []
            for branch in entry.branches:
                alternatives += _expand(branch, [dict(alternative) for alternative in before])
    return alternatives


def _combinations(alternative: _Alternative, counting: Counting) -> int:
    if counting is Counting.ALTERNATIVES:
        return 1
    by_depth = counting is Counting.VALUES_BY_DEPTH
    return prod(len(field.tests) * (field.depth if by_depth else 1) for field in alternative.values())
