"""ShareFetch: records are handed out to one member at a time, at once or when there are some, within share sessions."""

from __future__ import annotations

from typing import Any

import pytest

from services.kafka.record_batches import NewRecord, batch_of
from services.kafka.records import read_batch
from tests.support.kafka_acls import DESCRIBE, GROUP, create, creation, guarded, somebody
from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_classic import configure, make_topic
from tests.support.kafka_consumer import GROUP_ID_NOT_FOUND, INVALID_REQUEST, Place
from tests.support.kafka_share import (
    ACCEPT,
    INVALID_SHARE_SESSION_EPOCH,
    RELEASE,
    RENEW,
    SHARE_SESSION_LIMIT_REACHED,
    SHARE_SESSION_NOT_FOUND,
    Sharer,
    acquired,
    answered,
    from_the_start,
    share_group,
    values,
)

UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_ID, UNKNOWN_SERVER_ERROR = 3, 6, 100, -1
GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED = 30, 29


@pytest.fixture
def place(kafka: KafkaHarness) -> Place:
    from_the_start(kafka)
    return make_topic(kafka, partitions=1), 0


@pytest.fixture
def member(kafka: KafkaHarness, place: Place) -> Sharer:
    one = Sharer(kafka, "a")
    one.join()
    return one


@pytest.fixture
def other(kafka: KafkaHarness, member: Sharer) -> Sharer:
    one = Sharer(kafka, "b")
    one.join()
    one.assigned = set(member.assigned)
    return one


def test_records_are_handed_out_with_their_offsets_and_the_duration_of_the_lock(
    client: Client, member: Sharer, place: Place
) -> None:
    client.produce("orders", b"one", b"two")
    answer = member.fetch()
    assert (answer["ErrorCode"], answer["AcquisitionLockTimeoutMs"]) == (0, 30_000)
    assert answered(answer)[place]["ErrorCode"] == 0
    assert (values(answer), acquired(answer)) == ([b"one", b"two"], [(0, 1, 1)])


def test_a_group_begins_with_what_comes_after_its_first_fetch(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka, partitions=1)
    client.produce("orders", b"old")
    member = Sharer(kafka, "a")
    member.join()
    assert acquired(member.fetch()) == []
    client.produce("orders", b"new")
    assert acquired(member.fetch()) == [(1, 1, 1)]


def test_a_group_may_begin_with_what_is_not_older_than_a_duration(kafka: KafkaHarness, client: Client) -> None:
    make_topic(kafka, partitions=1)
    from_the_start(kafka, share_auto_offset_reset="by_duration:PT1H0.5S")
    for _ in range(3):
        client.produce("orders", b"x")
        kafka.advance(3600)
    member = Sharer(kafka, "a")
    member.join()
    assert acquired(member.fetch()) == [(2, 2, 1)]


def test_what_one_member_has_others_do_not_get(client: Client, member: Sharer, other: Sharer) -> None:
    client.produce("orders", b"one")
    member.fetch()
    client.produce("orders", b"two")
    assert acquired(other.fetch()) == [(1, 1, 1)]


def test_no_more_batches_are_sent_than_hold_what_is_handed_out(client: Client, member: Sharer) -> None:
    for value in (b"one", b"two", b"three"):
        client.produce("orders", value)
    answer = member.fetch(MaxRecords=2)
    assert (values(answer), acquired(answer)) == ([b"one", b"two"], [(0, 1, 1)])


def test_batches_are_kept_whole_unless_the_limit_is_strict(client: Client, member: Sharer, other: Sharer) -> None:
    client.produce("orders", b"1", b"2", b"3")
    assert acquired(member.fetch(MaxRecords=2, ShareAcquireMode=1)) == [(0, 1, 1)]
    client.produce("orders", b"4", b"5", b"6")
    assert acquired(other.fetch(MaxRecords=2)) == [(2, 2, 1), (3, 5, 1)]


def test_records_that_are_given_back_are_handed_out_again(
    client: Client, member: Sharer, other: Sharer, place: Place
) -> None:
    client.produce("orders", b"1", b"2", b"3")
    member.fetch()
    member.acknowledge({place: [(0, 0, ACCEPT), (1, 2, RELEASE)]})
    assert acquired(other.fetch()) == [(1, 2, 2)]


