"""DescribeAcls: rules by the resources that they are about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.kafka_acls import (
    ALLOW,
    ANYTHING,
    CLUSTER,
    DENY,
    DESCRIBE,
    LITERAL,
    MATCH,
    PREFIXED,
    READ,
    TOPIC,
    USER,
    WRITE,
    create,
    creation,
    guarded,
    somebody,
)
from tests.support.kafka_broker import Client, KafkaHarness

VERSIONS = pytest.mark.parametrize("version", [1, 2, 3])
CLOSED = (True, b"")


@pytest.fixture
def kafka() -> Iterator[KafkaHarness]:
    with guarded() as one:
        yield one


@VERSIONS
def test_rules_are_told_by_the_resources_that_they_are_about(client: Client, version: int) -> None:
    create(
        client,
        creation("orders"),
        creation("or", ResourcePatternType=PREFIXED, Host="10.0.0.1"),
        creation("orders", Principal="User:*", Operation=WRITE, PermissionType=DENY),
    )
    answer = client.ask("DescribeAcls", ANYTHING, version=version)
    alice = {"Principal": "User:alice", "Host": "*", "Operation": READ, "PermissionType": ALLOW}
    everybody = {"Principal": "User:*", "Host": "*", "Operation": WRITE, "PermissionType": DENY}
    assert answer == {
        "ThrottleTimeMs": 0,
        "ErrorCode": 0,
        "ErrorMessage": None,
        "Resources": [
            {"ResourceType": TOPIC, "ResourceName": "orders", "PatternType": LITERAL, "Acls": [alice, everybody]},
            {
                "ResourceType": TOPIC,
                "ResourceName": "or",
                "PatternType": PREFIXED,
                "Acls": [{**alice, "Host": "10.0.0.1"}],
            },
        ],
    }


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"ResourceNameFilter": "orders", "PatternTypeFilter": MATCH}, ["orders", "or", "*"]),
        ({"ResourceNameFilter": "orders"}, ["orders"]),
        ({"PatternTypeFilter": PREFIXED}, ["or"]),
        ({"ResourceTypeFilter": USER}, ["bob"]),
        ({"ResourceTypeFilter": CLUSTER}, []),
        ({"PrincipalFilter": "User:bob"}, []),
        ({"HostFilter": "*"}, ["orders", "or", "*", "bob"]),
        ({"Operation": WRITE}, []),
        ({"PermissionType": DENY}, []),
    ],
    ids=str,
)
def test_a_filter_chooses_rules(client: Client, wanted: dict[str, object], names: list[str]) -> None:
    create(
        client,
        creation("orders"),
        creation("or", ResourcePatternType=PREFIXED),
        creation("*"),
        creation("bob", ResourceType=USER, Operation=14),
    )
    resources = client.ask("DescribeAcls", {**ANYTHING, **wanted})["Resources"]
    assert [resource["ResourceName"] for resource in resources] == names


def test_a_request_that_says_nothing_of_patterns_means_literal_ones(client: Client) -> None:
    create(client, creation("orders"), creation("or", ResourcePatternType=PREFIXED))
    wanted = {key: value for key, value in ANYTHING.items() if key != "PatternTypeFilter"}
    [resource] = client.ask("DescribeAcls", wanted)["Resources"]
    assert resource["ResourceName"] == "orders"


@pytest.mark.parametrize("field", ["ResourceTypeFilter", "PatternTypeFilter", "Operation", "PermissionType"])
def test_what_is_not_known_yet_means_nothing(client: Client, field: str) -> None:
    create(client, creation())
    answer = client.ask("DescribeAcls", {**ANYTHING, field: 99})
    assert (answer["ErrorCode"], answer["Resources"]) == (0, [])


@pytest.mark.parametrize("field", ["ResourceTypeFilter", "PatternTypeFilter", "Operation", "PermissionType"])
def test_unknown_in_a_filter_ends_the_connection(client: Client, field: str) -> None:
    client.send("DescribeAcls", {**ANYTHING, field: 0})
    assert (client.transport.closed, bytes(client.transport.written)) == CLOSED


@VERSIONS
def test_without_an_authorizer_security_is_disabled(version: int) -> None:
    with KafkaHarness() as kafka:
        answer = kafka.connect().ask("DescribeAcls", ANYTHING, version=version)
    words = "No Authorizer is configured on the broker"
    assert answer == {"ThrottleTimeMs": 0, "ErrorCode": 54, "ErrorMessage": words, "Resources": []}


def test_describing_needs_describe_on_the_cluster(kafka: KafkaHarness, client: Client) -> None:
    alice = somebody(kafka)
    answer = alice.ask("DescribeAcls", ANYTHING)
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (31, "Cluster authorization failed.")
    create(client, creation("kafka-cluster", ResourceType=CLUSTER, Operation=DESCRIBE))
    assert alice.ask("DescribeAcls", ANYTHING)["ErrorCode"] == 0
