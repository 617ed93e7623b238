"""Listeners and connections: frames in, answers out, in the order of the requests.

A connection works on one request at a time. When an API parks it (a long poll, a join), what the client sends meanwhile waits,
as on Kafka, which mutes the channel. Small frames are handled where they were read, in one buffer that all connections share;
a frame that does not come in one piece gets a buffer of its own.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from asyncio import Future
from collections import Counter, deque
from functools import partial
from socket import SO_KEEPALIVE, SOL_SOCKET
from struct import Struct
from typing import TYPE_CHECKING, Any, cast

from emulator.clock import settle
from services.kafka.api import ALL
from services.kafka.api.base import Api, Call, api_of
from services.kafka.errors import Error
from services.kafka.frames import FrameError, Frames
from services.kafka.idle import IdleWatch
from services.kafka.limits import REQUEST_BYTES_MAX, SASL_TOKEN_BYTES_MAX
from services.kafka.sasl import Login
from services.kafka.schema import MalformedError, Messages, read_header
from services.kafka.state import cluster_of

if TYPE_CHECKING:
    import ssl
    from socket import socket

    from emulator.app import Emulator
    from services.kafka.idle import Watched
    from services.kafka.schema import Header
    from services.kafka.state import Cluster

log = logging.getLogger("eventyard.kafka")

API_VERSIONS, SHARE_FETCH = 18, 78
WRITE_HIGH_BYTES = 4 << 20
"""Beyond this much unsent, a connection's further requests wait."""
GATHERED_BYTES_MAX = 64 * 1024
"""Answers to requests that came in one read go out in one write, up to this much: a write for each took nearly half of the time of
one-record Produce requests."""
PENDING_BYTES_MAX = 1 << 20
"""Beyond this much waiting behind a parked request, a connection is not read from."""
PENDING_OVERHEAD_BYTES = 64
"""What a frame that waits takes beside its own bytes: a client may send a quarter of a million that hold one byte each."""
TURN_REQUESTS_MAX = 128
"""After so many requests of one connection others have their turn: one read may bring 25,000, which would hold all up for a second."""
BACKLOG = 4096
"""How many connections the system holds until they are taken, as on the HTTP port. With asyncio's own 100, a crowd of 2,000 took ten
seconds on a busy machine: who finds no room is tried again after a second."""
TLS_HANDSHAKE_MAX_S = 60
"""A client that has not finished its TLS handshake by then is let go."""

_ANSWER = Struct(">ii")
_FLEXIBLE_ANSWER = Struct(">iix")
_SIZE = Struct(">i")
_HEAD = Struct(">hhi")


