"""Templates against an obvious twin that replaces placeholders in the text, on random templates and values. The seed is printed."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import orjson
import pytest

from emulator.router.transform import Fault, Reserved, TransformError, compile_input

RESERVED = Reserved(rule_arn="arn:aws:events:eu-west-1:1:rule/r", rule_name="r", ingestion_time="2026-11-11T21:29:55Z")
NAMES = ("a", "b-1", "C_c", "none")
STRINGS = ("", "x", 'say "hi"', "two\nlines", "back\\slash", "<a>", "é🦊", "{}", "null")
LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")', re.DOTALL)
PLACEHOLDER = re.compile(r'<([^<>"\s]+)>')
KNOWN_IN_QUOTES = {*NAMES, "aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time"}
IN_KEY = "\x7f"


def random_value(draw: random.Random, depth: int) -> Any:
    kind = draw.randrange(8) if depth else draw.randrange(6)
    if kind < 3:
        return draw.choice(STRINGS)
    if kind < 6:
        return draw.choice((None, True, False, 0, -7, 1.5))
    if kind == 6:
        return [random_value(draw, depth - 1) for _ in range(draw.randrange(3))]
    return {draw.choice(STRINGS): random_value(draw, depth - 1) for _ in range(draw.randrange(3))}


def random_name(draw: random.Random, *, quoted: bool) -> str:
    reserved = ["rule-arn", "rule-name", "event.ingestion-time"]
    if not quoted:
        reserved += ["event", "event.json"]
    return f"<{draw.choice((*NAMES, *NAMES, *(f'aws.events.{word}' for word in reserved)))}>"


def random_string(draw: random.Random) -> str:
    texts = ("text", " ", '\\"', "\\\\", "\\n", "< ", " >", "é", "\\u00e9", "{", ",")
    parts = [
        random_name(draw, quoted=True) if draw.random() < 0.4 else draw.choice(texts) for _ in range(draw.randrange(6))
    ]
    return f'"{"".join(parts)}"'


def random_json(draw: random.Random, depth: int) -> str:
    space = draw.choice(("", "", " ", "\n  "))
    kind = draw.randrange(8) if depth else draw.randrange(6)
    if kind < 2:
        return random_name(draw, quoted=False)
    if kind < 4:
        return random_string(draw)
    if kind < 6:
        return draw.choice(("1", "-2.5e3", "true", "null", "{}", "[]"))
    inner = [random_json(draw, depth - 1) for _ in range(draw.randrange(1, 4))]
    if kind == 6:
        return f"[{space}{f',{space}'.join(inner)}]"
    return "{" + ",".join(f'{space}"k{number}":{space}{text}' for number, text in enumerate(inner)) + space + "}"


def random_template(draw: random.Random) -> str:
    if draw.random() < 0.3:
        return "\n".join(random_string(draw) for _ in range(draw.randrange(1, 4)))
    return random_json(draw, 3)


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Twin:
    """The text of a template, cut at its strings; in each part the placeholders are replaced."""

    def __init__(self, event: dict[str, Any], event_text: str) -> None:
        self.values = {name: event["detail"][name] for name in NAMES if name in event["detail"]}
        self.values["aws.events.rule-arn"] = RESERVED.rule_arn
        self.values["aws.events.rule-name"] = RESERVED.rule_name
        self.values["aws.events.event.ingestion-time"] = RESERVED.ingestion_time
        self.values["aws.events.event"] = {key: value for key, value in event.items() if key != "detail"}
        self.event_text = event_text

    def fill(self, template: str) -> str:
        parts = LITERAL.split(template)
        return "".join(
            PLACEHOLDER.sub(self.quoted if number % 2 else self.bare, part) for number, part in enumerate(parts)
        )

    def bare(self, match: re.Match[str]) -> str:
        if match[1] == "aws.events.event.json":
            return self.event_text
        return compact(self.values.get(match[1], ""))

    def quoted(self, match: re.Match[str]) -> str:
        value = self.values.get(match[1], "")
        if isinstance(value, str):
            return value
        if not isinstance(value, dict | list):
            return compact(value)
        return (
            compact(value)
            .replace("\\\\", "\0")
            .replace('\\"', "\1")
            .replace('"', "")
            .replace("\1", '\\"')
            .replace("\0", "\\\\")
        )


@pytest.mark.parametrize("seed", range(10))
def test_templates_are_filled_as_the_twin_fills_them(seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    paths = {name: f"$.detail.{name}" for name in NAMES}
    for _ in range(300):
        template = random_template(draw)
        transform = compile_input(template=template, paths_map=paths)
        for _ in range(3):
            event = {"id": "1", "detail-type": 't"t', "detail": {name: random_value(draw, 2) for name in NAMES[:-1]}}
            text = orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
            assert transform.apply(event, text, RESERVED) == Twin(event, text).fill(template), (template, event)


def refuse_placeholder_keys(pairs: list[tuple[str, Any]]) -> None:
    if any(IN_KEY in key for key, _ in pairs):
        raise ValueError("a placeholder in a key")


def is_value(text: str) -> bool:
    try:
        json.loads(text, object_pairs_hook=refuse_placeholder_keys)
    except ValueError:
        return False
    return True


def is_template(template: str) -> bool:
    """The twin: put `null` for bare placeholders and a mark for those in strings, and let Python read it, or each line as a string."""
    parts = LITERAL.split(template)
    neutral = "".join(PLACEHOLDER.sub(IN_KEY if number % 2 else "null", part) for number, part in enumerate(parts))
    if is_value(neutral):
        return True
    lines = [line.strip() for line in neutral.split("\n")]
    alone = [bool(PLACEHOLDER.fullmatch(line.strip())) for line in template.split("\n")]
    strings = [not line or one or (line[0] == '"' and is_value(line)) for line, one in zip(lines, alone, strict=True)]
    return any(lines) and all(strings)


def fault_of(template: str) -> tuple[Fault | None, str]:
    try:
        compile_input(template=template, paths_map=dict.fromkeys(NAMES, "$.id"))
    except TransformError as error:
        return error.fault, error.name
    return None, ""


@pytest.mark.parametrize("seed", range(10))
def test_broken_templates_are_refused_where_the_twin_refuses_them(seed: int) -> None:
    print(f"seed {seed}")
    draw, refused, taken = random.Random(seed), 0, 0
    for _ in range(800):
        characters = list(random_template(draw))
        for _ in range(draw.randrange(1, 3)):
            at = draw.randrange(len(characters) + 1)
            characters[at : at + draw.randrange(2)] = draw.choice(
                ("", *'"{}[],:0a\\\n ', "<a>", '"<a>"', "\n<a>\n", '"k":')
            )
        template = "".join(characters)
        fault, name = fault_of(template)
        refused += fault is not None
        taken += fault is None
        if fault is Fault.PLACEHOLDER_INVALID:
            assert name not in KNOWN_IN_QUOTES, template
        else:
            assert is_template(template) is (fault is None), template
    assert refused > 50
    assert taken > 50
