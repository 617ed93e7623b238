"""kafkajs 2.2.4 under Node.js: the client of most Node programs, old versions of the protocol. javascript/kafkajs.mjs plays."""

from __future__ import annotations

import pytest

from tests.support.javascript import Seen, install, play, saw
from tests.support.server import Server

TOPIC_CONFIG, DEFAULT_CONFIG = 1, 5


@pytest.fixture(scope="module")
def seen(server: Server) -> Seen:
    """What each scenario saw."""
    install()
    return play("kafkajs.mjs", server.kafka)


@pytest.mark.parametrize("codec", ["plain", "gzip"])
def test_what_is_produced_is_consumed_in_order(seen: Seen, codec: str) -> None:
    found = saw(seen, codec)
    assert found["sent"]["baseOffset"] == "0"
    assert found["values"] == [f"value {number}" for number in range(200)]


def test_every_kind_of_acknowledgement_stores_the_message(seen: Seen) -> None:
    found = saw(seen, "acks")
    assert found["answers"] == [None, "1", "2"]
    assert found["values"] == ["acks 0", "acks 1", "acks -1"]


def test_keys_headers_and_timestamps_come_through_and_a_tombstone_is_null(seen: Seen) -> None:
    first, tombstone = saw(seen, "message")
    assert first == {
        "partition": 1,
        "offset": "0",
        "key": "k",
        "value": "v",
        "timestamp": "1767225600123",
        "headers": {"trace": ["1"], "twice": ["a", "b"]},
    }
    assert (tombstone["offset"], tombstone["key"], tombstone["value"]) == ("1", "tombstone", None)


def test_a_topic_that_is_produced_to_is_made(seen: Seen) -> None:
    found = saw(seen, "autoCreated")
    assert (found["sent"]["errorCode"], found["sent"]["baseOffset"]) == (0, "0")
    assert found["listed"] is True


def test_an_idempotent_producer_stores_each_message_once(seen: Seen) -> None:
    assert saw(seen, "idempotent") == {"count": 200, "different": 200}


def test_a_group_goes_on_where_it_committed(seen: Seen) -> None:
    found = saw(seen, "resumed")
    partitions = [{"partition": 0, "offset": "4", "metadata": "here"}]
    assert found["committed"] == [{"topic": "kafkajs-resumed", "partitions": partitions}]
    assert found["values"] == [f"value {number}" for number in range(4, 10)]


def test_two_members_share_the_partitions_and_one_takes_over_when_the_other_leaves(seen: Seen) -> None:
    found = saw(seen, "sharing")
    assert sorted(map(sorted, found["shared"])) == [[0, 2], [1, 3]]
    assert found["seen"] == [sorted(one) for one in found["shared"]]
    assert sorted(found["left"]) == [0, 1, 2, 3]


def test_a_group_is_described_with_its_members(seen: Seen) -> None:
    assert saw(seen, "sharing")["group"] == {
        "state": "Stable",
        "protocolType": "consumer",
        "protocol": "RoundRobinAssigner",
        "ids": ["kafkajs", "kafkajs"],
    }


def test_a_consumer_seeks_back(seen: Seen) -> None:
    assert saw(seen, "seeking") == [f"value {number}" for number in (0, 1, 2, 3, 4, 3, 4)]


def test_a_reader_of_committed_records_sees_no_aborted_transaction(seen: Seen) -> None:
    found = saw(seen, "transactions")
    assert found["committed"] == ["yes 1", "yes 2"]
    assert found["uncommitted"] == ["yes 1", "no", "yes 2"]


def test_offsets_are_committed_with_the_transaction_and_not_without(seen: Seen) -> None:
    assert saw(seen, "offsetsInTransactions") == ["-1", "2"]


def test_a_second_producer_of_a_transactional_id_fences_the_first(seen: Seen) -> None:
    found = saw(seen, "fenced")
    assert (found["refused"]["type"], found["refused"]["code"]) == ("INVALID_PRODUCER_EPOCH", 47)
    assert found["values"] == ["good"]


