"""The case files under tests/cases/patterns, and the dialects that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emulator.pattern.dialect import SNS_ATTRIBUTES, SNS_BODY, Counting, Dialect
from emulator.pattern.fields import OPAQUE, Fields, scalar

FOLDER = Path(__file__).resolve().parents[2] / "cases" / "patterns"

ENGINE = Dialect(
    name="AWS's engine, with the operators that we have",
    operators=SNS_BODY.operators,
    counting=Counting.ALTERNATIVES,
    combinations_max=1000,
    too_complex="too many alternatives",
    bytes_max=1 << 20,
)
DIALECTS = {"engine": ENGINE, "body": SNS_BODY, "attributes": SNS_ATTRIBUTES}


def load(name: str) -> list[dict[str, Any]]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def fields_of(attributes: dict[str, list[Any]]) -> Fields:
    """See attributes as a pattern does; {"binary": true} is opaque."""
    fields = Fields()
    for name, values in attributes.items():
        for value in values:
            fields.add(name, OPAQUE if value == {"binary": True} else scalar(value))
    return fields
