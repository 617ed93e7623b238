"""Configs as DescribeConfigs and CreateTopics show them: value, where it comes from, and what would hold if it were not set there.

Every function answers entries in the field names of DescribeConfigsResponse's `Configs`, by name. A config's synonyms are the places where
it is set, the one that holds first (kafka.server.ConfigHelper).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.config_definitions import CONFIG_TYPES, Definition, Value, text_of
from services.kafka.configs import BROKER, CLIENT_METRICS, GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from services.kafka.configs import Configs

Entry = dict[str, Any]
DYNAMIC_TOPIC, DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER, STATIC_BROKER, DEFAULT, OF_CLIENT_METRICS, OF_GROUP = (
    1,
    2,
    3,
    4,
    5,
    7,
    8,
)
"""Where a value comes from (DescribeConfigsResponse.ConfigSource)."""
_FAMILIES = (
    ("log.roll.ms", "log.roll.hours"),
    ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
)
"""Broker configs that mean the same in other units."""
_FLUSH = ("log.flush.interval.ms", "log.flush.scheduler.interval.ms")


class Asked(NamedTuple):
    """What a client wants to hear beside the values."""

    synonyms: bool
    documentation: bool


NONE_ASKED = Asked(synonyms=False, documentation=False)


def describe_topic(configs: Configs, overrides: Mapping[str, str], node_id: int, asked: Asked) -> list[Entry]:
    """Show the configs of a topic, as the broker that was asked sees them."""
    values = configs.topic_values(overrides)
    entries = []
    for name, definition in configs.definitions["topic"].items():
        if definition.update == "internal" and name not in overrides:
            continue
        places = _own(name, overrides, DYNAMIC_TOPIC)
        if definition.synonyms:
            places += _places(configs, definition.synonyms[0], node_id)
        entries.append(_entry(definition, values[name], places, asked))
    return entries


def describe_group(configs: Configs, group_id: str, node_id: int, asked: Asked) -> list[Entry]:
    """Show the configs of a group."""
    own = configs.set_on(GROUP, group_id)
    values = configs.group_values(own)
    entries = []
    for name, definition in configs.definitions["group"].items():
        places = _own(name, own, OF_GROUP)
        if definition.synonyms:
            places += _places(configs, definition.synonyms[0], node_id)
        elif definition.default is not None:
            places.append(_place(name, definition.default, DEFAULT))
        entries.append(_entry(definition, values[name], places, asked))
    return entries


def describe_client_metrics(configs: Configs, name: str, asked: Asked) -> list[Entry]:
    """Show the configs of a subscription to client metrics."""
    own = configs.set_on(CLIENT_METRICS, name)
    values = configs.client_values(own)
    return [
        _entry(definition, values[config], _own(config, own, OF_CLIENT_METRICS), asked)
        for config, definition in configs.definitions["client"].items()
    ]


def describe_broker(configs: Configs, node_id: int, asked: Asked) -> list[Entry]:
    """Show the configs of a broker, with those that nobody knows but were set on it."""
    definitions = configs.definitions["broker"]
    unknown = [
        name for name in (configs.set_on(BROKER, str(node_id)) | configs.set_on(BROKER, "")) if name not in definitions
    ]
    return [_broker_entry(configs, name, node_id, asked) for name in sorted([*definitions, *unknown])]


def describe_all_brokers(configs: Configs, node_id: int, asked: Asked) -> list[Entry]:
    """Show what was set on all brokers."""
    return [_broker_entry(configs, name, node_id, asked, shared=True) for name in sorted(configs.set_on(BROKER, ""))]


def _broker_entry(configs: Configs, name: str, node_id: int, asked: Asked, *, shared: bool = False) -> Entry:
    places = _places(configs, name, node_id)
    if shared:
        places = [place for place in places if place["Source"] == DYNAMIC_DEFAULT_BROKER]
    definition = configs.definitions["broker"].get(name)
    if definition is None:  # what it is, and so whether it is a secret, nobody knows
        hidden = [place | {"Value": None} for place in places]
        return _entry(None, None, hidden, asked) | {"Name": name, "IsSensitive": True, "ReadOnly": True}
    value = places[0]["Value"] if places and places[0]["Name"] == name else None
    return _entry(definition, value, places, asked) | {"ReadOnly": not definition.update}


def _own(name: str, values: Mapping[str, str], source: int) -> list[Entry]:
    return [_place(name, values[name], source)] if name in values else []


def _places(configs: Configs, name: str, node_id: int) -> list[Entry]:
    """Name the places where a broker config is set; nothing where none of them has this very name."""
    family = next((names for names in _FAMILIES if name in names), _FLUSH if name == _FLUSH[0] else (name,))
    definitions = configs.definitions["broker"]
    defaults = {of: definitions[of].default for of in family if of in definitions}
    levels: Iterable[tuple[Mapping[str, str | None], int]] = (
        (dict(configs.set_on(BROKER, str(node_id))), DYNAMIC_BROKER),
        (dict(configs.set_on(BROKER, "")), DYNAMIC_DEFAULT_BROKER),
        (dict(configs.started_with(node_id)), STATIC_BROKER),
        (defaults, DEFAULT),
    )
    places = [
        _place(of, values[of], source) for values, source in levels for of in family if values.get(of) is not None
    ]
    first = next((number for number, place in enumerate(places) if place["Name"] == name), len(places))
    return places[first:]


def _place(name: str, value: str | None, source: int) -> Entry:
    return {"Name": name, "Value": value, "Source": source}


def _entry(definition: Definition | None, value: Value, places: list[Entry], asked: Asked) -> Entry:
    return {
        "Name": definition.name if definition else "",
        "Value": text_of(value),
        "ReadOnly": False,
        "ConfigSource": places[0]["Source"] if places else DEFAULT,
        "IsSensitive": False,
        "Synonyms": places if asked.synonyms else [],
        "ConfigType": CONFIG_TYPES[definition.type] if definition else 0,
        "Documentation": definition.documentation if definition and asked.documentation else None,
    }
