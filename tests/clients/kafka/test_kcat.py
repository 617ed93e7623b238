"""kcat of Debian over a socket: librdkafka 2.0, the old client among ours, which believes what ApiVersions says of Produce 0."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable

import pytest
from kafka import KafkaAdminClient

from tests.support.server import environment

pytestmark = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (apt-get install kcat)")

Fresh = Callable[[str], str]
Kcat = Callable[..., str]
WAIT_S = 30
"""A bound against a hang; nothing waits for it to pass."""


@pytest.fixture
def kcat(bootstrap: str) -> Kcat:
    """Run kcat to its end and give what it printed: `kcat("-C", "-t", topic, "-e")`."""

    def run(*flags: str, stdin: str = "", says: str = "") -> str:
        done = subprocess.run(
            ["kcat", "-b", bootstrap, "-m", str(WAIT_S), *flags],
            env=environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=2 * WAIT_S,
            check=False,
        )
        assert done.returncode == (1 if says else 0), done.stderr
        assert says in done.stderr
        assert "does not support" not in done.stderr
        return done.stdout

    return run


def size_bytes(bootstrap: str, topic: str) -> int:
    """What a topic takes in the broker's log."""
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        [broker] = admin.describe_log_dirs({topic: [0]})
    [found] = broker["log_dirs"][0]["topics"]
    return int(found["partitions"][0]["partition_size"])


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed_in_order_and_compressed_as_wanted(
    kcat: Kcat, bootstrap: str, fresh: Fresh, codec: str
) -> None:
    topic = fresh("orders")
    lines = "".join(f"value {number} {'x' * 100}\n" for number in range(1000))
    kcat("-P", "-t", topic, "-X", f"compression.codec={codec}", "-X", "linger.ms=50", stdin=lines)
    assert kcat("-C", "-q", "-t", topic, "-p", "0", "-o", "beginning", "-e") == lines
    assert (size_bytes(bootstrap, topic) > len(lines)) == (codec == "none")


def test_keys_headers_and_offsets_come_through(kcat: Kcat, fresh: Fresh) -> None:
    topic = fresh("orders")
    kcat("-P", "-t", topic, "-K", ":", "-H", "trace=1", "-Z", stdin="a:1\nb:\n")
    rows = [json.loads(line) for line in kcat("-C", "-q", "-t", topic, "-o", "beginning", "-e", "-J").splitlines()]
    assert [(row["key"], row["payload"], row["offset"]) for row in rows] == [("a", "1", 0), ("b", None, 1)]
    assert [row["headers"] for row in rows] == [["trace", "1"]] * 2


def test_a_group_goes_on_where_it_committed(kcat: Kcat, fresh: Fresh) -> None:
    topic, group = fresh("orders"), fresh("group")
    take = ("-G", group, "-q", "-u", "-X", "auto.offset.reset=earliest", topic)
    kcat("-P", "-t", topic, stdin="a\nb\nc\n")
    assert kcat("-c", "2", *take) == "a\nb\n"
    assert kcat("-c", "1", *take) == "c\n"


def test_metadata_names_the_broker_and_the_partitions(kcat: Kcat, bootstrap: str, fresh: Fresh) -> None:
    topic = fresh("orders")
    kcat("-P", "-t", topic, stdin="a\n")
    found = json.loads(kcat("-L", "-J", "-t", topic))
    assert [broker["name"] for broker in found["brokers"]] == [bootstrap]
    assert [(one["topic"], len(one["partitions"])) for one in found["topics"]] == [(topic, 1)]


def test_an_offset_is_found_by_time(kcat: Kcat, fresh: Fresh) -> None:
    topic = fresh("orders")
    kcat("-P", "-t", topic, stdin="a\nb\n")
    assert kcat("-Q", "-t", f"{topic}:0:0") == f"{topic} [0] offset 0\n"
    assert kcat("-Q", "-t", f"{topic}:0:-1") == f"{topic} [0] offset 2\n"


def test_a_transaction_is_seen_as_a_whole(kcat: Kcat, fresh: Fresh) -> None:
    topic = fresh("orders")
    kcat("-P", "-t", topic, "-X", f"transactional.id={fresh('tx')}", stdin="a\nb\n")
    read = ("-C", "-q", "-t", topic, "-o", "beginning", "-e", "-f", "%o %s\n", "-X", "isolation.level=read_committed")
    assert kcat(*read) == "0 a\n1 b\n"
    kcat("-P", "-t", topic, stdin="c\n")
    assert kcat(*read) == "0 a\n1 b\n3 c\n"


def test_an_idempotent_producer_stores_each_message_once(kcat: Kcat, fresh: Fresh) -> None:
    topic = fresh("orders")
    lines = "".join(f"{number}\n" for number in range(5000))
    kcat("-P", "-t", topic, "-X", "enable.idempotence=true", stdin=lines)
    assert kcat("-C", "-q", "-t", topic, "-p", "0", "-o", "beginning", "-e") == lines


def test_a_topic_that_cannot_be_is_refused(kcat: Kcat) -> None:
    kcat("-P", "-t", "bad name", stdin="a\n", says="Invalid topic")
