"""What is said of texts that are no patterns: AWS's sentences, and the places where Jackson's reading stood."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.pattern import SNS_ATTRIBUTES, SNS_BODY, Dialect, PatternError, parse_pattern
from emulator.pattern.operators import PARSERS
from tests.emulator.pattern.cases import DIALECTS, ENGINE, load

CASES = [(dialect, case) for case in load("errors") for dialect in case["dialects"]]


def error_of(text: str, dialect: Dialect = SNS_BODY) -> str:
    with pytest.raises(PatternError) as caught:
        parse_pattern(text, dialect)
    return str(caught.value)


@pytest.mark.parametrize(
    ("dialect", "case"), CASES, ids=lambda value: value if isinstance(value, str) else value["pattern"][:60]
)
def test_the_error_is_told_with_its_place(dialect: str, case: dict[str, Any]) -> None:
    assert error_of(case["pattern"], DIALECTS[dialect]) == case["error"]


def test_an_error_keeps_its_sentence_and_its_place_apart() -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern('{"a":\n[]}', SNS_BODY)
    assert caught.value.reason == "Empty arrays are not allowed"
    assert caught.value.location is not None
    assert (caught.value.location.line, caught.value.location.column) == (2, 3)


def test_an_error_of_the_service_has_no_place() -> None:
    with pytest.raises(PatternError) as caught:
        parse_pattern('{"a":', SNS_BODY)
    assert caught.value.reason == str(caught.value) == "failed to parse JSON."
    assert caught.value.location is None


def test_a_text_that_jackson_reads_as_a_stream_is_not_shown() -> None:
    text = '{"a":["' + "v" * 32_756 + '",[]]}'
    assert len(text) == 0x8001
    assert error_of(text) == (
        "Match value must be String, number, true, false, or null\n at [Source: (StringReader); line: 1, column: 32767]"
    )


def test_a_text_of_the_greatest_length_that_jackson_holds_is_shown() -> None:
    text = '{"a":["' + "v" * 32_755 + '",[]]}'
    assert error_of(text).endswith(f'[Source: (String)"{text[:500]}"[truncated 32268 chars]; line: 1, column: 32766]')


def test_the_length_of_a_text_is_that_in_utf_16() -> None:
    text = '{"a":["' + "😀" * 16_378 + '",[]]}'
    assert len(text) < 0x8000
    assert "(StringReader)" in error_of(text)


def test_half_a_surrogate_pair_in_an_error_can_be_sent() -> None:
    assert error_of('{"a":[{"\\ud83d":1}]}').startswith("Unrecognized match type ?\n")


def test_what_follows_the_pattern_is_not_looked_at() -> None:
    assert parse_pattern('{"a":["x"]} and more', SNS_BODY).paths == {"a"}
    assert parse_pattern('{"a":["x"]} and more', ENGINE).paths == {"a"}


def test_broken_json_is_told_before_anything_else_by_sns() -> None:
    text = '{"a":[],"b":["x"}'
    assert error_of(text) == "failed to parse JSON."
    assert error_of(text, ENGINE).startswith("Empty arrays are not allowed")


@pytest.mark.parametrize("dialect", [SNS_ATTRIBUTES, SNS_BODY, ENGINE], ids=lambda dialect: dialect.name)
def test_every_operator_of_a_dialect_can_be_read(dialect: Dialect) -> None:
    assert {name for name in dialect.operators if "/" not in name} <= PARSERS.keys()
    assert {name.partition("/")[2] for name in dialect.operators if "/" in name} <= {"prefix"}
