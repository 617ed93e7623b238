"""What an event looks like to a pattern: paths, values, and where in arrays they stand."""

from __future__ import annotations

import pytest

from emulator.pattern import FALSE, NULL, OPAQUE, TRUE, Fields, Interest, flatten, scalar


def leaves(document: dict[str, object], *paths: str) -> dict[str, list[tuple[object, object]]]:
    return dict(flatten(document, Interest(paths)).leaves)


@pytest.mark.parametrize(
    ("value", "seen"),
    [("x", "x"), (5, 5), (1.5, 1.5), (True, TRUE), (False, FALSE), (None, NULL), ([], OPAQUE), ({}, OPAQUE)],
    ids=str,
)
def test_a_scalar_is_seen_by_its_type(value: object, seen: object) -> None:
    assert scalar(value) == seen
    assert type(scalar(value)) is type(seen)


def test_values_of_a_path_are_kept_in_order() -> None:
    fields = Fields()
    for value in ("x", 5, OPAQUE):
        fields.add("a", value)
    assert fields.leaves == {"a": [("x", ()), (5, ()), (OPAQUE, ())]}
    assert not fields.in_arrays


def test_a_nested_value_has_a_path_of_keys() -> None:
    assert leaves({"a": {"b": {"c": "x"}}}, "a.b.c") == {"a.b.c": [("x", ())]}


def test_only_what_somebody_wants_is_looked_at() -> None:
    document = {"a": {"b": 1, "c": 2}, "d": 3, "a.b.e": 4, "f": {"a": {"b": 5}}}
    assert leaves(document, "a.b") == {"a.b": [(1, ())]}
    assert leaves(document, "a") == {}
    assert leaves(document) == {}


def test_keys_with_dots_and_nested_keys_are_one_path() -> None:
    document = {"a.b.c": 1, "a": {"b.c": 2, "b": {"c": 3}}, "a.b": {"c": 4}}
    assert sorted(leaves(document, "a.b.c")["a.b.c"]) == [(1, ()), (2, ()), (3, ()), (4, ())]


def test_a_path_may_be_a_value_and_lead_further() -> None:
    assert leaves({"a": [1, {"b": 2}]}, "a", "a.b") == {"a": [(1, ())], "a.b": [(2, ((0, 1),))]}


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b"])
def test_empty_keys_are_keys(path: str) -> None:
    first, _, rest = path.partition(".")
    assert leaves({path: "x"}, path) == {path: [("x", ())]}
    assert not rest or leaves({first: {rest: "x"}}, path) == {path: [("x", ())]}


def test_scalars_in_an_array_are_values_without_a_place() -> None:
    fields = flatten({"a": ["x", 5, None]}, Interest(["a"]))
    assert fields.leaves == {"a": [("x", ()), (5, ()), (NULL, ())]}
    assert not fields.in_arrays


def test_values_in_objects_in_an_array_have_its_place() -> None:
    fields = flatten({"l": [{"a": 1}, 7, {"a": 2, "b": 3}]}, Interest(["l.a", "l.b"]))
    assert sorted(fields.leaves["l.a"]) == [(1, ((0, 0),)), (2, ((0, 2),))]
    assert fields.leaves["l.b"] == [(3, ((0, 2),))]
    assert fields.in_arrays


def test_an_array_in_an_array_adds_a_step() -> None:
    found = leaves({"l": [[1], [{"a": [2]}]]}, "l", "l.a")
    assert found["l"] == [(1, ((0, 0),))]
    [(value, membership)] = found["l.a"]
    assert value == 2
    assert [place for _, place in membership] == [1, 0]  # type: ignore[attr-defined]


def test_different_arrays_have_different_numbers() -> None:
    found = leaves({"l": [{"a": 1}], "m": [{"a": 1}]}, "l.a", "m.a")
    assert found["l.a"] != found["m.a"]


def test_empty_objects_and_arrays_are_nothing() -> None:
    assert leaves({"a": [], "b": {}, "c": [[], {}]}, "a", "b", "c") == {}


def test_a_deep_document_is_read() -> None:
    document: dict[str, object] = {"a": 1}
    array: list[object] = []
    for _ in range(5_000):
        document, array = {"a": document}, [array]
    array.append({"a": 2})
    assert leaves(document, "a.a.a") == {}
    assert leaves({"l": array}, "l.a") == {"l.a": [(2, ((0, 1),))]}


def test_interest_lists_what_is_wanted() -> None:
    interest = Interest(["b", "a.c", "a", "b"])
    assert interest.paths() == ["a", "a.c", "b"]


def test_interest_ends_when_the_last_one_has_left() -> None:
    interest = Interest(["a.b.c", "a.b", "a.b.c"])
    interest.discard("a.b.c")
    assert interest.paths() == ["a.b", "a.b.c"]
    interest.discard("a.b.c")
    assert interest.paths() == ["a.b"]
    interest.discard("a.b")
    assert interest.paths() == []
    assert not interest.root.children
