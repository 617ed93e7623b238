r"""What AWS's front end demands of a request before the service sees it: required members, lengths, ranges, enums and patterns,
as the service description has them. Each shape becomes a closure once, at the first call of an operation that has it; nothing looks
at the description per request.

All violations of a request come in one ValidationException, in the order of the description:

    2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value '' at
    'entries.1.member.source' failed to satisfy constraint: Member must have length greater than or equal to 1

- A path has member names with a small first letter; what stands in a list is `<number from 1>.member`, in a map
  `<key>.member`.
- What a list's items, a map's keys or its values break themselves is told of the whole: `Member must satisfy constraint:
  [...]`, `Map keys must ...`, `Map value must ...`, with all that they had to satisfy in the brackets.
- Values are shown as Java does. What the description calls sensitive is not shown: `Value at 'password' failed ...`.
- Lengths count characters, as the Smithy specification says, of blobs bytes.

Patterns are Java's, read by Python's `re` with Java's ASCII classes; one that Python cannot read (`\p{L}`) is not checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.errors import validation_exception
from emulator.wire.model import ByOperation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.wire.model import Model

    Breaks = Callable[[Any], bool]
    """Whether a value breaks a constraint."""

    Show = Callable[[Any], str]
    Walk = Callable[[Any, str, list[str]], None]
    """Find what is wrong below a value: `(value, path with a dot at its end, messages to add to)`."""

    ShapeDict = dict[str, Any]

PATTERN_CHARACTERS_MAX = 4096
"""A text longer than this, and longer than its shape allows, is not held against its pattern: some take quadratic time."""
VIOLATIONS_MAX = 1000
"""No more items of a list or map are looked at once so many are found; a body could hold millions of empty structures."""
REDACTED = "***Sensitive Data Redacted***"
"""What Java's SDK shows in place of a sensitive value that stands inside another."""
_AMBIGUOUS = re.compile(r"\^?(\[[^]]+\])\*(\[(?:[^]\\]|\\.)+\])\+\(\1\+\2\+\)\*\1\*\$?")


class Constraint(NamedTuple):
    """One demand of a shape on its values, and the words for it."""

    breaks: Breaks
    words: str


class _Row(NamedTuple):
    """A member of a structure: its name, its name in paths, whether it must be there, what it must satisfy, what to find below it."""

    name: str
    shown_name: str
    required: bool
    constraints: tuple[Constraint, ...]
    walk: Walk | None
    show: Show | None
    """None for a member that is not to be shown."""


class Constraints:
    """The constraints of one service's requests."""

    def __init__(self, model: Model) -> None:
        self._shapes = model.shapes
        self._walks: dict[str, Walk | None] = {}
        self._shows: dict[str, Show] = {}
        inputs = {name: operation.input_shape for name, operation in model.operations.items()}
        self._by_operation: ByOperation[Walk] = ByOperation(inputs, self._walk)

    def check(self, operation: str, request: dict[str, Any]) -> None:
        """Hold a parsed request against the description. Raises ValidationException with everything that is wrong with it."""
        walk = self._by_operation[operation]
        if walk is None:
            return
        found: list[str] = []
        walk(request, "", found)
        if found:
            noun = "error" if len(found) == 1 else "errors"
            raise validation_exception(f"{len(found)} validation {noun} detected: {'; '.join(found)}")

    # What is wrong below a value.

    def _walk(self, name: str) -> Walk | None:
        """Get what finds the violations inside the values of a shape; None where nothing can be wrong there."""
        if name not in self._walks:
            # A shape that holds itself finds this door while its own closure is being made.
            self._walks[name] = lambda value, path, found: (
                walk(value, path, found) if (walk := self._walks[name]) is not None else None
            )
            self._walks[name] = self._compile(self._shapes[name])
        return self._walks[name]

    def _compile(self, shape: ShapeDict) -> Walk | None:
        kind = shape["type"]
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return self._list(shape)
        return self._map(shape) if kind == "map" else None

    def _structure(self, shape: ShapeDict) -> Walk | None:
        rows = [
            row
            for name, member in shape["members"].items()
            if (row := self._row(name, member["shape"], required=name in shape.get("required", ()))) is not None
        ]

        def walk(value: Any, path: str, found: list[str]) -> None:
            get = value.get
            for name, shown_name, required, constraints, below, show in rows:
                item = get(name)
                if item is None:
                    if required:
                        found.append(_null(path + shown_name))
                    continue
                for breaks, words in constraints:
                    if breaks(item):
                        found.append(_violation(None if show is None else show(item), path + shown_name, words))
                if below is not None:
                    below(item, f"{path}{shown_name}.", found)

        return walk if rows else None

    def _row(self, name: str, shape_name: str, *, required: bool) -> _Row | None:
        shape = self._shapes[shape_name]
        constraints, walk = self._own(shape) + self._of_items(shape), self._walk(shape_name)
        if not (required or constraints or walk is not None):
            return None
        show = None if shape.get("sensitive") else self._show(shape_name)
        return _Row(name, name[0].lower() + name[1:], required, constraints, walk, show)

    def _list(self, shape: ShapeDict) -> Walk | None:
        below = self._walk(shape["member"]["shape"])
        if below is None:
            return None

        def walk(value: Any, path: str, found: list[str]) -> None:
            for number, item in enumerate(value, 1):
                below(item, f"{path}{number}.member.", found)
                if len(found) >= VIOLATIONS_MAX:
                    return

        return walk

    def _map(self, shape: ShapeDict) -> Walk | None:
        below = self._walk(shape["value"]["shape"])
        if below is None:
            return None

        def walk(value: Any, path: str, found: list[str]) -> None:
            for key, item in value.items():
                below(item, f"{path}{key}.member.", found)
                if len(found) >= VIOLATIONS_MAX:
                    return

        return walk

    # What a value itself must satisfy.

    def _own(self, shape: ShapeDict) -> tuple[Constraint, ...]:
        kind = shape["type"]
        if kind in ("string", "blob", "list", "map"):
            return _lengths(shape) + _words(shape)
        return _range(shape) if kind in ("integer", "long", "float", "double") else ()

    def _of_items(self, shape: ShapeDict) -> tuple[Constraint, ...]:
        """Make the constraints of a list or map that tell what its items must satisfy."""
        if shape["type"] == "list":
            item = self._shapes[shape["member"]["shape"]]
            return _each(self._own(item) + self._of_items(item), "Member", lambda value: value)
        if shape["type"] == "map":
            key, item = self._shapes[shape["key"]["shape"]], self._shapes[shape["value"]["shape"]]
            of_values = self._own(item) + self._of_items(item)
            return _each(self._own(key), "Map keys", lambda value: value) + _each(
                of_values, "Map value", lambda value: value.values()
            )
        return ()

    # How values look.

    def _show(self, name: str) -> Show:
        show = self._shows.get(name)
        if show is None:
            self._shows[name] = lambda value: self._shows[name](value)
            show = self._shows[name] = self._compile_show(name, self._shapes[name])
        return show

    def _nested(self, name: str) -> Show:
        return (lambda _value: REDACTED) if self._shapes[name].get("sensitive") else self._show(name)

    def _compile_show(self, name: str, shape: ShapeDict) -> Show:
        kind = shape["type"]
        if kind == "list":
            item = self._nested(shape["member"]["shape"])
            return lambda value: f"[{', '.join(map(item, value))}]"
        if kind == "map":
            of_value = self._nested(shape["value"]["shape"])
            return lambda value: "{" + ", ".join(f"{key}={of_value(item)}" for key, item in value.items()) + "}"
        if kind == "structure":
            members = [
                (key, key[0].lower() + key[1:], self._nested(member["shape"]))
                for key, member in shape["members"].items()
            ]
            return lambda value: _show_structure(name, members, value)
        return _SHOWS.get(kind, str)


