"""Bytes that are no message: every cut, flipped bits and chosen lies end in MalformedError, which names the message and the field."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from services.kafka.schema import Description, MalformedError, Messages, read_header
from tests.support.kafka_messages import TITLES, Ours, random_message, versions_of

MESSAGES = Messages()
SAMPLE_BYTES_MAX = 400
"""Of each version the longest of some random messages up to this size is cut and flipped."""
FLIPS = 40


def sample(description: Description, version: int) -> bytes:
    ours = Ours(MESSAGES, description.title, version)
    randoms = (Random(f"{description.title} {version} {seed}") for seed in range(12))
    by_size = sorted((ours.encode(random_message(random, description, version)) for random in randoms), key=len)
    return [by_size[0], *(data for data in by_size if len(data) <= SAMPLE_BYTES_MAX)][-1]


@pytest.mark.parametrize("title", TITLES)
def test_a_message_that_is_cut_anywhere_is_malformed(title: str) -> None:
    description = MESSAGES.describe(title)
    for version in versions_of(description):
        read, data = MESSAGES.reader(title, version), memoryview(sample(description, version))
        for size in range(len(data)):
            with pytest.raises(MalformedError, match=f"^{title} v{version}"):
                read(data[:size], 0)


@pytest.mark.parametrize("title", TITLES)
def test_flipped_bits_make_another_message_or_a_malformed_one(title: str) -> None:
    description = MESSAGES.describe(title)
    for version in versions_of(description):
        ours, read = Ours(MESSAGES, title, version), MESSAGES.reader(title, version)
        random, data = Random(f"{title} {version}"), sample(description, version)
        for flip in range(FLIPS if data else 0):
            flipped = bytearray(data)
            for _ in range(random.choice((1, 1, 2, 8))):
                flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
            try:
                message, _ = read(memoryview(flipped), 0)
            except MalformedError:
                continue
            again = ours.encode(message)
            assert ours.encode(ours.decode(again)) == again, f"{title} v{version}, flip {flip}"


@pytest.mark.parametrize("title", TITLES)
def test_noise_makes_a_message_or_a_malformed_one(title: str) -> None:
    random = Random(title)
    for version in versions_of(MESSAGES.describe(title)):
        read = MESSAGES.reader(title, version)
        for _ in range(FLIPS):
            noise = random.randbytes(random.randrange(100))
            with suppress(MalformedError):
                read(memoryview(noise), 0)


LIES = {
    "an array of -2": ("MetadataRequest", 1, "ff ff ff fe", "Topics: a length of -2"),
    "an array that is null": ("MetadataRequest", 0, "ff ff ff ff", "Topics: null is not allowed"),
    "an array of two thousand million": (
        "MetadataRequest",
        0,
        "7f ff ff ff 00",
        "Topics: a length of 2147483647, beyond the end of the frame",
    ),
    "more elements than fit in at their smallest": (
        "ListOffsetsRequest",
        1,
        "ff ff ff ff  00 00 00 02  00 01 61 00 00 00 00",
        "Topics: a length of 2, beyond the end of the frame",
    ),
    "a compact array of four thousand million": (
        "MetadataRequest",
        9,
        "ff ff ff ff 0f 00",
        "Topics: a length of 4294967294, beyond the end of the frame",
    ),
    "a compact array that is null": ("FindCoordinatorRequest", 4, "00 00", "CoordinatorKeys: null is not allowed"),
    "a string of -2": ("FindCoordinatorRequest", 0, "ff fe", "Key: a length of -2"),
    "a string that is null": ("FindCoordinatorRequest", 0, "ff ff", "Key: null is not allowed"),
    "a string beyond the frame": (
        "FindCoordinatorRequest",
        0,
        "00 05 61",
        "Key: a length of 5, beyond the end of the frame",
    ),
    "a string that is not UTF-8": ("FindCoordinatorRequest", 0, "00 02 c3 28", "Key: a string that is not UTF-8"),
    "a compact string that is null": ("FindCoordinatorRequest", 3, "00", "Key: null is not allowed"),
    "a compact string longer than Kafka's": (
        "FindCoordinatorRequest",
        3,
        "81 80 02" + "61" * 32768,
        "Key: a string of 32768 bytes, more than 32767",
    ),
    "bytes of -2": ("SaslAuthenticateRequest", 0, "ff ff ff fe", "AuthBytes: a length of -2"),
    "bytes that are null": ("SaslAuthenticateRequest", 0, "ff ff ff ff", "AuthBytes: null is not allowed"),
    "a varint of six bytes": (
        "FindCoordinatorRequest",
        3,
        "80 80 80 80 80 00",
        "Key: a varint of more than 32 bits",
    ),
    "a varint of 33 bits": ("FindCoordinatorRequest", 3, "ff ff ff ff 1f", "Key: a varint of more than 32 bits"),
    "a varint without an end": ("FindCoordinatorRequest", 3, "80 80", "Key: the frame ends too early"),
    "a tag beyond the frame": (
        "FindCoordinatorRequest",
        3,
        "02 61 00  01 07 05 00",
        ": tag 7 of 5 bytes, beyond the end of the frame",
    ),
    "tags without number": ("FindCoordinatorRequest", 3, "02 61 00  ff ff ff ff 0f", ": the frame ends too early"),
    "a known tag with too many bytes": (
        "FetchRequest",
        12,
        "00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  00  00 00 00 00  00 00 00 00  01 01 01  01 00 03 02 61 00",
        ".ClusterId: bytes left over in a tagged field of 3 bytes",
    ),
    "a known tag with too few bytes": (
        "FetchRequest",
        12,
        "00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00  00  00 00 00 00  00 00 00 00  01 01 01  01 00 02 03 61 62",
        "ClusterId: a length of 2, beyond the end of the frame",
    ),
}


@pytest.mark.parametrize(("title", "version", "data", "reason"), LIES.values(), ids=LIES)
def test_a_lie_is_told_by_message_and_field(title: str, version: int, data: str, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        MESSAGES.reader(title, version)(memoryview(bytes.fromhex(data)), 0)
    told = f"{title} v{version}" + (reason if reason.startswith((".", ":")) else f".{reason}")
    assert str(caught.value) == told


def test_a_field_inside_of_an_array_is_named_by_its_path() -> None:
    data = memoryview(bytes.fromhex("ff ff ff ff  00 00 00 01  00 01 61  00 00 00 01  00 00 00 00  00 00 00 00"))
    with pytest.raises(MalformedError) as caught:
        MESSAGES.reader("ListOffsetsRequest", 1)(data, 0)
    assert str(caught.value) == "ListOffsetsRequest v1.Topics.Partitions: a length of 1, beyond the end of the frame"


HEADERS = {
    "nothing": ("", "RequestHeader: the frame ends too early"),
    "a byte too few": ("00 03 00 00 00 00 00 01 ff", "RequestHeader: the frame ends too early"),
    "an API that Kafka lacks": ("03 e7 00 00 00 00 00 01 ff ff", "RequestHeader.RequestApiKey: no API has the key 999"),
    "an API below zero": ("ff ff 00 00 00 00 00 01 ff ff", "RequestHeader.RequestApiKey: no API has the key -1"),
    "the first bytes of HTTP": (
        b"GET / HTTP/1.1\r\n".hex(),
        "RequestHeader.RequestApiKey: no API has the key 18245",
    ),
    "a client id of -2": ("00 03 00 00 00 00 00 01 ff fe", "RequestHeader.ClientId: a length of -2"),
    "a client id beyond the frame": (
        "00 03 00 00 00 00 00 01 00 02 61",
        "RequestHeader.ClientId: a length of 2, beyond the end of the frame",
    ),
    "a client id that is not UTF-8": (
        "00 03 00 00 00 00 00 01 00 01 ff",
        "RequestHeader.ClientId: a string that is not UTF-8",
    ),
    "a flexible header without tags": (
        "00 03 00 09 00 00 00 01 ff ff",
        "RequestHeader: the frame ends too early",
    ),
    "a tag beyond the frame": (
        "00 03 00 09 00 00 00 01 ff ff 01 00 02 00",
        "RequestHeader: tag 0 of 2 bytes, beyond the end of the frame",
    ),
}


@pytest.mark.parametrize(("data", "reason"), HEADERS.values(), ids=HEADERS)
def test_a_header_that_lies_is_malformed(data: str, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read_header(memoryview(bytes.fromhex(data)))
    assert str(caught.value) == reason
