"""Kafka's own clients for Java 4.3 over a socket: producer, consumer of both group protocols, share consumer, administrator.

java/Play.java plays, this file judges. These clients speak the newest versions of all: topic ids, transactions without AddPartitionsToTxn.
"""

from __future__ import annotations

import pytest

from tests.support.java import install, play
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


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_is_produced_is_consumed_in_order_whatever_its_compression(seen: Seen, codec: str) -> None:
    found = saw(seen, "compression")[codec]
    assert found["offsets"] == list(range(300))
    assert found["values"] == [f"value {number}" for number in range(300)]
    assert found["smaller"] is (codec != "none")


def test_keys_headers_timestamps_and_tombstones_come_through(seen: Seen) -> None:
    full, tombstone = saw(seen, "whole")
    assert (full["key"], full["value"], full["headers"]) == ("käy", "välue", [["trace", "1"], ["none", None]])
    assert (full["timestamp"], full["timestampType"]) == (1_767_225_600_123, "CREATE_TIME")
    assert (full["offset"], full["epoch"]) == (0, 0)
    assert (tombstone["key"], tombstone["value"], tombstone["headers"]) == ("tombstone", None, [])


@pytest.mark.parametrize(("acks", "offset"), [("0", -1), ("1", 20), ("all", 20)])
def test_every_kind_of_acknowledgement_stores_all(seen: Seen, acks: str, offset: int) -> None:
    assert saw(seen, "acks")[acks] == {"offset": offset, "count": 21}


def test_the_producer_is_idempotent_by_default_and_keeps_the_order(seen: Seen) -> None:
    assert saw(seen, "idempotent") == {"inOrder": True, "producers": 1, "hasId": True, "epoch": 0, "lastSequence": 1999}


def test_records_that_cannot_be_stored_are_refused_and_the_producer_goes_on(seen: Seen) -> None:
    refused = saw(seen, "refused")
    assert refused["tooLarge"] == "RecordTooLargeException"
    assert refused["noKey"] == "InvalidRecordException"
    assert refused["noKeyMessage"].startswith("Compacted topic cannot accept message without key")
    assert refused["badTopic"] == "InvalidTopicException"
    assert refused["after"] == 0


def test_a_producer_creates_a_topic_and_a_consumer_that_must_not_does_not(seen: Seen) -> None:
    assert saw(seen, "autoCreate") == {"offset": 0, "topics": ["java-autoCreate-made"]}


def test_a_topic_of_append_times_gives_its_own_to_producer_and_consumer(seen: Seen) -> None:
    assert saw(seen, "logAppendTime") == {"type": "LOG_APPEND_TIME", "same": True, "later": True}


# Transactions.


def test_a_reader_of_committed_records_sees_neither_open_nor_aborted_transactions(seen: Seen) -> None:
    found = saw(seen, "readCommitted")
    assert found["committed"] == ["yes 1", "yes 2"]
    assert found["meanwhile"] == 0
    assert (found["stable"], found["high"]) == (6, 7)
    assert found["uncommitted"] == ["yes 1", "no", "yes 2", "open"]
    assert (found["after"], found["position"]) == (["open"], 8)


def test_offsets_are_committed_with_the_transaction_and_not_without(seen: Seen) -> None:
    assert saw(seen, "offsetsInTransactions") == {"aborted": None, "open": None, "committed": 2, "note": "note"}


def test_a_transaction_with_the_offsets_of_a_member_that_has_left_cannot_be_committed(seen: Seen) -> None:
    assert saw(seen, "staleMember") == {"refused": "CommitFailedException", "committed": 1}


def test_a_second_producer_of_a_transactional_id_fences_the_first(seen: Seen) -> None:
    assert saw(seen, "fencing") == {
        "commit": "ProducerFencedException",
        "send": "ProducerFencedException",
        "values": ["good"],
    }


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
        ["Empty", 4, 0],
    ]
    assert found["log"] == 3


def test_a_transaction_that_takes_too_long_is_aborted_and_its_producer_fenced_out(seen: Seen) -> None:
    assert saw(seen, "transactionTimeout") == {"refused": "InvalidTxnStateException", "values": ["good"]}