class Listener:
    """The sockets of all brokers, and the connections to them."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.messages = Messages()
        self.apis: dict[int, Api] = {found.key: found for found in map(api_of, ALL)}
        self.frames = Frames()
        self.connections: set[Connection] = set()
        self.idle: IdleWatch | None = None
        self._hosts: Counter[tuple[int, str]] = Counter()
        """How many connections there are to a broker from an address."""
        self._heads: dict[tuple[int, int], struct.Struct] = {}
        self._servers: list[asyncio.Server] = []
        settings = emulator.settings
        self.protocol = settings.kafka_security.upper()
        self.with_login = settings.kafka_security.startswith("sasl")

    def answer_head(self, found: Api, version: int) -> struct.Struct:
        """Tell what stands before an answer: its size and its request's number, in newer versions also tagged fields, of which there are
        none; never before ApiVersions', whose client does not know yet what is spoken here.
        """
        head = self._heads.get((found.key, version))
        if head is None:
            flexible = found.key != API_VERSIONS and self.messages.flexible(found.name, "response", version)
            head = self._heads[found.key, version] = _FLEXIBLE_ANSWER if flexible else _ANSWER
        return head

    @property
    def cluster(self) -> Cluster:
        """The cluster, made anew after a reset."""
        return cluster_of(self.emulator)

    async def listen(self, sockets: list[socket]) -> None:
        """Take connections on the sockets of the brokers. Raises StartError."""
        tls: ssl.SSLContext | None = None
        if self.protocol.endswith("SSL"):
            from services.kafka.tls import server_context

            tls = await server_context(self.emulator)
        self.idle = IdleWatch(self.emulator.clock, lambda: self._number("connections.max.idle.ms"))
        loop, handshake_max_s = asyncio.get_running_loop(), None if tls is None else TLS_HANDSHAKE_MAX_S
        nodes = {node.port: node.node_id for node in self.cluster.nodes}
        for sock in sockets:
            make = partial(Connection, self, nodes[sock.getsockname()[1]])
            # What is accepted has it too, as on Kafka: who vanished without a word is found out, also while a request is parked.
            sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
            self._servers.append(
                await loop.create_server(
                    make, sock=sock, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=handshake_max_s
                )
            )

    def join(self, connection: Connection) -> bool:
        """Take up a connection; False if its address has as many as it may have. Whatever joined has to `leave`."""
        self.connections.add(connection)
        if self.idle is not None:
            self.idle.add(connection)
        key, most = (connection.node_id, connection.host), self._connections_max(connection.host)
        self._hosts[key] += 1
        if self._hosts[key] > most:
            log.info(
                "closed a connection from %s: max.connections.per.ip allows this address %s", connection.host, most
            )
        return self._hosts[key] <= most

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        self.connections.discard(connection)
        if self.idle is not None:
            self.idle.remove(connection)
        key = (connection.node_id, connection.host)
        self._hosts[key] -= 1
        if not self._hosts[key]:
            del self._hosts[key]

    def _connections_max(self, host: str) -> int:
        """How many connections to a broker an address may have: max.connections.per.ip, unless there is an override for just this one."""
        overrides = str(self.cluster.configs.broker("max.connections.per.ip.overrides"))
        for override in overrides.split(",") if overrides else ():
            name, _, number = override.rpartition(":")
            if name.strip() == host and number.strip().isdecimal():
                return int(number)
        return self._number("max.connections.per.ip")

    def _number(self, config: str) -> int:
        return cast("int", self.cluster.configs.broker(config))

    async def close(self) -> None:
        """Take no more connections and end those that are there."""
        for server in self._servers:
            server.close()
        await settle()  # what was parked is answered by now, but not sent
        for connection in list(self.connections):
            connection.end()
        await settle()
        # Not `Server.wait_closed`: that waits for clients too that never read, or never finish their TLS handshake.
        if self.idle is not None:
            self.idle.close()


class Connection(asyncio.BufferedProtocol):
    """One client. It is what APIs see as their `Peer`."""

    def __init__(self, listener: Listener, node_id: int) -> None:
        self._listener = listener
        self.node_id = node_id
        self.host = ""
        self.listener = listener.protocol
        self.principal = "User:ANONYMOUS"
        self.login: Login | None = None
        self.software = ""
        self.seat: set[Watched] | None = None
        self._transport: asyncio.Transport | None = None
        self._reader = listener.frames.reader()
        self._parked: Future[Any] | None = None
        self._parked_key = -1
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._paused = self._muted = self._turn_comes = False
        self._turn = TURN_REQUESTS_MAX
        self._closing = self._ended = False
        self._now_ms = 0
        """When something was read last, or a request that had waited was taken up: the instant of the requests that this brought."""
        self._unsent_bytes = 0
        self._out: list[Any] = []
        self._out_bytes = 0
        self._gathers = False
        self._local = ("", 0)

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        peer, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self.host = peer[0] if peer else ""
        self._local = local[:2] if local else ("", 0)
        self._now_ms = self._listener.emulator.clock.now_ms()
        if self._listener.with_login:
            self.login = Login(self._listener.cluster.users)
            self._reader.bytes_max = SASL_TOKEN_BYTES_MAX
        if not self._listener.join(self):
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's shape
        """Forget the client. What was parked is let go; whoever made it sees that it is cancelled."""
        self._closing = True
        self._listener.leave(self)
        self._pending.clear()
        self._out.clear()
        self._reader.close()
        parked, self._parked = self._parked, None
        if parked is not None:
            parked.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's shape
        """Say where to read to."""
        return self._reader.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Take up what was read."""
        self._gathers = True
        self._turn = TURN_REQUESTS_MAX
        self._now_ms = self._listener.emulator.clock.now_ms()
        try:
            for frame in self._reader.cut(nbytes):
                if self._closing:
                    return
                self._take(frame)
        except FrameError as error:
            self._refuse(str(error))
        finally:
            self._gathers = False
            self._flush()

    def eof_received(self) -> bool:
        """Take note that the client sends no more. As with Kafka, which does not see it before, what it has asked for is answered first.

        Not so a ShareFetch: whoever cannot acknowledge records is given none. Over TLS, neither side can go on alone.
        """
        self._ended = True
        if self._listener.protocol.endswith("SSL"):
            return False
        return bool(self._pending) if self._parked is None else self._parked_key != SHARE_FETCH

    def pause_writing(self) -> None:
        """The client does not read its answers: let its requests wait."""
        self._muted = True
        self._pause()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._muted = False
        self._go_on()

    # Requests in order.

    def _take(self, frame: memoryview) -> None:
        if self._parked is None and not self._muted and not self._pending:
            self._turn -= 1
            if self._turn >= 0:
                self._handle(frame)
                return
            self._wait_for_turn()
        self._pending.append(bytes(frame))
        self._pending_bytes += len(frame) + PENDING_OVERHEAD_BYTES
        if self._pending_bytes > PENDING_BYTES_MAX:
            self._pause()

    def _go_on(self) -> None:
        """Handle what waited, as far as that goes."""
        self._gathers = True
        self._turn = TURN_REQUESTS_MAX
        self._now_ms = self._listener.emulator.clock.now_ms()
        while self._pending and self._parked is None and not self._muted and not self._closing:
            if not self._turn:
                self._wait_for_turn()
                break
            self._turn -= 1
            frame = self._pending.popleft()
            self._pending_bytes -= len(frame) + PENDING_OVERHEAD_BYTES
            self._handle(memoryview(bytearray(frame)))  # APIs may write into their frame: offsets are put into batches
        self._gathers = False
        self._flush()
        if self._paused and not self._muted and self._pending_bytes <= PENDING_BYTES_MAX and not self._closing:
            self._paused = False
            if self._transport is not None:
                self._transport.resume_reading()
        if self._ended and self._parked is None and not self._pending:
            self.end()

    def _wait_for_turn(self) -> None:
        """Let others be served before what waits here is."""
        if not self._turn_comes:
            self._turn_comes = True
            asyncio.get_running_loop().call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_comes = False
        self._go_on()

    def _pause(self) -> None:
        if not self._paused and not self._closing and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _handle(self, frame: memoryview) -> None:
        if self.login is not None and self.login.raw:
            self._raw_token(bytes(frame))
            return
        try:
            key, version, correlation_id = _HEAD.unpack_from(frame, 0)
            found = self._listener.apis.get(key)
            if found is None or not found.versions[0] <= version <= found.versions[1]:
                self._unsupported(key, version, correlation_id)
                return
            if self.login is not None and not self.login.done and not found.before_login:
                self._refuse(f"sent {found.name} before it had logged in")
                return
            self._answer(found, version, correlation_id, self._run(found, read_header(frame), frame))
            if self.login is not None and self.login.done:
                self._reader.bytes_max = REQUEST_BYTES_MAX
        except (MalformedError, struct.error) as error:
            self._refuse(f"sent what is no request of Kafka's: {error}")
        except Exception:  # a bug of ours, which goes to the log; the client sees a closed connection and tries again
            log.exception("a request of %s failed", self.host)
            self.end()

    def _run(self, found: Api, header: Header, frame: memoryview) -> Any:
        call = Call(
            self._listener.cluster,
            self,
            header.api_version,
            header.client_id,
            self._now_ms,
            self._listener.apis,
        )
        if found.raw is not None:
            return found.raw(call, frame, header.position)
        read = self._listener.messages.request(found.key, found.name, header.api_version)
        # What stands behind the request is left alone, as Kafka does: librdkafka 2.16 ends a Metadata request with three bytes too many.
        request, _ = read(frame, header.position)
        return found.run(call, request)

    def _answer(self, found: Api, version: int, correlation_id: int, answer: Any) -> None:
        """Send an answer, or park until there is one."""
        if isinstance(answer, Future):
            if not answer.done():
                self._parked, self._parked_key = answer, found.key
                answer.add_done_callback(lambda _: self._unpark(found, version, correlation_id, answer))
                return
            answer = answer.result()
        if answer is not None:
            self._send(found, version, correlation_id, answer)

    def _unpark(self, found: Api, version: int, correlation_id: int, answer: Future[Any]) -> None:
        if self._parked is not answer:  # the client is gone
            return
        self._parked = None
        if answer.cancelled():
            self.end()
            return
        try:
            self._answer(found, version, correlation_id, answer.result())
        except Exception:  # a bug of ours
            log.exception("%s of %s failed", found.name, self.host)
            self.end()
        self._go_on()

    def _send(self, found: Api, version: int, correlation_id: int, answer: Any) -> None:
        if self._transport is None or (self._closing and self._transport.is_closing()):
            return
        head = self._listener.answer_head(found, version)
        if isinstance(answer, list):  # buffers, from a hot API
            size = sum(map(len, answer)) + head.size
            self._out.append(head.pack(size - 4, correlation_id))
            self._out += answer
        else:
            out = bytearray(head.size)
            self._listener.messages.response(found.key, found.name, version)(out, answer)
            size = len(out)
            head.pack_into(out, 0, size - 4, correlation_id)
            self._out.append(out)
        self._out_bytes += size
        if self._closing:
            self.end()
        elif not self._gathers or self._out_bytes > GATHERED_BYTES_MAX:
            self._flush()

    def _flush(self) -> None:
        """Write the answers that are ready."""
        if self._out and self._transport is not None:
            out, self._out, self._out_bytes = self._out, [], 0
            self._transport.writelines(out)

    def _unsupported(self, key: int, version: int, correlation_id: int) -> None:
        """Answer an ApiVersions of a version to come in the form of version 0, as KIP-511 says; close on anything else."""
        if key != API_VERSIONS:
            self._refuse(f"asked for API key {key} version {version}, which is not spoken here")
            return
        found = self._listener.apis[API_VERSIONS]
        lowest, highest = found.versions
        # Nothing but this API's own versions: a client that is told of more takes it, asks no further and never hears of features.
        own = {"ApiKey": API_VERSIONS, "MinVersion": lowest, "MaxVersion": highest}
        self._send(found, 0, correlation_id, {"ErrorCode": Error.UNSUPPORTED_VERSION, "ApiKeys": [own]})

    def _raw_token(self, token: bytes) -> None:
        """Take a token of a client that speaks SaslHandshake version 0: it comes in a frame without a header."""
        login = cast("Login", self.login)
        reply, error = login.token(token)
        if error is not None or reply is None:
            self._refuse("could not log in")
            return
        if login.done:
            self.principal = login.principal
            self._reader.bytes_max = REQUEST_BYTES_MAX
        self._out.append(_SIZE.pack(len(reply)) + reply)
        self._flush()

    # The end.

    def close_after_answer(self) -> None:
        """Close once the answer to the present request is sent."""
        self._closing = True

    def advertised(self, node_id: int) -> tuple[str, int]:
        """Host and port at which this client reaches a broker: where it dialled this one, unless a setting says otherwise."""
        nodes = self._listener.cluster.nodes
        port = nodes[node_id - 1].port
        wanted = self._listener.emulator.settings.kafka_advertised_host
        if not wanted:
            return self._local[0], port
        host, colon, first = wanted.rpartition(":")
        if not colon or wanted.endswith("]"):
            return wanted.strip("[]"), port
        return host.strip("[]"), int(first) + node_id - 1

    def end(self) -> None:
        """Close now, with what is still to be sent."""
        self._closing = True
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def idle_since_ms(self) -> int | None:
        """Tell when this client was active last; None while a request of it is parked or its answers are on their way to it."""
        if self._transport is None or (self._parked is not None and not self._ended):
            return None
        before, self._unsent_bytes = self._unsent_bytes, self._transport.get_write_buffer_size()
        return self._now_ms if self._unsent_bytes == before else None

    def expire(self) -> None:
        """Close now. What the client does not read would keep the connection open for ever: it is dropped."""
        self.end()
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()

    def _refuse(self, reason: str) -> None:
        log.warning("closed a connection from %s: it %s", self.host or "somewhere", reason)
        self.end()
