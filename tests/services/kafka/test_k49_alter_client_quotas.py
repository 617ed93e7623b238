"""AlterClientQuotas (key 49): quotas are kept and described, not enforced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import Client, KafkaHarness


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


@pytest.mark.parametrize("version", [0, 1])
def test_a_quota_is_kept(client: Client, version: int) -> None:
    assert alter(client, {"user": "u"}, {"producer_byte_rate": 1024.0}, version=version) == (0, None)
    assert describe(client, version=version) == [({"user": "u"}, {"producer_byte_rate": 1024.0})]


def test_a_quota_is_changed_and_taken_away(client: Client) -> None:
    alter(client, {"user": "u"}, {"producer_byte_rate": 1.0, "consumer_byte_rate": 2.0})
    alter(client, {"user": "u"}, {"producer_byte_rate": 3.0, "consumer_byte_rate": None})
    assert describe(client) == [({"user": "u"}, {"producer_byte_rate": 3.0})]
    alter(client, {"user": "u"}, {"producer_byte_rate": None})
    assert describe(client) == []


def test_validate_only_keeps_nothing(client: Client) -> None:
    assert alter(client, {"user": "u"}, {"producer_byte_rate": 1.0}, validate_only=True) == (0, None)
    assert describe(client) == []


@pytest.mark.parametrize(
    ("entity", "changes", "words"),
    [
        ({"user": "u"}, {"zap": 1.0}, "Invalid configuration key zap"),
        ({"user": "u"}, {"producer_byte_rate": -1.0}, "Quota producer_byte_rate must be greater than 0"),
        ({"user": "u"}, {"producer_byte_rate": 1.5}, "producer_byte_rate cannot be a fractional value."),
        ({"zap": "u"}, {"producer_byte_rate": 1.0}, "Unhandled client quota entity type: zap"),
        ({}, {"producer_byte_rate": 1.0}, "Invalid empty client quota entity"),
        ({"user": ""}, {"producer_byte_rate": 1.0}, "Empty user not supported"),
        (
            {"ip": "1.2.3.4"},
            {"connection_creation_rate": 9e12},
            "Proposed value for connection_creation_rate is too large for an INT.",
        ),
        (
            {"ip": "1.2.3.4", "user": "u"},
            {"connection_creation_rate": 9.0},
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
        ),
    ],
)
def test_a_bad_quota_is_refused_in_kafkas_words(
    client: Client, entity: dict[str, str | None], changes: dict[str, float | None], words: str
) -> None:
    assert alter(client, entity, changes) == (Error.INVALID_REQUEST, words)
    assert describe(client) == []


def test_a_key_that_is_given_twice_is_refused(client: Client) -> None:
    change = {"Key": "producer_byte_rate", "Value": 1.0, "Remove": False}
    entry = {"Entity": [{"EntityType": "user", "EntityName": "u"}], "Ops": [change, change]}
    [answer] = client.ask("AlterClientQuotas", {"Entries": [entry]})["Entries"]
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        42,
        "Ignoring duplicate entity ClientQuotaEntity(entries={user=u})",
    )


def test_quotas_outlive_the_process(kafka_with: Callable[..., KafkaHarness], tmp_path: Path) -> None:
    first = KafkaHarness(data_dir=tmp_path)
    alter(first.connect(), {"user": None}, {"producer_byte_rate": 5.0})
    first.close()
    again = kafka_with(data_dir=tmp_path).connect()
    assert describe(again) == [({"user": None}, {"producer_byte_rate": 5.0})]


def test_who_may_not_is_told_so(kafka_with: Callable[..., KafkaHarness]) -> None:
    client = kafka_with(kafka_authorizer=True).connect()
    denied = Error.CLUSTER_AUTHORIZATION_FAILED
    assert alter(client, {"user": "u"}, {"producer_byte_rate": 1.0})[0] == denied
    assert describe(client)[0] == denied