def test_topics_are_created_once_grown_described_and_deleted(seen: Seen) -> None:
    found = saw(seen, "topics")
    assert (found["made"], found["again"], found["onlyChecked"]) == (True, False, True)
    assert [one["partitionId"] for one in found["metadata"]["partitions"]] == [0, 1, 2]
    assert {one["leader"] for one in found["metadata"]["partitions"]} == {1}
    assert found["listed"] == [True, False, False]
    assert found["missing"]["type"] == "UNKNOWN_TOPIC_OR_PARTITION"


def test_a_topic_that_cannot_be_is_refused_with_kafkas_error(seen: Seen) -> None:
    assert [(one["type"], one["code"]) for one in saw(seen, "refusedTopics")] == [
        ("INVALID_TOPIC_EXCEPTION", 17),
        ("INVALID_REPLICATION_FACTOR", 38),
        ("INVALID_CONFIG", 40),
        ("UNKNOWN_TOPIC_OR_PARTITION", 3),
    ]


def test_configs_are_described_with_their_source_and_altered(seen: Seen) -> None:
    found = saw(seen, "configs")
    assert found["before"] == {
        "cleanup.policy": ["delete", DEFAULT_CONFIG],
        "retention.ms": ["604800000", DEFAULT_CONFIG],
    }
    assert found["after"] == {"cleanup.policy": ["delete", DEFAULT_CONFIG], "retention.ms": ["1000", TOPIC_CONFIG]}


def test_a_groups_offsets_are_read_set_and_reset_to_either_end(seen: Seen) -> None:
    assert saw(seen, "groupOffsets") == {
        "none": [[0, "-1"], [1, "-1"]],
        "set": [[0, "0"], [1, "2"]],
        "earliest": [[0, "0"], [1, "0"]],
        "latest": [[0, "0"], [1, "3"]],
    }


def test_a_group_is_listed_and_deleted_once_it_is_empty(seen: Seen) -> None:
    found = saw(seen, "groups")
    assert found["listed"] == [{"groupId": "kafkajs-groups", "protocolType": "consumer"}]
    assert (found["busy"]["type"], found["busy"]["code"]) == ("NON_EMPTY_GROUP", 68)
    assert found["described"] == [["Empty", 0]]
    assert found["deleted"] == [{"groupId": "kafkajs-groups", "errorCode": 0}]
    assert found["after"] == []


def test_offsets_are_found_at_both_ends_and_by_time(seen: Seen) -> None:
    found = saw(seen, "topicOffsets")
    assert found["ends"] == [{"partition": 0, "offset": "3", "high": "3", "low": "0"}]
    assert found["byTime"] == [{"partition": 0, "offset": "1"}]
    assert found["behind"] == [{"partition": 0, "offset": "3"}]


def test_deleted_records_are_gone(seen: Seen) -> None:
    found = saw(seen, "topicOffsets")
    assert found["deleted"] == [{"partition": 0, "offset": "3", "high": "3", "low": "2"}]
    assert found["left"] == ["2"]


def test_the_cluster_is_one_broker_where_the_client_dialled_it(seen: Seen, server: Server) -> None:
    found = saw(seen, "cluster")
    host, _, port = server.kafka.rpartition(":")
    assert found["brokers"] == [{"nodeId": 1, "host": host, "port": int(port)}]
    assert found["controller"] == 1
    assert len(found["clusterId"]) == 22


def test_without_an_authorizer_acls_are_refused(seen: Seen) -> None:
    assert [(one["type"], one["code"]) for one in saw(seen, "acls")] == [("SECURITY_DISABLED", 54)] * 2


def test_no_partition_is_ever_on_its_way_to_another_broker(seen: Seen) -> None:
    assert saw(seen, "reassignments") == {"topics": []}
