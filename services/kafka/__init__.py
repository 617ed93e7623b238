"""Apache Kafka's wire protocol: one cluster in the process, for every client that speaks to Kafka 4.

Where to find what: server.py takes connections and keeps the order of answers, frames.py cuts what was read, idle.py closes idle
connections; api/ has one file for each API key, which says its behaviour and its versions; schema.py compiles Kafka's own descriptions of
messages (messages/). partition.py is a log (emulator/log) with its producers (producers.py) and its waiting fetches; records.py checks
batches, record_batches.py opens and makes them; topics.py, configs.py, retention.py, compaction.py; groups/ coordinates consumers;
transactions.py; sasl.py, scram.py, acls.py, tls.py. deliver.py takes what EventBridge and SNS send. Kafka's words are in errors.py, its
numbers in limits.py.

What is not emulated: replication (there is one copy of everything, and replicas are shown), versions that Kafka 4 removed, quotas
(kept, not enforced), delegation tokens, telemetry, tiered storage, streams groups. The API of Amazon MSK answers that it is not emulated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.service import Service, StartError
from emulator.settings import Address

if TYPE_CHECKING:
    from pathlib import Path
    from socket import socket

    from emulator.app import Emulator
    from emulator.arns import Arn
    from emulator.router.router import Envelope
    from services.kafka.server import Listener
    from services.kafka.state import Cluster

# The broker is imported when it starts: a server without Kafka (`--kafka-port 0`) does not wait for its hundred files.


def new_cluster(emulator: Emulator, _account: str, _region: str) -> Cluster:
    """Make the empty cluster."""
    from services.kafka.state import Cluster

    return Cluster(emulator)


def append(emulator: Emulator, arn: Arn, envelope: Envelope) -> None:
    """Append to a topic what the router brings. Raises UndeliverableError."""
    from services.kafka.deliver import deliver

    deliver(emulator, arn, envelope)


def describe(emulator: Emulator) -> dict[str, Any]:
    """Tell about the cluster, as JSON."""
    from services.kafka.status import status

    return status(emulator)


async def listen(emulator: Emulator, sockets: list[socket]) -> Listener:
    """Take Kafka's clients. Raises StartError when the certificate or the data directory cannot be used."""
    from services.kafka.server import Listener

    if emulator.settings.data_dir is not None:
        _open(emulator, emulator.settings.data_dir)
    listener = Listener(emulator)
    await listener.listen(sockets)
    return listener


def _open(emulator: Emulator, folder: Path) -> None:
    """Make the cluster of what its folder holds. Raises StartError."""
    import sqlite3

    from emulator.storage.journal import JournalInUseError
    from services.kafka.state import cluster_of

    try:
        cluster_of(emulator)
    except JournalInUseError:
        raise StartError(
            f"--data-dir={folder}: another eventyard keeps its state there: end it, or choose another folder"
        ) from None
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"--data-dir={folder}: {error}: choose a folder that can be written") from None


def greeting(emulator: Emulator) -> str:
    """Tell Kafka's clients where to go."""
    from services.kafka.state import cluster_of

    settings = emulator.settings
    host = "localhost" if settings.host in ("0.0.0.0", "::", "127.0.0.1") else settings.host  # noqa: S104 - compared, not bound
    servers = ",".join(str(Address(host, node.port)) for node in cluster_of(emulator).nodes)
    security = "" if settings.kafka_security == "plaintext" else f" security.protocol={settings.kafka_security.upper()}"
    return f"Kafka: bootstrap.servers={servers}{security}"


SERVICE = Service(
    name="kafka",
    modules=(),
    new_state=new_cluster,
    protocols=(),
    deliver=append,
    addresses=lambda settings: settings.kafka_addresses,
    listen=listen,
    greeting=greeting,
    status=describe,
)
