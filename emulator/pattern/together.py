"""Whether values of several paths can be chosen so that they stand together: never in two elements of one array.

AWS's engine goes through the paths in alphabetical order and keeps in mind in which element of which array it is. So do we, with three
differences that keep it from taking forever: arrays that only one path goes into are left out, values are found by the elements that are
still possible, and a state that was tried once is not tried again. Of a state only that matters which the paths still to come can
contradict, so there are few: paths into the same array are neighbours in the alphabet.

The order shows where a path may be absent: it counts as absent if no value of it goes with the elements that earlier paths have chosen.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from emulator.pattern.fields import Fields, Leaf, Membership, Value

CHOICES_MAX = 100_000
"""So many choices are tried for one event; it takes arrays within arrays, made for the purpose, to get there. Then it is no match."""

Chosen = dict[int, int]
"""In which place of which array."""


class Column:
    """What an alternative asks of one path."""

    __slots__ = ("absent", "fits", "path")

    def __init__(self, path: str, fits: Callable[[Value], bool], *, absent: bool) -> None:
        self.path = path
        self.fits = fits
        self.absent = absent
        """Whether it is enough that there is no value."""


class _Places:
    """Memberships as a tree, to find those that go with what was chosen."""

    __slots__ = ("arrays", "ends")

    def __init__(self) -> None:
        self.ends: Membership | None = None
        """The membership that ends here, if one does."""
        self.arrays: dict[int, dict[int, _Places]] = {}

    def add(self, membership: Membership) -> None:
        places = self
        for array, place in membership:
            inner = places.arrays.setdefault(array, {})
            below = inner.get(place)
            if below is None:
                below = inner[place] = _Places()
            places = below
        places.ends = membership

    def going_with(self, chosen: Chosen) -> Iterator[Membership]:
        """Give the memberships that name no other place of an array than the chosen one."""
        waiting = [self]
        while waiting:
            places = waiting.pop()
            if places.ends is not None:
                yield places.ends
            for array, inner in places.arrays.items():
                if array not in chosen:
                    waiting.extend(inner.values())
                elif chosen[array] in inner:
                    waiting.append(inner[chosen[array]])


class _Options:
    """The values of one path in one event."""

    __slots__ = ("absent", "fitting", "present")

    def __init__(self, column: Column, leaves: Sequence[Leaf], shared: set[int]) -> None:
        self.absent = column.absent
        self.fitting = _Places()
        self.present = _Places()
        """All values, where it matters whether there is any."""
        for value, membership in leaves:
            fits = column.fits(value)
            if fits or column.absent:
                kept = tuple(step for step in membership if step[0] in shared)
                if fits:
                    self.fitting.add(kept)
                if column.absent:
                    self.present.add(kept)

    def after(self, chosen: Chosen) -> Iterator[Chosen]:
        """Give what may be chosen if this much was."""
        if self.absent and next(self.present.going_with(chosen), None) is None:
            yield chosen
        for membership in self.fitting.going_with(chosen):
            yield {**chosen, **dict(membership)} if membership else chosen


def are_entangled(columns: Sequence[Column], fields: Fields) -> bool:
    """Tell whether values of more than one path are inside arrays of objects; if not, each path can be asked on its own."""
    inside = 0
    for column in columns:
        for _, membership in fields.leaves.get(column.path, ()):
            if membership:
                inside += 1
                break
    return inside > 1


def fit_together(columns: Sequence[Column], fields: Fields) -> bool:
    """Tell whether for each path a value can be chosen so that all stand together. The paths are in alphabetical order."""
    leaves = [fields.leaves.get(column.path, ()) for column in columns]
    arrays = [{array for _, membership in values for array, _ in membership} for values in leaves]
    paths_of = Counter(chain.from_iterable(arrays))
    shared = {array for array, paths in paths_of.items() if paths > 1}
    options = [_Options(column, values, shared) for column, values in zip(columns, leaves, strict=True)]
    relevant: list[set[int]] = []
    for each in reversed(arrays):
        relevant.append((each & shared) | (relevant[-1] if relevant else set()))
    return _search(options, relevant[::-1])


def _search(options: Sequence[_Options], relevant: Sequence[set[int]]) -> bool:
    """Go along the paths; `relevant` has the arrays that a path and those behind it can contradict."""
    tried: set[tuple[int, frozenset[tuple[int, int]]]] = set()
    trail = [options[0].after({})]
    for _ in range(CHOICES_MAX):
        chosen = next(trail[-1], None)
        if chosen is None:
            trail.pop()
            if not trail:
                return False
            continue
        depth = len(trail)
        if depth == len(options):
            return True
        kept = {array: place for array, place in chosen.items() if array in relevant[depth]}
        state = depth, frozenset(kept.items())
        if state not in tried:
            tried.add(state)
            trail.append(options[depth].after(kept))
    return False
