"""How large a pattern may be, in keys, in combinations and in bytes, and that hostile texts cost little and crash nothing."""

from __future__ import annotations

import json

import pytest

from emulator.pattern import SNS_ATTRIBUTES, SNS_BODY, Dialect, PatternError, parse_pattern
from tests.emulator.pattern.cases import ENGINE

TOO_COMPLEX = "Filter policy is too complex"
TOO_MANY_KEYS = "Filter policy can not have more than 5 keys"
SCOPES = pytest.mark.parametrize("dialect", [SNS_ATTRIBUTES, SNS_BODY], ids=lambda dialect: dialect.name)


def error_of(pattern: object, dialect: Dialect) -> str | None:
    try:
        parse_pattern(pattern if isinstance(pattern, str) else json.dumps(pattern), dialect)
    except PatternError as error:
        return str(error)
    return None


def values(count: int) -> list[str]:
    return [f"v{number}" for number in range(count)]


@SCOPES
def test_a_policy_has_five_keys_at_most(dialect: Dialect) -> None:
    assert error_of({key: ["x"] for key in "abcde"}, dialect) is None
    assert error_of({key: ["x"] for key in "abcdef"}, dialect) == TOO_MANY_KEYS


def test_keys_are_counted_where_their_values_are() -> None:
    assert error_of({"a": {"b": {key: ["x"] for key in "abc"}}}, SNS_BODY) is None
    assert error_of({"a": {key: ["x"] for key in "abcdef"}}, SNS_BODY) == TOO_MANY_KEYS


@SCOPES
def test_a_key_that_is_named_twice_counts_once(dialect: Dialect) -> None:
    fields = ",".join(f'"{key}":["x"]' for key in "abcdeabcde")
    assert error_of(f"{{{fields}}}", dialect) is None


@SCOPES
def test_the_keys_of_all_branches_count(dialect: Dialect) -> None:
    assert error_of({"$or": [{key: ["x"]} for key in "abcde"]}, dialect) is None
    assert error_of({"$or": [{key: ["x"]} for key in "abcdef"]}, dialect) == TOO_MANY_KEYS
    assert error_of({"$or": [{"a": ["x"]}, {"a": ["y"]}, *({key: ["x"]} for key in "bcde")]}, dialect) is None


def test_policies_on_attributes_do_not_nest() -> None:
    refused = "Filter policy scope MessageAttributes does not support nested filter policy"
    assert error_of({"a": {"b": ["x"]}}, SNS_ATTRIBUTES) == refused
    assert error_of({"$or": [{"a": ["x"]}, {"a": {"b": ["x"]}}]}, SNS_ATTRIBUTES) == refused
    assert error_of({"a.b": ["x"], "$or": [{"c": ["x"]}, {"d": ["x"]}]}, SNS_ATTRIBUTES) is None


@pytest.mark.parametrize(
    ("sizes", "allowed"),
    [([150], True), ([151], False), ([10, 15], True), ([2, 76], False), ([5, 5, 6], True), ([6, 6, 5], False)],
)
@SCOPES
def test_the_sizes_of_the_arrays_multiply(dialect: Dialect, sizes: list[int], allowed: bool) -> None:
    pattern = {key: values(size) for key, size in zip("abc", sizes, strict=False)}
    assert error_of(pattern, dialect) == (None if allowed else TOO_COMPLEX)


def test_in_the_body_each_size_is_multiplied_by_its_depth() -> None:
    def nested(deep: int, less_deep: int) -> object:
        return {"a": {"b": {"c": values(deep)}}, "d": {"e": values(less_deep)}}

    assert error_of(nested(4, 3), SNS_BODY) is None  # AWS's example: 4 * 3 * 3 * 2 = 72
    assert error_of(nested(5, 5), SNS_BODY) is None  # 150
    assert error_of(nested(13, 2), SNS_BODY) == TOO_COMPLEX  # 156


def test_a_key_with_dots_is_one_deep() -> None:
    assert error_of({"a.b.c": values(150)}, SNS_BODY) is None
    assert error_of({"a": {"b": {"c": values(51)}}}, SNS_BODY) == TOO_COMPLEX


@SCOPES
def test_branches_add_up_and_multiply_with_their_siblings(dialect: Dialect) -> None:
    def pattern(first: int, second: int, sibling: int) -> object:
        return {"a": values(sibling), "$or": [{"b": values(first)}, {"c": values(second)}]}

    assert error_of(pattern(100, 50, 1), dialect) is None
    assert error_of(pattern(100, 51, 1), dialect) == TOO_COMPLEX
    assert error_of(pattern(10, 5, 10), dialect) is None
    assert error_of(pattern(10, 6, 10), dialect) == TOO_COMPLEX


