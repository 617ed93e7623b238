"""POST `/_eventyard/explain`: why an event matches a pattern, the rules of a bus, or the filter policies of subscriptions, or why not.

The engine answers for a `pattern` itself, as EventBridge reads it; every other question is for the service that knows what it names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from emulator.errors import AwsError, validation_exception
from emulator.pattern.dialect import EVENTBRIDGE
from emulator.pattern.errors import PatternError
from emulator.pattern.explain import explain
from emulator.pattern.parse import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator

SUBJECTS = ("pattern", "bus", "subscription", "topic")
"""What an event can be held against; a question names one of them."""


def answer(emulator: Emulator, body: bytes) -> str:
    """Answer `{"event": {...}, <subject>: ...}` with `{"results": [...]}`. Raises AwsError for a question that has no answer."""
    # Escapes, since what a pattern names need not be fit for UTF-8.
    return json.dumps({"results": _results(emulator, _read(body))})


def _results(emulator: Emulator, question: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "pattern" in question:
        return [_explain_pattern(question)]
    for service in emulator.services.values():
        results = service.explain(emulator, question) if service.explain is not None else None
        if results is not None:
            return results
    (subject,) = _subjects(question)
    raise AwsError("NotFound", f"No service that runs here knows a {subject}.", 404)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        question = orjson.loads(body)
    except orjson.JSONDecodeError:
        question = None
    if not isinstance(question, dict) or not isinstance(question.get("event"), dict):
        raise validation_exception('The body must be a JSON object with an "event" that is a JSON object.')
    if len(_subjects(question)) != 1:
        raise validation_exception(f"The body must have exactly one of {', '.join(SUBJECTS)}.")
    for name in ("bus", "subscription", "topic", "account", "region"):
        if not isinstance(question.get(name, ""), str):
            raise validation_exception(f'"{name}" must be text.')
    return question


def _subjects(question: Mapping[str, Any]) -> list[str]:
    return [name for name in SUBJECTS if name in question]


def _explain_pattern(question: Mapping[str, Any]) -> dict[str, Any]:
    """Explain a pattern that is JSON, or text that has it."""
    given = question["pattern"]
    try:
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    except RecursionError:
        raise validation_exception('The "pattern" nests too deep.') from None
    try:
        pattern = parse_pattern(text, EVENTBRIDGE)
    except PatternError as fault:
        raise AwsError("InvalidEventPatternException", f"Event pattern is not valid. Reason: {fault}") from None
    return explain(pattern, question["event"])