def test_a_copy_that_is_interrupted_again_and_again_is_whole_and_has_nothing_twice(seen: Seen) -> None:
    assert saw(seen, "exactlyOnce")["values"] == list(range(90))


# Groups.


@pytest.mark.parametrize(
    "scenario",
    ["Range", "RoundRobin", "Sticky", "CooperativeSticky", "Consumer", "ConsumerRange"],
)
def test_members_share_the_partitions_and_take_over_from_one_that_leaves(seen: Seen, scenario: str) -> None:
    found = saw(seen, f"shared{scenario}")
    assert found["read"] == list(range(6))
    assert sorted(found["after"]) == [[partition, 1] for partition in range(6)]


def test_a_cooperative_rebalance_takes_only_what_moves(seen: Seen) -> None:
    assert saw(seen, "cooperative")["heard"] == [["assigned", 4], ["revoked", 2]]


def test_the_partitions_of_a_member_that_died_are_taken_over_after_its_session(seen: Seen) -> None:
    assert saw(seen, "dies")["afterMs"] > 5000


def test_a_member_that_does_not_poll_loses_its_partitions_and_cannot_commit(seen: Seen) -> None:
    assert saw(seen, "stalls") == {"commit": "CommitFailedException", "back": 1}


@pytest.mark.parametrize("scenario", ["static", "staticConsumer"])
def test_a_static_member_that_comes_back_keeps_its_partitions_without_a_rebalance(seen: Seen, scenario: str) -> None:
    assert saw(seen, scenario) == {"same": True, "moreRebalances": 0, "instances": ["leaves", "stays"]}


@pytest.mark.parametrize(
    ("scenario", "first", "second"),
    [
        ("twiceTheSame", "FencedInstanceIdException", None),
        ("twiceTheSameConsumer", None, "UnreleasedInstanceIdException"),
    ],
)
def test_there_is_one_static_member_of_a_name(seen: Seen, scenario: str, first: str | None, second: str | None) -> None:
    assert saw(seen, scenario) == {"first": first, "second": second}


@pytest.mark.parametrize("scenario", ["pattern", "patternConsumer"])
def test_a_subscription_by_pattern_takes_up_topics_that_come_later(seen: Seen, scenario: str) -> None:
    found = saw(seen, scenario)
    assert (found["before"], found["after"]) == (["of a"], ["of b"])
    assert found["topics"] == [f"java-{scenario}-a", f"java-{scenario}-b"]


@pytest.mark.parametrize("scenario", ["commits", "commitsConsumer"])
def test_a_group_goes_on_where_it_committed(seen: Seen, scenario: str) -> None:
    found = saw(seen, scenario)
    assert (found["never"], found["calledBack"]) == (None, ["done"])
    assert (found["offset"], found["note"], found["epoch"]) == (3, "note", 0)
    assert found["read"] == ["3", "4"]


def test_what_was_read_is_committed_when_an_automatic_consumer_closes(seen: Seen) -> None:
    assert saw(seen, "autoCommit") == {"committed": 3}


def test_a_member_without_an_offset_begins_where_its_config_says(seen: Seen) -> None:
    assert saw(seen, "noOffset") == {
        "earliest": 0,
        "latest": 2,
        "none": "NoOffsetForPartitionException",
        "by_duration:PT1H": 1,
    }


# Positions.


def test_offsets_are_found_by_time_and_at_both_ends(seen: Seen) -> None:
    found = saw(seen, "times")
    assert found["found"] == [[0, 1_767_225_600_000, 0], [1, 1_767_225_601_000, 0], [2, 1_767_225_602_000, 0], None]
    assert (found["beginning"], found["end"]) == (0, 3)


def test_a_consumer_seeks_to_offsets_with_and_without_an_epoch_and_to_both_ends(seen: Seen) -> None:
    assert saw(seen, "seeks") == {"read": ["2", "1", "0", "3"], "end": 4, "epoch": 0}


