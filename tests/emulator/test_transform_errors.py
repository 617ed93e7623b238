"""Which inputs a target cannot have, and what is told of them. The cases stand in tests/cases/transform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.router.transform import NAME_CHARS_MAX, NAMES_MAX, Fault, TransformError, compile_input

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "transform"
CASES = json.loads((FOLDER / "errors.json").read_text())
PATHS = json.loads((FOLDER / "paths_map.json").read_text())


def error_of(**given: Any) -> TransformError:
    with pytest.raises(TransformError) as caught:
        compile_input(**given)
    return caught.value


def message_of(error: TransformError, target_id: str) -> str:
    """AWS's sentence, as a service makes it of an error."""
    if error.fault is Fault.TEMPLATE_NOT_JSON:
        return f"Invalid InputTemplate for target {target_id} : {error.location}."
    assert error.fault is Fault.PLACEHOLDER_INVALID
    return f"InputTemplate for target {target_id} contains invalid placeholder {error.name}."


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_template_is_refused(case: dict[str, Any]) -> None:
    error = error_of(template=case["template"], paths_map=PATHS)
    assert error.fault is Fault[case["fault"]]
    assert error.name == case.get("placeholder", "")
    place = error.location and (error.location.line, error.location.column)
    assert place == (None if "placeholder" in case else (case["line"], case["column"]))


def test_the_sentence_of_a_broken_template_shows_it_as_it_was_written() -> None:
    error = error_of(template='{"is": <state>, "at" <count>}', paths_map=PATHS)
    assert message_of(error, "t-1") == (
        'Invalid InputTemplate for target t-1 : [Source: (String)"{"is": <state>, "at" <count>}"; line: 1, column: 22].'
    )
    assert str(error) == (
        "the template is neither JSON nor lines of strings "
        '[Source: (String)"{"is": <state>, "at" <count>}"; line: 1, column: 22]'
    )


def test_the_sentence_of_a_long_template_shows_its_first_500_characters() -> None:
    template = '"' + "<state>" * 100 + '" x'
    message = message_of(error_of(template=template, paths_map=PATHS), "t-1")
    assert message == (
        f'Invalid InputTemplate for target t-1 : [Source: (String)"{template[:500]}"[truncated 204 chars]; line: 1, column: 704].'
    )


def test_the_sentence_of_an_unknown_placeholder_names_it() -> None:
    error = error_of(template='"<state> <who>"', paths_map=PATHS)
    assert message_of(error, "t-1") == "InputTemplate for target t-1 contains invalid placeholder who."
    assert str(error) == "a placeholder is not known, or may not stand inside quotes who"


def test_without_a_map_only_reserved_names_are_known() -> None:
    assert compile_input(template="<aws.events.rule-name>")
    assert error_of(template="<state>").name == "state"


def test_a_template_that_nests_too_deep_is_refused_at_its_place() -> None:
    error = error_of(template="[" * 2000)
    assert error.fault is Fault.TEMPLATE_NOT_JSON
    assert error.location is not None
    assert (error.location.line, error.location.column) == (1, 1001)


@pytest.mark.parametrize("text", ["", "text", "{", "{}{}", "{'a':1}", '"a"\n"b"', "<state>", "NaN"])
def test_an_input_has_to_be_json(text: str) -> None:
    error = error_of(input_text=text)
    assert error.fault is Fault.INPUT_NOT_JSON
    assert (error.name, error.location) == ("", None)


@pytest.mark.parametrize(
    "given",
    [
        {"input_text": "{}", "input_path": "$"},
        {"input_text": "{}", "template": "{}"},
        {"input_path": "$", "template": "{}"},
        {"input_text": "{}", "input_path": "$", "template": "{}"},
        {"input_text": "", "input_path": ""},
        {"input_text": "broken {", "input_path": "$"},
        {"input_path": "$", "template": "<unknown>"},
    ],
)
def test_a_target_has_at_most_one_of_the_three(given: dict[str, str]) -> None:
    assert error_of(**given).fault is Fault.SEVERAL_INPUTS


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a<", "é", "a\n", "$.a", "n" * (NAME_CHARS_MAX + 1), "aws", "AWS"])
def test_a_name_in_the_map_has_256_letters_digits_and_dashes(name: str) -> None:
    given = {"template": "{}", "paths_map": {"good_Name-1": "$", name: "$"}}
    if name.lower() == "aws":
        assert compile_input(**given)  # only with a dot is it reserved
    else:
        error = error_of(**given)
        assert (error.fault, error.name) == (Fault.NAME_INVALID, name)


@pytest.mark.parametrize("name", ["aws.x", "AWS.x", "Aws.events.rule-arn", "aws.", "aws.events.event.json"])
def test_a_name_in_the_map_does_not_start_as_aws_names_do(name: str) -> None:
    error = error_of(template="{}", paths_map={name: "$"})
    assert (error.fault, error.name) == (Fault.NAME_RESERVED, name)


def test_the_longest_name_is_taken() -> None:
    name = "n" * NAME_CHARS_MAX
    assert NAME_CHARS_MAX == 256
    assert compile_input(template=f"<{name}>", paths_map={name: "$"})


def test_a_map_has_at_most_100_names() -> None:
    paths = {f"n{number}": "$" for number in range(NAMES_MAX)}
    assert NAMES_MAX == 100
    assert compile_input(template="{}", paths_map=paths)
    assert error_of(template="{}", paths_map={**paths, "more": "$"}).fault is Fault.NAMES_TOO_MANY


def test_names_that_the_template_does_not_use_are_fine() -> None:
    assert compile_input(template='{"a":<state>}', paths_map=PATHS)


def test_paths_are_not_checked_when_a_target_is_put() -> None:
    assert compile_input(template="<x>", paths_map={"x": "no path"})
    assert compile_input(input_path="no path")
