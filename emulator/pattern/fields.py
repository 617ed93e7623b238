"""What an event looks like to a pattern: for each path, its values, and where in arrays they stand.

A path is the join of keys with dots, so that {"a": {"b": 1}} and {"a.b": 1} are the same. Arrays are not in the path: each of their
elements is a value of it. A value inside an object or array that is an element of an array carries its membership, the steps
(number of the array, place in it) from the outermost array in; two values fit together if no array of both names two places. Scalars
directly in an array add no step.
"""

from __future__ import annotations

from enum import Enum
from math import isfinite
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Literal(Enum):
    """The values that are neither text nor number."""

    TRUE = "true"
    FALSE = "false"
    NULL = "null"
    OPAQUE = "opaque"
    """Something is there that no pattern can look into, such as a Binary attribute: only `exists` sees it."""

    __hash__ = object.__hash__


TRUE: Final = Literal.TRUE
FALSE: Final = Literal.FALSE
NULL: Final = Literal.NULL
OPAQUE: Final = Literal.OPAQUE
_SHOWN: Final[dict[Literal, object]] = {TRUE: True, FALSE: False, NULL: None, OPAQUE: "opaque"}

_CONTAINERS = (dict, list)

Value = str | float | Literal
"""A number is an `int` or a `float`, never a `bool`; the two compare exactly."""
Step = tuple[int, int]
Membership = tuple[Step, ...]
Leaf = tuple[Value, Membership]


def scalar(value: object) -> Value:
    """Turn a JSON scalar, as a JSON parser gives it, into a value; anything else is opaque."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, (int, float)):
        return value
    return NULL if value is None else OPAQUE


def show_value(value: Value) -> object:
    """Turn a value back into JSON; what is none (an opaque value, a number beyond all bounds) becomes its name."""
    if isinstance(value, Literal):
        return _SHOWN[value]
    return value if isinstance(value, str) or isfinite(value) else str(value)


class Fields:
    """The values of an event by path. Message attributes are put in with `add`, a JSON document by `flatten`."""

    __slots__ = ("in_arrays", "leaves")

    def __init__(self) -> None:
        self.leaves: dict[str, list[Leaf]] = {}
        self.in_arrays = False
        """Whether any value has a membership."""

    def add(self, path: str, value: Value, membership: Membership = ()) -> None:
        """Put one more value of a path in."""
        leaves = self.leaves.get(path)
        if leaves is None:
            self.leaves[path] = [(value, membership)]
        else:
            leaves.append((value, membership))
        if membership:
            self.in_arrays = True


class _Node:
    """One part of a path, between dots."""

    __slots__ = ("children", "path", "wanted")

    def __init__(self) -> None:
        self.path = ""
        """The whole path, if it is wanted."""
        self.wanted = 0
        """How many patterns want the value of this path."""
        self.children: dict[str, _Node] = {}


class Interest:
    """The paths that patterns name, so that `flatten` need not look at the rest of a document.

    A path may be added several times; it is forgotten when it was discarded as often.
    """

    __slots__ = ("root",)

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.root = _Node()
        for path in paths:
            self.add(path)

    def add(self, path: str) -> None:
        """Want the values of a path."""
        node = self.root
        for part in path.split("."):
            child = node.children.get(part)
            if child is None:
                child = node.children[part] = _Node()
            node = child
        node.path = path
        node.wanted += 1

    def discard(self, path: str) -> None:
        """No longer want the values of a path that was added."""
        trail: list[tuple[_Node, str]] = []
        node = self.root
        for part in path.split("."):
            trail.append((node, part))
            node = node.children[part]
        node.wanted -= 1
        while trail and not node.wanted and not node.children:
            node, part = trail.pop()
            del node.children[part]

    def paths(self) -> list[str]:
        """List the paths that somebody wants."""
        found, waiting = [], [self.root]
        while waiting:
            node = waiting.pop()
            if node.wanted:
                found.append(node.path)
            waiting.extend(node.children.values())
        return sorted(found)


def flatten(document: Mapping[str, object], interest: Interest) -> Fields:
    """Take the values that somebody wants out of a JSON object, as a JSON parser gives it, however deep it is."""
    fields = Fields()
    arrays = 0
    waiting: list[tuple[object, _Node, Membership]] = [(document, interest.root, ())]
    while waiting:
        container, node, membership = waiting.pop()
        if isinstance(container, dict):
            for key, value in container.items():
                child = node.children.get(key)
                if child is None and "." in key:
                    child = _below(node, key)
                if child is None:
                    continue
                if isinstance(value, _CONTAINERS):
                    waiting.append((value, child, membership))
                elif child.wanted:
                    fields.add(child.path, scalar(value), membership)
        elif isinstance(container, list):
            for place, value in enumerate(container):
                if isinstance(value, _CONTAINERS):
                    waiting.append((value, node, (*membership, (arrays, place))))
                elif node.wanted:
                    fields.add(node.path, scalar(value), membership)
            arrays += 1
    return fields


def _below(node: _Node, key: str) -> _Node | None:
    """Follow a key that has dots in it."""
    for part in key.split("."):
        child = node.children.get(part)
        if child is None:
            return None
        node = child
    return node
