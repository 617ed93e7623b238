"""A pattern, ready to be asked of many events: `compile_pattern(pattern).matches(fields)`.

All that can be decided without an event is decided here, once. What is left per event is, for each path, a look into a set for exact values
and the other tests one by one, the cheap ones first. Only if values stand inside arrays of objects, and more than one path is named, the
question arises whether they go together (`together.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.pattern.fields import Fields
from emulator.pattern.operators.cidr import Network
from emulator.pattern.operators.equals_ignore_case import EqualsIgnoreCase
from emulator.pattern.operators.exact import Exact, ExactAddress
from emulator.pattern.operators.exists import Absent, Present
from emulator.pattern.operators.prefix import PrefixIgnoreCase
from emulator.pattern.operators.suffix import SuffixIgnoreCase
from emulator.pattern.operators.wildcard import Wildcard
from emulator.pattern.together import Column, are_entangled, fit_together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.pattern.fields import Value
    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.parse import Pattern

Check = Callable[[Fields], bool]

_EXPENSIVE = (EqualsIgnoreCase, ExactAddress, Network, PrefixIgnoreCase, SuffixIgnoreCase, Wildcard)
"""What is asked last: it looks at every character, or reads an address."""


class Matcher:
    """A compiled pattern. `matches(fields)` tells whether an event matches."""

    __slots__ = ("matches",)

    def __init__(self, matches: Check) -> None:
        self.matches = matches


def compile_pattern(pattern: Pattern) -> Matcher:
    """Make the fast form of a pattern."""
    checks = [compile_alternative(alternative) for alternative in pattern.alternatives]
    return Matcher(checks[0] if len(checks) == 1 else _any_of(checks))


def compile_alternative(alternative: Mapping[str, tuple[Test, ...]]) -> Check:
    """Make the fast form of one alternative."""
    # Paths with exact values first: they are cheap, and fail most often.
    paths = sorted(alternative, key=lambda path: not all(isinstance(test, Exact) for test in alternative[path]))
    checks = [_compile_path(path, alternative[path]) for path in paths]
    if len(checks) == 1:
        return checks[0]
    columns = [Column(path, _fits(tests), absent=Absent() in tests) for path, tests in alternative.items()]
    return _all_of(checks, sorted(columns, key=lambda column: column.path.encode("utf-16-be", "surrogatepass")))


def _any_of(checks: Sequence[Check]) -> Check:
    def matches(fields: Fields) -> bool:
        return any(check(fields) for check in checks)

    return matches


def _all_of(checks: Sequence[Check], columns: Sequence[Column]) -> Check:
    """Let all paths be checked on their own, and together where that is a difference."""
    may_be_absent = any(column.absent for column in columns)

    def matches(fields: Fields) -> bool:
        together = fields.in_arrays and are_entangled(columns, fields)
        # Where a path may be absent it may be so in one element of an array, even if another has it.
        if not (together and may_be_absent):
            for check in checks:
                if not check(fields):
                    return False
        return not together or fit_together(columns, fields)

    return matches


def _compile_path(path: str, tests: tuple[Test, ...]) -> Check:
    """Make the check of one path, as if it were the only one."""
    if Absent() in tests:
        others = tuple(test for test in tests if not isinstance(test, Absent))
        present = _compile_path(path, others) if others else None
        if present is None:
            return lambda fields: path not in fields.leaves
        return lambda fields: path not in fields.leaves or present(fields)
    if any(isinstance(test, Present) for test in tests):
        return lambda fields: path in fields.leaves
    if all(isinstance(test, Exact) for test in tests):
        return _compile_values(path, frozenset(test.value for test in tests if isinstance(test, Exact)))
    fits = _fits(tests)

    def check(fields: Fields) -> bool:
        for value, _ in fields.leaves.get(path, ()):  # noqa: SIM110 (a generator costs more than the test)
            if fits(value):
                return True
        return False

    return check


def _compile_values(path: str, values: frozenset[Value]) -> Check:
    def check(fields: Fields) -> bool:
        for value, _ in fields.leaves.get(path, ()):  # noqa: SIM110 (a generator costs more than the test)
            if value in values:
                return True
        return False

    return check


def _fits(tests: tuple[Test, ...]) -> Callable[[Value], bool]:
    """Make one test of the tests of a path."""
    values = frozenset(test.value for test in tests if isinstance(test, Exact))
    others = sorted(
        (test for test in tests if not isinstance(test, Exact)), key=lambda test: isinstance(test, _EXPENSIVE)
    )
    asked = tuple(test.matches for test in others if not isinstance(test, Absent))
    if not asked:
        return values.__contains__
    if not values and len(asked) == 1:
        return asked[0]
    return lambda value: value in values or any(matches(value) for matches in asked)