def test_a_paused_partition_is_not_read_until_it_is_resumed(seen: Seen) -> None:
    assert saw(seen, "pause") == {"first": 1, "meanwhile": 0, "second": 0}


def test_an_offset_out_of_range_is_reset_or_refused_as_the_consumer_wants(seen: Seen) -> None:
    assert saw(seen, "outOfRange") == {"first": "0", "refused": "OffsetOutOfRangeException"}


def test_the_lag_of_a_position_is_known(seen: Seen) -> None:
    assert saw(seen, "lag") == {"lag": 3}


def test_one_fetch_session_serves_partitions_in_turn_and_takes_changes(seen: Seen) -> None:
    assert saw(seen, "fetchSession")["read"] == [[0, 0], [1, 0], [0, 1], [1, 1], [1, 2], [2, 0]]


def test_clients_find_a_topic_that_was_deleted_and_made_again(seen: Seen) -> None:
    assert saw(seen, "recreated") == {"read": ["old 1", "old 2", "new"], "offset": 0}


# Share groups.


def test_each_record_goes_to_one_member_of_a_share_group(seen: Seen) -> None:
    assert saw(seen, "shareTwo")["read"] == list(range(40))


def test_a_released_record_comes_again_and_accepted_and_rejected_ones_do_not(seen: Seen) -> None:
    found = saw(seen, "shareAcknowledge")
    assert found["first"] == [["accept", 1], ["release", 1], ["reject", 1]]
    assert found["outcomes"] == {"0": None}
    assert found["again"] == [["release", 2]]
    assert found["last"] == [["next", 1]]
    assert found["start"] == 4


def test_a_record_is_delivered_five_times_at_most(seen: Seen) -> None:
    assert saw(seen, "shareReleases") == {"counts": [1, 2, 3, 4, 5], "next": "good"}


def test_the_next_poll_accepts_what_the_last_one_gave(seen: Seen) -> None:
    assert saw(seen, "shareImplicit")["read"] == [["a", 1], ["b", 1]]


def test_what_a_leaving_member_has_not_acknowledged_goes_to_another(seen: Seen) -> None:
    assert saw(seen, "shareLeaves") == {"first": [["a", 1], ["b", 1]], "second": [["b", 2]]}


def test_a_renewed_record_stays_with_its_member_and_is_accepted_later(seen: Seen) -> None:
    found = saw(seen, "shareRenew")
    assert (found["first"], found["again"]) == ([["slow", 1]], [["slow", 1]])
    assert (found["errors"], found["lockMs"], found["start"]) == ([None, None], 30_000, 1)


def test_a_share_group_of_committed_records_gets_no_aborted_ones(seen: Seen) -> None:
    assert saw(seen, "shareCommitted")["read"] == [["yes", 1]]


def test_share_groups_are_described_moved_and_deleted(seen: Seen) -> None:
    assert saw(seen, "shareAdmin") == {
        "state": "Stable",
        "assigned": 2,
        "busy": "GroupNotEmptyException",
        "altered": 1,
        "listed": ["Share Empty"],
        "offsetsLeft": False,
        "gone": "GroupIdNotFoundException",
    }


# The cluster as an administrator sees it.


def test_a_created_topic_is_described_grown_and_deleted(seen: Seen) -> None:
    found = saw(seen, "topicLife")
    assert found["creation"] == {
        "partitions": 2,
        "replicas": 1,
        "retention": "60000",
        "source": "DYNAMIC_TOPIC_CONFIG",
        "all": True,
    }
    assert [[number, *rest] for number, _, *rest in found["partitions"]] == [[0, 1, 1, 0], [1, 1, 1, 0]]
    assert (found["sameId"], found["internal"], found["listed"], found["grown"]) == (True, False, True, 5)
    assert (found["listedAfter"], found["describedAfter"]) == (False, "UnknownTopicOrPartitionException")


