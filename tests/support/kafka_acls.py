"""Access rules as requests write them, and clusters that hold them."""

from __future__ import annotations

from typing import Any

from tests.support.kafka_broker import Client, KafkaHarness

ANY, MATCH, LITERAL, PREFIXED = 1, 2, 3, 4
TOPIC, GROUP, CLUSTER, USER = 2, 3, 4, 7
ALL, READ, WRITE, ALTER, DESCRIBE = 2, 3, 4, 7, 8
DENY, ALLOW = 2, 3
ANONYMOUS = "User:ANONYMOUS"
ANYTHING = {
    "ResourceTypeFilter": ANY,
    "ResourceNameFilter": None,
    "PatternTypeFilter": ANY,
    "PrincipalFilter": None,
    "HostFilter": None,
    "Operation": ANY,
    "PermissionType": ANY,
}
"""The filter that means every rule."""


def guarded() -> KafkaHarness:
    """Make a cluster with an authorizer. Who does not log in is a super user; see `somebody`."""
    return KafkaHarness(kafka_authorizer=True, kafka_super_users=("ANONYMOUS",))


def somebody(kafka: KafkaHarness) -> Client:
    """Connect as alice, to whom nothing is allowed."""
    client = kafka.connect()
    client.connection.principal = "User:alice"
    return client


def creation(name: str = "orders", **other: Any) -> dict[str, Any]:
    """Write a rule: alice may read a topic."""
    return {
        "ResourceType": TOPIC,
        "ResourceName": name,
        "ResourcePatternType": LITERAL,
        "Principal": "User:alice",
        "Host": "*",
        "Operation": READ,
        "PermissionType": ALLOW,
    } | other


def create(client: Client, *creations: dict[str, Any]) -> None:
    """Make rules that must be fine."""
    results = client.ask("CreateAcls", {"Creations": list(creations)})["Results"]
    assert results == [{"ErrorCode": 0, "ErrorMessage": None}] * len(creations)


def names(client: Client) -> list[str]:
    """Name the resources that rules are about."""
    return [resource["ResourceName"] for resource in client.ask("DescribeAcls", ANYTHING)["Resources"]]