def test_words_go_along_with_the_next_fetch(client: Client, member: Sharer, place: Place) -> None:
    client.produce("orders", b"1")
    member.fetch()
    client.produce("orders", b"2")
    answer = member.fetch({place: [(0, 0, ACCEPT)]})
    row = answered(answer)[place]
    assert (row["AcknowledgeErrorCode"], acquired(answer)) == (0, [(1, 1, 1)])


def test_a_lock_ends_after_30_seconds_and_who_waits_gets_the_records(
    kafka: KafkaHarness, client: Client, member: Sharer, other: Sharer
) -> None:
    client.produce("orders", b"1")
    member.fetch()
    waiting = other.send_fetch(MaxWaitMs=60_000)
    kafka.advance(29.999)
    assert waiting.parked
    kafka.advance(0.001)
    assert acquired(waiting.answer) == [(0, 0, 2)]


def test_a_fetch_waits_for_records(kafka: KafkaHarness, client: Client, member: Sharer) -> None:
    waiting = member.send_fetch(MaxWaitMs=500)
    assert waiting.parked
    client.produce("orders", b"1")
    assert acquired(waiting.answer) == [(0, 0, 1)]


def test_a_fetch_that_waited_in_vain_is_answered_without_records(kafka: KafkaHarness, member: Sharer) -> None:
    waiting = member.send_fetch(MaxWaitMs=500)
    kafka.advance(0.499)
    assert waiting.parked
    kafka.advance(0.001)
    assert (waiting.answer["ErrorCode"], acquired(waiting.answer)) == (0, [])


def test_a_fetch_waits_for_as_many_bytes_as_it_wants(kafka: KafkaHarness, client: Client, member: Sharer) -> None:
    waiting = member.send_fetch(MaxWaitMs=500, MinBytes=250)
    client.produce("orders", b"x" * 100)
    assert waiting.parked
    client.produce("orders", b"x" * 100)
    assert acquired(waiting.answer) == [(0, 1, 1)]


def test_what_is_given_back_wakes_who_waits(client: Client, member: Sharer, other: Sharer, place: Place) -> None:
    client.produce("orders", b"1")
    member.fetch()
    waiting = other.send_fetch(MaxWaitMs=500)
    member.acknowledge({place: [(0, 0, RELEASE)]})
    assert acquired(waiting.answer) == [(0, 0, 2)]


def test_only_so_many_records_are_in_flight(kafka: KafkaHarness, client: Client, member: Sharer, place: Place) -> None:
    from_the_start(kafka, share_partition_max_record_locks="100")
    for _ in range(3):
        client.produce("orders", *[b"x"] * 50)
    assert acquired(member.fetch()) == [(0, 99, 1)]
    waiting = member.send_fetch(MaxWaitMs=500)
    assert waiting.parked
    kafka.advance(0.5)
    answer = member.fetch({place: [(0, 99, ACCEPT)]})
    assert acquired(answer) == [(100, 149, 1)]


def test_committed_records_are_handed_out_only_where_the_config_says_so(
    kafka: KafkaHarness, client: Client, member: Sharer
) -> None:
    from_the_start(kafka, share_isolation_level="read_committed")
    ids = client.ask("InitProducerId", {"TransactionalId": "t", "TransactionTimeoutMs": 60_000})
    producer = {"producer_id": ids["ProducerId"], "producer_epoch": ids["ProducerEpoch"], "transactional": True}
    partition = kafka.cluster.partition("orders", 0)
    assert partition is not None

    def write(value: bytes, sequence: int) -> None:
        made = [NewRecord(None, value, timestamp_ms=kafka.now_ms)]
        data = batch_of(made, kafka.now_ms, base_sequence=sequence, **producer)
        partition.append(memoryview(data), read_batch(data), kafka.now_ms)

    write(b"aborted", 0)
    assert acquired(member.fetch()) == []
    partition.append_marker(ids["ProducerId"], ids["ProducerEpoch"], False, kafka.now_ms)
    write(b"committed", 1)
    partition.append_marker(ids["ProducerId"], ids["ProducerEpoch"], True, kafka.now_ms)
    answer = member.fetch()
    assert acquired(answer) == [(1, 3, 1)]
    assert b"committed" in values(answer)


