"""JSONPath as AWS's targets have it: what paths lead to, and which texts are none. The cases stand in tests/cases/transform."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from emulator.router.json_path import MISSING, PATH_CHARS_MAX, WILDCARD, PathError, parse_path

FOLDER = Path(__file__).resolve().parents[1] / "cases" / "transform"


def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


@pytest.mark.parametrize("case", load("paths"), ids=lambda case: case["path"])
def test_a_path_leads_to_a_value_or_nowhere(case: dict[str, Any]) -> None:
    found = parse_path(case["path"]).find(load("document"))
    if "found" in case:
        assert json.dumps(found) == json.dumps(case["found"])  # where == would take 1 for True
    else:
        assert found is MISSING


@pytest.mark.parametrize("case", load("path_errors"), ids=lambda case: case["path"])
def test_what_is_no_path_is_told_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(PathError) as caught:
        parse_path(case["path"])
    assert (caught.value.text, caught.value.at) == (case["path"], case["at"])
    assert (
        str(caught.value) == f"{case['path']!r} is not a path that can be followed, from character {case['at'] + 1} on"
    )


@pytest.mark.parametrize("path", ["$['a']['b c']", '$["a"]["b c"]', "$.a['b c']"])
def test_names_in_brackets_are_for_those_who_ask_for_them(path: str) -> None:
    assert parse_path(path, bracket_names=True).find({"a": {"b c": 1}}) == 1
    with pytest.raises(PathError):
        parse_path(path)


@pytest.mark.parametrize("path", ["$['']", "$['a", "$['a\"]", "$['a'b']", "$['a\\'b']", "$[a]", "$['a','b']"])
def test_brackets_hold_one_name_in_its_quotes(path: str) -> None:
    with pytest.raises(PathError):
        parse_path(path, bracket_names=True)


def test_a_star_in_quotes_is_a_name() -> None:
    assert parse_path("$['*']", bracket_names=True).find({"*": 1, "a": 2}) == 1


def test_a_path_has_at_most_256_characters() -> None:
    longest = "$." + "a" * (PATH_CHARS_MAX - 2)
    assert parse_path(longest).find({longest[2:]: 1}) == 1
    with pytest.raises(PathError) as caught:
        parse_path(longest + "a")
    assert caught.value.at == PATH_CHARS_MAX == 256


def test_the_longest_path_is_followed() -> None:
    document: Any = "bottom"
    for _ in range(127):
        document = {"a": document}
    assert parse_path("$" + ".a" * 127).find(document) == "bottom"


def test_a_path_is_read_once() -> None:
    assert parse_path("$.a[0].*[*]").steps == ("a", 0, WILDCARD, WILDCARD)


def follow(document: Any, path: str) -> list[Any]:
    """The slow twin: all places that a path leads to, step by step on its text."""
    if path == "$":
        return [document]
    before, step = re.fullmatch(r"(.*?)(\.[^.\[]+|\[[^\]]+\])", path).groups()
    found = []
    for value in follow(document, before):
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in entries:
            wanted = f"[{key}]" if isinstance(key, int) else f".{key}"
            if step in (wanted, ".*", "[*]"):
                found.append(inner)
    return found


def random_document(draw: random.Random, depth: int) -> Any:
    kind = draw.randrange(5) if depth else 4
    if kind < 2:
        return {key: random_document(draw, depth - 1) for key in draw.sample("abc", draw.randrange(4))}
    if kind < 4:
        return [random_document(draw, depth - 1) for _ in range(draw.randrange(4))]
    return draw.choice((None, True, 0, "x", 1.5))


@pytest.mark.parametrize("seed", range(6))
def test_paths_agree_with_the_slow_twin(seed: int) -> None:
    print(f"seed {seed}")
    draw, some = random.Random(seed), 0
    for _ in range(1500):
        document = random_document(draw, 4)
        steps = draw.choices((".a", ".b", ".c", ".*", "[0]", "[1]", "[*]"), k=draw.randrange(5))
        path = "".join(["$", *steps])
        expected = follow(document, path)
        found = parse_path(path).find(document)
        some += bool(expected)
        definite = re.match(r"[^*]*?(?=[.\[]\*|$)", path)[0]
        places = follow(document, definite)
        if definite == path:
            expected = expected[0] if expected else MISSING
        elif not places or not isinstance(places[0], dict | list):
            expected = MISSING
        assert found == expected, (path, document)
    assert some > 200
