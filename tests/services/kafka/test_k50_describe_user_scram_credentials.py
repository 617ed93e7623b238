"""DescribeUserScramCredentials: who can log in by SCRAM, and with how many iterations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.support.kafka_acls import CLUSTER, DESCRIBE, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness

BOTH = [{"Mechanism": 1, "Iterations": 4096}, {"Mechanism": 2, "Iterations": 4096}]


@pytest.fixture
def client(kafka_with: Callable[..., KafkaHarness]) -> Client:
    """A connection to a cluster whose settings name two users; carol's credential was stored by a client."""
    made = kafka_with(kafka_users=(("bob", "other"), ("alice", "secret"))).connect()
    stored = {"Name": "carol", "Mechanism": 2, "Iterations": 8192, "Salt": b"s", "SaltedPassword": b"p"}
    made.ask("AlterUserScramCredentials", {"Upsertions": [stored]})
    return made


def describe(client: Client, users: Iterable[str] | None) -> list[dict[str, Any]]:
    """Describe users."""
    request = {"Users": None if users is None else [{"Name": name} for name in users]}
    answer = client.ask("DescribeUserScramCredentials", request)
    assert (answer["ErrorCode"], answer["ErrorMessage"], answer["ThrottleTimeMs"]) == (0, None, 0)
    return list(answer["Results"])


def told(name: str, infos: list[dict[str, int]]) -> dict[str, Any]:
    """Write what is told of a user that there is."""
    return {"User": name, "ErrorCode": 0, "ErrorMessage": None, "CredentialInfos": infos}


@pytest.mark.parametrize("users", [None, []])
def test_no_names_mean_everybody(client: Client, users: list[str] | None) -> None:
    assert describe(client, users) == [
        told("alice", BOTH),
        told("bob", BOTH),
        told("carol", [{"Mechanism": 2, "Iterations": 8192}]),
    ]


def test_names_mean_those_users(client: Client) -> None:
    assert describe(client, ["carol", "alice"]) == [
        told("carol", [{"Mechanism": 2, "Iterations": 8192}]),
        told("alice", BOTH),
    ]


@pytest.mark.parametrize("name", ["nobody", "Alice", ""])
def test_a_user_that_there_is_not_is_not_found(client: Client, name: str) -> None:
    missing = {
        "User": name,
        "ErrorCode": 91,
        "ErrorMessage": f"Attempt to describe a user credential that does not exist: {name}",
        "CredentialInfos": [],
    }
    assert describe(client, [name, "bob"]) == [missing, told("bob", BOTH)]


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_user_that_is_named_twice_is_a_duplicate(client: Client, name: str) -> None:
    words = f"Cannot describe SCRAM credentials for the same user twice in a single request: {name}"
    twice = {"User": name, "ErrorCode": 92, "ErrorMessage": words, "CredentialInfos": []}
    assert describe(client, [name, "bob", name]) == [twice, told("bob", BOTH)]


def test_where_there_are_no_users_nobody_is_told(kafka: KafkaHarness) -> None:
    assert describe(kafka.connect(), None) == []


def test_a_user_without_credentials_is_not_told(client: Client) -> None:
    for mechanism in (1, 2):
        client.ask("AlterUserScramCredentials", {"Deletions": [{"Name": "alice", "Mechanism": mechanism}]})
    assert [result["User"] for result in describe(client, None)] == ["bob", "carol"]
    assert describe(client, ["alice"])[0]["ErrorCode"] == 91


def test_describing_needs_describe_on_the_cluster() -> None:
    with guarded() as kafka:
        alice = somebody(kafka)
        answer = alice.ask("DescribeUserScramCredentials", {"Users": [{"Name": "alice"}]})
        assert answer == {
            "ThrottleTimeMs": 0,
            "ErrorCode": 31,
            "ErrorMessage": "Cluster authorization failed.",
            "Results": [],
        }
        create(kafka.connect(), creation("kafka-cluster", ResourceType=CLUSTER, Operation=DESCRIBE))
        assert alice.ask("DescribeUserScramCredentials")["ErrorCode"] == 0
