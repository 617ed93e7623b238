"""Many patterns in one structure: `match(fields)` costs what the patterns cost that may match, not what all of them cost.

Each alternative of each pattern is filed under one of its paths, by keys of which every value that passes there has one (exact values,
prefixes, ...), or by the mere presence of a value. Of the paths of an alternative the one is taken whose drawers hold least at that time,
so what many patterns have in common is soon avoided. An event opens the drawers of its own values, and what lies there is verified. Only
alternatives whose every path may be absent are looked at each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from emulator.pattern.addresses import parse_address
from emulator.pattern.compile import compile_alternative
from emulator.pattern.fields import Interest, Literal
from emulator.pattern.filing import PRESENT, keys_of, number_of
from emulator.pattern.numbers import is_comparable
from emulator.pattern.operators.exists import Absent
from emulator.pattern.operators.kinds import Key, KeyKind

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from emulator.pattern.compile import Check
    from emulator.pattern.fields import Fields, Value
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.parse import Pattern

K = TypeVar("K")
_VALUE = KeyKind.VALUE
_BEST_FIRST = (
    KeyKind.VALUE,
    KeyKind.ADDRESS,
    KeyKind.FOLDED,
    KeyKind.PREFIX,
    KeyKind.SUFFIX,
    KeyKind.SPAN,
    KeyKind.PRESENT,
)
"""If the drawers of two paths are equally full, the better kind of key decides."""


class _Entry(Generic[K]):
    """The pattern of one key."""

    __slots__ = ("filed", "key", "order", "paths")

    def __init__(self, key: K, order: int, paths: frozenset[str]) -> None:
        self.key = key
        self.order = order
        self.paths = paths
        self.filed: list[_Filed[K]] = []


class _Filed(Generic[K]):
    """One alternative of a pattern, and where it lies; nowhere if it has to be looked at each time."""

    __slots__ = ("check", "entry", "keys", "path")

    def __init__(self, entry: _Entry[K], check: Check, path: str, keys: tuple[Key, ...]) -> None:
        self.entry = entry
        self.check = check
        self.path = path
        self.keys = keys


class _Cabinet(Generic[K]):
    """The drawers of one path. A drawer that is there is not empty."""

    __slots__ = ("_addresses", "_drawers", "_folded", "_lengths", "_levels", "_present")

    def __init__(self) -> None:
        self._drawers: dict[tuple[KeyKind, Hashable], dict[_Filed[K], None]] = {}
        self._lengths: dict[tuple[KeyKind, int], int] = {}
        """How many drawers there are for prefixes and suffixes of a length."""
        self._addresses = 0
        """How many drawers there are for addresses."""
        self._folded = 0
        """How many there are for texts in any case."""
        self._levels: dict[int, int] = {}
        """How many there are for spans of a size."""
        self._present = False

    def __bool__(self) -> bool:
        return bool(self._drawers)

    def fullest(self, keys: tuple[Key, ...]) -> int:
        """Tell how much the fullest of some drawers holds."""
        return max(len(self._drawers.get(key, ())) for key in keys)

    def add(self, filed: _Filed[K]) -> None:
        """Put an alternative into the drawers of its keys."""
        for key in filed.keys:
            if key not in self._drawers:
                self._drawers[key] = {}
                self._count(key, 1)
            self._drawers[key][filed] = None

    def discard(self, filed: _Filed[K]) -> None:
        """Take an alternative out of its drawers."""
        for key in filed.keys:
            del self._drawers[key][filed]
            if not self._drawers[key]:
                del self._drawers[key]
                self._count(key, -1)

    def open(self, value: Value, found: dict[_Filed[K], None]) -> None:
        """Add what lies in the drawers of a value to `found`."""
        drawers = self._drawers
        drawer = drawers.get((_VALUE, value))
        if drawer is not None:
            found.update(drawer)
        if self._present:
            found.update(drawers[PRESENT])
        if isinstance(value, str):
            for kind, length in self._lengths:
                affix = value[:length] if kind is KeyKind.PREFIX else value[max(0, len(value) - length) :]
                found.update(drawers.get((kind, affix), {}))
            address = parse_address(value) if self._addresses else None
            if address is not None:
                found.update(drawers.get((KeyKind.ADDRESS, address), {}))
            if self._folded:
                found.update(drawers.get((KeyKind.FOLDED, value.casefold()), {}))
        elif self._levels and not isinstance(value, Literal) and is_comparable(value):
            number = number_of(value)
            for level in self._levels:
                found.update(drawers.get((KeyKind.SPAN, (level, number >> level)), {}))

    def _count(self, key: Key, change: int) -> None:
        if key.kind is KeyKind.ADDRESS:
            self._addresses += change
        elif key.kind is KeyKind.FOLDED:
            self._folded += change
        elif key.kind is KeyKind.PRESENT:
            self._present = change > 0
        elif key.kind is KeyKind.SPAN and isinstance(key.of, tuple):
            _add(self._levels, key.of[0], change)
        elif isinstance(key.of, str) and key.kind is not _VALUE:
            _add(self._lengths, (key.kind, len(key.of)), change)


def _add(counts: dict[K, int], key: K, change: int) -> None:
    """Change a count; one that is 0 is not there."""
    counts[key] = counts.get(key, 0) + change
    if not counts[key]:
        del counts[key]


class Index(Generic[K]):
    """Patterns by keys of one's own. `interest` names the paths that `flatten` has to take out of a document."""

    def __init__(self) -> None:
        self.interest = Interest()
        self._entries: dict[K, _Entry[K]] = {}
        self._cabinets: dict[str, _Cabinet[K]] = {}
        self._always: dict[_Filed[K], None] = {}
        self._order = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def add(self, key: K, pattern: Pattern) -> None:
        """Put a pattern in. A key that is there gets the new pattern and keeps its place in the order."""
        old = self._entries.get(key)
        if old is not None:
            self.discard(key)
        else:
            self._order += 1
        entry = _Entry(key, self._order if old is None else old.order, pattern.paths)
        self._entries[key] = entry
        for path in entry.paths:
            self.interest.add(path)
        for alternative in pattern.alternatives:
            self._file(entry, alternative)

    def discard(self, key: K) -> None:
        """Take the pattern of a key out, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        for path in entry.paths:
            self.interest.discard(path)
        for filed in entry.filed:
            if not filed.keys:
                del self._always[filed]
                continue
            cabinet = self._cabinets[filed.path]
            cabinet.discard(filed)
            if not cabinet:
                del self._cabinets[filed.path]

    def match(self, fields: Fields) -> list[K]:
        """List the keys of the patterns that match an event, in the order in which they were added."""
        found: dict[_Filed[K], None] = dict(self._always)
        for path, leaves in fields.leaves.items():
            cabinet = self._cabinets.get(path)
            if cabinet is not None:
                for value, _ in leaves:
                    cabinet.open(value, found)
        matching = {filed.entry: None for filed in found if filed.check(fields)}
        if len(matching) > 1:
            return [entry.key for entry in sorted(matching, key=lambda entry: entry.order)]
        return [entry.key for entry in matching]

    def _file(self, entry: _Entry[K], alternative: Mapping[str, tuple[Test, ...]]) -> None:
        path, keys = self._place(alternative)
        filed = _Filed(entry, compile_alternative(alternative), path, keys)
        entry.filed.append(filed)
        if not keys:
            self._always[filed] = None
            return
        cabinet = self._cabinets.get(path)
        if cabinet is None:
            cabinet = self._cabinets[path] = _Cabinet()
        cabinet.add(filed)

    def _place(self, alternative: Mapping[str, tuple[Test, ...]]) -> tuple[str, tuple[Key, ...]]:
        """Choose the path under which an alternative is filed, and its keys there; none if every path may be absent."""
        choices = [(path, keys_of(tests)) for path, tests in alternative.items() if Absent() not in tests]
        return min(choices, key=lambda choice: self._cost(*choice), default=("", ()))

    def _cost(self, path: str, keys: tuple[Key, ...]) -> tuple[int, int]:
        cabinet = self._cabinets.get(path)
        return 0 if cabinet is None else cabinet.fullest(keys), max(_BEST_FIRST.index(key.kind) for key in keys)
