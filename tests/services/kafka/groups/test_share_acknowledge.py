"""ShareAcknowledge: what members say of records, and what the broker makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import make_topic
from tests.support.kafka_consumer import INVALID_REQUEST, Place
from tests.support.kafka_share import (
    ACCEPT,
    GAP,
    INVALID_RECORD_STATE,
    INVALID_SHARE_SESSION_EPOCH,
    REJECT,
    RELEASE,
    RENEW,
    SHARE_SESSION_NOT_FOUND,
    Sharer,
    acquired,
    answered,
    from_the_start,
    share_group,
)

UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION = 100, 3


@pytest.fixture
def place(kafka: KafkaHarness) -> Place:
    from_the_start(kafka)
    return make_topic(kafka, partitions=1), 0


@pytest.fixture
def member(kafka: KafkaHarness, client: Client, place: Place) -> Sharer:
    """A member that has got the records 0 to 4."""
    one = Sharer(kafka, "a")
    one.join()
    client.produce("orders", *[b"x"] * 5)
    one.fetch()
    return one


def told(answer: dict[str, Any]) -> tuple[int, str | None]:
    assert answer["ErrorCode"] == 0, answer
    [row] = answered(answer).values()
    return row["ErrorCode"], row["ErrorMessage"]


@pytest.mark.parametrize("kind", [ACCEPT, REJECT, GAP])
def test_records_that_are_done_with_are_not_handed_out_again(
    kafka: KafkaHarness, member: Sharer, place: Place, kind: int
) -> None:
    assert told(member.acknowledge({place: [(0, 4, kind)]})) == (0, None)
    state = share_group(kafka).ledger.get(place)
    assert state is not None
    assert (state.start_offset, acquired(member.fetch())) == (5, [])


def test_released_records_are_handed_out_again(member: Sharer, place: Place) -> None:
    member.acknowledge({place: [(0, 4, [ACCEPT, RELEASE, ACCEPT, RELEASE, REJECT])]})
    assert acquired(member.fetch()) == [(1, 1, 2), (3, 3, 2)]


def test_a_record_that_came_back_five_times_is_given_up(member: Sharer, place: Place) -> None:
    member.acknowledge({place: [(0, 3, ACCEPT), (4, 4, RELEASE)]})
    for deliveries in (2, 3, 4, 5):
        assert acquired(member.fetch()) == [(4, 4, deliveries)]
        member.acknowledge({place: [(4, 4, RELEASE)]})
    assert acquired(member.fetch()) == []


def test_a_renewed_lock_lasts_another_30_seconds(kafka: KafkaHarness, member: Sharer, place: Place) -> None:
    kafka.advance(20)
    answer = member.acknowledge({place: [(0, 4, RENEW)]}, IsRenewAck=True)
    assert (told(answer), answer["AcquisitionLockTimeoutMs"]) == ((0, None), 30_000)
    kafka.advance(29.999)
    assert told(member.acknowledge({place: [(0, 4, ACCEPT)]})) == (0, None)


def test_a_lock_that_has_ended_cannot_be_renewed(kafka: KafkaHarness, member: Sharer, place: Place) -> None:
    kafka.advance(30)
    assert told(member.acknowledge({place: [(0, 4, RENEW)]}, IsRenewAck=True)) == (
        INVALID_RECORD_STATE,
        "The batch cannot be acknowledged. The batch is not in the acquired state.",
    )


def test_locks_are_not_renewed_where_the_config_forbids_it(kafka: KafkaHarness, member: Sharer, place: Place) -> None:
    from_the_start(kafka, share_renew_acknowledge_enable="false")
    error, _ = told(member.acknowledge({place: [(0, 4, RENEW)]}, IsRenewAck=True))
    assert error == INVALID_RECORD_STATE


def test_records_of_others_are_not_ours(kafka: KafkaHarness, member: Sharer, place: Place) -> None:
    other = Sharer(kafka, "b")
    other.join()
    other.assigned = set(member.assigned)
    other.fetch()
    assert told(other.acknowledge({place: [(0, 0, ACCEPT)]})) == (
        INVALID_RECORD_STATE,
        "Member is not the owner of batch record",
    )


@pytest.mark.parametrize(
    "words",
    [
        [(3, 2, ACCEPT)],
        [(2, 3, ACCEPT), (0, 1, ACCEPT)],
        [(0, 4, [])],
        [(0, 4, [ACCEPT, ACCEPT])],
        [(0, 4, 5)],
        [(0, 4, -1)],
        [(0, 4, RENEW)],
    ],
)
def test_words_that_make_no_sense_are_refused_and_nothing_happens(
    kafka: KafkaHarness, member: Sharer, place: Place, words: list[Any]
) -> None:
    assert told(member.acknowledge({place: words})) == (INVALID_REQUEST, None)
    state = share_group(kafka).ledger.get(place)
    assert state is not None
    assert state.start_offset == 0


def test_in_version_1_locks_cannot_be_renewed(client: Client, member: Sharer, place: Place) -> None:
    batch = {"FirstOffset": 0, "LastOffset": 4, "AcknowledgeTypes": [RENEW]}
    request = {
        "GroupId": "sharers",
        "MemberId": "a",
        "ShareSessionEpoch": 1,
        "Topics": [{"TopicId": place[0], "Partitions": [{"PartitionIndex": 0, "AcknowledgementBatches": [batch]}]}],
    }
    assert told(client.ask("ShareAcknowledge", request, version=1)) == (INVALID_REQUEST, None)


def test_partitions_that_are_not_there_are_told(member: Sharer, place: Place) -> None:
    assert told(member.acknowledge({(bytes(15) + b"x", 0): [(0, 0, ACCEPT)]}))[0] == UNKNOWN_TOPIC_ID
    assert told(member.acknowledge({(place[0], 7): [(0, 0, ACCEPT)]}))[0] == UNKNOWN_TOPIC_OR_PARTITION


def test_a_partition_from_which_nobody_has_fetched_has_no_records_to_speak_of(
    kafka: KafkaHarness, member: Sharer
) -> None:
    payments = make_topic(kafka, "payments")
    error, _ = told(member.acknowledge({(payments, 0): [(0, 0, ACCEPT)]}))
    assert error == UNKNOWN_TOPIC_OR_PARTITION


def test_a_session_is_opened_by_fetching_only(member: Sharer, place: Place) -> None:
    answer = member.acknowledge({place: [(0, 0, ACCEPT)]}, session_epoch=0)
    assert answer["ErrorCode"] == INVALID_SHARE_SESSION_EPOCH


def test_session_epochs_are_shared_with_fetching(member: Sharer, place: Place) -> None:
    assert member.acknowledge({place: [(0, 0, ACCEPT)]}, session_epoch=4)["ErrorCode"] == INVALID_SHARE_SESSION_EPOCH
    assert member.acknowledge({place: [(0, 0, ACCEPT)]}, session_epoch=1)["ErrorCode"] == 0
    assert member.fetch(session_epoch=2)["ErrorCode"] == 0


def test_without_a_session_nothing_is_taken(kafka: KafkaHarness, member: Sharer, place: Place) -> None:
    other = Sharer(kafka, "b")
    assert other.acknowledge({place: [(0, 0, ACCEPT)]}, session_epoch=1)["ErrorCode"] == SHARE_SESSION_NOT_FOUND


def test_the_last_word_closes_the_session_and_gives_the_rest_back(
    kafka: KafkaHarness, member: Sharer, place: Place
) -> None:
    assert told(member.acknowledge({place: [(0, 1, ACCEPT)]}, session_epoch=-1)) == (0, None)
    other = Sharer(kafka, "b")
    other.join()
    other.assigned = set(member.assigned)
    assert acquired(other.fetch()) == [(2, 4, 2)]
    assert len(share_group(kafka).sessions) == 1
