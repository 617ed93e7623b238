"""Configs as they are changed: what AlterConfigs and IncrementalAlterConfigs have in common.

A resource's changes hold all or none. Checks come in Kafka's order: of the request (ConfigAdminManager), then whether the caller may, then
of the values all together, then whether the resource is there (ConfigurationControlManager).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from services.kafka.acls import Operation, Resource
from services.kafka.config_definitions import INTEGER
from services.kafka.configs import BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC
from services.kafka.errors import Error, KafkaError
from services.kafka.topics import check_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.kafka.api.base import Call, Request, Response
    from services.kafka.configs import Configs

VALUE_LENGTH_MAX = 32_767
DELETE = 1
"""Of IncrementalAlterConfigs' operations, the one without a value."""


def alter(
    call: Call, request: Request, changed: Callable[[dict[str, Any], dict[str, str]], dict[str, str]]
) -> Response:
    """Change the configs of resources, and answer what came of each."""
    resources = request["Resources"]
    keys = [(resource["ResourceType"], resource["ResourceName"]) for resource in resources]
    seen = Counter(keys)
    responses = []
    for (kind, name), resource in zip(keys, resources, strict=True):
        error: KafkaError | None = None
        if seen[kind, name] > 1:
            error = KafkaError(Error.INVALID_REQUEST, "Each resource must appear at most once.")
        else:
            try:
                _alter(call, resource, changed, validate_only=request["ValidateOnly"])
            except KafkaError as refused:
                error = refused
        responses.append(
            {
                "ErrorCode": error.error if error else Error.NONE,
                "ErrorMessage": error.message if error else None,
                "ResourceType": kind,
                "ResourceName": name,
            }
        )
    return {"Responses": responses}


def _alter(
    call: Call,
    resource: dict[str, Any],
    changed: Callable[[dict[str, Any], dict[str, str]], dict[str, str]],
    *,
    validate_only: bool,
) -> None:
    """Change the configs of one resource. Raises KafkaError."""
    kind, name = resource["ResourceType"], resource["ResourceName"]
    _check_form(resource)
    _check_kind(call, kind, name, resource)
    before = _before(call, kind, name)
    values = changed(resource, before)
    if any(len(value) > VALUE_LENGTH_MAX for value in values.values()):
        raise KafkaError(
            Error.INVALID_CONFIG,
            f"The configuration value cannot be added because it exceeds the maximum value size of {VALUE_LENGTH_MAX} bytes.",
        )
    _check_values(call.cluster.configs, kind, name, values, before)
    topic = call.cluster.topics.get(name) if kind == TOPIC else None
    if kind == TOPIC and topic is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    if validate_only:
        return
    if topic is not None:
        call.cluster.topics.configure(topic, values)
    else:
        call.cluster.configs.replace(kind, name, values)


def _check_form(resource: dict[str, Any]) -> None:
    names = [config["Name"] for config in resource["Configs"]]
    if len(set(names)) != len(names):
        raise KafkaError(Error.INVALID_REQUEST, "Error due to duplicate config keys")
    nulls = [
        config["Name"]
        for config in resource["Configs"]
        if config["Value"] is None and config.get("ConfigOperation") != DELETE
    ]
    if nulls:
        raise KafkaError(Error.INVALID_REQUEST, f"Null value not supported for : {', '.join(nulls)}")


def _check_kind(call: Call, kind: int, name: str, resource: dict[str, Any]) -> None:
    """Check what is to be changed, and that the caller may. Raises KafkaError."""
    if kind == BROKER and name:
        _check_broker(call, name)
    if kind in (BROKER, CLIENT_METRICS):
        allowed, error = call.allowed_on_cluster(Operation.ALTER_CONFIGS), Error.CLUSTER_AUTHORIZATION_FAILED
    elif kind == TOPIC:
        allowed = call.allowed(Operation.ALTER_CONFIGS, Resource.TOPIC, name)
        error = Error.TOPIC_AUTHORIZATION_FAILED
    elif kind == GROUP:
        allowed = call.allowed(Operation.ALTER_CONFIGS, Resource.GROUP, name)
        error = Error.GROUP_AUTHORIZATION_FAILED
    elif kind == BROKER_LOGGER and "ConfigOperation" in (resource["Configs"] or [{}])[0]:
        allowed, error = call.allowed_on_cluster(Operation.ALTER_CONFIGS), Error.CLUSTER_AUTHORIZATION_FAILED
        if allowed and INTEGER.fullmatch(name) and int(name) != call.peer.node_id:
            raise KafkaError(
                Error.INVALID_REQUEST, f"Unexpected node id. Expected {call.peer.node_id}, but received {name}"
            )
        if allowed:
            raise KafkaError(Error.INVALID_CONFIG, f"Logger {resource['Configs'][0]['Name']} does not exist!")
    else:
        raise KafkaError(Error.INVALID_REQUEST, f"Unknown resource type {kind}")
    if not allowed:
        raise KafkaError(error)


def _check_broker(call: Call, name: str) -> None:
    if not INTEGER.fullmatch(name):
        raise KafkaError(Error.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}")
    if int(name) != call.peer.node_id:
        raise KafkaError(
            Error.INVALID_REQUEST, f"Unexpected broker id, expected {call.peer.node_id}, but received {name}"
        )


def _before(call: Call, kind: int, name: str) -> dict[str, str]:
    if kind == TOPIC:
        topic = call.cluster.topics.get(name)
        return {} if topic is None else topic.overrides
    return call.cluster.configs.set_on(kind, name)


def _check_values(configs: Configs, kind: int, name: str, values: dict[str, str], before: dict[str, str]) -> None:
    if kind == TOPIC:
        if not name:
            raise KafkaError(Error.INVALID_REQUEST, "Default topic resources are not allowed.")
        check_name(name)
        configs.check_topic(values, before)
    elif kind == GROUP:
        if not name:
            raise KafkaError(Error.INVALID_REQUEST, "Default group resources are not allowed.")
        configs.check_group(values)
    elif kind == CLIENT_METRICS:
        if not name:
            raise KafkaError(Error.INVALID_REQUEST, "Subscription name can't be empty")
        configs.check_client(values)
    else:
        configs.check_broker(values)
