"""Paths into JSON documents: the subset of JSONPath that AWS takes in targets, read once and cheap to follow.

`$` is the whole document; `.name` a field of an object, its name of letters, digits, `_`, `-` and `/`; `[0]` an element of an array;
`.*` and `[*]` all fields or elements. There are no filters, no recursion, no functions, no slices. Names in brackets, `['name']`, are
for callers who ask for them: AWS's descriptions allow them in InputPath, but not in the paths of a transformer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

PATH_CHARS_MAX = 256


class Missing(Enum):
    """What a path gives that leads nowhere; `None` is a value."""

    MISSING = "missing"


class Wildcard(Enum):
    """The step to all fields of an object or all elements of an array."""

    WILDCARD = "*"


MISSING: Final = Missing.MISSING
WILDCARD: Final = Wildcard.WILDCARD

Step = str | int | Wildcard

_STEP = re.compile(
    r"\.(?:(?P<name>[\w/-]+)|\*)|\[(?:(?P<index>[0-9]+)|\*|'(?P<single>[^'\\]+)'|\"(?P<double>[^\"\\]+)\")\]"
)


class PathError(Exception):
    """A text is no path. `at` is the character, from 0, from which on it cannot be read."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        super().__init__(f"{text!r} is not a path that can be followed, from character {at + 1} on")


@dataclass(frozen=True, slots=True)
class Path:
    """A path, read."""

    text: str
    steps: tuple[Step, ...]

    def find(self, document: object) -> object:
        """Follow the path through a document of dicts, lists and scalars; MISSING when it leads nowhere.

        With a wildcard it gives a list, in the document's order, of all that is found; entries without the steps behind the
        wildcard are left out, so the list may be empty. It is MISSING only if no object or array is where the first wildcard stands.
        """
        value = document
        for number, step in enumerate(self.steps):
            if step is WILDCARD:
                return _find_all(value, self.steps[number:]) if isinstance(value, dict | list) else MISSING
            value = _take(value, step)
            if value is MISSING:
                return MISSING
        return value


def parse_path(text: str, *, bracket_names: bool = False) -> Path:
    """Read a path; PathError if it is none."""
    if len(text) > PATH_CHARS_MAX:
        raise PathError(text, PATH_CHARS_MAX)
    if not text.startswith("$"):
        raise PathError(text, 0)
    steps: list[Step] = []
    at = 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise PathError(text, at)
        if match["index"] is not None:
            steps.append(int(match["index"]))
        elif match["name"] is not None:
            steps.append(match["name"])
        elif (name := match["single"] or match["double"]) is None:
            steps.append(WILDCARD)
        elif bracket_names:
            steps.append(name)
        else:
            raise PathError(text, at)
        at = match.end()
    return Path(text, tuple(steps))


def _take(value: object, step: str | int) -> object:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, dict) else MISSING
    return value[step] if isinstance(value, list) and step < len(value) else MISSING


def _find_all(value: object, steps: tuple[Step, ...]) -> list[object]:
    """Follow steps from the first wildcard on. Each level holds at most as many values as the document."""
    values = [value]
    for step in steps:
        if step is WILDCARD:
            values = [inner for each in values for inner in _children(each)]
        else:
            values = [found for each in values if (found := _take(each, step)) is not MISSING]
    return values


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
