"""Why a pattern does not match an event: what each path expected, and what it found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.pattern import EVENTBRIDGE, OPAQUE, SNS_ATTRIBUTES, Fields, parse_pattern
from emulator.pattern.explain import explain

ORDER = {
    "source": "shop",
    "detail": {
        "state": "paid",
        "total": 12.5,
        "note": None,
        "gift": False,
        "tags": ["new", 7],
        "empty": [],
        "items": [{"sku": "A", "count": 1}, {"sku": "B", "count": 2}],
    },
}


def failures(pattern: dict[str, Any], event: dict[str, Any] = ORDER) -> list[dict[str, Any]]:
    """Explain a pattern without `$or`, and give the paths that failed."""
    explanation = explain(parse_pattern(json.dumps(pattern), EVENTBRIDGE), event)
    assert explanation["matches"] is False
    (alternative,) = explanation["alternatives"]
    assert set(alternative) <= {"failed", "array_consistency"}
    return list(alternative["failed"])


def test_what_matches_needs_no_words() -> None:
    assert explain(parse_pattern('{"source":["shop"]}', EVENTBRIDGE), ORDER) == {"matches": True}


def test_a_path_that_failed_shows_what_it_expected_and_what_it_found() -> None:
    pattern = {"source": ["shop"], "detail": {"state": ["sent", {"prefix": "can"}]}}
    assert failures(pattern) == [{"path": "detail.state", "expected": ["sent", {"prefix": "can"}], "found": ["paid"]}]


def test_every_path_that_failed_is_told_in_order() -> None:
    pattern = {"source": ["bank"], "detail": {"total": [{"numeric": [">", 20]}], "state": ["paid"]}, "account": ["1"]}
    assert failures(pattern) == [
        {"path": "account", "expected": ["1"], "found": "absent"},
        {"path": "detail.total", "expected": [{"numeric": [">", 20]}], "found": [12.5]},
        {"path": "source", "expected": ["bank"], "found": ["shop"]},
    ]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("missing", "absent"),
        ("empty", "absent"),
        ("items", "absent"),
        ("note", [None]),
        ("gift", [False]),
        ("tags", ["new", 7]),
        ("items.sku", ["A", "B"]),
        ("items.size", "absent"),
    ],
)
def test_what_was_found_is_json(path: str, found: object) -> None:
    pattern = {f"detail.{path}": ["nothing like it"]}
    assert failures(pattern) == [{"path": f"detail.{path}", "expected": ["nothing like it"], "found": found}]


@pytest.mark.parametrize(
    "test",
    [
        "text",
        "10.0.0.1",
        5,
        -1.5,
        True,
        None,
        {"exactly": "10.0.0.1"},
        {"prefix": "x"},
        {"prefix": {"equals-ignore-case": "É"}},
        {"suffix": "x"},
        {"suffix": {"equals-ignore-case": "x"}},
        {"equals-ignore-case": "x"},
        {"wildcard": r"a*\*b"},
        {"numeric": [">", 20]},
        {"numeric": ["<=", -1]},
        {"numeric": [">=", 20, "<", 30]},
        {"cidr": "10.0.0.0/8"},
        {"cidr": "2001:db8::/32"},
        {"exists": True},
        {"anything-but": [1, 2]},
        {"anything-but": ["x", "y"]},
        {"anything-but": {"prefix": ["x"]}},
        {"anything-but": {"suffix": ["x", "y"]}},
        {"anything-but": {"equals-ignore-case": ["x"]}},
        {"anything-but": {"wildcard": ["x*"]}},
    ],
    ids=json.dumps,
)
def test_what_was_expected_is_shown_as_a_pattern_has_it(test: object) -> None:
    assert failures({"missing": [test]}) == [{"path": "missing", "expected": [test], "found": "absent"}]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"numeric": ["=", 5]}, 5),
        ({"exactly": "x"}, "x"),
        ({"cidr": "10.9.8.7/8"}, {"cidr": "10.0.0.0/8"}),
        ({"anything-but": "x"}, {"anything-but": ["x"]}),
        ({"anything-but": {"wildcard": "x*"}}, {"anything-but": {"wildcard": ["x*"]}}),
    ],
    ids=json.dumps,
)
def test_what_can_be_written_in_two_ways_is_shown_in_one(written: object, shown: object) -> None:
    assert failures({"missing": [written]})[0]["expected"] == [shown]


def test_a_value_that_should_be_absent_is_found() -> None:
    pattern = {"detail": {"state": [{"exists": False}], "items": {"sku": [{"exists": False}]}}}
    assert failures(pattern) == [
        {"path": "detail.items.sku", "expected": [{"exists": False}], "found": ["A", "B"]},
        {"path": "detail.state", "expected": [{"exists": False}], "found": ["paid"]},
    ]


def test_where_only_the_consistency_of_an_array_fails_it_is_told() -> None:
    pattern = parse_pattern('{"source":["shop"],"detail":{"items":{"sku":["A"],"count":[2]}}}', EVENTBRIDGE)
    assert explain(pattern, ORDER) == {
        "matches": False,
        "alternatives": [{"failed": [], "array_consistency": ["detail.items.count", "detail.items.sku"]}],
    }


def test_a_path_that_failed_is_told_and_not_consistency() -> None:
    pattern = parse_pattern('{"detail":{"items":{"sku":["C"],"count":[2]}}}', EVENTBRIDGE)
    assert explain(pattern, ORDER)["alternatives"] == [
        {"failed": [{"path": "detail.items.sku", "expected": ["C"], "found": ["A", "B"]}]}
    ]


def test_each_alternative_is_told_on_its_own() -> None:
    pattern = parse_pattern(
        '{"source":["shop"],"$or":[{"a":[1]},{"detail":{"state":["sent"],"total":[12.5]}}]}', EVENTBRIDGE
    )
    assert explain(pattern, ORDER) == {
        "matches": False,
        "alternatives": [
            {"failed": [{"path": "a", "expected": [1], "found": "absent"}]},
            {"failed": [{"path": "detail.state", "expected": ["sent"], "found": ["paid"]}]},
        ],
    }


def test_fields_can_be_explained_as_well_as_documents() -> None:
    fields = Fields()
    fields.add("size", 3)
    fields.add("image", OPAQUE)
    pattern = parse_pattern('{"size":[4],"image":["x"]}', SNS_ATTRIBUTES)
    assert explain(pattern, fields)["alternatives"][0]["failed"] == [
        {"path": "image", "expected": ["x"], "found": ["opaque"]},
        {"path": "size", "expected": [4], "found": [3]},
    ]


def test_an_explanation_can_be_sent_as_json() -> None:
    explanation = explain(parse_pattern('{"f":[5]}', EVENTBRIDGE), {"f": [float("inf"), 2**60, 1.5]})
    shown = json.dumps(explanation, allow_nan=False)
    assert json.loads(shown)["alternatives"][0]["failed"][0]["found"] == ["inf", 2**60, 1.5]


def test_the_event_stays_as_it_was() -> None:
    event = {"detail": {"items": [{"sku": "A"}]}}
    explain(parse_pattern('{"detail":{"items":{"sku":["B"]}}}', EVENTBRIDGE), event)
    assert event == {"detail": {"items": [{"sku": "A"}]}}
