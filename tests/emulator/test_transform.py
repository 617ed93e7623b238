"""What targets are given of an event: the event, a constant, a part, or a template filled in. The cases stand in tests/cases/transform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from emulator.router.transform import OUTPUT_CHARS_MAX, OutputTooLongError, Reserved, compile_input, is_json

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "transform"
RESERVED = Reserved(
    rule_arn="arn:aws:events:eu-west-1:123456789012:rule/shop/started",
    rule_name="started",
    ingestion_time="2026-11-11T21:29:55Z",
)


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


EVENT = load("event")
PATHS = load("paths_map")


def text_of(event: Any) -> str:
    return orjson.dumps(event).decode()


def filled(template: str, detail: Any, **paths: str) -> str:
    """Fill in a template that does not ask for the text of the event."""
    return compile_input(template=template, paths_map=paths).apply({"detail": detail}, "not asked for", RESERVED)


def selected(path: str) -> str:
    return compile_input(input_path=path).apply(EVENT, text_of(EVENT), RESERVED)


@pytest.mark.parametrize("case", load("templates"), ids=lambda case: case["name"])
def test_a_template_is_filled_in(case: dict[str, Any]) -> None:
    transform = compile_input(template=case["template"], paths_map=PATHS)
    output = transform.apply(EVENT, text_of(EVENT), RESERVED)
    assert output == case["output"]
    assert is_json(output) is case.get("json", True)


def test_without_a_transform_the_text_of_the_event_is_given_untouched() -> None:
    assert compile_input().apply({"a": 1}, '{ "a" : 1.0 }', RESERVED) == '{ "a" : 1.0 }'


def test_paths_without_a_template_change_nothing() -> None:
    assert compile_input(paths_map={"x": "$.a"}).apply({"a": 1}, '{"a":1}', RESERVED) == '{"a":1}'


@pytest.mark.parametrize("text", ['{ "a": 1 }', '"text"', "7", "null", "[]", '"\\ud83d"', " {}\n", '"<state>"'])
def test_an_input_is_given_as_it_was_written(text: str) -> None:
    assert compile_input(input_text=text).apply(EVENT, text_of(EVENT), RESERVED) == text


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.detail.state", '"RUNNING"'),
        ("$.detail.count", "3"),
        ("$.detail.nothing", "null"),
        ("$.detail.quoted", '"say \\"hi\\""'),
        ("$.detail.object", '{"k":"v","n":[1,{"x":"y"}]}'),
        ("$.detail.tags[*].Key", '["Name","Env"]'),
        ("$.detail.none[*]", "[]"),
        ("$['detail-type']", '"EC2 Instance State-change Notification"'),
        ("$.detail['instance-id']", '"i-1"'),
    ],
)
def test_an_input_path_gives_the_json_of_what_it_finds(path: str, expected: str) -> None:
    assert selected(path) == expected


@pytest.mark.parametrize("path", ["$.detail.missing", "$.detail.list[9]", "$.detail.state.x", "detail", "$..state", ""])
def test_an_input_path_that_leads_nowhere_gives_null(path: str) -> None:
    assert selected(path) == "null"


def test_the_path_of_the_whole_event_gives_its_text_untouched() -> None:
    assert compile_input(input_path="$").apply({"a": 1}, '{ "a" : 1 }', RESERVED) == '{ "a" : 1 }'
    transform = compile_input(template='{"b":<all>}', paths_map={"all": "$"})
    assert transform.apply({"a": 1}, '{ "a" : 1 }', RESERVED) == '{"b":{ "a" : 1 }}'


def test_the_whole_event_in_a_string_loses_its_quotes() -> None:
    assert filled('"<all>"', {"a": "b"}, all="$") == '"{detail:{a:b}}"'


def test_the_reserved_event_gives_its_text_untouched() -> None:
    transform = compile_input(template="[<aws.events.event.json>,<aws.events.event>]")
    assert transform.apply({"a": 1, "detail": {}}, '{ "a":1, "detail":{}}', RESERVED) == (
        '[{ "a":1, "detail":{}},{"a":1}]'
    )


def test_an_event_without_detail_is_its_own_rest() -> None:
    assert compile_input(template="<aws.events.event>").apply({"a": 1}, '{"a":1}', RESERVED) == '{"a":1}'


def test_the_events_own_objects_are_left_alone() -> None:
    event = {"id": "1", "detail": {"l": [1, 2]}}
    transform = compile_input(template='[<aws.events.event>,<l>,"<l>"]', paths_map={"l": "$.detail.l[*]"})
    assert transform.apply(event, text_of(event), RESERVED) == '[{"id":"1"},[1,2],"[1,2]"]'
    assert event == {"id": "1", "detail": {"l": [1, 2]}}


def test_a_transform_serves_many_events() -> None:
    transform = compile_input(template='"<x>"', paths_map={"x": "$.detail.x"})
    outputs = [transform.apply({"detail": {"x": x}}, "{}", RESERVED) for x in ("a", 1, None, "a")]
    assert outputs == ['"a"', '"1"', '"null"', '"a"']


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.0, "1.0"), (-0.0, "-0.0"), (1e2, "100.0"), (2**63 - 1, "9223372036854775807"), (0, "0")],
)
def test_numbers_are_written_as_they_were_read(value: float, expected: str) -> None:
    assert filled('[<x>,"<x>"]', {"x": value}, x="$.detail.x") == f'[{expected},"{expected}"]'


@pytest.mark.parametrize("depth", [200, 254, 255, 1000])
def test_values_may_nest_a_thousand_deep(depth: int) -> None:
    text = '{"a":[1,"é",' * (depth // 2) + "{}" + '],"b":null}' * (depth // 2)
    assert filled("<x>", orjson.loads(text), x="$.detail") == text
    assert filled('"<x>"', orjson.loads(text), x="$.detail") == '"' + text.replace('"', "") + '"'


def test_a_filled_template_has_a_length_that_it_cannot_exceed() -> None:
    value = "v" * (OUTPUT_CHARS_MAX // 4)
    assert len(filled('"<x><x><x>"', {"x": value}, x="$.detail.x")) == 3 * len(value) + 2
    with pytest.raises(OutputTooLongError):
        filled('"<x><x><x><x>"', {"x": value}, x="$.detail.x")


def test_many_names_of_a_large_value_are_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr("emulator.router.transform._json_text", lambda value: written.append(value) or "v" * 1_000_000)
    paths = {f"n{number}": f"$.detail[{number}]" for number in range(100)}
    template = "[" + ",".join(f"<{name}>" for name in paths) + "]"
    with pytest.raises(OutputTooLongError):
        filled(template, list(range(100)), **paths)
    assert written == list(range(17))


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", '""', "0", " -1.5e+3 ", "true", '{"a":1,"a":2}', '"\\ud800"', '"\\udc00\\ud800"', '"\\\\ud800"'],
)
def test_what_is_json(text: str) -> None:
    assert is_json(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{}{}",
        '"a"\n"b"',
        "'a'",
        "NaN",
        "-Infinity",
        "01",
        "1.",
        "{a:1}",
        "[1,]",
        '"a\nb"',
        '"\\x"',
        '"\\ud8"',
        "\ufeff1",
    ],
)
def test_what_is_not_json(text: str) -> None:
    assert not is_json(text)


def test_a_half_of_a_pair_excuses_nothing_else() -> None:
    assert not is_json('{"a":"\\ud800" x}')


def test_json_nests_at_most_1024_deep() -> None:
    assert is_json("[" * 1024 + "]" * 1024)
    assert not is_json("[" * 1025 + "]" * 1025)
    assert not is_json("[" * 1_000_000)
