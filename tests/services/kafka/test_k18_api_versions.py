"""ApiVersions (key 18): what is advertised is what is spoken."""

from __future__ import annotations

import struct

import pytest

from services.kafka.errors import Error
from tests.support.kafka_broker import KEYS, LATEST, Client

SOFTWARE = {"ClientSoftwareName": "apache-kafka-java", "ClientSoftwareVersion": "4.3.0"}
WANTED = {
    *(
        0,
        1,
        2,
        3,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        23,
        24,
        25,
        26,
        28,
        29,
        30,
        31,
        32,
        33,
        35,
        36,
        37,
    ),
    *(42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 61, 65, 66, 68, 69, 74, 75, 76, 77, 78, 79),
}


@pytest.mark.parametrize("version", range(5))
def test_every_version_lists_every_api_with_its_versions(client: Client, version: int) -> None:
    answer = client.ask("ApiVersions", SOFTWARE, version=version)
    assert answer["ErrorCode"] == 0
    listed = {one["ApiKey"]: (one["MinVersion"], one["MaxVersion"]) for one in answer["ApiKeys"]}
    assert set(listed) == set(KEYS.values())
    assert all(listed[key][1] == LATEST[name] for name, key in KEYS.items())


def test_all_apis_are_there_that_clients_need(client: Client) -> None:
    listed = {one["ApiKey"] for one in client.ask("ApiVersions", SOFTWARE)["ApiKeys"]}
    assert not WANTED - listed


def test_produce_says_0_so_that_old_librdkafka_compresses(client: Client) -> None:
    [produce] = [one for one in client.ask("ApiVersions", SOFTWARE)["ApiKeys"] if one["ApiKey"] == 0]
    assert produce["MinVersion"] == 0


def test_features_tell_of_transactions_of_the_second_kind_and_of_the_new_groups(client: Client) -> None:
    answer = client.ask("ApiVersions", SOFTWARE)
    levels = {one["Name"]: one["MaxVersionLevel"] for one in answer["FinalizedFeatures"]}
    assert levels == {"group.version": 1, "share.version": 1, "transaction.version": 2}


def test_a_version_to_come_is_answered_in_the_form_of_version_0(client: Client) -> None:
    client.feed(struct.pack(">ihhih", 10, 18, 99, 7, -1))
    written = bytes(client.transport.written)
    size, correlation_id, error, count = struct.unpack_from(">iihi", written)
    assert (len(written), correlation_id, error) == (size + 4, 7, Error.UNSUPPORTED_VERSION)
    listed = [struct.unpack_from(">hhh", written, 14 + 6 * place) for place in range(count)]
    assert listed == [(18, 0, 4)]
    assert not client.transport.closed


@pytest.mark.parametrize(
    ("name", "version"), [("", "1"), ("java", ""), ("-java", "1"), ("java-", "1"), ("ja va", "1"), ("java", "1;0")]
)
def test_software_must_have_a_decent_name(client: Client, name: str, version: str) -> None:
    answer = client.ask("ApiVersions", {"ClientSoftwareName": name, "ClientSoftwareVersion": version})
    assert (answer["ErrorCode"], answer["ApiKeys"]) == (Error.INVALID_REQUEST, [])
