"""Why a pattern does not match an event: for each of its alternatives, the paths that failed, what they expected and what they found.

    explain(pattern, {"detail": {"size": 3}})
    {"matches": False, "alternatives": [{"failed": [
        {"path": "detail.size", "expected": [{"numeric": [">", 5]}], "found": [3]},
        {"path": "source", "expected": ["x"], "found": "absent"}]}]}

An alternative is one way through the pattern's `$or`s; without any there is one. If each path of an alternative has a value that passes,
but those values never stand in the same element of an array, nothing `failed`, and `array_consistency` names the paths whose values stand
in arrays of objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.pattern.compile import compile_alternative, compile_pattern
from emulator.pattern.fields import Fields, Interest, flatten, show_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.parse import Pattern

    Explanation = dict[str, Any]
    """`matches`, and if it is false `alternatives`."""

ABSENT = "absent"


def explain(pattern: Pattern, event: Mapping[str, object] | Fields) -> Explanation:
    """Tell whether a JSON object, or the fields of an event, match a pattern, and if not, why."""
    fields = event if isinstance(event, Fields) else flatten(event, Interest(pattern.paths))
    if compile_pattern(pattern).matches(fields):
        return {"matches": True}
    return {"matches": False, "alternatives": [_explain(alternative, fields) for alternative in pattern.alternatives]}


def _explain(alternative: Mapping[str, tuple[Test, ...]], fields: Fields) -> dict[str, Any]:
    failed = [path for path in sorted(alternative) if not compile_alternative({path: alternative[path]})(fields)]
    shown: dict[str, Any] = {"failed": [_show(path, alternative[path], fields) for path in failed]}
    if not failed:
        shown["array_consistency"] = [path for path in sorted(alternative) if _is_in_array(path, fields)]
    return shown


def _show(path: str, tests: tuple[Test, ...], fields: Fields) -> dict[str, Any]:
    leaves = sorted(fields.leaves.get(path, ()), key=lambda leaf: [place for _, place in leaf[1]])
    found = [show_value(value) for value, _ in leaves]
    return {"path": path, "expected": [test.show() for test in tests], "found": found or ABSENT}


def _is_in_array(path: str, fields: Fields) -> bool:
    return any(membership for _, membership in fields.leaves.get(path, ()))