def _violation(shown: str | None, path: str, words: str) -> str:
    value = "Value" if shown is None else f"Value '{shown}'"
    return f"{value} at '{path}' failed to satisfy constraint: {words}"


def _null(path: str) -> str:
    return f"Value null at '{path}' failed to satisfy constraint: Member must not be null"


def _show_structure(name: str, members: list[tuple[str, str, Show]], value: dict[str, Any]) -> str:
    shown = (f"{label}={'null' if (item := value.get(key)) is None else show(item)}" for key, label, show in members)
    return f"{name}({', '.join(shown)})"


_SHOWS: Mapping[str, Show] = {
    "boolean": lambda value: "true" if value else "false",
    "blob": lambda value: f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]",
    "timestamp": lambda value: f"{value / 1000:f}".rstrip("0").rstrip("."),
}


def _each(constraints: tuple[Constraint, ...], subject: str, parts: Callable[[Any], Any]) -> tuple[Constraint, ...]:
    """Make of the constraints of items one of the whole: `parts` takes the whole apart."""
    if not constraints:
        return ()
    tests = [constraint.breaks for constraint in constraints]
    inner = ", ".join(constraint.words for constraint in constraints)
    return (
        Constraint(
            lambda value: any(breaks(part) for part in parts(value) for breaks in tests),
            f"{subject} must satisfy constraint: [{inner}]",
        ),
    )


def _lengths(shape: ShapeDict) -> tuple[Constraint, ...]:
    low, high = shape.get("min", 0), shape.get("max")
    found = []
    if high is not None:
        found.append(
            Constraint(lambda value: len(value) > high, f"Member must have length less than or equal to {high}")
        )
    if low > 0:
        found.append(
            Constraint(lambda value: len(value) < low, f"Member must have length greater than or equal to {low}")
        )
    return tuple(found)


def _range(shape: ShapeDict) -> tuple[Constraint, ...]:
    low, high = shape.get("min"), shape.get("max")
    found = []
    if high is not None:
        found.append(Constraint(lambda value: value > high, f"Member must have value less than or equal to {high}"))
    if low is not None:
        found.append(Constraint(lambda value: value < low, f"Member must have value greater than or equal to {low}"))
    return tuple(found)


def _words(shape: ShapeDict) -> tuple[Constraint, ...]:
    """Make the constraints that only texts have."""
    found = []
    if pattern := shape.get("pattern"):
        matches = compile_pattern(pattern)
        if matches is not None:
            find, length_max = matches.fullmatch, max(shape.get("max", 0), PATTERN_CHARACTERS_MAX)
            found.append(
                Constraint(
                    lambda value: len(value) <= length_max and find(value) is None,
                    f"Member must satisfy regular expression pattern: {pattern}",
                )
            )
    if allowed := shape.get("enum"):
        values = frozenset(allowed)
        words = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        found.append(Constraint(lambda value: value not in values, words))
    return tuple(found)


def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    r"""Compile a pattern of the description; None for one that Python cannot read.

    AWS has `[x]*[y]+([x]+[y]+)*[x]*` for the values of HTTP headers, where a space is both an x and a y: a backtracking engine
    takes 2^n steps to refuse a text of n spaces, which would stop the server. It means: only x and y, and one y at least.
    """
    if ambiguous := _AMBIGUOUS.fullmatch(pattern):
        x, y = ambiguous.groups()
        pattern = f"(?={x}*{y})(?:{x}|{y})*+"
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        return None
