"""What a target is given of an event: the event itself, a constant, a part of it, or a template filled in. Pure; compiled when the
target is put.

A template is one JSON text, or several lines that are each a quoted string or a placeholder alone. A placeholder is `<name>`; it is put in
place as text, and all else stays as it was written, white space too.

- Outside quotes it becomes the JSON form of its value.
- Inside quotes it becomes the bare text of a string; the JSON form of anything else, of objects and arrays without their quotes. Nothing is
  escaped, as on AWS, so a quote or a line end in a value gives a text that is no JSON: `is_json` tells.
- Anything between `<` and `>` is a placeholder that is not empty and has no white space, quote, `<` or `>`. AWS knows no escape for them.

Where AWS's documentation is silent: a path that leads nowhere, or is none, is `UNMATCHED` for an InputPath and `MISSING_BARE` for a bare
placeholder; inside quotes it is no text. A placeholder in a key is refused, within its quotes too. Numbers are written as orjson writes
what was read: 1e2 becomes 100.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from emulator.pattern.errors import Location, PatternError, locate
from emulator.pattern.tokens import Kind, Tokens
from emulator.router.json_path import MISSING, PathError, parse_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emulator.router.json_path import Path

NAMES_MAX = 100
NAME_CHARS_MAX = 256
OUTPUT_CHARS_MAX = 16 * 1024 * 1024
"""A template that names a large value often could ask for gigabytes. No target takes as much as this."""
UNMATCHED = "null"
"""What an InputPath gives that leads nowhere."""
MISSING_BARE = '""'
"""What a placeholder outside quotes becomes whose path leads nowhere."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_RESERVED_PREFIX = "aws."
_MARKS = re.compile(r'"|\\.|<([^<>"\s]+)>', re.DOTALL)
_QUOTES = re.compile(r'(\\.)|"')
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_CONTAINERS = (dict, list)


class Fault(Enum):
    """What is wrong with the input of a target."""

    SEVERAL_INPUTS = "more than one of Input, InputPath and InputTransformer"
    INPUT_NOT_JSON = "Input is not JSON"
    NAMES_TOO_MANY = "too many names in the map of paths"
    NAME_INVALID = "a name in the map of paths has characters or a length that it may not have"
    NAME_RESERVED = "a name in the map of paths starts with AWS."
    PLACEHOLDER_INVALID = "a placeholder is not known, or may not stand inside quotes"
    TEMPLATE_NOT_JSON = "the template is neither JSON nor lines of strings"


class TransformError(Exception):
    """A target cannot have such an input. `name` is the placeholder or the name in the map; `location` is in the template as it was
    written, and its `str()` is what AWS shows: `[Source: (String)"..."; line: 1, column: 7]`.
    """

    def __init__(self, fault: Fault, *, name: str = "", location: Location | None = None) -> None:
        self.fault = fault
        self.name = name
        self.location = location
        super().__init__(fault, name, location)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.fault.value, self.name, str(self.location or ""))))


class OutputTooLongError(Exception):
    """A filled template is longer than any target takes."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What templates can say that is not in the event."""

    rule_arn: str
    rule_name: str
    ingestion_time: str
    """When the event was received, in ISO 8601."""


class _Occasion(NamedTuple):
    """One event for one target."""

    event: dict[str, Any]
    event_text: str
    reserved: Reserved


if TYPE_CHECKING:
    _Writer = Callable[[_Occasion], str]


class Transform:
    """From an event to what a target is given; this one gives the event itself."""

    __slots__ = ()

    def apply(self, event: dict[str, Any], event_text: str, reserved: Reserved) -> str:  # noqa: ARG002 - others need them
        """Write what the target is given. `event` is `event_text` as orjson reads it. Raises OutputTooLongError."""
        return event_text


class _Constant(Transform):
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def apply(self, event: dict[str, Any], event_text: str, reserved: Reserved) -> str:  # noqa: ARG002 - as declared
        return self._text


class _Part(Transform):
    __slots__ = ("_write",)

    def __init__(self, path_text: str) -> None:
        self._write = _value_writer(_open_path(path_text, bracket_names=True), _json_text, UNMATCHED)

    def apply(self, event: dict[str, Any], event_text: str, reserved: Reserved) -> str:
        return self._write(_Occasion(event, event_text, reserved))


