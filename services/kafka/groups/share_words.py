"""What members say of records, in ShareAcknowledge and along with ShareFetch: checked and passed on to share partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.kafka.acls import Operation, Resource
from services.kafka.errors import Error, KafkaError
from services.kafka.groups.settings import lock_settings
from services.kafka.groups.share_partition import Ack, Spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.kafka.api.base import Call, Request, Response
    from services.kafka.groups.share import ShareGroup
    from services.kafka.groups.share_ledger import Place

RENEW_FROM = 2
"""Versions of ShareFetch and ShareAcknowledge that know the type RENEW."""
_MEMBER_ID_MAX = 36


class Verdict(NamedTuple):
    """What came of the words on a partition."""

    error: Error
    message: str | None = None


def listen(call: Call, group: ShareGroup, request: Request, *, silent: bool) -> dict[Place, Verdict]:
    """Take all that a request says of records. `silent`: leave out partitions that nothing is said of."""
    verdicts: dict[Place, Verdict] = {}
    for topic in request["Topics"]:
        for partition in topic["Partitions"]:
            place = (topic["TopicId"], partition["PartitionIndex"])
            words = [
                Spoken(one["FirstOffset"], one["LastOffset"], one["AcknowledgeTypes"])
                for one in partition["AcknowledgementBatches"]
            ]
            if words or not silent:
                verdicts[place] = _take(call, group, request, place, words)
    return verdicts


def _take(call: Call, group: ShareGroup, request: Request, place: Place, words: Sequence[Spoken]) -> Verdict:
    cluster = call.cluster
    topic = cluster.topics.by_id(place[0])
    if topic is None:
        return Verdict(Error.UNKNOWN_TOPIC_ID)
    if not _are_sound(words, renew=call.version >= RENEW_FROM, is_renew=request["IsRenewAck"]):
        return Verdict(Error.INVALID_REQUEST)
    if not call.allowed(Operation.READ, Resource.TOPIC, topic.name):
        return Verdict(Error.TOPIC_AUTHORIZATION_FAILED)
    if not 0 <= place[1] < len(topic.partitions):
        return Verdict(Error.UNKNOWN_TOPIC_OR_PARTITION)
    if cluster.leader(topic, place[1]).node_id != call.peer.node_id:
        return Verdict(Error.NOT_LEADER_OR_FOLLOWER)
    if not words:
        return Verdict(Error.NONE)
    state = group.ledger.get(place)
    if state is None:
        return Verdict(Error.UNKNOWN_TOPIC_OR_PARTITION, Error.UNKNOWN_TOPIC_OR_PARTITION.message)
    settings = lock_settings(cluster, group.group_id)
    try:
        more = state.acknowledge(
            request["MemberId"], words, call.now_ms + settings.lock_ms, group.ledger.limits(settings)
        )
    except KafkaError as refused:
        return Verdict(refused.error, refused.message)
    group.ledger.changed(place, wake=more)
    return Verdict(Error.NONE)


def _are_sound(words: Sequence[Spoken], *, renew: bool, is_renew: bool) -> bool:
    """Tell whether offsets are in order and types are known (KafkaApis.validateAcknowledgementBatches)."""
    kinds = range(Ack.GAP, (Ack.RENEW if renew else Ack.REJECT) + 1)
    before = -1
    for word in words:
        sizes = (1, word.last - word.first + 1)
        if word.first > word.last or word.first < before or len(word.types) not in sizes:
            return False
        if any(kind not in kinds or (kind == Ack.RENEW and not is_renew) for kind in word.types):
            return False
        before = word.last
    return True


def leader_of(call: Call, place: Place) -> Response:
    """Tell who leads a partition, for an answer NOT_LEADER_OR_FOLLOWER."""
    topic = call.cluster.topics.by_id(place[0])
    if topic is None or not 0 <= place[1] < len(topic.partitions):
        return {"LeaderId": -1, "LeaderEpoch": -1}
    node = call.cluster.leader(topic, place[1])
    return {"LeaderId": node.node_id, "LeaderEpoch": topic.partitions[place[1]].leader_epoch}


def endpoints(call: Call, leaders: Sequence[Response]) -> list[Response]:
    """Tell where these leaders are reached."""
    found = []
    for node_id in sorted({leader["LeaderId"] for leader in leaders} - {-1}):
        host, port = call.peer.advertised(node_id)
        found.append({"NodeId": node_id, "Host": host, "Port": port})
    return found


def check_member(call: Call, request: Request) -> None:
    """Check who asks. Raises KafkaError INVALID_REQUEST, GROUP_AUTHORIZATION_FAILED."""
    if request["GroupId"] is None:
        raise KafkaError(Error.INVALID_REQUEST, "Invalid group id in the request.")
    if not call.allowed(Operation.READ, Resource.GROUP, request["GroupId"]):
        raise KafkaError(Error.GROUP_AUTHORIZATION_FAILED)
    check_member_id(request["MemberId"])


def check_member_id(member_id: str | None) -> None:
    """Check a member id, which is made by the client: a UUID as text. Raises KafkaError INVALID_REQUEST."""
    if not member_id or len(member_id) > _MEMBER_ID_MAX:
        raise KafkaError(Error.INVALID_REQUEST, "Invalid member id in the request.")
