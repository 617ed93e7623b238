"""CreateAcls: rules made, rules that make no sense, and that they hold at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.kafka.api import k30_create_acls
from tests.support.kafka_acls import (
    ALTER,
    ANY,
    CLUSTER,
    DENY,
    GROUP,
    MATCH,
    PREFIXED,
    USER,
    create,
    creation,
    guarded,
    names,
    somebody,
)
from tests.support.kafka_broker import Client, KafkaHarness

VERSIONS = pytest.mark.parametrize("version", [1, 2, 3])


@pytest.fixture
def kafka() -> Iterator[KafkaHarness]:
    with guarded() as one:
        yield one


def results(client: Client, *creations: dict[str, Any], version: int = 3) -> list[tuple[int, str | None]]:
    """Ask for rules and give what came of each."""
    answer = client.ask("CreateAcls", {"Creations": list(creations)}, version=version)
    return [(result["ErrorCode"], result["ErrorMessage"]) for result in answer["Results"]]


@VERSIONS
def test_rules_are_made(client: Client, version: int) -> None:
    made = (creation("a"), creation("b", ResourcePatternType=PREFIXED), creation("c", ResourceType=GROUP))
    assert results(client, *made, version=version) == [(0, None)] * 3
    assert names(client) == ["a", "b", "c"]


def test_a_rule_holds_at_once(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    alice = somebody(kafka)
    request = {"Topics": [{"Name": "orders"}]}
    seen = [alice.ask("Metadata", request)["Topics"][0]["ErrorCode"]]
    create(client, creation())
    seen.append(alice.ask("Metadata", request)["Topics"][0]["ErrorCode"])
    create(client, creation("ord", ResourcePatternType=PREFIXED, Operation=8, PermissionType=DENY))
    seen.append(alice.ask("Metadata", request)["Topics"][0]["ErrorCode"])
    assert seen == [29, 0, 29]


def test_a_rule_that_is_there_is_made_again_without_an_error(client: Client) -> None:
    assert results(client, creation(), creation()) == [(0, None)] * 2
    assert results(client, creation()) == [(0, None)]
    assert names(client) == ["orders"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ResourceType": CLUSTER}, "The only valid name for the CLUSTER resource is kafka-cluster"),
        (
            {"ResourceType": CLUSTER, "ResourceName": "*"},
            "The only valid name for the CLUSTER resource is kafka-cluster",
        ),
        ({"ResourceName": ""}, "Invalid empty resource name"),
        ({"ResourceType": ANY}, "Invalid resourceType ANY"),
        ({"ResourceType": 99}, "Invalid resourceType UNKNOWN"),
        ({"ResourcePatternType": ANY}, "Invalid patternType ANY"),
        ({"ResourcePatternType": MATCH}, "Invalid patternType MATCH"),
        ({"ResourcePatternType": 99}, "Invalid patternType UNKNOWN"),
        ({"Operation": ANY}, "Invalid operation ANY"),
        ({"Operation": 99}, "Invalid operation UNKNOWN"),
        ({"PermissionType": ANY}, "Invalid permissionType ANY"),
        ({"PermissionType": 99}, "Invalid permissionType UNKNOWN"),
        (
            {"Principal": "alice"},
            "Could not parse principal from `alice` (no colon is present separating the principal type from the principal name)",
        ),
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused_and_others_are_made(
    client: Client, wrong: dict[str, Any], words: str
) -> None:
    assert results(client, creation("a"), creation("b") | wrong, creation("c")) == [
        (0, None),
        (42, words),
        (0, None),
    ]
    assert names(client) == ["a", "c"]


@pytest.mark.parametrize(
    "odd",
    [
        {"ResourceType": CLUSTER, "ResourceName": "kafka-cluster"},
        {"ResourceType": USER, "Operation": 13},
        {"Principal": "Group:anything:more"},
        {"Principal": ":"},
        {"Host": "no address at all"},
        {"Operation": 12},
    ],
    ids=str,
)
def test_what_kafka_does_not_look_at_is_made(client: Client, odd: dict[str, Any]) -> None:
    assert results(client, creation() | odd) == [(0, None)]


@pytest.mark.parametrize("field", ["ResourceType", "ResourcePatternType", "Operation", "PermissionType"])
def test_unknown_in_a_rule_ends_the_connection_and_nothing_is_made(
    kafka: KafkaHarness, client: Client, field: str
) -> None:
    client.send("CreateAcls", {"Creations": [creation("a"), creation("b", **{field: 0})]})
    assert (client.transport.closed, bytes(client.transport.written)) == (True, b"")
    assert names(kafka.connect()) == []


def test_too_many_rules_at_once_are_refused_and_none_is_made(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k30_create_acls, "ACL_CHANGES_MAX", 2)
    create(client, creation("a"))
    assert results(client, *map(creation, "bc")) == [(0, None)] * 2
    words = "Unable to perform excessively large batch operation."
    assert results(client, *map(creation, "def"), creation("g", Principal="nobody")) == [
        *[(44, words)] * 3,
        (
            42,
            "Could not parse principal from `nobody` (no colon is present separating the principal type from the principal name)",
        ),
    ]
    assert names(client) == ["a", "b", "c"]
    assert results(client, *map(creation, "abcde")) == [(0, None)] * 5  # only new ones count


@VERSIONS
def test_without_an_authorizer_security_is_disabled(version: int) -> None:
    with KafkaHarness() as kafka:
        told = results(kafka.connect(), creation(), creation(Operation=ANY), version=version)
    assert told == [(54, "No Authorizer is configured.")] * 2


def test_making_rules_needs_alter_on_the_cluster(kafka: KafkaHarness, client: Client) -> None:
    alice = somebody(kafka)
    assert results(alice, creation("a"), creation("")) == [(31, "Cluster authorization failed.")] * 2
    assert names(client) == []
    create(client, creation("kafka-cluster", ResourceType=CLUSTER, Operation=ALTER))
    assert results(alice, creation("a")) == [(0, None)]


def test_rules_outlive_the_process(tmp_path: Path) -> None:
    settings = {"kafka_authorizer": True, "kafka_super_users": ("ANONYMOUS",), "data_dir": tmp_path}
    with KafkaHarness(**settings) as kafka:
        create(kafka.connect(), creation("b"), creation("a"))
    with KafkaHarness(**settings) as kafka:
        assert sorted(names(kafka.connect())) == ["a", "b"]