def test_records_that_were_deleted_are_passed_over(kafka: KafkaHarness, client: Client, member: Sharer) -> None:
    client.produce("orders", b"1")
    client.produce("orders", b"2")
    partition = kafka.cluster.partition("orders", 0)
    assert partition is not None
    partition.delete_records_before(1)
    assert acquired(member.fetch()) == [(1, 1, 1)]


# Sessions.


def test_a_session_remembers_its_partitions(client: Client, member: Sharer) -> None:
    member.fetch()
    client.produce("orders", b"1")
    assert acquired(member.fetch()) == [(0, 0, 1)]


def test_the_first_answer_names_all_partitions_the_next_only_those_with_news(member: Sharer, place: Place) -> None:
    assert list(answered(member.fetch())) == [place]
    assert answered(member.fetch()) == {}


def test_a_partition_may_be_forgotten(client: Client, member: Sharer, place: Place) -> None:
    member.fetch()
    member.fetch(ForgottenTopicsData=[{"TopicId": place[0], "Partitions": [0]}])
    client.produce("orders", b"1")
    assert acquired(member.fetch()) == []


def test_a_session_that_is_not_there_is_not_found(member: Sharer) -> None:
    for epoch in (1, -1):
        assert member.fetch(session_epoch=epoch)["ErrorCode"] == SHARE_SESSION_NOT_FOUND


def test_a_session_epoch_must_be_the_next_one(member: Sharer) -> None:
    member.fetch()
    for epoch in (2, 5):
        assert member.fetch(session_epoch=epoch)["ErrorCode"] == INVALID_SHARE_SESSION_EPOCH
    assert member.fetch(session_epoch=1)["ErrorCode"] == 0


def test_a_session_may_be_opened_anew_and_the_member_keeps_its_records(client: Client, member: Sharer) -> None:
    client.produce("orders", b"1")
    member.fetch()
    assert (member.fetch(session_epoch=0)["ErrorCode"], acquired(member.fetch(session_epoch=1))) == (0, [])


def test_an_opening_request_has_nothing_to_say_of_records(member: Sharer, place: Place) -> None:
    assert member.fetch({place: [(0, 0, ACCEPT)]}, session_epoch=0)["ErrorCode"] == INVALID_REQUEST


def test_closing_a_session_gives_everything_back(client: Client, member: Sharer, other: Sharer) -> None:
    client.produce("orders", b"1")
    member.fetch()
    assert member.fetch(session_epoch=-1)["ErrorCode"] == 0
    assert acquired(other.fetch()) == [(0, 0, 2)]


def test_a_closing_request_may_have_its_last_word(client: Client, member: Sharer, other: Sharer, place: Place) -> None:
    client.produce("orders", b"1", b"2")
    member.fetch()
    member.fetch({place: [(0, 0, ACCEPT)]}, session_epoch=-1)
    assert acquired(other.fetch()) == [(1, 1, 2)]


def test_a_client_that_goes_away_while_it_waits_gives_everything_back(
    kafka: KafkaHarness, client: Client, member: Sharer, other: Sharer
) -> None:
    client.produce("orders", b"1")
    member.fetch()
    member.send_fetch(MaxWaitMs=60_000)
    waiting = other.send_fetch(MaxWaitMs=60_000)
    member.client.close()
    kafka.settle()
    assert acquired(waiting.answer) == [(0, 0, 2)]


def test_there_are_only_so_many_sessions(kafka: KafkaHarness, member: Sharer, other: Sharer) -> None:
    configure(kafka, group_share_max_share_sessions="1")
    member.fetch()
    assert other.fetch()["ErrorCode"] == SHARE_SESSION_LIMIT_REACHED
    assert member.fetch(session_epoch=0)["ErrorCode"] == 0


# Refusals.


