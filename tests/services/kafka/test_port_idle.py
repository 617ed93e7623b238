"""connections.max.idle.ms: who has been silent for ten minutes is let go without a word, who waits for an answer is not.

Real sockets of a server in this process, on both event loops; the clock is moved by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from services.kafka.configs import BROKER
from tests.support.kafka_broker import fetch_request, read_records
from tests.support.kafka_port import LOOPS, SOFTWARE, Caller, Port, join_request

IDLE_S = 600
"""connections.max.idle.ms, Kafka's default."""
HOUR_MS = 3_600_000


@pytest.fixture(params=LOOPS)
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    """A server with default settings."""
    with Port(request.param) as one:
        yield one


@pytest.fixture
def port_with() -> Iterator[Callable[..., Port]]:
    """Start a server with settings of one's own."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(Port(**settings))


def taken(port: Port, count: int = 1) -> None:
    """Let the server take so many connections."""
    port.until(lambda: len(port.connections) == count)


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\x40", b"\0\0\0\x40\0\3\0\0\0", b"\0\x10\0\0" + b"x" * 1000])
def test_a_connection_that_never_finished_a_frame_is_closed_after_ten_minutes(
    port: Port, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caller = port.connect()
    taken(port)
    caller.write(sent)
    port.advance(IDLE_S - 1)
    assert len(port.connections) == 1
    port.advance(1)
    assert caller.closed()
    assert not port.connections
    assert not caplog.records


def test_ten_minutes_count_from_the_last_request(port: Port) -> None:
    caller = port.connect()
    assert caller.lives()
    for _ in range(3):
        port.advance(IDLE_S - 1)
        assert caller.lives()
    port.advance(IDLE_S)
    assert caller.closed()


def test_a_request_halfway_through_a_second_counts_to_the_end_of_the_second(port: Port) -> None:
    caller = port.connect()
    port.advance(0.5)
    assert caller.lives()
    port.advance(IDLE_S)
    assert len(port.connections) == 1
    port.advance(0.5)
    assert caller.closed()


def test_each_byte_of_a_frame_that_trickles_in_counts_as_with_kafka(port: Port) -> None:
    caller = port.connect()
    for byte in caller.frame("ApiVersions", SOFTWARE):
        caller.write(bytes([byte]))
        server_side = caller.server_side
        port.until(lambda: (found := server_side()) is not None and found._now_ms == port.clock.now_ms())  # noqa: B023 - it is called here
        port.advance(IDLE_S - 1)
    assert caller.answer("ApiVersions")["ErrorCode"] == 0


def test_the_silent_go_and_the_busy_stay(port: Port) -> None:
    busy, silent = port.connect(), [port.connect() for _ in range(20)]
    taken(port, 21)
    port.advance(IDLE_S - 1)
    assert busy.lives()
    port.advance(1)
    assert all(one.closed() for one in silent)
    assert busy.lives()
    assert len(port.connections) == 1


def test_a_fetch_that_waits_for_an_hour_is_answered_and_the_connection_closed_ten_minutes_later(port: Port) -> None:
    caller = port.connect()
    caller.create_topic("orders")
    caller.park("Fetch", fetch_request("orders", max_wait_ms=HOUR_MS), version=12)
    port.advance(3599)
    assert len(port.connections) == 1
    port.advance(1)
    assert caller.answer("Fetch", version=12)["ErrorCode"] == 0
    port.advance(IDLE_S - 1)
    assert len(port.connections) == 1
    port.advance(1)
    assert caller.closed()


def test_a_member_that_waits_for_the_others_for_twenty_minutes_gets_its_answer(port: Port) -> None:
    first, second = port.connect(), port.connect()
    first.park("JoinGroup", patient(), version=3)
    port.advance(0)
    leader = first.answer("JoinGroup", version=3)["MemberId"]
    second.park("JoinGroup", patient(), version=3)
    first.send("JoinGroup", patient(leader), version=3)
    follower = second.answer("JoinGroup", version=3)["MemberId"]
    assert first.answer("JoinGroup", version=3)["Leader"] == leader
    second.park("JoinGroup", patient(follower, b"new"), version=3)
    port.advance(2 * IDLE_S)
    assert first.closed()
    again = port.connect()
    again.send("JoinGroup", patient(leader), version=3)
    assert second.answer("JoinGroup", version=3)["ErrorCode"] == 0
    assert len(again.answer("JoinGroup", version=3)["Members"]) == 2


def patient(member_id: str = "", metadata: bytes = b"") -> dict[str, Any]:
    """Write a JoinGroup of a member that may be silent for half an hour."""
    return join_request("group", member_id, wait_ms=1_800_000, metadata=metadata)


def test_a_share_fetch_that_waits_is_not_closed(port: Port) -> None:
    worker, member = port.connect(), port.connect()
    topic_id = worker.create_topic("orders")
    share = {"GroupId": "share", "MemberId": "AAAAAAAAAAAAAAAAAAAAAA"}
    heartbeat = worker.ask("ShareGroupHeartbeat", share | {"MemberEpoch": 0, "SubscribedTopicNames": ["orders"]})
    assert heartbeat["ErrorCode"] == 0
    wanted = [{"TopicId": topic_id, "Partitions": [{"PartitionIndex": 0}]}]
    fetch = share | {"MaxWaitMs": HOUR_MS, "MinBytes": 1, "MaxBytes": 1 << 20, "MaxRecords": 500, "BatchSize": 500}
    member.park("ShareFetch", fetch | {"ShareSessionEpoch": 0, "Topics": wanted})
    for _ in range(2 * IDLE_S // 30):  # a member that is silent for 45 seconds is put out of its group
        port.advance(30)
        assert worker.ask("ShareGroupHeartbeat", share | {"MemberEpoch": heartbeat["MemberEpoch"]})["ErrorCode"] == 0
    worker.produce("orders", b"x")
    [topic] = member.answer("ShareFetch")["Responses"]
    assert [record.value for record in read_records(topic["Partitions"][0]["Records"])] == [b"x"]


@pytest.fixture
def deaf(port: Port) -> Caller:
    """A client that has asked for 32 MB and reads nothing of it."""
    worker = port.connect()
    worker.create_topic("orders")
    for _ in range(8):
        worker.produce("orders", b"x" * 1_000_000)
    worker.hang_up()
    found = port.connect(receive_bytes=4096)
    fetch = fetch_request("orders", max_bytes=8 << 20, partition_max_bytes=8 << 20)
    found.write(b"".join(found.frame("Fetch", fetch, 12) for _ in range(4)))
    port.until(lambda: (side := found.server_side()) is not None and side._muted)
    return found


def test_a_client_that_does_not_read_its_answers_is_dropped_after_twenty_minutes_at_most(
    port: Port, deaf: Caller
) -> None:
    assert len(port.connections) == 1
    port.advance(2 * IDLE_S)
    port.until(lambda: not port.connections)
    read = 0
    while True:  # what the kernel had of them still comes
        try:
            more = len(port.run(port.loop.sock_recv(deaf.socket, 1 << 20)))
        except ConnectionResetError:
            break
        if not more:
            break
        read += more
    assert 0 < read < 32_000_000


def test_a_client_that_reads_its_answers_slowly_is_not_dropped(port: Port, deaf: Caller) -> None:
    for _ in range(6):
        before = unsent(deaf)
        while unsent(deaf) == before:
            port.run(port.loop.sock_recv(deaf.socket, 1 << 20))
        port.advance(IDLE_S)
    assert len(port.connections) == 1


def unsent(caller: Caller) -> int:
    connection = caller.server_side()
    assert connection is not None
    assert connection._transport is not None
    return connection._transport.get_write_buffer_size()


def test_what_a_client_left_unread_when_it_was_refused_does_not_keep_its_connection(port: Port, deaf: Caller) -> None:
    deaf.write(b"\xff" * 8)
    connection = deaf.server_side()
    assert connection is not None
    port.run(end(connection))
    assert port.connections
    port.advance(2 * IDLE_S)
    port.until(lambda: not port.connections)


async def end(connection: Any) -> None:
    connection.end()


@pytest.mark.parametrize("sent", ["nothing", "SaslHandshake", "half a token"])
def test_who_does_not_get_on_with_a_login_is_closed_too(port_with: Callable[..., Port], sent: str) -> None:
    port = port_with(kafka_security="sasl_plaintext", kafka_users=(("alice", "secret"),))
    caller = port.connect()
    taken(port)
    if sent != "nothing":
        assert caller.ask("SaslHandshake", {"Mechanism": "PLAIN"})["ErrorCode"] == 0
    if sent == "half a token":
        caller.write(caller.frame("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"})[:-3])
    port.advance(IDLE_S)
    assert caller.closed()


def test_a_tls_connection_is_closed_too(port_with: Callable[..., Port]) -> None:
    port = port_with(kafka_security="ssl")
    reader, writer = port.tls()
    taken(port)
    port.advance(IDLE_S)
    assert port.run(reader.read()) == b""
    port.run(done(writer))
    port.until(lambda: not port.connections)


async def done(writer: Any) -> None:
    writer.close()
    await writer.wait_closed()


def test_connections_cost_one_timer_however_many_there_are(port: Port) -> None:
    before = port.clock.timers
    callers = [port.connect() for _ in range(300)]
    taken(port, 300)
    assert port.clock.timers == before + 1
    assert all(caller.lives() for caller in callers)
    assert port.clock.timers == before + 1
    for caller in callers:
        caller.socket.close()
    taken(port, 0)
    port.advance(IDLE_S)
    assert port.clock.timers == before


@pytest.mark.parametrize(("value", "open_after"), [("5000", 0), ("-1", 1)])
def test_the_brokers_config_is_what_counts(port: Port, value: str, open_after: int) -> None:
    port.listener.cluster.configs.replace(BROKER, "", {"connections.max.idle.ms": value})
    caller = port.connect()
    assert caller.lives()
    port.advance(4)
    assert len(port.connections) == 1
    port.advance(7200 if open_after else 1)
    port.until(lambda: len(port.connections) == open_after)


def test_a_reset_changes_nothing_for_connections(port: Port) -> None:
    caller = port.connect()
    assert caller.lives()
    port.run(reset(port))
    port.advance(IDLE_S - 1)
    assert caller.lives()
    port.advance(IDLE_S)
    assert caller.closed()


async def reset(port: Port) -> None:
    port.emulator.reset()
