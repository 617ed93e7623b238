"""Offsets and groups across a restart with a data directory."""

from __future__ import annotations

from pathlib import Path

from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import Member, committed, configure, group_state, make_topic, stable

UNKNOWN_MEMBER_ID = 25


def test_offsets_are_kept(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka)
        Member(kafka, "a:b c").commit(5, partition=3)
    with KafkaHarness(data_dir=tmp_path) as kafka:
        assert committed(kafka.connect(), "a:b c", partition=3)["CommittedOffset"] == 5
        assert group_state(kafka.connect(), "a:b c") == "Empty"


def test_what_was_deleted_stays_so(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka)
        Member(kafka).commit(5)
        kafka.connect().ask("DeleteGroups", {"GroupsNames": ["billing"]})
    with KafkaHarness(data_dir=tmp_path) as kafka:
        assert kafka.connect().ask("ListGroups")["Groups"] == []


def test_members_of_before_are_unknown_and_generations_go_on(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka)
        former = Member(kafka)
        stable(kafka, former)
    with KafkaHarness(data_dir=tmp_path) as kafka:
        former.client = kafka.connect()
        assert former.heartbeat() == UNKNOWN_MEMBER_ID
        assert former.commit(5) == UNKNOWN_MEMBER_ID
        member = Member(kafka)
        join = member.join()
        kafka.advance(0)
        assert member.joined(join)["GenerationId"] == 2


def test_a_group_that_was_left_knows_since_when_it_is_empty(tmp_path: Path) -> None:
    with KafkaHarness(data_dir=tmp_path) as kafka:
        make_topic(kafka)
        member = Member(kafka)
        stable(kafka, member)
        member.commit(5)
        member.leave()
    with KafkaHarness(data_dir=tmp_path) as kafka:
        configure(kafka, offsets_retention_minutes="60")
        [listed] = kafka.connect().ask("ListGroups")["Groups"]
        assert (listed["GroupId"], listed["ProtocolType"], listed["GroupState"]) == ("billing", "consumer", "Empty")
        kafka.advance(3600 + 600)
        assert committed(kafka.connect(), "billing")["CommittedOffset"] == -1
