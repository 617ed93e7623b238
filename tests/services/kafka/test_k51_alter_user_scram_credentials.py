"""AlterUserScramCredentials: what is stored, what is refused; test_k36_sasl_authenticate.py logs in with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.kafka_acls import ALTER, CLUSTER, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness

TWICE = (92, "A user credential cannot be altered twice in the same request")
MISSING = (91, "Attempt to delete a user credential that does not exist")
FINE = (0, None)


@pytest.fixture
def client(kafka_with: Callable[..., KafkaHarness]) -> Client:
    """A connection to a cluster whose settings name alice."""
    return kafka_with(kafka_users=(("alice", "secret"),)).connect()


def upsertion(name: str, mechanism: int = 1, iterations: int = 8192, **other: Any) -> dict[str, Any]:
    """Write a credential to store."""
    stored = {"Name": name, "Mechanism": mechanism, "Iterations": iterations, "Salt": b"s", "SaltedPassword": b"p"}
    return stored | other


def deletion(name: str, mechanism: int = 1) -> dict[str, Any]:
    """Write a credential to delete."""
    return {"Name": name, "Mechanism": mechanism}


def alter(
    client: Client, deletions: list[dict[str, Any]], upsertions: list[dict[str, Any]]
) -> dict[str, tuple[int, str | None]]:
    """Store and delete, and give what came of each user."""
    answer = client.ask("AlterUserScramCredentials", {"Deletions": deletions, "Upsertions": upsertions})
    told = {result["User"]: (result["ErrorCode"], result["ErrorMessage"]) for result in answer["Results"]}
    assert len(told) == len(answer["Results"])
    return told


def credentials(client: Client) -> dict[str, dict[int, int]]:
    """Tell everybody's iterations by mechanism."""
    results = client.ask("DescribeUserScramCredentials", {"Users": None})["Results"]
    return {
        result["User"]: {info["Mechanism"]: info["Iterations"] for info in result["CredentialInfos"]}
        for result in results
    }


def test_a_credential_is_stored(client: Client) -> None:
    assert alter(client, [], [upsertion("bob", 2)]) == {"bob": FINE}
    assert credentials(client) == {"alice": {1: 4096, 2: 4096}, "bob": {2: 8192}}


def test_a_credential_takes_the_place_of_the_one_before(client: Client) -> None:
    for iterations in (5000, 6000):
        assert alter(client, [], [upsertion("alice", 1, iterations)]) == {"alice": FINE}
    assert credentials(client) == {"alice": {1: 6000, 2: 4096}}


def test_a_credential_is_deleted_and_stored_again(client: Client) -> None:
    assert alter(client, [deletion("alice")], []) == {"alice": FINE}
    assert credentials(client) == {"alice": {2: 4096}}
    assert alter(client, [deletion("alice")], []) == {"alice": MISSING}
    assert alter(client, [], [upsertion("alice")]) == {"alice": FINE}
    assert credentials(client) == {"alice": {1: 8192, 2: 4096}}


def test_several_users_are_altered_at_once_and_each_is_told(client: Client) -> None:
    told = alter(client, [deletion("alice", 2), deletion("nobody")], [upsertion("bob"), upsertion("carol", 3)])
    assert told == {
        "alice": FINE,
        "bob": FINE,
        "nobody": MISSING,
        "carol": (33, "Unknown SCRAM mechanism"),
    }
    assert credentials(client) == {"alice": {1: 4096}, "bob": {1: 8192}}


@pytest.mark.parametrize(
    ("deletions", "upsertions"),
    [
        ([deletion("alice"), deletion("alice")], []),
        ([deletion("alice", 1), deletion("alice", 2)], []),
        ([], [upsertion("alice", 1), upsertion("alice", 2)]),
        ([deletion("alice", 1)], [upsertion("alice", 2)]),
        ([deletion("alice")], [upsertion("alice"), upsertion("alice")]),
    ],
)
def test_a_user_that_is_named_twice_keeps_what_it_has(
    client: Client, deletions: list[dict[str, Any]], upsertions: list[dict[str, Any]]
) -> None:
    assert alter(client, deletions, [*upsertions, upsertion("bob")]) == {"alice": TWICE, "bob": FINE}
    assert credentials(client) == {"alice": {1: 4096, 2: 4096}, "bob": {1: 8192}}


def test_the_first_error_of_a_user_is_told(client: Client) -> None:
    assert alter(client, [deletion("bob")], [upsertion("bob")]) == {"bob": MISSING}
    assert alter(client, [], [upsertion("bob", iterations=1), upsertion("bob")]) == {"bob": (93, "Too few iterations")}
    assert "bob" not in credentials(client)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (upsertion(""), (93, "Username must not be empty")),
        (upsertion("", 9, 1), (93, "Username must not be empty")),
        (upsertion("bob", 0), (33, "Unknown SCRAM mechanism")),
        (upsertion("bob", 9, 1), (33, "Unknown SCRAM mechanism")),
        (upsertion("bob", iterations=4095), (93, "Too few iterations")),
        (upsertion("bob", iterations=-1), (93, "Too few iterations")),
        (upsertion("bob", iterations=16_385), (93, "Too many iterations")),
        (upsertion("bob", SaltedPassword=b""), (-1, None)),
    ],
)
def test_a_credential_that_will_not_do_is_refused(
    client: Client, change: dict[str, Any], error: tuple[int, str]
) -> None:
    assert alter(client, [], [change]) == {change["Name"]: error}
    assert credentials(client) == {"alice": {1: 4096, 2: 4096}}


@pytest.mark.parametrize("change", [{"iterations": 4096}, {"iterations": 16_384}, {"Salt": b""}])
def test_a_credential_at_the_bounds_is_stored(client: Client, change: dict[str, Any]) -> None:
    assert alter(client, [], [upsertion("bob", **change)]) == {"bob": FINE}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (deletion("nobody"), MISSING),
        (deletion("", 9), (93, "Username must not be empty")),
        (deletion("alice", 0), (33, "Unknown SCRAM mechanism")),
        (deletion("alice", 3), (33, "Unknown SCRAM mechanism")),
    ],
)
def test_a_deletion_that_will_not_do_is_refused(client: Client, change: dict[str, Any], error: tuple[int, str]) -> None:
    assert alter(client, [change], []) == {change["Name"]: error}


def test_altering_needs_alter_on_the_cluster_and_each_user_is_told_once() -> None:
    with guarded() as kafka:
        alice = somebody(kafka)
        request = {"Deletions": [deletion("b"), deletion("c")], "Upsertions": [upsertion("a"), upsertion("b", 2)]}
        error = {"ErrorCode": 31, "ErrorMessage": "Cluster authorization failed."}
        answer = alice.ask("AlterUserScramCredentials", request)
        assert answer["Results"] == [{"User": name, **error} for name in "abc"]
        assert credentials(kafka.connect()) == {}
        create(kafka.connect(), creation("kafka-cluster", ResourceType=CLUSTER, Operation=ALTER))
        assert alter(alice, [], [upsertion("bob")]) == {"bob": FINE}
