"""ShareFetch (key 78, KIP-932): a member of a share group hears of records, and says what has come of those that it had.

Versions 1-2. 2+: locks are renewed, and no more records than asked for may be wanted. What is fetched stands in a share session: epoch 0
opens it, each request raises it, -1 closes it and gives everything back. Parked while there is nothing, for max_wait_ms at most.

A member's session ends, too, when its connection is lost while a fetch is parked; else its records come back when their locks end.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.api.k76_share_group_heartbeat import share_group
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.settings import lock_settings, share_sessions_max
from services.kafka.groups.share import ShareGroup
from services.kafka.groups.share_fetch import ParkedShareFetch, ShareFetch
from services.kafka.groups.share_sessions import FINAL, INITIAL
from services.kafka.groups.share_words import RENEW_FROM, Verdict, check_member, endpoints, leader_of, listen

if TYPE_CHECKING:
    from asyncio import Future

    from services.kafka.api.base import Answer, Call, Request, Response
    from services.kafka.groups.share_ledger import Place


@api(78, "ShareFetch", versions=(1, 2))
def share_fetch(call: Call, request: Request) -> Answer:
    """Answer now, or park."""
    try:
        check_member(call, request)
        renews = call.version >= RENEW_FROM and request["IsRenewAck"]
        if renews:
            _check_renew(request)
        group = share_group(call.cluster.groups.get(request["GroupId"]), request["GroupId"])
        places = _session(call, group, request)
    except KafkaError as refused:
        return {"ErrorCode": refused.error, "ErrorMessage": refused.message}
    verdicts = listen(call, group, request, silent=True)
    fetch = ShareFetch(call, group, request, [] if renews else places)
    write = partial(_write, call, group, request, fetch, verdicts)
    if request["ShareSessionEpoch"] == FINAL:
        _close(call, group, request["MemberId"])
        return write()
    if not fetch.wants or fetch.look(call.now_ms, bytes_min=request["MinBytes"]):
        return write()
    if request["MaxWaitMs"] <= 0 or call.cluster.stopping:
        fetch.look(call.now_ms, bytes_min=0)
        return write()
    parked = ParkedShareFetch(call, group, fetch, request, write)
    parked.future.add_done_callback(partial(_ended, call, group, request["MemberId"], parked))
    return parked.future


def _ended(call: Call, group: ShareGroup, member_id: str, parked: ParkedShareFetch, future: Future[Response]) -> None:
    """See to a fetch whose client has gone away: others get its records at once."""
    if future.cancelled():
        parked.leave()
        _close(call, group, member_id)


def _check_renew(request: Request) -> None:
    """Refuse a request that renews locks and wants records: these would take their time (KIP-1222). Raises KafkaError INVALID_REQUEST."""
    wrong = [
        f"{field[0].lower()}{field[1:]} must be set to 0, "
        for field in ("MaxBytes", "MinBytes", "MaxRecords", "MaxWaitMs")
        if request[field] != 0
    ]
    if wrong:
        raise KafkaError(Error.INVALID_REQUEST, "".join(wrong) + "if isRenewAck is true.")


def _session(call: Call, group: ShareGroup, request: Request) -> list[Place]:
    """Open a session or go on with it, and tell what it fetches. Raises KafkaError."""
    key, epoch = (request["MemberId"], call.peer.node_id), request["ShareSessionEpoch"]
    named = [(topic["TopicId"], one["PartitionIndex"]) for topic in request["Topics"] for one in topic["Partitions"]]
    if epoch == FINAL:
        group.sessions.get(key)
        return []
    if epoch == INITIAL:
        if any(one["AcknowledgementBatches"] for topic in request["Topics"] for one in topic["Partitions"]):
            raise KafkaError(Error.INVALID_REQUEST)
        _close(call, group, request["MemberId"], keep_records=True)
        if _sessions(call) >= share_sessions_max(call.cluster):
            raise KafkaError(Error.SHARE_SESSION_LIMIT_REACHED)
        return list(group.sessions.open(key, named).places)
    session = group.sessions.next(key, epoch)
    session.places.update(dict.fromkeys(named))
    for topic in request["ForgottenTopicsData"]:
        for index in topic["Partitions"]:
            session.places.pop((topic["TopicId"], index), None)
    return list(session.places)


def _sessions(call: Call) -> int:
    groups = call.cluster.groups.groups.values()
    return sum(group.sessions.on(call.peer.node_id) for group in groups if isinstance(group, ShareGroup))


def _close(call: Call, group: ShareGroup, member_id: str, *, keep_records: bool = False) -> None:
    """End a session; its records go to others, unless the member opens another one."""
    places = group.sessions.remove((member_id, call.peer.node_id))
    if not keep_records:
        group.ledger.release(member_id, places)


def _write(
    call: Call, group: ShareGroup, request: Request, fetch: ShareFetch, verdicts: dict[Place, Verdict]
) -> Response:
    """Write the answer: partitions that have something to tell, all of them when a session is opened."""
    places: dict[Place, None] = dict.fromkeys(fetch.places) if request["ShareSessionEpoch"] == INITIAL else {}
    topics: dict[bytes, list[Response]] = {}
    leaders = []
    for place in [*places, *(it for it in {**fetch.found, **verdicts} if it not in places)]:
        made = _partition(fetch, verdicts, place)
        if Error.NOT_LEADER_OR_FOLLOWER in (made["ErrorCode"], made["AcknowledgeErrorCode"]):
            made["CurrentLeader"] = leader_of(call, place)
            leaders.append(made["CurrentLeader"])
        topics.setdefault(place[0], []).append(made)
    return {
        "AcquisitionLockTimeoutMs": lock_settings(call.cluster, group.group_id).lock_ms,
        "Responses": [{"TopicId": topic_id, "Partitions": partitions} for topic_id, partitions in topics.items()],
        "NodeEndpoints": endpoints(call, leaders),
    }


def _partition(fetch: ShareFetch, verdicts: dict[Place, Verdict], place: Place) -> Response:
    found = fetch.found.get(place)
    verdict = verdicts.get(place, Verdict(Error.NONE))
    return {
        "PartitionIndex": place[1],
        "ErrorCode": Error.NONE if found is None else found.error,
        "ErrorMessage": None if found is None else found.message,
        "AcknowledgeErrorCode": verdict.error,
        "AcknowledgeErrorMessage": verdict.message,
        "Records": [] if found is None else list(found.records),
        "AcquiredRecords": [
            {"FirstOffset": one.first, "LastOffset": one.last, "DeliveryCount": one.deliveries}
            for one in (() if found is None else found.acquired)
        ],
    }
