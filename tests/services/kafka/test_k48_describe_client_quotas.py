"""DescribeClientQuotas (key 48): quotas are found by the entity that they are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness

EXACT, DEFAULT, ANY = range(3)


def alter(
    client: Client,
    entity: dict[str, str | None],
    changes: dict[str, float | None],
    *,
    validate_only: bool = False,
    version: int = 1,
) -> tuple[int, str | None]:
    entry = {
        "Entity": [{"EntityType": of, "EntityName": name} for of, name in entity.items()],
        "Ops": [{"Key": key, "Value": value or 0.0, "Remove": value is None} for key, value in changes.items()],
    }
    request = {"Entries": [entry], "ValidateOnly": validate_only}
    [answer] = client.ask("AlterClientQuotas", request, version=version)["Entries"]
    return answer["ErrorCode"], answer["ErrorMessage"]


def describe(client: Client, *components: tuple[str, int, str | None], strict: bool = False, version: int = 1) -> Any:
    """Answer (entity, values) pairs, or the error."""
    asked = [{"EntityType": of, "MatchType": how, "Match": name} for of, how, name in components]
    answer = client.ask("DescribeClientQuotas", {"Components": asked, "Strict": strict}, version=version)
    if answer["ErrorCode"]:
        assert answer["Entries"] is None
        return answer["ErrorCode"], answer["ErrorMessage"]
    return [
        (
            {part["EntityType"]: part["EntityName"] for part in entry["Entity"]},
            {value["Key"]: value["Value"] for value in entry["Values"]},
        )
        for entry in answer["Entries"]
    ]


@pytest.mark.parametrize(
    ("components", "strict", "found"),
    [
        ([], False, ["{}c", "c", "u", "u+c"]),
        ([("user", EXACT, "u")], False, ["u", "u+c"]),
        ([("user", EXACT, "u")], True, ["u"]),
        ([("user", ANY, None)], False, ["{}c", "u", "u+c"]),
        ([("user", DEFAULT, None)], False, ["{}c"]),
        ([("user", ANY, None), ("client-id", EXACT, "c")], True, ["{}c", "u+c"]),
        ([("client-id", EXACT, "x")], False, []),
    ],
)
def test_quotas_are_found_by_their_entity(
    client: Client, components: list[tuple[str, int, str | None]], strict: bool, found: list[str]
) -> None:
    entities: dict[str, dict[str, str | None]] = {
        "u": {"user": "u"},
        "c": {"client-id": "c"},
        "u+c": {"user": "u", "client-id": "c"},
        "{}c": {"user": None, "client-id": "c"},
    }
    for entity in entities.values():
        alter(client, entity, {"request_percentage": 12.5})
    answered = [entity for entity, _ in describe(client, *components, strict=strict)]
    assert sorted(name for name, entity in entities.items() if entity in answered) == sorted(found)


@pytest.mark.parametrize(
    ("components", "code", "words"),
    [
        ([("", ANY, None)], 42, "Invalid empty entity type."),
        ([("zap", ANY, None)], 35, "Unsupported entity type zap"),
        ([("user", 7, None)], 42, "Unknown match type 7"),
        ([("user", EXACT, None)], 42, "Request specified MATCH_TYPE_EXACT, but set match string to null."),
        ([("user", ANY, "u")], 42, "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."),
        ([("user", ANY, None)] * 2, 42, "Entity type user cannot appear more than once in the filter."),
        (
            [("ip", ANY, None), ("user", ANY, None)],
            42,
            (
                "Invalid entity filter component combination. IP filter component should not be used with user or clientId "
                "filter component."
            ),
        ),
    ],
)
def test_a_bad_filter_is_refused(
    client: Client, components: list[tuple[str, int, str | None]], code: int, words: str
) -> None:
    assert describe(client, *components) == (code, words)


@pytest.mark.parametrize("version", [0, 1])
def test_entries_come_with_their_values(client: Client, version: int) -> None:
    alter(client, {"ip": None}, {"connection_creation_rate": 3.0})
    assert describe(client, ("ip", DEFAULT, None), version=version) == [
        ({"ip": None}, {"connection_creation_rate": 3.0})
    ]


def test_who_may_not_see_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    assert describe(kafka_with(kafka_authorizer=True).connect())[0] == Error.CLUSTER_AUTHORIZATION_FAILED