def test_what_cannot_be_done_with_topics_is_refused_with_kafka_s_errors(seen: Seen) -> None:
    assert saw(seen, "topicRefusals") == {
        "exists": "TopicExistsException",
        "name": "InvalidTopicException",
        "replicas": "InvalidReplicationFactorException",
        "partitions": "InvalidPartitionsException",
        "config": "InvalidConfigurationException",
        "unknownConfig": "InvalidConfigurationException",
        "onlyChecked": False,
        "fewerPartitions": "InvalidPartitionsException",
        "deleteMissing": "UnknownTopicOrPartitionException",
    }


def test_topics_are_described_and_deleted_by_id(seen: Seen) -> None:
    assert saw(seen, "topicIds") == {"byId": True, "again": "UnknownTopicIdException", "changed": True}


def test_configs_of_a_topic_are_set_appended_to_subtracted_from_and_deleted(seen: Seen) -> None:
    found = saw(seen, "topicConfigs")
    before, changed, after = found["steps"]
    assert before == {
        "cleanup.policy": ["compact", "DYNAMIC_TOPIC_CONFIG"],
        "retention.ms": ["604800000", "DEFAULT_CONFIG"],
    }
    assert changed == {
        "cleanup.policy": ["compact,delete", "DYNAMIC_TOPIC_CONFIG"],
        "retention.ms": ["1000", "DYNAMIC_TOPIC_CONFIG"],
    }
    assert after == {
        "cleanup.policy": ["delete", "DYNAMIC_TOPIC_CONFIG"],
        "retention.ms": ["604800000", "DEFAULT_CONFIG"],
    }
    assert (found["bad"], found["missing"]) == ("InvalidConfigurationException", "UnknownTopicOrPartitionException")
    assert found["resources"] is True


def test_many_topics_are_described_page_by_page(seen: Seen) -> None:
    assert saw(seen, "manyTopics") == {"topics": 30, "partitions": 90}


def test_deleted_records_are_gone_and_readers_begin_behind_them(seen: Seen) -> None:
    assert saw(seen, "deleteRecords") == {"low": 2, "beyond": "OffsetOutOfRangeException", "left": ["2"], "empty": 3}


def test_an_administrator_finds_offsets_by_every_kind_of_place(seen: Seen) -> None:
    assert saw(seen, "listOffsets") == {
        "earliest": [0, -1, 0],
        "latest": [3, -1, 0],
        "maxTimestamp": [1, 1_767_225_602_000, 0],
        "time": [1, 1_767_225_602_000, 0],
        "later": [-1, -1, None],
        "earliestLocal": [0, -1, 0],
        "latestTiered": [-1, -1, None],
    }


def test_one_broker_has_all_replicas_and_nothing_to_move_or_elect(seen: Seen) -> None:
    found = saw(seen, "placement")
    assert (found["logDirs"], found["error"], found["lag"]) == (1, None, 0)
    assert found["size"] > 60
    assert found["elected"] == "ElectionNotNeededException"
    assert (found["same"], found["nowhere"]) == (None, "InvalidReplicaAssignmentException")
    assert found["reassignments"] == 0


@pytest.mark.parametrize(
    ("scenario", "type_", "assignor", "is_new"),
    [("groupLife", "Classic", "range", False), ("groupLifeConsumer", "Consumer", "uniform", True)],
)
def test_a_group_is_described_listed_and_deleted_when_it_is_empty(
    seen: Seen, scenario: str, type_: str, assignor: str, is_new: bool
) -> None:
    found = saw(seen, scenario)
    assert (found["state"], found["type"], found["assignor"]) == ("Stable", type_, assignor)
    assert (found["coordinator"], found["client"], found["host"]) == (True, True, "/127.0.0.1")
    assert (found["assigned"], found["target"], found["groupEpoch"]) == (2, is_new, is_new)
    assert (found["busy"], found["listed"]) == ("GroupNotEmptyException", f"{type_} consumer Stable")
    assert (found["empty"], found["gone"]) == (f"{type_} consumer Empty", None)
    assert found["describedGone"] == "GroupIdNotFoundException"


