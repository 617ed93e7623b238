"""IncrementalAlterConfigs (key 44): changes single configs of topics, brokers, groups and client metrics (KIP-339).

Versions 0-1. SET 0, DELETE 1 (back to the default), APPEND 2 and SUBTRACT 3 for lists, which start from Kafka's default where nothing is
set. Broker configs that only a restart changes in Kafka, but which this broker heeds, can be changed here at run time, for there is no
server.properties (config_definitions.py).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from services.kafka.api.base import api
from services.kafka.config_alter import DELETE, alter
from services.kafka.configs import BROKER, GROUP, TOPIC
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.config_definitions import Kind
    from services.kafka.configs import Configs

SET, APPEND, SUBTRACT = 0, 2, 3
KINDS: dict[int, Kind] = {TOPIC: "topic", BROKER: "broker", GROUP: "group"}


@api(44, "IncrementalAlterConfigs", versions=(0, 1))
def incremental_alter_configs(call: Call, request: Request) -> Answer:
    """Change configs."""
    return alter(call, request, partial(_changed, call.cluster.configs))


def _changed(configs: Configs, resource: dict[str, Any], before: dict[str, str]) -> dict[str, str]:
    """Tell what is set when the changes are made. Raises KafkaError."""
    values = dict(before)
    for config in resource["Configs"]:
        name, operation = config["Name"], config["ConfigOperation"]
        if operation == SET:
            values[name] = config["Value"]
        elif operation == DELETE:
            values.pop(name, None)
        elif operation in (APPEND, SUBTRACT):
            values[name] = _list(configs, resource["ResourceType"], config, values.get(name))
        else:
            raise KafkaError(Error.INVALID_REQUEST, f"Unknown operations type {operation}")
    return values


def _list(configs: Configs, kind: int, config: dict[str, Any], before: str | None) -> str:
    name, operation = config["Name"], config["ConfigOperation"]
    definition = configs.definitions[KINDS.get(kind, "client")].get(name)
    if definition is None or definition.type != "LIST":
        word = "APPEND" if operation == APPEND else "SUBTRACT"
        raise KafkaError(Error.INVALID_CONFIG, f"Can't {word} to key {name} because its type is not LIST.")
    parts = [part for part in ((definition.default if before is None else before) or "").split(",") if part]
    for part in config["Value"].split(","):
        if operation == APPEND and part not in parts:
            parts.append(part)
        elif operation == SUBTRACT and part in parts:
            parts.remove(part)
    return ",".join(parts)
