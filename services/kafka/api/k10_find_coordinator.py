"""FindCoordinator (key 10): the broker that coordinates a group, a transactional id or a share partition.

Versions 0-6. From 4 on several keys of one type at once. Types: 0 group, 1 transaction, 2 share partition (6+; "group:topic id:partition").
Brokers are told at the address that this client has dialled, as Metadata tells them.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request, Response

GROUP, TRANSACTION, SHARE = range(3)
_MANY_KEYS_FROM = 4
_SHARE_FROM = 6
_UUID_BYTES = 16
_NOWHERE: tuple[int, str, int] = -1, "", -1


@api(10, "FindCoordinator", versions=(0, 6))
def find_coordinator(call: Call, request: Request) -> Answer:
    """Find coordinators."""
    kind = request["KeyType"]
    if call.version >= _MANY_KEYS_FROM:
        return {"Coordinators": [{"Key": key, **_find(call, kind, key)} for key in request["CoordinatorKeys"]]}
    found = _find(call, kind, request["Key"])
    error = found["ErrorCode"]
    # Old brokers say NONE in words, too.
    return {**found, "ErrorMessage": error.message or error.name}


def _find(call: Call, kind: int, key: str) -> Response:
    error = Error.NONE
    node_id, host, port = _NOWHERE
    try:
        _check(call, kind, key)
        node_id = call.cluster.coordinator(key.split(":")[0] if kind == SHARE else key).node_id
        host, port = call.peer.advertised(node_id)
    except KafkaError as refused:
        error = refused.error
    return {"ErrorCode": error, "NodeId": node_id, "Host": host, "Port": port}


def _check(call: Call, kind: int, key: str) -> None:
    """Raises KafkaError."""
    if kind == GROUP:
        if not call.allowed(Operation.DESCRIBE, Resource.GROUP, key):
            raise KafkaError(Error.GROUP_AUTHORIZATION_FAILED)
    elif kind == TRANSACTION:
        if not call.allowed(Operation.DESCRIBE, Resource.TRANSACTIONAL_ID, key):
            raise KafkaError(Error.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    elif kind == SHARE and call.version >= _SHARE_FROM:
        if not call.allowed_on_cluster(Operation.CLUSTER_ACTION):
            raise KafkaError(Error.CLUSTER_AUTHORIZATION_FAILED)
        if not _is_share_key(key):
            raise KafkaError(Error.INVALID_REQUEST)
    else:
        raise KafkaError(Error.INVALID_REQUEST)


def _is_share_key(key: str) -> bool:
    """Tell whether this is group, topic id in base64url and partition (SharePartitionKey.validate)."""
    group_id, _, rest = key.partition(":")
    topic_id, _, partition = rest.partition(":")
    try:
        decoded = base64.b64decode(topic_id + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(group_id.strip()) and len(decoded) == _UUID_BYTES and partition.isdecimal()
