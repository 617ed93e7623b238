"""What is compiled from shapes waits for the first call of an operation that has them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from emulator.errors import AwsError
from emulator.service import Service
from emulator.wire.aws_json import AwsJson
from emulator.wire.constraints import Constraints
from emulator.wire.model import ByOperation, Model
from emulator.wire.query import Query
from services import ALL


def compiled(shapes: dict[str, str | None]) -> tuple[ByOperation[str], list[str]]:
    """Make one that compiles shapes to their name in capitals, and the list of those that it was asked for."""
    asked: list[str] = []

    def compile_shape(shape: str) -> str:
        asked.append(shape)
        return shape.upper()

    return ByOperation(shapes, compile_shape), asked


def test_nothing_is_compiled_before_it_is_looked_up() -> None:
    _, asked = compiled({"Send": "message"})
    assert asked == []


def test_a_shape_is_compiled_once() -> None:
    found, asked = compiled({"Send": "message", "Receive": "poll"})
    assert [found["Send"], found["Send"]] == ["MESSAGE", "MESSAGE"]
    assert asked == ["message"]


def test_an_operation_without_a_shape_has_none() -> None:
    found, asked = compiled({"Ping": None})
    assert found["Ping"] is None
    assert asked == []


def test_a_name_that_the_description_does_not_have_is_not_kept() -> None:
    found, _ = compiled({"Send": "message"})
    assert found["Nonsense"] is None
    assert "Nonsense" not in found


@pytest.mark.parametrize("service", [one for one in ALL if one.protocols], ids=lambda service: service.name)
def test_all_shapes_of_a_service_can_be_compiled(service: Service) -> None:
    """A start no longer finds one that cannot."""
    model = Model(service.name, service.amend)
    json, query, constraints = AwsJson(model, ""), Query(model), Constraints(model)
    for operation in model.operations:
        assert json.parse(operation, b"{}") == {}
        assert query.parse(operation, {}) == {}
        assert json.render(operation, {}, "id")[1] == b"{}"
        assert query.render(operation, {}, "id")[1].startswith(b"<?xml")
        with suppress(AwsError):  # most operations need more than nothing
            constraints.check(operation, {})
