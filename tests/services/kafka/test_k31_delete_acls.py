"""DeleteAcls: rules taken away by filters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.kafka.api import k31_delete_acls
from tests.support.kafka_acls import (
    ALLOW,
    ALTER,
    ANYTHING,
    CLUSTER,
    DENY,
    LITERAL,
    MATCH,
    PREFIXED,
    READ,
    TOPIC,
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


def delete(client: Client, *filters: dict[str, Any], version: int = 3) -> list[dict[str, Any]]:
    """Delete by filters; each is written as what it differs in from one that means every rule."""
    request = {"Filters": [{**ANYTHING, **wanted} for wanted in filters]}
    found = client.ask("DeleteAcls", request, version=version)["FilterResults"]
    assert len(found) == len(filters)
    return list(found)


def gone(result: dict[str, Any]) -> list[str]:
    """Name the resources of the rules that a filter took away."""
    assert result["ErrorCode"] == 0, result
    return [acl["ResourceName"] for acl in result["MatchingAcls"]]


@VERSIONS
def test_what_is_taken_away_is_told_in_full(client: Client, version: int) -> None:
    create(client, creation("orders", Host="10.0.0.1"), creation("other"))
    told = {
        "ErrorCode": 0,
        "ErrorMessage": None,
        "ResourceType": TOPIC,
        "ResourceName": "orders",
        "PatternType": LITERAL,
        "Principal": "User:alice",
        "Host": "10.0.0.1",
        "Operation": READ,
        "PermissionType": ALLOW,
    }
    [result] = delete(client, {"ResourceNameFilter": "orders"}, version=version)
    assert result == {"ErrorCode": 0, "ErrorMessage": None, "MatchingAcls": [told]}
    assert names(client) == ["other"]


def test_a_rule_that_was_taken_away_holds_no_more(kafka: KafkaHarness, client: Client) -> None:
    client.create_topic("orders")
    create(client, creation(), creation("ord", ResourcePatternType=PREFIXED, Operation=8, PermissionType=DENY))
    alice = somebody(kafka)
    seen = []
    for wanted in ({}, {"PermissionType": DENY}, {"PermissionType": ALLOW}):
        if wanted:
            delete(client, wanted)
        seen.append(alice.ask("Metadata", {"Topics": [{"Name": "orders"}]})["Topics"][0]["ErrorCode"])
    assert seen == [29, 0, 29]


def test_match_takes_all_that_applies_to_a_name(client: Client) -> None:
    create(client, creation("orders"), creation("or", ResourcePatternType=PREFIXED), creation("*"), creation("order"))
    [result] = delete(client, {"ResourceNameFilter": "orders", "PatternTypeFilter": MATCH})
    assert gone(result) == ["orders", "or", "*"]
    assert names(client) == ["order"]


def test_a_filter_that_means_nothing_takes_nothing(client: Client) -> None:
    create(client, creation())
    assert gone(*delete(client, {"PrincipalFilter": "User:bob"})) == []
    assert names(client) == ["orders"]


def test_a_rule_that_two_filters_mean_is_told_twice(client: Client) -> None:
    create(client, creation("a"), creation("b"))
    first, second = delete(client, {"ResourceNameFilter": "a"}, {})
    assert (gone(first), gone(second)) == (["a"], ["a", "b"])
    assert names(client) == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("ResourceTypeFilter", "Unknown patternFilter."),
        ("PatternTypeFilter", "Unknown patternFilter."),
        ("Operation", "Unknown entryFilter."),
        ("PermissionType", "Unknown entryFilter."),
    ],
)
def test_a_filter_with_what_is_not_known_is_refused_and_others_take_theirs(
    client: Client, field: str, words: str
) -> None:
    create(client, creation("a"), creation("b"))
    bad, good = delete(client, {field: 99}, {"ResourceNameFilter": "a"})
    assert bad == {"ErrorCode": 42, "ErrorMessage": words, "MatchingAcls": []}
    assert gone(good) == ["a"]
    assert names(client) == ["b"]


@pytest.mark.parametrize("field", ["ResourceTypeFilter", "PatternTypeFilter", "Operation", "PermissionType"])
def test_unknown_in_a_filter_ends_the_connection_and_nothing_goes(
    kafka: KafkaHarness, client: Client, field: str
) -> None:
    create(client, creation())
    client.send("DeleteAcls", {"Filters": [ANYTHING, {**ANYTHING, field: 0}]})
    assert (client.transport.closed, bytes(client.transport.written)) == (True, b"")
    assert names(kafka.connect()) == ["orders"]


def test_too_many_rules_at_once_are_refused_and_none_goes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k31_delete_acls, "ACL_CHANGES_MAX", 2)
    create(client, *map(creation, "abc"))
    words = "Cannot remove more than 2 acls in a single delete operation."
    refused = {"ErrorCode": 42, "ErrorMessage": words, "MatchingAcls": []}
    assert delete(client, {"ResourceNameFilter": "a"}, {}) == [refused, refused]
    assert names(client) == ["a", "b", "c"]


@VERSIONS
def test_without_an_authorizer_security_is_disabled(version: int) -> None:
    disabled = {"ErrorCode": 54, "ErrorMessage": "No Authorizer is configured.", "MatchingAcls": []}
    with KafkaHarness() as kafka:
        assert delete(kafka.connect(), {}, {"Operation": 99}, version=version) == [disabled, disabled]


def test_taking_rules_away_needs_alter_on_the_cluster(kafka: KafkaHarness, client: Client) -> None:
    create(client, creation())
    alice = somebody(kafka)
    [result] = delete(alice, {})
    assert result == {"ErrorCode": 31, "ErrorMessage": "Cluster authorization failed.", "MatchingAcls": []}
    assert names(client) == ["orders"]
    create(client, creation("kafka-cluster", ResourceType=CLUSTER, Operation=ALTER))
    assert gone(*delete(alice, {})) == ["orders", "kafka-cluster"]