class _Filled(Transform):
    """A template. `pieces` are text, or which of the writers has the text; there is one writer for each form of each name."""

    __slots__ = ("_pieces", "_writers")

    def __init__(self, pieces: Sequence[str | int], writers: Sequence[_Writer]) -> None:
        self._pieces = pieces
        self._writers = writers

    def apply(self, event: dict[str, Any], event_text: str, reserved: Reserved) -> str:
        occasion = _Occasion(event, event_text, reserved)
        values: list[str] = []
        chars = 0
        for write in self._writers:
            values.append(write(occasion))
            chars += len(values[-1])
            if chars > OUTPUT_CHARS_MAX:  # each value is used at least once
                raise OutputTooLongError
        texts = [piece if isinstance(piece, str) else values[piece] for piece in self._pieces]
        if sum(map(len, texts)) > OUTPUT_CHARS_MAX:
            raise OutputTooLongError
        return "".join(texts)


def compile_input(
    *,
    input_text: str | None = None,
    input_path: str | None = None,
    paths_map: Mapping[str, str] | None = None,
    template: str | None = None,
) -> Transform:
    """Make a transform of a target's Input, InputPath, or InputTransformer (`paths_map` and `template`); TransformError if it cannot be.

    An empty text is there, None is not. Paths are not checked, as on AWS: one that cannot be read leads nowhere.
    """
    if sum(given is not None for given in (input_text, input_path, template)) > 1:
        raise TransformError(Fault.SEVERAL_INPUTS)
    if input_text is not None:
        if not is_json(input_text):
            raise TransformError(Fault.INPUT_NOT_JSON)
        return _Constant(input_text)
    if input_path is not None:
        return _Part(input_path)
    if template is not None:
        return _compile_template(template, paths_map or {})
    return Transform()


def is_json(text: str) -> bool:
    """Tell whether a text is one JSON value. It may have escapes of halves of surrogate pairs, but no numbers beyond a float and no
    more than 1024 levels.
    """
    if _loads(text):
        return True
    # orjson refuses halves of pairs, AWS does not. What stands in for them has the same length and ends in the same place.
    replaced, count = _HALF_PAIR.subn(r"\\uffff", text)
    return count > 0 and _loads(replaced)


