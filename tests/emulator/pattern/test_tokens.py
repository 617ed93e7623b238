"""The tokenizer against JSON parsers that are known to be right, and where its reading stands after each token."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest

from emulator.pattern.errors import PatternError
from emulator.pattern.tokens import Kind, Tokens

LITERALS = {Kind.TRUE: True, Kind.FALSE: False, Kind.NULL: None}
STRINGS = ("", "a", "é", "😀", '"', "\\", "\\u0041", "/", "\b\f\n\r\t", "\x00\x1f", "\u2028", "a.b", "$or", "x" * 50)
NUMBERS = (0, -1, 7, 2**63 - 1, -(2**63), 0.5, -1.5e300, 1e-7, 123456789.25)


def build(text: str) -> Any:
    """Make the value of a JSON text out of its tokens."""
    tokens = Tokens(text)
    tokens.advance()
    return value(tokens)


def value(tokens: Tokens) -> Any:
    if tokens.kind is Kind.START_OBJECT:
        found = {}
        while tokens.advance() is Kind.NAME:
            name = tokens.name
            tokens.advance()
            found[name] = value(tokens)
        assert tokens.kind is Kind.END_OBJECT
        return found
    if tokens.kind is Kind.START_ARRAY:
        elements = []
        while tokens.advance() is not Kind.END_ARRAY:
            elements.append(value(tokens))
        return elements
    if tokens.kind in LITERALS:
        return LITERALS[tokens.kind]
    if tokens.kind is Kind.STRING:
        return tokens.read()
    return (int if tokens.kind is Kind.INTEGER else float)(tokens.read())


def random_value(draw: random.Random, depth: int) -> Any:
    kind = draw.random()
    if depth and kind < 0.3:
        return [random_value(draw, depth - 1) for _ in range(draw.randrange(4))]
    if depth and kind < 0.7:
        return {draw.choice(STRINGS): random_value(draw, depth - 1) for _ in range(draw.randrange(4))}
    return draw.choice((*STRINGS, *NUMBERS, True, False, None))


def spaced(draw: random.Random, text: str) -> str:
    """Put white space where JSON may have it, which is outside of strings."""
    parts, inside, escaped = [], False, False
    for char in text:
        if char == '"' and not escaped:
            inside = not inside
        escaped = inside and char == "\\" and not escaped
        space = draw.choice(("", "", " ", "\n", "\t", "\r\n", "  ")) if not inside and char in "{}[]:," else ""
        parts += [char, space]
    return "".join(parts)


@pytest.mark.parametrize("seed", range(10))
def test_it_reads_what_orjson_reads(seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(100):
        expected = {"top": random_value(draw, 4)}
        text = spaced(draw, json.dumps(expected, ensure_ascii=draw.random() < 0.5))
        assert build(text) == orjson.loads(text) == expected, text


def no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


@pytest.mark.parametrize("seed", range(10))
def test_it_refuses_what_pythons_parser_refuses(seed: int) -> None:
    """Both leave alone what follows a value, and take half of a surrogate pair; orjson does neither."""
    print(f"seed {seed}")
    draw, refused = random.Random(seed), 0
    parser = json.JSONDecoder(parse_constant=no_constant)
    for _ in range(400):
        text = list(json.dumps({"top": random_value(draw, 3)}))
        at = draw.randrange(1, len(text))
        text[at : at + draw.randrange(2)] = draw.choice(("", *'x"{}[],:0.eE+-\\\n\x01tu/'))
        broken = "".join(text)
        try:
            expected, _ = parser.raw_decode(broken)
        except ValueError:
            with pytest.raises(PatternError):
                build(broken)
            refused += 1
        else:
            assert build(broken) == expected, broken
    assert refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"\\u00e9\\ud83d\\ude00"', "é😀"),
        ('"\\ud83dx"', "\ud83dx"),
        ('"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
        ('"\\u0000"', "\x00"),
        ('"a\x7fb"', "a\x7fb"),
    ],
    ids=ascii,
)
def test_escapes_are_read(text: str, expected: str) -> None:
    assert build(text) == expected


def places(text: str, *, reading: bool) -> list[tuple[str, int]]:
    """List each token and the column behind it, with or without asking for its text."""
    tokens, found = Tokens(text), []
    while tokens.advance() is not Kind.END:
        if reading:
            tokens.read()
        location = tokens.error("").location
        assert location is not None
        found.append((tokens.kind.value, location.column))
    return found


def test_a_string_is_one_character_long_until_it_is_read() -> None:
    assert places('["ab",1]', reading=False) == [("[", 2), ("string", 3), ("integer", 8), ("]", 9)]
    assert places('["ab",1]', reading=True) == [("[", 2), ("string", 6), ("integer", 8), ("]", 9)]


@pytest.mark.parametrize(
    ("value", "column"),
    [('"xyz"', 7), ("{}", 7), ("[]", 7), ("true", 10), ("false", 11), ("null", 10), ("17", 8), ("-1.5e3", 12)],
)
def test_with_a_name_the_value_is_begun(value: str, column: int) -> None:
    assert places(f'{{"a":{value}}}', reading=False)[1] == ("name", column)


def test_lines_end_in_three_ways() -> None:
    tokens = Tokens("[\n1,\r\n2,\r3,\n\n 4 ]")
    lines = []
    while tokens.advance() is not Kind.END:
        location = tokens.error("").location
        assert location is not None
        lines.append((location.line, location.column))
    assert lines == [(1, 2), (2, 2), (3, 2), (4, 2), (6, 3), (6, 5)]


def test_columns_count_as_utf_16_does() -> None:
    assert places('["é😀",1]', reading=True) == [("[", 2), ("string", 7), ("integer", 9), ("]", 10)]


def test_reading_twice_gives_the_same() -> None:
    tokens = Tokens('{"k":["x",17]}')
    read = []
    while tokens.advance() is not Kind.END:
        read.append((tokens.read(), tokens.read()))
    assert read == [(text, text) for text in ("{", "k", "[", "x", "17", "]", "}")]
