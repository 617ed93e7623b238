"""DescribeConfigs (key 32): the configs of topics, brokers, groups and client metrics, and where each value comes from.

Versions 1-4. Version 3 on tells types and documentation. The configs of a broker are answered by that broker only, as in Kafka; the empty
name stands for what was set on all brokers. A broker's loggers cannot be changed over the wire here, so none is listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.config_definitions import INTEGER
from services.kafka.config_describe import (
    Asked,
    describe_all_brokers,
    describe_broker,
    describe_client_metrics,
    describe_group,
    describe_topic,
)
from services.kafka.configs import BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC
from services.kafka.errors import Error, KafkaError
from services.kafka.topics import check_name

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

RESOURCES = {
    TOPIC: (Resource.TOPIC, Error.TOPIC_AUTHORIZATION_FAILED),
    GROUP: (Resource.GROUP, Error.GROUP_AUTHORIZATION_FAILED),
}
"""Whom to ask for permission; all else is the cluster's."""


@api(32, "DescribeConfigs", versions=(1, 4))
def describe_configs(call: Call, request: Request) -> Answer:
    """Show configs."""
    asked = Asked(synonyms=request["IncludeSynonyms"], documentation=request["IncludeDocumentation"])
    return {"Results": [_result(call, wanted, asked) for wanted in request["Resources"]]}


def _result(call: Call, wanted: dict[str, Any], asked: Asked) -> dict[str, Any]:
    kind, name, names = wanted["ResourceType"], wanted["ResourceName"], wanted["ConfigurationKeys"]
    result = {"ResourceType": kind, "ResourceName": name, "ErrorCode": Error.NONE, "ErrorMessage": "", "Configs": []}
    try:
        check_allowed(call, Operation.DESCRIBE_CONFIGS, kind, name)
        entries = _entries(call, kind, name, asked)
    except KafkaError as error:
        return result | {"ErrorCode": error.error, "ErrorMessage": error.message}
    return result | {"Configs": [entry for entry in entries if not names or entry["Name"] in names]}


def check_allowed(call: Call, operation: Operation, kind: int, name: str) -> None:
    """Check that the caller may do this to the configs of a resource. Raises KafkaError."""
    if kind not in (TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP):
        raise KafkaError(Error.INVALID_REQUEST, f"Unexpected resource type UNKNOWN for resource {name}")
    resource, error = RESOURCES.get(kind, (None, Error.CLUSTER_AUTHORIZATION_FAILED))
    allowed = call.allowed_on_cluster(operation) if resource is None else call.allowed(operation, resource, name)
    if not allowed:
        raise KafkaError(error)


def _entries(call: Call, kind: int, name: str, asked: Asked) -> list[dict[str, Any]]:
    """Show the configs of one resource. Raises KafkaError."""
    configs, node_id = call.cluster.configs, call.peer.node_id
    if kind == TOPIC:
        check_name(name)
        topic = call.cluster.topics.get(name)
        if topic is None:
            raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
        return describe_topic(configs, topic.overrides, node_id, asked)
    if kind == BROKER and not name:
        return describe_all_brokers(configs, node_id, asked)
    if kind in (BROKER, BROKER_LOGGER):
        check_broker_name(call, name, "" if kind == BROKER_LOGGER else " or empty string,")
        return describe_broker(configs, node_id, asked) if kind == BROKER else []
    if kind == CLIENT_METRICS:
        if not name:
            raise KafkaError(Error.INVALID_REQUEST, "Client metrics subscription name must not be empty")
        return describe_client_metrics(configs, name, asked)
    if not name:
        raise KafkaError(Error.INVALID_REQUEST, "Group name must not be empty")
    return describe_group(configs, name, node_id, asked)


def check_broker_name(call: Call, name: str, also: str) -> None:
    """Check that a name is that of the broker that was asked. Raises KafkaError INVALID_REQUEST."""
    node_id = call.peer.node_id
    if not name:
        raise KafkaError(Error.INVALID_REQUEST, "Broker id must not be empty")
    if not INTEGER.fullmatch(name):
        raise KafkaError(Error.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}")
    if int(name) != node_id:
        raise KafkaError(Error.INVALID_REQUEST, f"Unexpected broker id, expected {node_id}{also} but received {name}")