def _loads(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


# Templates.


class _Placeholder(NamedTuple):
    name: str
    start: int
    end: int
    value_start: int
    """Where the JSON value starts that it is, or that it is in: its own place, or the opening quote."""

    @property
    def is_quoted(self) -> bool:
        return self.value_start != self.start


def _compile_template(template: str, paths_map: Mapping[str, str]) -> Transform:
    _check_names(paths_map)
    placeholders = _find_placeholders(template)
    variables: dict[tuple[str, bool], int] = {}
    writers: list[_Writer] = []
    pieces: list[str | int] = []
    at = 0
    for each in placeholders:
        key = each.name, each.is_quoted
        if key not in variables:
            variables[key] = len(writers)
            writers.append(_writer(each, paths_map))
        pieces += [template[at : each.start], variables[key]]
        at = each.end
    pieces.append(template[at:])
    _check_json(template, placeholders)
    return _Filled(tuple(pieces), tuple(writers))


def _check_names(paths_map: Mapping[str, str]) -> None:
    if len(paths_map) > NAMES_MAX:
        raise TransformError(Fault.NAMES_TOO_MANY)
    for name in paths_map:
        if name.lower().startswith(_RESERVED_PREFIX):
            raise TransformError(Fault.NAME_RESERVED, name=name)
        if len(name) > NAME_CHARS_MAX or _NAME.fullmatch(name) is None:
            raise TransformError(Fault.NAME_INVALID, name=name)


def _find_placeholders(template: str) -> list[_Placeholder]:
    """Find the placeholders, and which of them are inside quotes."""
    found = []
    opening_quote: int | None = None
    for mark in _MARKS.finditer(template):
        if mark[0] == '"':
            opening_quote = mark.start() if opening_quote is None else None
        elif mark[1] is not None:
            value_start = mark.start() if opening_quote is None else opening_quote
            found.append(_Placeholder(mark[1], mark.start(), mark.end(), value_start))
    return found


def _check_json(template: str, placeholders: Sequence[_Placeholder]) -> None:
    """Read the template with something of the same length in place of each placeholder: a JSON string, or part of one."""
    pieces, at = [], 0
    for each in placeholders:
        length = each.end - each.start
        pieces += [template[at : each.start], "_" * length if each.is_quoted else f'"{"_" * (length - 2)}"']
        at = each.end
    tokens = Tokens("".join([*pieces, template[at:]]))
    try:
        _read_values(tokens, {each.value_start: each.start for each in reversed(placeholders)})
    except PatternError as error:
        place = error.location or locate(template, tokens.start)
        location = Location(template, place.line, place.column)
        raise TransformError(Fault.TEMPLATE_NOT_JSON, location=location) from error


def _read_values(tokens: Tokens, placeholders: Mapping[int, int]) -> None:
    """Read one value, or strings on lines of their own, that have no placeholders in keys; PatternError otherwise.

    `placeholders` has for the start of each value the place of the first placeholder in it.
    """
    depth = values = 0
    all_strings = True
    while (kind := tokens.advance()) is not Kind.END:
        if kind is Kind.NAME:
            if tokens.start in placeholders:
                raise PatternError("placeholder in a key", locate(tokens.text, placeholders[tokens.start]))
        elif kind is Kind.END_OBJECT or kind is Kind.END_ARRAY:
            depth -= 1
        else:
            if depth == 0:
                all_strings = all_strings and kind is Kind.STRING
                if values and not (all_strings and _starts_line(tokens)):
                    raise PatternError("something behind the end", locate(tokens.text, tokens.start))
                values += 1
            depth += kind is Kind.START_OBJECT or kind is Kind.START_ARRAY
    if not values:
        raise tokens.error("no value")


def _starts_line(tokens: Tokens) -> bool:
    line_end = max(tokens.text.rfind("\n", 0, tokens.start), tokens.text.rfind("\r", 0, tokens.start))
    return line_end >= 0 and not tokens.text[line_end : tokens.start].strip()


# Values.


def _writer(placeholder: _Placeholder, paths_map: Mapping[str, str]) -> _Writer:
    """Make what writes a placeholder's value in the form that its place asks for."""
    name, write = placeholder.name, _bare_text if placeholder.is_quoted else _json_text
    if name in paths_map:
        return _value_writer(_open_path(paths_map[name]), write, "" if placeholder.is_quoted else MISSING_BARE)
    if name == "aws.events.rule-arn":
        return lambda occasion: write(occasion.reserved.rule_arn)
    if name == "aws.events.rule-name":
        return lambda occasion: write(occasion.reserved.rule_name)
    if name == "aws.events.event.ingestion-time":
        return lambda occasion: write(occasion.reserved.ingestion_time)
    if not placeholder.is_quoted:
        if name == "aws.events.event":
            return lambda occasion: _json_text({key: occasion.event[key] for key in occasion.event if key != "detail"})
        if name == "aws.events.event.json":
            return lambda occasion: occasion.event_text
    raise TransformError(Fault.PLACEHOLDER_INVALID, name=name)


def _value_writer(path: Path | None, write: Callable[[Any], str], missing: str) -> _Writer:
    if path is None:
        return lambda _occasion: missing
    if not path.steps and write is _json_text:
        return lambda occasion: occasion.event_text

    def find_and_write(occasion: _Occasion) -> str:
        value = path.find(occasion.event)
        return missing if value is MISSING else write(value)

    return find_and_write


def _open_path(text: str, *, bracket_names: bool = False) -> Path | None:
    try:
        return parse_path(text, bracket_names=bracket_names)
    except PathError:
        return None


def _bare_text(value: object) -> str:
    """Write a value as it stands inside quotes. Objects and arrays lose the quotes around their strings; escaped ones in them stay."""
    if isinstance(value, str):
        return value
    text = _json_text(value)
    if not isinstance(value, _CONTAINERS):
        return text
    return _QUOTES.sub(r"\1", text) if "\\" in text else text.replace('"', "")


def _json_text(value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return _deep_text(value)


def _deep_text(value: object) -> str:
    """Write a value in which orjson does not go deep enough: it has 254 levels, AWS 1000."""
    texts: list[str] = []
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        text, item = waiting.pop()
        texts.append(text)
        if isinstance(item, dict):
            entries = [(f"{orjson.dumps(key).decode()}:", inner) for key, inner in item.items()]
            waiting += _bracketed("{", entries, "}")
        elif isinstance(item, list):
            waiting += _bracketed("[", [("", inner) for inner in item], "]")
        elif item is not MISSING:
            texts.append(orjson.dumps(item).decode())
    return "".join(texts)


def _bracketed(opening: str, entries: list[tuple[str, Any]], closing: str) -> list[tuple[str, object]]:
    """Put the entries of an object or array between its brackets, the last first; MISSING is where there is text only."""
    between = [("," + text if number else text, inner) for number, (text, inner) in enumerate(entries)]
    return [(closing, MISSING), *reversed(between), (opening, MISSING)]
