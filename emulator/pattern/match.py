"""The oracle: whether an event matches a pattern, as slow and as plain as can be. Tests hold the fast forms against it.

Nothing here is shared with them but the pattern and its tests' data: documents are flattened, operators are applied and choices are made in
the simplest words that say what AWS's engine does.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from itertools import combinations, product
from typing import TYPE_CHECKING

from emulator.pattern.fields import FALSE, NULL, OPAQUE, TRUE, Fields, Literal, Value
from emulator.pattern.numbers import is_comparable
from emulator.pattern.operators.anything_but import AnythingBut, AnythingButAlike, AnythingButPrefix
from emulator.pattern.operators.cidr import Network
from emulator.pattern.operators.equals_ignore_case import EqualsIgnoreCase
from emulator.pattern.operators.exact import Exact, ExactAddress
from emulator.pattern.operators.exists import Absent, Present
from emulator.pattern.operators.numeric import Range
from emulator.pattern.operators.prefix import Prefix, PrefixIgnoreCase
from emulator.pattern.operators.suffix import Suffix, SuffixIgnoreCase
from emulator.pattern.operators.wildcard import Wildcard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.pattern.operators.kinds import Test
    from emulator.pattern.parse import Pattern


Place = Mapping[object, int]
"""In which place of which array a value stands."""
Found = tuple[Value, Place]


def matches(pattern: Pattern, event: Mapping[str, object] | Fields) -> bool:
    """Tell whether a JSON object, or the fields of an event, match a pattern."""
    found: dict[str, list[Found]] = {}
    for path, value, place in _of_fields(event) if isinstance(event, Fields) else _of_json(event, ()):
        found.setdefault(path, []).append((value, place))
    return any(_matches_alternative(alternative, found) for alternative in pattern.alternatives)


def _of_fields(fields: Fields) -> Iterator[tuple[str, Value, Place]]:
    for path, leaves in fields.leaves.items():
        for value, membership in leaves:
            yield path, value, dict(membership)


def _of_json(node: object, way: tuple[str | int, ...]) -> Iterator[tuple[str, Value, Place]]:
    """Give all scalars below a node; `way` has the keys and the places in arrays that lead to it."""
    if isinstance(node, Mapping):
        for key, inner in node.items():
            yield from _of_json(inner, (*way, key))
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from _of_json(inner, (*way, place))
    else:
        # An array is known by the way to it. The last step does not count: a scalar directly in an array is of the array.
        places: Place = {way[:at]: step for at, step in enumerate(way[:-1]) if isinstance(step, int)}
        yield ".".join(step for step in way if isinstance(step, str)), _value(node), places


def _value(node: object) -> Value:
    if node is None:
        return NULL
    if node is True:
        return TRUE
    if node is False:
        return FALSE
    return node if isinstance(node, str | int | float) else OPAQUE


def _matches_alternative(alternative: Mapping[str, tuple[Test, ...]], found: Mapping[str, list[Found]]) -> bool:
    """Try everything: for each path, in alphabetical order, one of its values or none."""
    paths = sorted(alternative, key=lambda path: path.encode("utf-16-be", "surrogatepass"))
    values = {path: found.get(path, []) for path in paths}
    return any(
        _go_together([one for one in chosen if one is not None])
        and all(
            _is_absent(alternative[path], values[path], chosen[:at])
            if one is None
            else any(passes(test, one[0]) for test in alternative[path])
            for at, (path, one) in enumerate(zip(paths, chosen, strict=True))
        )
        for chosen in product(*([None, *values[path]] for path in paths))
    )


def _is_absent(tests: tuple[Test, ...], values: list[Found], before: tuple[Found | None, ...]) -> bool:
    """Tell whether a path may be absent, and is so where the values chosen before stand."""
    chosen = [one for one in before if one is not None]
    return Absent() in tests and not any(_go_together([*chosen, value]) for value in values)


def _go_together(chosen: list[Found]) -> bool:
    """Tell whether no array is named with two places."""
    return all(
        one[array] == other[array]
        for (_, one), (_, other) in combinations(chosen, 2)
        for array in one.keys() & other.keys()
    )


def passes(test: Test, value: Value) -> bool:
    """Apply one test to one value."""
    match test:
        case Absent():
            return False
        case Present():
            return True
        case _ if value is OPAQUE:
            return False
        case Exact(wanted):
            return _equal(value, wanted)
        case AnythingBut(excluded):
            return not any(_equal(value, one) for one in excluded)
        case AnythingButPrefix(prefixes):
            return not isinstance(value, str) or not any(value[: len(prefix)] == prefix for prefix in prefixes)
        case AnythingButAlike(_, tests):
            return not any(passes(one, value) for one in tests)
        case Range():
            return not isinstance(value, str | Literal) and is_comparable(value) and _in_range(test, value)
    return isinstance(value, str) and _passes_text(test, value)


def _passes_text(test: Test, text: str) -> bool:
    match test:
        case Prefix(prefix):
            return text[: len(prefix)] == prefix
        case Suffix(suffix):
            return text[max(0, len(text) - len(suffix)) :] == suffix
        case EqualsIgnoreCase(wanted):
            return len(text) in _ends_but_for_case(text, wanted, 0)
        case PrefixIgnoreCase(prefix):
            return bool(_ends_but_for_case(text, prefix, 0))
        case SuffixIgnoreCase(suffix):
            return any(len(text) in _ends_but_for_case(text, suffix, start) for start in range(len(text) + 1))
        case Wildcard(wanted):
            return _is_like(text, wanted)
        case ExactAddress(_, address):
            return _address(text) == tuple(address)
        case Network(low, high):
            found = _address(text)
            return found is not None and found[0] == low.version and low.number <= found[1] <= high.number
    raise TypeError(f"the oracle does not know {test}")


def _equal(value: Value, wanted: Value) -> bool:
    return isinstance(value, str) is isinstance(wanted, str) and value == wanted


def _in_range(test: Range, number: float) -> bool:
    if number in (test.low, test.high):
        return not (test.low_open if number == test.low else test.high_open)
    return test.low < number < test.high


def _ends_but_for_case(text: str, wanted: str, start: int) -> set[int]:
    """Go along the text with all the ways that each character of the pattern can be written, and tell where that can end."""
    ends = {start}
    for char in wanted:
        forms = {char} if ord(char) > 0xFFFF else {char, char.lower(), char.upper()}
        ends = {end + len(form) for end in ends for form in forms if text[end : end + len(form)] == form}
    return ends


def _is_like(text: str, wanted: str) -> bool:
    """Go along the pattern and keep all the places of the text up to which it may have come."""
    places = {0}
    at = 0
    while at < len(wanted):
        if wanted[at] == "*":
            places = set(range(min(places), len(text) + 1)) if places else places
        else:
            at += wanted[at] == "\\"
            places = {place + 1 for place in places if text[place : place + 1] == wanted[at]}
        at += 1
    return len(text) in places


def _address(text: str) -> tuple[int, int] | None:
    parts = text.split(".")
    if len(parts) == 4 and all(part.isascii() and part.isdigit() for part in parts) and len(text) <= 15:
        text = ".".join(str(int(part)) for part in parts)
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (4, int(mapped)) if mapped is not None else (address.version, int(address))
