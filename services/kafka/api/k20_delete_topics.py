"""DeleteTopics (key 20): deletes topics with their records, and what groups have committed to them.

Versions 1-6; version 6 may name them by id. A name can be given to a new topic at once, which then has another id. Answers come in the
order of the request; Kafka shuffles them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from services.kafka.acls import Operation, Resource
from services.kafka.api.base import api
from services.kafka.errors import Error, KafkaError
from services.kafka.wire import NULL_UUID

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request
    from services.kafka.topics import Topic

FIRST_VERSION_WITH_DISABLED = 3


class Wanted(NamedTuple):
    """A topic as the client names it."""

    name: str | None
    topic_id: bytes = NULL_UUID


@api(20, "DeleteTopics", versions=(1, 6))
def delete_topics(call: Call, request: Request) -> Answer:
    """Delete topics."""
    wanted = [Wanted(name) for name in request["TopicNames"]]
    wanted += [Wanted(topic["Name"], topic["TopicId"]) for topic in request["Topics"]]
    if not call.cluster.configs.delete_topics:
        error = KafkaError(Error.TOPIC_DELETION_DISABLED)
        if call.version < FIRST_VERSION_WITH_DISABLED:
            error = KafkaError(Error.INVALID_REQUEST, "This version does not support topic deletion.")
        return {"Responses": [_answer(topic, error) for topic in wanted]}
    answers: list[dict[str, Any]] = []
    found: list[tuple[Wanted, Topic]] = []
    for topic, count in Counter(wanted).items():
        try:
            _check(topic, count)
            found.append((topic, _find(call, topic)))
        except KafkaError as error:
            answers.append(_answer(topic, error, shows_name=_shows_name(call, topic)))
    return {"Responses": answers + _delete(call, found)}


def _answer(topic: Wanted, error: KafkaError, *, shows_name: str | None = None) -> dict[str, Any]:
    return {
        "Name": topic.name if shows_name is None else shows_name,
        "TopicId": topic.topic_id,
        "ErrorCode": error.error,
        "ErrorMessage": error.message,
    }


def _check(topic: Wanted, count: int) -> None:
    """Refuse what is named twice, in two ways or not at all. Raises KafkaError INVALID_REQUEST."""
    if topic.name is None and topic.topic_id == NULL_UUID:
        raise KafkaError(Error.INVALID_REQUEST, "Neither topic name nor id were specified.")
    if topic.name is not None and topic.topic_id != NULL_UUID:
        raise KafkaError(Error.INVALID_REQUEST, "You may not specify both topic name and topic id.")
    if count > 1:
        raise KafkaError(Error.INVALID_REQUEST, f"Duplicate topic {'id' if topic.name is None else 'name'}.")


def _find(call: Call, wanted: Wanted) -> Topic:
    """Find a topic that the caller may delete. Raises KafkaError."""
    topics = call.cluster.topics
    if wanted.name is None:
        topic = topics.by_id(wanted.topic_id)
        if topic is None:
            raise KafkaError(Error.UNKNOWN_TOPIC_ID)
        if not _may(call, Operation.DELETE, topic.name):
            raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
        return topic
    if not _may(call, Operation.DESCRIBE, wanted.name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    topic = topics.get(wanted.name)
    if topic is None:
        raise KafkaError(Error.UNKNOWN_TOPIC_OR_PARTITION)
    if not _may(call, Operation.DELETE, wanted.name):
        raise KafkaError(Error.TOPIC_AUTHORIZATION_FAILED)
    return topic


def _may(call: Call, operation: Operation, name: str) -> bool:
    return call.allowed_on_cluster(Operation.DELETE) or call.allowed(operation, Resource.TOPIC, name)


def _shows_name(call: Call, wanted: Wanted) -> str | None:
    """Tell the name of a topic that was given by id, when the caller may know it."""
    topic = call.cluster.topics.by_id(wanted.topic_id) if wanted.name is None else None
    return topic.name if topic is not None and _may(call, Operation.DESCRIBE, topic.name) else None


def _delete(call: Call, found: list[tuple[Wanted, Topic]]) -> list[dict[str, Any]]:
    """Delete what was found, save what is named by its name and by its id."""
    counts = Counter(topic.topic_id for _, topic in found)
    twice = KafkaError(Error.INVALID_REQUEST, "The provided topic name maps to an ID that was already supplied.")
    answers = []
    for wanted, topic in found:
        if counts[topic.topic_id] > 1:
            if wanted.name is not None:
                answers.append(_answer(Wanted(topic.name, topic.topic_id), twice))
            continue
        call.cluster.topics.delete(topic)
        answers.append({"Name": topic.name, "TopicId": topic.topic_id, "ErrorCode": Error.NONE, "ErrorMessage": None})
    return answers
