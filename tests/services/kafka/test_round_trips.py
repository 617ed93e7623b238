"""Our codec against two others, kio and kafka-python 3: seeded random messages of every API in every version that they know."""

from __future__ import annotations

import re
from random import Random

import pytest

from services.kafka.schema import Messages
from tests.support.kafka_messages import (
    TITLES,
    Codec,
    KafkaPython,
    Kio,
    Ours,
    random_message,
    versions_of,
)

SEEDS = range(8)
"""Random messages of each version."""
MESSAGES = Messages()
KAFKA_PYTHON_LACKS = re.compile("Header$|^ConsumerProtocol|^EndTxnMarker|^ControlRecord|^ConsumerGroup|Share|Telemetry")


def assert_same(title: str, version: int, theirs: Codec) -> None:
    """Both write the same bytes of a message, and each reads it back from them."""
    description, ours = MESSAGES.describe(title), Ours(MESSAGES, title, version)
    for seed in SEEDS:
        message = random_message(Random(f"{title} {version} {seed}"), description, version)
        if title == "ApiVersionsResponse":
            message["ErrorCode"] = (
                0  # kafka-python reads an error as version 0, which is how a broker sends UNSUPPORTED_VERSION
            )
        told = f"{title} v{version}, seed {seed}"
        data = ours.encode(message)
        assert theirs.encode(message) == data, told
        assert ours.decode(data) == message, told
        assert theirs.decode(data) == message, told


@pytest.mark.parametrize("title", TITLES)
def test_kio_and_we_write_and_read_the_same(title: str) -> None:
    description = MESSAGES.describe(title)
    known = {version: kio for version in versions_of(description) if (kio := Kio.of(description, version))}
    for version, kio in known.items():
        assert_same(title, version, kio)
    assert known


@pytest.mark.filterwarnings("ignore:(read|open)_text is deprecated:DeprecationWarning")
@pytest.mark.parametrize("title", [title for title in TITLES if not KAFKA_PYTHON_LACKS.search(title)])
def test_kafka_python_and_we_write_and_read_the_same(title: str) -> None:
    description = MESSAGES.describe(title)
    known = {version: other for version in versions_of(description) if (other := KafkaPython.of(description, version))}
    for version, other in known.items():
        assert_same(title, version, other)
    assert known
