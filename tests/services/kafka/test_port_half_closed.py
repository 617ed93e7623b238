"""Clients that send no more but still read: what they have asked for is answered, then the connection ends."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.support.kafka_broker import fetch_request, read_records
from tests.support.kafka_port import LOOPS, SOFTWARE, Caller, Port, join_request

HOUR_MS = 3_600_000


@pytest.fixture(params=LOOPS)
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    """A server with default settings."""
    with Port(request.param) as one:
        yield one


@pytest.fixture
def worker(port: Port) -> Caller:
    """A client that has made a topic."""
    found = port.connect()
    found.create_topic("orders")
    return found


def test_a_request_before_the_end_is_answered(port: Port) -> None:
    caller = port.connect()
    caller.send("ApiVersions", SOFTWARE)
    caller.half_close()
    assert caller.answer("ApiVersions")["ErrorCode"] == 0
    assert caller.closed()


def test_all_of_many_requests_before_the_end_are_answered(port: Port) -> None:
    caller = port.connect()
    caller.write(b"".join(caller.frame("ApiVersions", SOFTWARE) for _ in range(50)))
    caller.half_close()
    for number in reversed(range(50)):
        assert caller.answer("ApiVersions", behind=number)["ErrorCode"] == 0
    assert caller.closed()


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\x40\0\3"])
def test_who_ends_in_the_middle_of_a_frame_is_let_go(port: Port, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caller = port.connect()
    caller.write(sent)
    caller.half_close()
    assert caller.closed()
    port.until(lambda: not port.connections)
    assert not caplog.records


def test_a_fetch_that_waits_is_answered(port: Port, worker: Caller) -> None:
    caller = port.connect()
    caller.park("Fetch", fetch_request("orders", max_wait_ms=1000), version=12)
    half_close(port, caller)
    worker.produce("orders", b"x")
    [found] = caller.answer("Fetch", version=12)["Responses"][0]["Partitions"]
    assert [record.value for record in read_records(found["Records"])] == [b"x"]
    assert caller.closed()
    port.until(lambda: len(port.connections) == 1)


def half_close(port: Port, caller: Caller) -> None:
    """Send no more, and let the server see it."""
    connection = caller.server_side()
    caller.half_close()
    port.until(lambda: connection is not None and connection._ended)


def test_a_fetch_whose_time_is_over_is_answered(port: Port, worker: Caller) -> None:
    assert worker.lives()
    caller = port.connect()
    caller.park("Fetch", fetch_request("orders", max_wait_ms=1000), version=12)
    half_close(port, caller)
    port.advance(1)
    assert caller.answer("Fetch", version=12)["ErrorCode"] == 0
    assert caller.closed()


@pytest.mark.usefixtures("worker")
def test_what_stands_behind_a_request_that_waits_is_answered_too(port: Port) -> None:
    caller = port.connect()
    fetch = fetch_request("orders", max_wait_ms=1000)
    caller.park("Fetch", fetch, version=12)
    caller.send("ApiVersions", SOFTWARE)
    caller.send("Fetch", fetch, version=12)
    caller.send("ApiVersions", SOFTWARE)
    half_close(port, caller)
    port.advance(1)
    assert caller.answer("Fetch", version=12, behind=3)["ErrorCode"] == 0
    assert caller.answer("ApiVersions", behind=2)["ErrorCode"] == 0
    port.advance(1)
    assert caller.answer("Fetch", version=12, behind=1)["ErrorCode"] == 0
    assert caller.answer("ApiVersions")["ErrorCode"] == 0
    assert caller.closed()


def test_a_member_that_waits_for_others_is_answered(port: Port) -> None:
    caller = port.connect()
    caller.park("JoinGroup", join_request("group"), version=3)
    half_close(port, caller)
    port.advance(0)
    assert caller.answer("JoinGroup", version=3)["ErrorCode"] == 0
    assert caller.closed()


def test_large_answers_are_read_to_their_end(port: Port, worker: Caller) -> None:
    for _ in range(8):
        worker.produce("orders", b"x" * 1_000_000)
    caller, fetch = (
        port.connect(receive_bytes=4096),
        fetch_request("orders", max_bytes=8 << 20, partition_max_bytes=8 << 20),
    )
    caller.write(b"".join(caller.frame("Fetch", fetch, 12) for _ in range(3)))
    caller.half_close()
    for number in reversed(range(3)):
        [found] = caller.answer("Fetch", version=12, behind=number)["Responses"][0]["Partitions"]
        assert len(found["Records"]) > 7_000_000
    assert caller.closed()


def test_a_share_fetch_is_dropped_at_once_as_nobody_could_acknowledge_what_it_brings(port: Port) -> None:
    worker, member = port.connect(), port.connect()
    topic_id = worker.create_topic("orders")
    share = {"GroupId": "share", "MemberId": "AAAAAAAAAAAAAAAAAAAAAA"}
    worker.ask("ShareGroupHeartbeat", share | {"MemberEpoch": 0, "SubscribedTopicNames": ["orders"]})
    wanted = [{"TopicId": topic_id, "Partitions": [{"PartitionIndex": 0}]}]
    waiting = {
        "ShareSessionEpoch": 0,
        "MaxWaitMs": 1000,
        "MinBytes": 1,
        "MaxBytes": 1 << 20,
        "MaxRecords": 1,
        "BatchSize": 1,
    }
    member.park("ShareFetch", share | waiting | {"Topics": wanted})
    member.half_close()
    assert member.closed()


@pytest.mark.usefixtures("worker")
def test_who_is_gone_altogether_is_kept_for_ten_minutes_at_most_whatever_it_waits_for(port: Port) -> None:
    caller = port.connect()
    caller.park("Fetch", fetch_request("orders", max_wait_ms=HOUR_MS), version=12)
    half_close(port, caller)
    caller.socket.close()
    port.advance(600)
    port.until(lambda: not port.connections)


def test_noise_behind_the_request_that_waits_ends_the_connection_and_leaves_nothing(port: Port, worker: Caller) -> None:
    caller = port.connect()
    caller.park("Fetch", fetch_request("orders", max_wait_ms=HOUR_MS), version=12)
    caller.write(struct.pack(">i", -5))
    caller.half_close()
    assert caller.closed()
    port.until(lambda: len(port.connections) == 1)
    worker.produce("orders", b"x")
