"""What one Kafka cluster remembers: its brokers, topics, groups, transactions, configs, users and access lists.

There is one cluster in an Emulator, kept under its default account and region. All brokers of it (`--kafka-brokers`) are this one
process; they differ by the port that they listen on.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple, cast

from emulator.service import ServiceState
from emulator.storage.journal import NoJournal, SqliteJournal
from services.kafka.acls import Acls
from services.kafka.configs import Configs
from services.kafka.groups.registry import Groups
from services.kafka.limits import INTERNAL_TOPICS
from services.kafka.logs import Logs
from services.kafka.retention import Upkeep
from services.kafka.topics import Topics
from services.kafka.transactions import Transactions
from services.kafka.users import Users

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.kafka.partition import Partition
    from services.kafka.topics import Topic


class Node(NamedTuple):
    """One broker of the cluster."""

    node_id: int
    port: int
    """As bound; a setting may advertise another one."""


class Cluster(ServiceState):
    """One cluster. What it is made of lives in a file of its own each; this is where they find each other."""

    def __init__(self, emulator: Emulator) -> None:
        settings = emulator.settings
        self.emulator = emulator
        self.settings = settings
        self.clock = emulator.clock
        self.ids = emulator.ids
        self.tasks = emulator.tasks
        # A host's name may stand for several addresses, and then each broker has a socket for each, all of one port.
        ports = list(dict.fromkeys(sock.getsockname()[1] for sock in emulator.sockets.get("kafka", ())))
        wanted = [address.port for address in settings.kafka_addresses]
        self.nodes = [Node(number, port) for number, port in enumerate(ports or wanted or [0], start=1)]
        self.journal = (
            NoJournal() if settings.data_dir is None else SqliteJournal(settings.data_dir / "kafka" / "cluster.db")
        )
        """What must outlive the process beside the logs: tables of JSON values by key."""
        self.cluster_id = self._cluster_id()
        self.stopping = False
        self.logs = Logs(self)
        self.configs = Configs(self)
        self.acls = Acls(self)
        self.users = Users(self)
        self.upkeep = Upkeep(self)
        self.topics = Topics(self)
        self.groups = Groups(self)
        self.transactions = Transactions(self)

    @property
    def uuid(self) -> str:
        """The cluster's id as ARNs write it."""
        digits = base64.urlsafe_b64decode(self.cluster_id + "==").hex()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _cluster_id(self) -> str:
        kept = self.journal.load("cluster").get("id")
        if kept is None:
            kept = base64.urlsafe_b64encode(self.new_uuid()).decode().rstrip("=")
            self.journal.put("cluster", "id", kept)
        return str(kept)

    def new_uuid(self) -> bytes:
        """Draw a topic or cluster id: 16 bytes, whose text does not begin with a dash, as Kafka's do not."""
        while True:
            drawn = bytes.fromhex(self.ids.uuid().replace("-", ""))
            if drawn[0] >> 2 != 62:  # "-" in base64url
                return drawn

    def partition(self, topic: str, index: int) -> Partition | None:
        """Find a partition."""
        found = self.topics.get(topic)
        return found.partitions[index] if found is not None and 0 <= index < len(found.partitions) else None

    def coordinator(self, key: str) -> Node:
        """Tell which broker coordinates a group, a transactional id or a share partition."""
        return self.nodes[_java_hash(key) % len(self.nodes)]

    def leader(self, topic: Topic, index: int) -> Node:
        """Tell which broker leads a partition."""
        return self.nodes[(topic.first_node + index) % len(self.nodes)]

    def is_internal(self, topic: str) -> bool:
        """Tell whether only the broker itself may write to a topic of this name."""
        return topic in INTERNAL_TOPICS

    def drain(self) -> None:
        """Answer parked fetches and joins; the server is about to stop."""
        self.stopping = True
        self.topics.wake_all()
        self.groups.drain()

    def close(self) -> None:
        """Let go of everything; the state is being thrown away, its files with it."""
        self.drain()
        self.upkeep.close()
        self.transactions.close()
        self.groups.close()
        self.topics.erase()
        self.journal.erase()
        self.journal.close()

    def stop(self) -> None:
        """Let go of everything but keep the files: the process ends."""
        self.drain()
        self.upkeep.close()
        self.transactions.close()
        self.groups.close()
        self.topics.close()
        self.journal.close()


def cluster_of(emulator: Emulator) -> Cluster:
    """Give the one cluster, made when it is first asked for and again after a reset."""
    settings = emulator.settings
    return cast("Cluster", emulator.state("kafka", settings.account_id, settings.region))


def _java_hash(text: str) -> int:
    """Java's String.hashCode without its sign, which Kafka places groups by."""
    value = 0
    for letter in text.encode("utf-16-be", "surrogatepass")[1::2] if text.isascii() else _utf16(text):
        value = (31 * value + letter) & 0xFFFF_FFFF
    return value & 0x7FFF_FFFF


def _utf16(text: str) -> list[int]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [raw[place] << 8 | raw[place + 1] for place in range(0, len(raw), 2)]
