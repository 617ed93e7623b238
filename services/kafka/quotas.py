"""Client quotas: kept and described, not enforced (nobody is throttled here).

An entity is a user, a client id, both, or an IP address; None as its name is the default one (org.apache.kafka.controller.
ClientQuotaControlManager of Apache Kafka 4.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.storage.journal import Journal

Entity = frozenset[tuple[str, str | None]]
"""Pairs of type (`user`, `client-id`, `ip`) and name."""

USER, CLIENT_ID, IP = "user", "client-id", "ip"
_TABLE = "quotas"
_LONG_MAX, _INT_MAX = (1 << 63) - 1, (1 << 31) - 1
_CLIENT_KEYS: Mapping[str, float | None] = {
    "producer_byte_rate": _LONG_MAX,
    "consumer_byte_rate": _LONG_MAX,
    "request_percentage": None,
    "controller_mutation_rate": None,
}
"""What may be set on users and clients, with the largest value; None: fractions are allowed."""
_IP_KEYS: Mapping[str, float | None] = {"connection_creation_rate": _INT_MAX}


class Quotas:
    """The quotas of a cluster."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.by_entity: dict[Entity, dict[str, float]] = {
            frozenset((of, name) for of, name in orjson.loads(key)): values
            for key, values in journal.load(_TABLE).items()
        }

    def alter(
        self, entity: Mapping[str, str | None], changes: Mapping[str, float | None], *, validate_only: bool
    ) -> None:
        """Set quotas of an entity, or take those away whose value is None. Raises KafkaError INVALID_REQUEST."""
        _check_entity(entity)
        _check_changes(entity, changes)
        if validate_only:
            return
        key: Entity = frozenset(entity.items())
        values = self.by_entity.get(key, {}) | {name: value for name, value in changes.items() if value is not None}
        values = {name: value for name, value in values.items() if changes.get(name, value) is not None}
        text = orjson.dumps(sorted(entity.items())).decode()
        if values:
            self.by_entity[key] = values
            self._journal.put(_TABLE, text, values)
        else:
            self.by_entity.pop(key, None)
            self._journal.delete(_TABLE, text)


def _check_entity(entity: Mapping[str, str | None]) -> None:
    if not entity:
        raise _invalid("Invalid empty client quota entity")
    for of in entity:
        if of not in (USER, CLIENT_ID, IP):
            raise _invalid(f"Unhandled client quota entity type: {of}")
    for of, name in entity.items():
        if name == "":
            raise _invalid(f"Empty {of} not supported")
    if IP in entity and len(entity) > 1:
        raise _invalid(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId"  # as Kafka writes it
        )


def _check_changes(entity: Mapping[str, str | None], changes: Mapping[str, float | None]) -> None:
    keys = _IP_KEYS if IP in entity else _CLIENT_KEYS
    for key, value in changes.items():
        if value is None:
            continue
        if key not in keys:
            raise _invalid(f"Invalid configuration key {key}")
        if value <= 0:
            raise _invalid(f"Quota {key} must be greater than 0")
        largest = keys[key]
        if largest is not None and value > largest:
            raise _invalid(
                f"Proposed value for {key} is too large for {'an INT' if largest == _INT_MAX else 'a LONG'}."
            )
        if largest is not None and value % 1 > 1e-6:
            raise _invalid(f"{key} cannot be a fractional value.")


def _invalid(message: str) -> KafkaError:
    return KafkaError(Error.INVALID_REQUEST, message)