def test_offsets_of_a_group_are_set_and_deleted_while_nobody_uses_them(seen: Seen) -> None:
    found = saw(seen, "groupOffsets")
    assert (found["offset"], found["note"], found["partitions"], found["read"]) == (2, "note", 2, ["c"])
    assert found["altered"] == "UnknownMemberIdException"
    assert found["deleted"] == "GroupSubscribedToTopicException"
    assert found["left"] == [1]


def test_a_group_that_is_not_there_has_no_offsets_and_cannot_be_described_or_deleted(seen: Seen) -> None:
    assert saw(seen, "groupMissing") == {
        "described": "GroupIdNotFoundException",
        "offsets": 0,
        "deleted": "GroupIdNotFoundException",
        "offsetsDeleted": "GroupIdNotFoundException",
    }


def test_a_static_member_can_be_removed_by_an_administrator(seen: Seen) -> None:
    assert saw(seen, "removeMembers") == {"unknown": "UnknownMemberIdException"}


def test_open_transactions_are_described_and_listed(seen: Seen) -> None:
    found = saw(seen, "transactionsDescribed")
    assert (found["state"], found["partitions"], found["timeout"], found["started"]) == ("Ongoing", 1, 60_000, True)
    assert (found["startOffset"], found["sameProducer"]) == (0, True)
    assert (found["listed"], found["byPattern"], found["byDuration"]) == (["Ongoing"], ["Ongoing"], [])
    assert (found["after"], found["missing"]) == ("CompleteCommit", "TransactionalIdNotFoundException")


def test_an_administrator_aborts_a_transaction_in_its_partition(seen: Seen) -> None:
    assert saw(seen, "abortTransaction") == {"open": True, "after": False, "values": ["good"]}


def test_an_administrator_fences_a_producer(seen: Seen) -> None:
    assert saw(seen, "fenceProducers") == {"commit": "ProducerFencedException"}


def test_an_administrator_ends_a_transaction_by_force(seen: Seen) -> None:
    assert saw(seen, "forceTerminate") == {"commit": "ProducerFencedException", "values": ["good"]}


def test_the_cluster_has_one_broker_where_the_client_dialled(seen: Seen, server: Server) -> None:
    found = saw(seen, "cluster")
    host, _, port = server.kafka.rpartition(":")
    assert (found["nodes"], found["host"], found["port"], found["rack"]) == (1, host, int(port), None)
    assert (found["controller"], found["clusterId"]) == (True, 22)


def test_new_groups_and_transactions_are_features_of_the_cluster(seen: Seen) -> None:
    found = saw(seen, "features")
    assert {name: found[name] for name in ("group.version", "share.version", "transaction.version")} == {
        "group.version": 1,
        "share.version": 1,
        "transaction.version": 2,
    }


def test_the_quorum_is_the_broker_itself(seen: Seen) -> None:
    assert saw(seen, "quorum") == {"voters": 1, "leads": True, "observers": 0}


def test_there_are_no_acls_without_an_authorizer(seen: Seen) -> None:
    assert saw(seen, "acls") == {"described": "SecurityDisabledException", "deleted": "SecurityDisabledException"}


def test_quotas_are_set_described_and_removed(seen: Seen) -> None:
    assert saw(seen, "quotas") == {
        "set": {"producer_byte_rate": 1024.0, "request_percentage": 50.0},
        "left": 0,
        "bad": "InvalidRequestException",
    }


def test_scram_credentials_are_made_described_and_deleted(seen: Seen) -> None:
    assert saw(seen, "scram") == {
        "made": {"SCRAM-SHA-256": 4096, "SCRAM-SHA-512": 8192},
        "twice": "DuplicateResourceException",
        "after": "ResourceNotFoundException",
        "again": "ResourceNotFoundException",
        "few": "UnacceptableCredentialException",
    }


def test_configs_of_the_broker_are_described_and_those_read_only_stay(seen: Seen) -> None:
    assert saw(seen, "brokerConfigs") == {
        "segment": "1073741824",
        "source": "DEFAULT_CONFIG",
        "id": True,
        "readOnly": True,
        "readOnlyAltered": "InvalidRequestException",
    }