@SCOPES
def test_what_a_branch_takes_the_place_of_does_not_count(dialect: Dialect) -> None:
    assert error_of({"a": values(100), "$or": [{"a": values(75)}, {"a": values(75)}]}, dialect) is None


@SCOPES
def test_a_policy_has_256_kib_at_most(dialect: Dialect) -> None:
    def text(size: int) -> str:
        return '{"a":["' + "v" * (size - 10) + '"]}'

    assert error_of(text(256 * 1024), dialect) is None
    assert error_of(text(256 * 1024 + 1), dialect) == TOO_COMPLEX
    assert error_of('{"a":["' + "é" * 128 * 1024 + '"]}', dialect) == TOO_COMPLEX


@SCOPES
def test_alternatives_are_counted_before_they_are_written_out(dialect: Dialect) -> None:
    either = '"$or":[{"a":["x"]},{"b":["y"]}]'
    assert error_of("{" + ",".join([either] * 7) + "}", dialect) is None
    assert error_of("{" + ",".join([either] * 8) + "}", dialect) == TOO_COMPLEX
    assert error_of("{" + ",".join([either] * 2000) + "}", dialect) == TOO_COMPLEX


def test_alternatives_inside_alternatives_are_counted_too() -> None:
    def nested(levels: int) -> str:
        return '{"$or":[{"a":["x"]},' * levels + '{"b":["y"]}' + "]}" * levels

    assert error_of(nested(149), SNS_BODY) is None
    assert error_of(nested(150), SNS_BODY) == TOO_COMPLEX
    assert error_of(nested(450), SNS_BODY) == TOO_COMPLEX


def test_the_engine_counts_alternatives_only() -> None:
    def pattern(sizes: list[int]) -> object:
        return {f"p{at}": {"$or": [{f"k{way}": ["x", "y"]} for way in range(size)]} for at, size in enumerate(sizes)}

    assert error_of(pattern([10, 10, 10]), ENGINE) is None
    assert error_of(pattern([7, 11, 13]), ENGINE) == "too many alternatives"


@pytest.mark.parametrize("levels", [200, 999])
def test_a_deep_policy_is_too_complex(levels: int) -> None:
    assert error_of('{"a":' * levels + "[1]" + "}" * levels, SNS_BODY) == TOO_COMPLEX


def test_a_deep_pattern_is_no_matter_for_the_engine() -> None:
    pattern = parse_pattern('{"a":' * 999 + "[1]" + "}" * 999, ENGINE)
    assert pattern.paths == {".".join("a" * 999)}


@pytest.mark.parametrize("opening", ['{"a":', "[", '{"a":['], ids=["objects", "arrays", "both"])
def test_what_is_too_deep_for_jackson_is_not_json(opening: str) -> None:
    assert error_of(opening * 40_000, SNS_BODY) == "failed to parse JSON."


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            '{"a":' * 1001 + "[1]" + "}" * 1001,
            "Document nesting depth (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNestingDepth()`)",
        ),
        (
            '{"' + "n" * 50_001 + '":[1]}',
            "Name length (50001) exceeds the maximum allowed (50000, from `StreamReadConstraints.getMaxNameLength()`)",
        ),
        (
            '{"a":[' + "1" * 1001 + "]}",
            "Number value length (1001) exceeds the maximum allowed (1000, from `StreamReadConstraints.getMaxNumberLength()`)",
        ),
    ],
    ids=["depth", "name", "number"],
)
def test_the_engine_has_jacksons_bounds(text: str, error: str) -> None:
    assert error_of(text, ENGINE) == error
    assert error_of(text, SNS_BODY) == "failed to parse JSON."


def test_long_keys_with_many_others_below_are_bounded() -> None:
    below = ",".join(['"a":["x"]'] * 20_000)
    assert error_of('{"' + "n" * 49_000 + '":{' + below + "}}", SNS_BODY) == TOO_COMPLEX


@pytest.mark.parametrize("exponent", [400, 10**6, 10**30])
def test_a_number_may_have_any_exponent(exponent: int) -> None:
    assert error_of(f'{{"a":[1e{exponent},1e-{exponent}]}}', SNS_BODY) is None
    assert "Cannot compare number" in str(error_of(f'{{"a":[{{"numeric":["=",1e{exponent}]}}]}}', SNS_BODY))
