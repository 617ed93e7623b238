"""@platformatic/kafka 1.35 under Node.js: new versions of the protocol, topic ids, KIP-848. javascript/platformatic.mjs plays."""

from __future__ import annotations

import pytest

from tests.support.javascript import Seen, install, play, saw
from tests.support.server import Server

TOPIC_CONFIG, DEFAULT_CONFIG = 1, 5


@pytest.fixture(scope="module")
def seen(server: Server) -> Seen:
    """What each scenario saw."""
    install()
    return play("platformatic.mjs", server.kafka)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4"])
def test_what_is_produced_is_consumed_in_order(seen: Seen, codec: str) -> None:
    assert saw(seen, codec) == [f"value {number}" for number in range(200)]


def test_every_kind_of_acknowledgement_stores_the_message(seen: Seen) -> None:
    found = saw(seen, "acks")
    assert found["answers"] == [None, ["1"], ["2"]]
    assert found["values"] == ["acks 0", "acks 1", "acks -1"]


def test_keys_headers_and_timestamps_come_through(seen: Seen) -> None:
    assert saw(seen, "message") == {
        "partition": 1,
        "offset": "0",
        "key": "k",
        "value": "v",
        "timestamp": "1767225600123",
        "headers": [["trace", "1"]],
    }


def test_an_idempotent_producer_stores_each_message_once(seen: Seen) -> None:
    assert saw(seen, "idempotent") == {"offsets": list(range(0, 50, 5)), "count": 50}


def test_a_group_goes_on_where_it_committed_and_its_lag_is_readable(seen: Seen) -> None:
    found = saw(seen, "resumed")
    assert (found["committed"], found["lag"]) == ("4", ["6"])
    assert found["values"] == [f"value {number}" for number in range(4, 10)]


@pytest.mark.parametrize("group", ["sharing", "sharing848"], ids=["classic", "consumer"])
def test_two_members_share_the_partitions_and_one_takes_over_when_the_other_leaves(seen: Seen, group: str) -> None:
    found = saw(seen, group)
    assert sorted([*found["shared"][0], *found["shared"][1]]) == [0, 1, 2, 3]
    assert [len(one) for one in found["shared"]] == [2, 2]
    assert found["seen"] == found["shared"]
    assert found["left"] == [0, 1, 2, 3]


def test_a_reader_of_committed_records_sees_no_aborted_transaction(seen: Seen) -> None:
    found = saw(seen, "transactions")
    assert found["committed"] == ["yes 1", "yes 2"]
    assert found["uncommitted"] == ["yes 1", "no", "yes 2"]


def test_offsets_are_committed_with_the_transaction_and_not_without(seen: Seen) -> None:
    assert saw(seen, "offsetsInTransactions") == ["-1", "2"]


def test_topics_are_created_grown_found_by_id_and_deleted(seen: Seen) -> None:
    assert saw(seen, "topics") == {
        "sameId": True,
        "count": 2,
        "replicas": 1,
        "retention": "60000",
        "leaders": [1, 1, 1],
        "listed": [True, False],
    }


def test_a_topic_that_cannot_be_is_refused_with_kafkas_error(seen: Seen) -> None:
    assert [one["errors"][0] for one in saw(seen, "refusedTopics")] == [
        ["INVALID_TOPIC_EXCEPTION", 17],
        ["INVALID_REPLICATION_FACTOR", 38],
        ["UNKNOWN_TOPIC_OR_PARTITION", 3],
    ]


def test_configs_are_described_with_their_source_and_altered_both_ways(seen: Seen) -> None:
    assert saw(seen, "configs") == [
        [["retention.ms", "604800000", DEFAULT_CONFIG]],
        [["retention.ms", "1000", TOPIC_CONFIG]],
        [["retention.ms", "2000", TOPIC_CONFIG]],
    ]


def test_a_group_is_listed_described_and_deleted_once_it_is_empty(seen: Seen) -> None:
    found = saw(seen, "groups")
    listed = {"id": "platformatic-groups", "state": "STABLE", "groupType": "classic", "protocolType": "consumer"}
    assert found["listed"] == listed
    assert (found["state"], found["protocolType"], found["members"]) == ("STABLE", "consumer", ["platformatic"])
    assert found["busy"]["errors"] == [["NON_EMPTY_GROUP", 68]]
    assert found["after"] is False


def test_a_groups_offsets_are_altered_and_deleted(seen: Seen) -> None:
    found = saw(seen, "groups")
    assert (found["set"], found["forgotten"]) == (["2"], [])


def test_offsets_are_found_at_both_ends_and_by_time_and_deleted_records_are_gone(seen: Seen) -> None:
    assert saw(seen, "offsets") == {"earliest": "0", "latest": "3", "byTime": "1", "low": "2", "earliestNow": "2"}


def test_quotas_are_set_described_and_removed(seen: Seen) -> None:
    assert saw(seen, "quotas") == {"found": [[{"key": "producer_byte_rate", "value": 1e9}]], "after": 0}


def test_log_directories_name_the_partitions_in_them(seen: Seen) -> None:
    assert saw(seen, "logDirs") == {"broker": 1, "partitions": [0, 1]}


def test_the_coordinator_is_where_the_client_dialled(seen: Seen, server: Server) -> None:
    host, _, port = server.kafka.rpartition(":")
    assert saw(seen, "coordinator") == [{"key": "platformatic", "nodeId": 1, "host": host, "port": int(port)}]


def test_without_an_authorizer_acls_are_refused(seen: Seen) -> None:
    assert [one["errors"] for one in saw(seen, "acls")] == [[["SECURITY_DISABLED", 54]]] * 2
