"""How hard the wildcards of a pattern are to match: AWS's engine refuses patterns by this score.

The score is the greatest number of beginnings of wildcard patterns that one value can match at the same time: the value `aa` is matched
by the beginnings `*`, `*a`, `*aa` and `*aa*` of `*aa*`. All wildcard patterns that a value of one path meets count together, several in
one `anything-but` as one pattern with several ends. Beginnings are counted in bytes of UTF-8, with the quotes around the text, as the
engine sees them.

It is found without trying values. Once a value has gone past a `*`, it stays past it, so the worst value starts like as many patterns as
can be, has then all that stands between their `*`, and ends with the piece of text of which most pieces of patterns are beginnings. Only
what is met before a pattern's first `*` has to be followed step by step.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from emulator.pattern.operators.anything_but import AnythingButAlike
from emulator.pattern.operators.wildcard import Wildcard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from emulator.pattern.operators.kinds import Test

Alternative = tuple[tuple[str, tuple["Test", ...]], ...]
"""The paths of an alternative in alphabetical order, each with its tests."""


def is_too_complex(alternatives: Iterable[Mapping[str, tuple[Test, ...]]], score_max: int) -> bool:
    """Tell whether the wildcards of any path have a higher score."""
    ordered = [tuple(sorted(each.items())) for each in alternatives if any(map(_has_wildcards, each.values()))]
    return any(score(tests, score_max) > score_max for tests in _machines(ordered))


def _has_wildcards(tests: Iterable[Test]) -> bool:
    return any(_texts(test) for test in tests)


def _texts(test: Test) -> tuple[Wildcard, ...]:
    if isinstance(test, Wildcard):
        return (test,)
    if isinstance(test, AnythingButAlike):
        return tuple(each for each in test.tests if isinstance(each, Wildcard))
    return ()


def _machines(alternatives: list[Alternative]) -> Iterator[set[Test]]:
    """Give the tests that one value meets. The engine goes along the paths of an alternative in alphabetical order, and alternatives go the
    same way until a path at which they have no test in common.
    """
    waiting = [(0, alternatives)]
    while waiting:
        depth, group = waiting.pop()
        by_path: dict[str, list[Alternative]] = {}
        for alternative in group:
            if len(alternative) > depth:
                by_path.setdefault(alternative[depth][0], []).append(alternative)
        for same in by_path.values():
            yield {test for alternative in same for test in alternative[depth][1]}
            waiting += ((depth + 1, each) for each in _with_common_tests(same, depth))


def _with_common_tests(alternatives: list[Alternative], depth: int) -> list[list[Alternative]]:
    groups: list[tuple[set[Test], list[Alternative]]] = []
    for alternative in alternatives:
        tests, members = set(alternative[depth][1]), [alternative]
        apart = []
        for group in groups:
            if tests.isdisjoint(group[0]):
                apart.append(group)
            else:
                tests, members = tests | group[0], group[1] + members
        groups = [*apart, (tests, members)]
    return [members for _, members in groups]


class _Beginning:
    """A beginning of wildcard patterns of one test, and the beginnings that are longer by one byte or `*`."""

    __slots__ = ("below", "is_star", "star")

    def __init__(self, *, is_star: bool = False) -> None:
        self.is_star = is_star
        self.below: dict[int, _Beginning] = {}
        self.star: _Beginning | None = None

    def add(self, wildcard: Wildcard, end: _Beginning) -> None:
        """Put a whole pattern below the empty beginning; all that are complete count as one, the `end`."""
        pieces = [piece.encode("utf-8", "replace") for piece in wildcard.pieces]
        pieces[0] = b'"' + pieces[0]
        pieces[-1] += b'"'
        node = self
        for number, piece in enumerate(pieces):
            if number:
                node.star = node.star or _Beginning(is_star=True)
                node = node.star
            for byte in piece[:-1] if number == len(pieces) - 1 else piece:
                if node.below.get(byte, end) is end:
                    node.below[byte] = _Beginning()
                node = node.below[byte]
        node.below.setdefault(pieces[-1][-1], end)


def score(tests: Iterable[Test], score_max: int) -> int:
    """Tell how many beginnings of wildcard patterns one value can match at the same time; more than `score_max` is not told apart."""
    roots = []
    for texts in filter(None, map(_texts, tests)):
        root, end = _Beginning(), _Beginning()
        for wildcard in texts:
            root.add(wildcard, end)
        roots.append(root)
    worst = 0
    waiting: list[tuple[list[_Beginning], set[_Beginning]]] = [(roots, set())]
    while waiting and worst <= score_max:
        # Of a value that starts so: what is matched without any `*`, and what is matched otherwise.
        strict, loose = waiting.pop()
        ways = _group(strict)
        if not ways:
            worst = max(worst, _score_of_loose({node for node in loose if node.is_star}))
        for byte, longer in ways.items():
            found = {node.below[byte] for node in loose if byte in node.below} | {
                node for node in loose if node.is_star
            }
            found |= {node.star for node in (*longer, *found) if node.star is not None}
            worst = max(worst, len(found.union(longer)))
            waiting.append((longer, found))
    return worst


def _group(nodes: Iterable[_Beginning]) -> dict[int, list[_Beginning]]:
    """Give the beginnings that are longer by one byte, by that byte."""
    found: dict[int, list[_Beginning]] = {}
    for node in nodes:
        for byte, longer in node.below.items():
            found.setdefault(byte, []).append(longer)
    return found


def _score_of_loose(stars: set[_Beginning]) -> int:
    """Give the score of values that have gone past these `*` and all that may follow them.

    What stands between two `*` is in a tree of bytes, with at each of its nodes the way to the longest true ending of its text (Aho and
    Corasick's): what is matched at that node is matched here too.
    """
    if not stars:
        return 0
    _add_later_stars(stars)
    counts, shorter = [0], [0]
    below: list[dict[int, int]] = [{}]
    waiting: deque[tuple[int, Iterable[_Beginning]]] = deque([(0, stars)])
    while waiting:
        number, nodes = waiting.popleft()
        for byte, longer in _group(nodes).items():
            other = shorter[number]
            while other and byte not in below[other]:
                other = shorter[other]
            ending = below[other].get(byte, 0)
            below[number][byte] = len(counts)
            waiting.append((len(counts), longer))
            counts.append(len(set(longer)) + counts[ending])
            shorter.append(ending)
            below.append({})
    return len(stars) + max(counts)


def _add_later_stars(stars: set[_Beginning]) -> None:
    waiting = list(stars)
    while waiting:
        node = waiting.pop()
        if node.star is not None and node.star not in stars:
            stars.add(node.star)
            waiting.append(node.star)
        waiting += node.below.values()
