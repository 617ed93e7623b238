"""Kafka and AWS meet: rules and subscriptions that name a topic by an ARN in MSK's form, and what GET /_eventyard/kafka shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kafka.partitioner.default import murmur2 as independent_murmur2

from emulator.app import Emulator
from services.kafka.deliver import murmur2
from services.kafka.record_batches import Record, records
from services.kafka.state import cluster_of
from tests.support.errors import error_of
from tests.support.harness import Harness

ARN = "arn:aws:kafka:us-east-1:000000000000:topic/eventyard/0b1c2d3e-0000-0000-0000-000000000000-1/orders"


def create(cloud: Harness, name: str = "orders", partitions: int = 1, **configs: str) -> None:
    cloud.run(lambda emulator: cluster_of(emulator).topics.create(name, partitions, 1, configs))


def stored(cloud: Harness, name: str = "orders") -> list[list[Record]]:
    """The records of a topic, by partition."""

    def read(emulator: Emulator) -> list[list[Record]]:
        topic = cluster_of(emulator).topics.get(name)
        assert topic is not None
        return [
            [record for entry in partition.log.entries(0) for record in records(entry.data)]
            for partition in topic.partitions
        ]

    return cloud.run(read)


def put(events: Any, *details: dict[str, Any]) -> None:
    entries = [{"Source": "shop", "DetailType": "order", "Detail": json.dumps(detail)} for detail in details]
    assert events.put_events(Entries=entries)["FailedEntryCount"] == 0


def rule(events: Any, **target: Any) -> None:
    events.put_rule(Name="to-kafka", EventPattern='{"source": ["shop"]}')
    answer = events.put_targets(Rule="to-kafka", Targets=[{"Id": "1", "Arn": ARN, **target}])
    assert answer["FailedEntryCount"] == 0, answer


def test_an_event_of_a_rule_becomes_a_record(cloud: Harness) -> None:
    create(cloud)
    events = cloud.client("events")
    rule(events)
    put(events, {"id": 7})
    [[record]] = stored(cloud)
    assert record.key is None
    assert json.loads(record.value or b"")["detail"] == {"id": 7}
    assert record.timestamp_ms == cloud.now_ms


def test_a_targets_input_shapes_the_record(cloud: Harness) -> None:
    create(cloud)
    events = cloud.client("events")
    rule(events, InputPath="$.detail")
    put(events, {"id": 7})
    assert stored(cloud)[0][0].value == b'{"id":7}'


def test_the_partition_key_path_gives_the_key_and_equal_keys_one_partition(cloud: Harness) -> None:
    create(cloud, partitions=5)
    events = cloud.client("events")
    rule(events, InputPath="$.detail.n", KinesisParameters={"PartitionKeyPath": "$.detail.customer"})
    put(events, *({"customer": f"c{n % 3}", "n": n} for n in range(9)))
    for customer in ("c0", "c1", "c2"):
        home = (independent_murmur2(customer.encode()) & 0x7FFF_FFFF) % 5
        values = [int(record.value or b"") for record in stored(cloud)[home] if record.key == customer.encode()]
        assert values == [n for n in range(9) if f"c{n % 3}" == customer]


def test_records_without_a_key_go_to_the_partitions_in_turn(cloud: Harness) -> None:
    create(cloud, partitions=3)
    events = cloud.client("events")
    rule(events)
    put(events, *({"id": n} for n in range(6)))
    assert [len(found) for found in stored(cloud)] == [2, 2, 2]


def test_a_path_that_is_none_is_refused_when_the_target_is_put(cloud: Harness) -> None:
    events = cloud.client("events")
    events.put_rule(Name="to-kafka", EventPattern='{"source": ["shop"]}')
    target = {"Id": "1", "Arn": ARN, "KinesisParameters": {"PartitionKeyPath": "detail"}}
    code, message, status = error_of(lambda: events.put_targets(Rule="to-kafka", Targets=[target]))
    assert (code, status) == ("ValidationException", 400)
    assert "PartitionKeyPath" in message


def test_an_event_for_a_missing_topic_becomes_a_dead_letter(cloud: Harness) -> None:
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    rule(events, DeadLetterConfig={"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"})
    put(events, {"id": 7})
    [letter] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_RESOURCE"
    assert letter["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"] == "Kafka topic orders does not exist."


def test_an_event_that_is_too_large_for_the_topic_becomes_a_dead_letter(cloud: Harness) -> None:
    create(cloud, **{"max.message.bytes": "200"})
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    rule(events, DeadLetterConfig={"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"})
    put(events, {"id": "x" * 300})
    [letter] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_PARAMETER"


@pytest.mark.parametrize("raw", ["true", "false"])
def test_a_subscription_puts_messages_into_a_topic(cloud: Harness, raw: str) -> None:
    create(cloud)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="kafka", Endpoint=ARN, Attributes={"RawMessageDelivery": raw})
    attributes = {
        "color": {"DataType": "String", "StringValue": "red"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    sns.publish(TopicArn=topic, Message="hello", MessageAttributes=attributes)
    [[record]] = stored(cloud)
    if raw == "true":
        assert record.value == b"hello"
        assert sorted(record.headers) == [("blob", b"\x00\xff"), ("color", b"red")]
    else:
        envelope = json.loads(record.value or b"")
        assert (envelope["Type"], envelope["Message"], envelope["TopicArn"]) == ("Notification", "hello", topic)
        assert record.headers == []


def test_a_filter_policy_holds_for_a_topic_too(cloud: Harness) -> None:
    create(cloud)
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    policy = json.dumps({"color": ["red"]})
    attributes = {"RawMessageDelivery": "true", "FilterPolicy": policy}
    sns.subscribe(TopicArn=topic, Protocol="kafka", Endpoint=ARN, Attributes=attributes)
    for color in ("red", "blue"):
        sns.publish(
            TopicArn=topic, Message=color, MessageAttributes={"color": {"DataType": "String", "StringValue": color}}
        )
    assert [record.value for record in stored(cloud)[0]] == [b"red"]


@pytest.mark.parametrize("endpoint", ["orders", "arn:aws:sqs:us-east-1:000000000000:orders", ARN.rpartition("/")[0]])
def test_a_subscription_needs_the_arn_of_a_topic(cloud: Harness, endpoint: str) -> None:
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    code, message, _ = error_of(lambda: sns.subscribe(TopicArn=topic, Protocol="kafka", Endpoint=endpoint))
    assert code == "InvalidParameter"
    assert "Kafka topic ARN" in message


@pytest.mark.parametrize("length", range(20))
def test_keys_are_hashed_as_javas_clients_hash_them(length: int) -> None:
    key = bytes(range(200, 200 + length))
    assert murmur2(key) & 0xFFFF_FFFF == independent_murmur2(key) & 0xFFFF_FFFF


def test_the_admin_api_lists_topics_partitions_and_the_arn_that_targets_take(cloud: Harness) -> None:
    create(cloud, partitions=2)
    events = cloud.client("events")
    shown = json.loads(cloud.request("GET", "/_eventyard/kafka").body)
    [topic] = shown["topics"]
    events.put_rule(Name="to-kafka", EventPattern='{"source": ["shop"]}')
    events.put_targets(Rule="to-kafka", Targets=[{"Id": "1", "Arn": topic["arn"]}])
    put(events, {"id": 7})
    shown = json.loads(cloud.request("GET", "/_eventyard/kafka").body)
    assert [
        (one["partition"], one["leader"], one["start_offset"], one["end_offset"], one["last_stable_offset"])
        for one in shown["topics"][0]["partitions"]
    ] == [(0, 1, 0, 1, 1), (1, 1, 0, 0, 0)]
    assert shown["brokers"] == [{"id": 1, "port": 9092}]
    assert shown["groups"] == []
    assert shown["memory"]["bytes_max"] == 1 << 30


def test_a_reset_of_kafka_alone_leaves_the_other_services(cloud: Harness) -> None:
    create(cloud)
    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="stays")
    assert cloud.request("POST", "/_localstack/state/kafka/reset").status == 200
    assert json.loads(cloud.request("GET", "/_eventyard/kafka").body)["topics"] == []
    assert len(sqs.list_queues()["QueueUrls"]) == 1


def test_the_api_of_amazon_msk_says_that_it_is_not_emulated(cloud: Harness) -> None:
    _, message, status = error_of(lambda: cloud.client("kafka").list_clusters())
    assert status == 501
    assert "kafka" in message