def test_a_request_without_a_group_or_member_is_refused(client: Client, member: Sharer) -> None:
    assert client.ask("ShareFetch", {"GroupId": None, "MemberId": "a"})["ErrorCode"] == INVALID_REQUEST
    assert client.ask("ShareFetch", {"GroupId": "sharers", "MemberId": None})["ErrorCode"] == INVALID_REQUEST


def test_a_group_that_is_no_share_group_is_not_found(kafka: KafkaHarness) -> None:
    assert Sharer(kafka, "a", group="none").fetch()["ErrorCode"] == GROUP_ID_NOT_FOUND


def test_partitions_that_are_not_there_are_told(member: Sharer, place: Place) -> None:
    nowhere, too_high = (bytes(15) + b"x", 0), (place[0], 1)
    member.assigned = {nowhere, too_high}
    found = answered(member.fetch())
    assert found[nowhere]["ErrorCode"] == UNKNOWN_TOPIC_ID
    assert found[too_high]["ErrorCode"] == UNKNOWN_TOPIC_OR_PARTITION


def test_a_partition_that_the_group_does_not_read_is_refused(kafka: KafkaHarness, member: Sharer) -> None:
    member.assigned = {(make_topic(kafka, "payments"), 0)}
    [row] = answered(member.fetch()).values()
    assert row["ErrorCode"] == UNKNOWN_SERVER_ERROR


def test_who_may_not_read_the_group_or_the_topic_is_refused() -> None:
    with guarded() as kafka:
        topic_id = make_topic(kafka, partitions=1)
        stranger = somebody(kafka)
        member = Sharer(kafka, "a", client=stranger)
        assert member.fetch()["ErrorCode"] == GROUP_AUTHORIZATION_FAILED
        create(kafka.connect(), creation("sharers", ResourceType=GROUP), creation("orders", Operation=DESCRIBE))
        member.join()
        [row] = answered(member.fetch(session_epoch=0)).values()
        assert (row["ErrorCode"], member.assigned) == (TOPIC_AUTHORIZATION_FAILED, {(topic_id, 0)})


def test_another_broker_than_the_leader_tells_who_leads(kafka_with: Any) -> None:
    kafka = kafka_with(kafka_brokers=2)
    make_topic(kafka, partitions=1)
    coordinator = kafka.cluster.coordinator("sharers").node_id
    topic = kafka.cluster.topics.get("orders")
    leader = kafka.cluster.leader(topic, 0).node_id
    member = Sharer(kafka, "a", client=kafka.connect(coordinator))
    member.join()
    member.client = kafka.connect(3 - leader)
    answer = member.fetch()
    [row] = answered(answer).values()
    assert (row["ErrorCode"], row["CurrentLeader"]["LeaderId"]) == (NOT_LEADER_OR_FOLLOWER, leader)
    assert [node["NodeId"] for node in answer["NodeEndpoints"]] == [leader]


def test_renewing_goes_without_fetching(client: Client, member: Sharer, place: Place) -> None:
    client.produce("orders", b"1")
    member.fetch()
    client.produce("orders", b"2")
    nothing = {"MaxBytes": 0, "MinBytes": 0, "MaxRecords": 0, "MaxWaitMs": 0}
    answer = member.fetch({place: [(0, 0, RENEW)]}, IsRenewAck=True, **nothing)
    assert (answered(answer)[place]["AcknowledgeErrorCode"], acquired(answer)) == (0, [])


def test_who_renews_must_not_want_records(member: Sharer) -> None:
    member.fetch()
    answer = member.fetch(IsRenewAck=True, MaxBytes=0, MaxWaitMs=0, MaxRecords=0)
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        INVALID_REQUEST,
        "minBytes must be set to 0, if isRenewAck is true.",
    )


def test_nothing_is_left_of_a_fetch_that_was_answered(kafka: KafkaHarness, client: Client, member: Sharer) -> None:
    timers = kafka.clock.timers
    waiting = member.send_fetch(MaxWaitMs=500)
    kafka.advance(0.5)
    partition = kafka.cluster.partition("orders", 0)
    assert partition is not None
    assert (waiting.parked, partition.waiters, kafka.clock.timers) == (False, set(), timers)
    assert len(share_group(kafka).sessions) == 1
