"""FindCoordinator; several brokers, of which each answers for its own groups; who may do what; and the end of the process."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from services.kafka.acls import Operation, Resource
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import Member, configure, make_topic, stable

COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED = 15, 16, 29, 30
INVALID_REQUEST, TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 42, 53
GROUP, TRANSACTION, SHARE = range(3)
A_TOPIC_ID = base64.urlsafe_b64encode(bytes(range(16))).decode().rstrip("=")
ORDERS = [{"Name": "orders", "Partitions": [{"PartitionIndex": 0, "CommittedOffset": 1}]}]
REQUESTS: list[tuple[str, int, dict[str, Any]]] = [
    ("OffsetCommit", 9, {"Topics": ORDERS}),
    ("OffsetFetch", 7, {"Topics": [{"Name": "orders", "PartitionIndexes": [0]}]}),
    ("JoinGroup", 9, {"SessionTimeoutMs": 10_000, "ProtocolType": "consumer", "Protocols": [{"Name": "range"}]}),
    ("Heartbeat", 4, {}),
    ("LeaveGroup", 5, {"Members": [{"MemberId": "somebody"}]}),
    ("SyncGroup", 5, {"ProtocolType": "consumer", "ProtocolName": "range"}),
    ("OffsetDelete", 0, {"Topics": [{"Name": "orders", "Partitions": [{"PartitionIndex": 0}]}]}),
]
"""Requests that name one group."""


def errors_in(answer: Any) -> set[int]:
    """All error codes in an answer, wherever they are, but 0."""
    if isinstance(answer, list):
        return set().union(*map(errors_in, answer))
    if not isinstance(answer, dict):
        return set()
    own = {answer["ErrorCode"]} - {0} if "ErrorCode" in answer else set()
    return own.union(*map(errors_in, answer.values()))


def deny(kafka: KafkaHarness, monkeypatch: pytest.MonkeyPatch, *denied: tuple[Operation, Resource]) -> None:
    """Switch an authorizer on that allows everything but this."""

    def allows(principal: str, host: str, operation: Operation, resource: Resource, name: str) -> bool:
        return (operation, resource) not in denied

    monkeypatch.setattr(kafka.cluster.acls, "enabled", True)
    monkeypatch.setattr(kafka.cluster.acls, "allows", allows)


@pytest.mark.parametrize("version", range(4))
def test_one_coordinator_is_found(client: Client, version: int) -> None:
    answer = client.ask("FindCoordinator", {"Key": "billing"}, version=version)
    assert (answer["ErrorCode"], answer["NodeId"], answer["Host"], answer["Port"]) == (0, 1, "127.0.0.1", 9092)


@pytest.mark.parametrize("version", range(4, 7))
def test_many_coordinators_are_found(kafka_with: Callable[..., KafkaHarness], version: int) -> None:
    kafka = kafka_with(kafka_brokers=3)
    answer = kafka.connect().ask("FindCoordinator", {"CoordinatorKeys": ["a", "b", "c"]}, version=version)
    found = [(one["Key"], one["ErrorCode"], one["NodeId"], one["Port"]) for one in answer["Coordinators"]]
    expected = [(key, kafka.cluster.coordinator(key)) for key in "abc"]
    assert found == [(key, 0, node.node_id, node.port) for key, node in expected]
    assert {node_id for _, _, node_id, _ in found} == {1, 2, 3}


@pytest.mark.parametrize(
    ("version", "kind", "key", "error"),
    [
        (6, GROUP, "", 0),
        (6, TRANSACTION, "payments", 0),
        (6, SHARE, f"billing:{A_TOPIC_ID}:0", 0),
        (5, SHARE, f"billing:{A_TOPIC_ID}:0", INVALID_REQUEST),
        (6, SHARE, "billing", INVALID_REQUEST),
        (6, SHARE, f":{A_TOPIC_ID}:0", INVALID_REQUEST),
        (6, SHARE, "billing:orders:0", INVALID_REQUEST),
        (6, SHARE, f"billing:{A_TOPIC_ID}:first", INVALID_REQUEST),
        (6, 3, "billing", INVALID_REQUEST),
    ],
)
def test_keys_are_of_three_types(client: Client, version: int, kind: int, key: str, error: int) -> None:
    request = {"KeyType": kind, "CoordinatorKeys": [key]}
    [found] = client.ask("FindCoordinator", request, version=version)["Coordinators"]
    assert (found["ErrorCode"], found["NodeId"]) == (error, -1 if error else 1)


@pytest.mark.parametrize(("name", "version", "request_"), REQUESTS, ids=[name for name, _, _ in REQUESTS])
def test_another_broker_does_not_answer_for_a_group(
    kafka_with: Callable[..., KafkaHarness], name: str, version: int, request_: dict[str, Any]
) -> None:
    kafka = kafka_with(kafka_brokers=2)
    make_topic(kafka)
    other = 3 - kafka.cluster.coordinator("billing").node_id
    answer = kafka.connect(other).ask(name, {"GroupId": "billing"} | request_, version=version)
    assert errors_in(answer) == {NOT_COORDINATOR}


def test_every_broker_lists_its_own_groups(kafka_with: Callable[..., KafkaHarness]) -> None:
    kafka = kafka_with(kafka_brokers=2)
    make_topic(kafka)
    for group in ("a", "b"):
        node = kafka.cluster.coordinator(group)
        Member(kafka, group, client=kafka.connect(node.node_id)).commit(1)
    listed = [[group["GroupId"] for group in kafka.connect(node).ask("ListGroups")["Groups"]] for node in (1, 2)]
    assert sorted(map(len, listed)) == [1, 1]


@pytest.mark.parametrize(("name", "version", "request_"), REQUESTS, ids=[name for name, _, _ in REQUESTS])
def test_who_may_not_use_a_group_is_told(
    kafka: KafkaHarness,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    version: int,
    request_: dict[str, Any],
) -> None:
    make_topic(kafka)
    operation = {"OffsetFetch": Operation.DESCRIBE, "OffsetDelete": Operation.DELETE}.get(name, Operation.READ)
    deny(kafka, monkeypatch, (operation, Resource.GROUP))
    assert errors_in(client.ask(name, {"GroupId": "billing"} | request_, version=version)) == {
        GROUP_AUTHORIZATION_FAILED
    }


@pytest.mark.parametrize(
    ("name", "request_", "denied", "error"),
    [
        ("FindCoordinator", {"CoordinatorKeys": ["billing"]}, (Operation.DESCRIBE, Resource.GROUP), 30),
        (
            "FindCoordinator",
            {"KeyType": TRANSACTION, "CoordinatorKeys": ["payments"]},
            (Operation.DESCRIBE, Resource.TRANSACTIONAL_ID),
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ),
        ("DescribeGroups", {"Groups": ["billing"]}, (Operation.DESCRIBE, Resource.GROUP), 30),
        ("DeleteGroups", {"GroupsNames": ["billing"]}, (Operation.DELETE, Resource.GROUP), 30),
        (
            "TxnOffsetCommit",
            {"TransactionalId": "payments", "GroupId": "billing", "Topics": ORDERS},
            (Operation.WRITE, Resource.TRANSACTIONAL_ID),
            TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ),
        (
            "TxnOffsetCommit",
            {"TransactionalId": "payments", "GroupId": "billing", "Topics": ORDERS},
            (Operation.READ, Resource.GROUP),
            GROUP_AUTHORIZATION_FAILED,
        ),
    ],
)
def test_who_may_not_administer_is_told(
    kafka: KafkaHarness,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    request_: dict[str, Any],
    denied: tuple[Operation, Resource],
    error: int,
) -> None:
    deny(kafka, monkeypatch, denied)
    assert errors_in(client.ask(name, request_)) == {error}


def test_who_may_not_read_a_topic_neither_commits_nor_fetches(
    kafka: KafkaHarness, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_topic(kafka)
    deny(kafka, monkeypatch, (Operation.READ, Resource.TOPIC), (Operation.DESCRIBE, Resource.TOPIC))
    for name, version, request in (REQUESTS[0], REQUESTS[1]):
        answer = client.ask(name, {"GroupId": "billing"} | request, version=version)
        assert errors_in(answer) == {TOPIC_AUTHORIZATION_FAILED}


def test_all_topics_means_those_that_the_caller_may_see(
    kafka: KafkaHarness, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_topic(kafka)
    Member(kafka).commit(1)
    deny(kafka, monkeypatch, (Operation.DESCRIBE, Resource.TOPIC))
    assert client.ask("OffsetFetch", {"GroupId": "billing", "Topics": None}, version=7)["Topics"] == []


def test_groups_that_the_caller_may_not_see_are_not_listed(
    kafka: KafkaHarness, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stable(kafka, Member(kafka))
    deny(kafka, monkeypatch, (Operation.DESCRIBE, Resource.CLUSTER))
    assert len(client.ask("ListGroups")["Groups"]) == 1
    deny(kafka, monkeypatch, (Operation.DESCRIBE, Resource.CLUSTER), (Operation.DESCRIBE, Resource.GROUP))
    assert client.ask("ListGroups")["Groups"] == []


def test_everything_that_is_parked_is_answered_when_the_server_stops(kafka: KafkaHarness) -> None:
    joining = Member(kafka, "joining")
    stable(kafka, Member(kafka, "joining"))
    syncing = Member(kafka, "syncing"), Member(kafka, "syncing")
    joins = [member.join() for member in syncing]
    kafka.advance(0)
    syncing[1].joined(joins[1])
    parked = [joining.join(), syncing[1].sync()]
    assert all(pending.parked for pending in parked)
    kafka.cluster.drain()
    kafka.settle()
    assert [pending.answer["ErrorCode"] for pending in parked] == [COORDINATOR_NOT_AVAILABLE] * 2
    assert Member(kafka).send_join().answer["ErrorCode"] == COORDINATOR_NOT_AVAILABLE


def test_the_bound_of_sessions_is_a_config(kafka: KafkaHarness) -> None:
    configure(kafka, group_min_session_timeout_ms="1000")
    assert Member(kafka).send_join(SessionTimeoutMs=1000).answer["ErrorCode"] == 79
