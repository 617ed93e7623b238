"""franz-go over a socket: what most Go programs use. go/play.go plays, this file judges.

It asks for a version of ApiVersions that is not there yet, keeps fetch sessions, and speaks the newest versions of all the rest.
"""

from __future__ import annotations

import pytest

from tests.support.golang import install, play
from tests.support.scenarios import Seen, saw
from tests.support.server import Server


@pytest.fixture(scope="module")
def seen(server: Server) -> Seen:
    """What each scenario saw."""
    install()
    scenarios = play(server.kafka)
    assert "Traceback" not in server.output
    return scenarios


# Records.


@pytest.mark.parametrize(("codec", "number"), [("none", 0), ("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4)])
def test_what_is_produced_is_consumed_in_order_and_as_it_was_compressed(seen: Seen, codec: str, number: int) -> None:
    found = saw(seen, "compression")[codec]
    assert found["offsets"] == list(range(300))
    assert found["values"] == [f"value {index}" for index in range(300)]
    assert found["codec"] == number


def test_keys_headers_timestamps_and_tombstones_come_through(seen: Seen) -> None:
    full, tombstone = saw(seen, "whole")
    assert (full["key"], full["value"], full["headers"]) == ("käy", "välue", [["trace", "1"], ["none", None]])
    assert (full["timestamp"], full["offset"], full["epoch"]) == (1_767_225_600_123, 0, 0)
    assert (tombstone["key"], tombstone["isNull"], tombstone["headers"]) == ("tombstone", True, [])


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_kind_of_acknowledgement_stores_all(seen: Seen, acks: str) -> None:
    assert saw(seen, "acks")[acks] == 20


def test_the_producer_is_idempotent_by_default_and_keeps_the_order(seen: Seen) -> None:
    assert saw(seen, "idempotent") == {"inOrder": True, "sameProducer": True, "lastSequence": 1999}


def test_records_that_cannot_be_stored_are_refused_and_the_producer_goes_on(seen: Seen) -> None:
    assert saw(seen, "refused") == {
        "tooLarge": "MESSAGE_TOO_LARGE",
        "noKey": "INVALID_RECORD",
        "badTopic": "INVALID_TOPIC_EXCEPTION",
        "after": None,
    }


def test_a_topic_is_created_for_a_producer_that_allows_it_only(seen: Seen) -> None:
    assert saw(seen, "autoCreate") == {"made": True, "missing": False, "error": "UNKNOWN_TOPIC_OR_PARTITION"}


# Transactions.


def test_a_reader_of_committed_records_sees_neither_open_nor_aborted_transactions(seen: Seen) -> None:
    assert saw(seen, "readCommitted") == {
        "committed": ["yes"],
        "meanwhile": 0,
        "stable": 4,
        "high": 5,
        "uncommitted": ["no", "yes", "open"],
        "after": ["open"],
    }


def test_offsets_are_committed_with_the_transaction_and_not_without(seen: Seen) -> None:
    assert saw(seen, "offsetsInTransactions") == {"ends": [[False, None], [True, 2]], "sink": ["a", "b"]}


def test_a_second_producer_of_a_transactional_id_fences_the_first(seen: Seen) -> None:
    found = saw(seen, "fencing")
    assert (found["late"], found["values"]) == ("INVALID_PRODUCER_EPOCH", ["good"])
    assert found["commit"] == "OPERATION_NOT_ATTEMPTED", "the client itself refuses once it was fenced"


def test_each_end_of_a_transaction_raises_the_producer_s_epoch(seen: Seen) -> None:
    found = saw(seen, "epochs")
    assert found["coordinator"] == [
        ["Empty", 0, 0],
        ["Ongoing", 0, 1],
        ["CompleteCommit", 1, 0],
        ["Ongoing", 1, 1],
        ["CompleteAbort", 2, 0],
        ["Ongoing", 2, 1],
        ["CompleteCommit", 3, 0],
    ]
    assert found["client"] == 3


def test_a_copy_that_is_interrupted_again_and_again_is_whole_and_has_nothing_twice(seen: Seen) -> None:
    found = saw(seen, "exactlyOnce")
    assert found["values"] == [str(number) for number in range(60)]
    assert found["done"] == 60


def test_open_transactions_are_described_and_listed(seen: Seen) -> None:
    assert saw(seen, "transactionsDescribed") == {
        "state": "Ongoing",
        "timeout": 30_000,
        "partitions": "map[0:{}]",
        "listed": 1,
        "sameProducer": True,
        "startOffset": 0,
        "after": "CompleteCommit",
    }


# Groups.


@pytest.mark.parametrize("scenario", ["Range", "RoundRobin", "Sticky", "CooperativeSticky", "Consumer"])
def test_members_share_the_partitions_and_take_over_from_one_that_leaves(seen: Seen, scenario: str) -> None:
    assert saw(seen, f"shared{scenario}") == {"read": list(range(6)), "after": [1] * 6}


def test_a_cooperative_rebalance_takes_only_what_moves(seen: Seen) -> None:
    assert saw(seen, "cooperative")["heard"] == [["assigned", 4], ["revoked", 2]]


def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(seen: Seen) -> None:
    assert saw(seen, "static") == {"same": True, "moreHeard": 0}


def test_there_is_one_static_member_of_a_name(seen: Seen) -> None:
    assert saw(seen, "twiceTheSame") == {"first": "FENCED_INSTANCE_ID", "second": 1}


@pytest.mark.parametrize("scenario", ["pattern", "patternConsumer"])
def test_a_subscription_by_pattern_takes_up_topics_that_come_later(seen: Seen, scenario: str) -> None:
    assert saw(seen, scenario) == {"before": ["of a"], "after": ["of b"], "held": 2}


@pytest.mark.parametrize("scenario", ["commits", "commitsConsumer"])
def test_a_group_goes_on_where_it_committed(seen: Seen, scenario: str) -> None:
    assert saw(seen, scenario) == {"offset": 3, "epoch": 0, "read": ["3", "4"]}


# Positions.


def test_offsets_are_found_by_time_and_at_both_ends(seen: Seen) -> None:
    assert saw(seen, "times") == {
        "start": [0, -1, 0],
        "between": [1, 1_767_225_601_000, 0],
        "exact": [2, 1_767_225_602_000, 0],
        "later": [3, -1, 0],
        "max": [2, 1_767_225_602_000, 0],
        "end": [3, -1, 0],
        "consumed": 1,
    }


def test_a_consumer_seeks_to_offsets_with_and_without_an_epoch(seen: Seen) -> None:
    assert saw(seen, "seeks") == {"read": ["0", "1", "2", "3", "2", "3", "3"], "epoch": 0, "end": 4}


def test_a_paused_partition_is_not_read_until_it_is_resumed(seen: Seen) -> None:
    assert saw(seen, "pause") == {"first": 1, "meanwhile": 0, "second": 0}


def test_an_offset_out_of_range_is_reset_or_refused_as_the_consumer_wants(seen: Seen) -> None:
    assert saw(seen, "outOfRange") == {"first": "0", "refused": "OFFSET_OUT_OF_RANGE"}


def test_a_topic_that_was_deleted_and_made_again_is_another_one(seen: Seen) -> None:
    assert saw(seen, "recreated") == {"read": ["old", "new"], "changed": True}


# Share groups.


def test_each_record_goes_to_one_member_of_a_share_group(seen: Seen) -> None:
    assert saw(seen, "shareTwo")["read"] == [str(100 + number) for number in range(40)]


def test_a_released_record_comes_again_and_accepted_and_rejected_ones_do_not(seen: Seen) -> None:
    assert saw(seen, "shareAcknowledge") == {
        "first": [["accept", 1], ["release", 1], ["reject", 1]],
        "again": [["release", 2]],
        "last": [["next", 1]],
        "start": 4,
    }


def test_share_groups_are_described_moved_and_deleted(seen: Seen) -> None:
    assert saw(seen, "shareAdmin") == {
        "state": "Stable",
        "members": 1,
        "start": 1,
        "listed": "Empty",
        "coordinator": None,
        "deleted": None,
    }


# The cluster as an administrator sees it.


def test_a_created_topic_is_described_grown_and_deleted(seen: Seen) -> None:
    assert saw(seen, "topicLife") == {
        "creation": [2, 1, "60000"],
        "sameId": True,
        "listed": 2,
        "grown": 5,
        "gone": "UNKNOWN_TOPIC_OR_PARTITION",
    }


def test_what_cannot_be_done_with_topics_is_refused_with_kafka_s_errors(seen: Seen) -> None:
    assert saw(seen, "topicRefusals") == {
        "exists": "TOPIC_ALREADY_EXISTS",
        "name": "INVALID_TOPIC_EXCEPTION",
        "replicas": "INVALID_REPLICATION_FACTOR",
        "partitions": "INVALID_PARTITIONS",
        "config": "INVALID_CONFIG",
        "deleteMissing": "UNKNOWN_TOPIC_OR_PARTITION",
    }


def test_configs_of_a_topic_are_set_appended_to_subtracted_from_and_deleted(seen: Seen) -> None:
    found = saw(seen, "topicConfigs")
    assert found["steps"] == [
        ["cleanup.policy compact DYNAMIC_TOPIC_CONFIG", "retention.ms 604800000 DEFAULT_CONFIG"],
        ["cleanup.policy compact,delete DYNAMIC_TOPIC_CONFIG", "retention.ms 1000 DYNAMIC_TOPIC_CONFIG"],
        ["cleanup.policy delete DYNAMIC_TOPIC_CONFIG", "retention.ms 604800000 DEFAULT_CONFIG"],
    ]
    assert found["bad"] == "INVALID_CONFIG"


def test_deleted_records_are_gone_and_readers_begin_behind_them(seen: Seen) -> None:
    assert saw(seen, "deleteRecords") == {"low": 2, "beyond": "OFFSET_OUT_OF_RANGE", "left": ["2"]}


def test_one_broker_has_all_replicas_and_nothing_to_move_or_elect(seen: Seen) -> None:
    assert saw(seen, "placement") == {"sizes": [True], "elected": "ELECTION_NOT_NEEDED", "moves": 0}


def test_a_group_is_described_listed_and_deleted_when_it_is_empty(seen: Seen) -> None:
    assert saw(seen, "groupLife") == {
        "state": "Stable",
        "protocol": "range",
        "assigned": 2,
        "busy": "NON_EMPTY_GROUP",
        "listed": ["consumer", "Stable"],
        "empty": ["consumer", "Empty"],
        "deleted": None,
        "gone": None,
    }


def test_a_group_of_the_new_protocol_is_described_and_deleted(seen: Seen) -> None:
    assert saw(seen, "groupLifeConsumer") == {
        "state": "Stable",
        "assignor": "uniform",
        "type": 1,
        "assigned": 2,
        "topics": ["go-groupLifeConsumer-orders"],
        "deleted": None,
        "gone": None,
    }


def test_offsets_of_a_group_are_set_and_deleted(seen: Seen) -> None:
    assert saw(seen, "groupOffsets") == {"offset": 2, "note": "note", "partitions": 2, "left": 1}


def test_the_lag_of_a_group_can_be_computed(seen: Seen) -> None:
    assert saw(seen, "lag") == {"lag": 2, "state": "Empty"}


def test_the_cluster_has_one_broker_where_the_client_dialled(seen: Seen, server: Server) -> None:
    host, _, port = server.kafka.rpartition(":")
    assert saw(seen, "cluster") == {
        "brokers": 1,
        "host": host,
        "port": int(port),
        "controller": True,
        "cluster": 22,
        "produce": 13,
    }


def test_there_are_no_acls_without_an_authorizer(seen: Seen) -> None:
    assert saw(seen, "acls") == {"described": "SECURITY_DISABLED"}


def test_quotas_are_set_described_and_removed(seen: Seen) -> None:
    assert saw(seen, "quotas") == {
        "set": None,
        "before": {"consumer_byte_rate": 2048},
        "removed": None,
        "after": {},
        "bad": "INVALID_REQUEST",
    }


def test_scram_credentials_are_made_described_and_deleted(seen: Seen) -> None:
    assert saw(seen, "scram") == {"made": ["SCRAM-SHA-256", 4096], "gone": "RESOURCE_NOT_FOUND"}


def test_resources_with_configs_are_listed(seen: Seen) -> None:
    assert saw(seen, "configs") == {"listed": True, "resources": True}
