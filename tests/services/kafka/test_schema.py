"""What a decoded message holds, what an encoded one leaves out, and what is refused; see also the round trips."""

from __future__ import annotations

from typing import Any

import pytest

from services.kafka.schema import FLEXIBLE_FROM, Header, Messages, read_header, response_header
from services.kafka.wire import NULL_UUID
from tests.support.kafka_messages import TITLES

MESSAGES = Messages()


def encode(title: str, version: int, message: dict[str, Any]) -> bytes:
    out = bytearray()
    MESSAGES.writer(title, version)(out, message)
    return bytes(out)


def decode(title: str, version: int, data: bytes | str) -> dict[str, Any]:
    raw = bytes.fromhex(data) if isinstance(data, str) else data
    message, position = MESSAGES.reader(title, version)(memoryview(raw), 0)
    assert position == len(raw)
    return message


# Decoding


def test_a_decoded_request_has_the_fields_of_all_versions_with_their_defaults() -> None:
    data = "ff ff ff ff  00 00 01 f4  00 00 00 01  00 00 04 00  01  00 00 00 00"
    assert decode("FetchRequest", 4, data) == {
        "ClusterId": None,
        "ReplicaId": -1,
        "ReplicaState": {"ReplicaId": -1, "ReplicaEpoch": -1},
        "MaxWaitMs": 500,
        "MinBytes": 1,
        "MaxBytes": 1024,
        "IsolationLevel": 1,
        "SessionId": 0,
        "SessionEpoch": -1,
        "Topics": [],
        "ForgottenTopicsData": [],
        "RackId": "",
    }


def test_fields_of_structs_in_arrays_have_their_defaults_too() -> None:
    data = "00 01 67  00 00 00 05  00 01 6d  ff ff ff ff ff ff ff ff  00 00 00 01"
    data += "00 01 74  00 00 00 01  00 00 00 07  00 00 00 00 00 00 00 2a  ff ff"
    assert decode("OffsetCommitRequest", 2, data) == {
        "GroupId": "g",
        "GenerationIdOrMemberEpoch": 5,
        "MemberId": "m",
        "GroupInstanceId": None,
        "RetentionTimeMs": -1,
        "Topics": [
            {
                "Name": "t",
                "TopicId": NULL_UUID,
                "Partitions": [
                    {
                        "PartitionIndex": 7,
                        "CommittedOffset": 42,
                        "CommittedLeaderEpoch": -1,
                        "CommittedMetadata": None,
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("title", "version", "data", "field", "value"),
    [
        ("MetadataRequest", 0, "00 00 00 00", "AllowAutoTopicCreation", True),
        ("MetadataRequest", 0, "00 00 00 00", "IncludeTopicAuthorizedOperations", False),
        ("MetadataRequest", 1, "ff ff ff ff", "Topics", None),
        ("CreateTopicsRequest", 2, "00 00 00 00  00 00 00 01  00", "timeoutMs", 1),
        ("InitProducerIdRequest", 0, "ff ff 00 00 00 01", "ProducerId", -1),
        ("DescribeGroupsRequest", 0, "00 00 00 00", "Groups", []),
        ("ConsumerGroupHeartbeatRequest", 0, "01 01 00000000 00 00 ffffffff 00 00 00 00", "SubscribedTopicRegex", None),
    ],
)
def test_a_field_that_the_version_lacks_has_its_default(
    title: str, version: int, data: str, field: str, value: object
) -> None:
    assert decode(title, version, data)[field] == value


def test_defaults_are_made_anew_for_each_message() -> None:
    data = "ff ff ff ff  00 00 01 f4  00 00 00 01  00 00 04 00  01  00 00 00 00"
    decode("FetchRequest", 4, data)["ForgottenTopicsData"].append("spoilt")
    decode("FetchRequest", 4, data)["ReplicaState"]["ReplicaId"] = 5
    again = decode("FetchRequest", 4, data)
    assert again["ForgottenTopicsData"] == []
    assert again["ReplicaState"] == {"ReplicaId": -1, "ReplicaEpoch": -1}


def test_a_message_is_read_from_a_position_on() -> None:
    read = MESSAGES.request(10, "FindCoordinator", 0)
    assert read(memoryview(b"\xff\xff\0\1gtrailing"), 2) == ({"Key": "g", "KeyType": 0, "CoordinatorKeys": []}, 5)


PRODUCE_V3 = "ff ff  ff ff  00 00 00 64  00 00 00 01  00 01 74  00 00 00 01  00 00 00 00"


def test_records_are_a_slice_of_the_frame_and_no_copy() -> None:
    frame = bytearray(bytes.fromhex(PRODUCE_V3 + "00 00 00 03 61 62 63"))
    message, _ = MESSAGES.request(0, "Produce", 3)(memoryview(frame), 0)
    records = message["TopicData"][0]["PartitionData"][0]["Records"]
    assert type(records) is memoryview
    frame[-1] = ord("z")
    assert bytes(records) == b"abz"


def test_records_may_be_null() -> None:
    message = decode("ProduceRequest", 3, PRODUCE_V3 + "ff ff ff ff")
    assert message["TopicData"][0]["PartitionData"][0]["Records"] is None


def test_bytes_are_bytes() -> None:
    message = decode("SaslAuthenticateRequest", 0, "00 00 00 02 00 ff")
    assert message == {"AuthBytes": b"\x00\xff"}
    assert type(message["AuthBytes"]) is bytes


def test_unknown_tags_are_skipped() -> None:
    data = "02 67  00  02 07 01 aa 81 01 03 62 62 62"
    assert decode("FindCoordinatorRequest", 3, data) == {"Key": "g", "KeyType": 0, "CoordinatorKeys": []}


CURSOR = {"TopicName": "t", "PartitionIndex": 3}


@pytest.mark.parametrize(("data", "cursor"), [("ff", None), ("01 02 74 00 00 00 03 00", CURSOR)])
def test_a_struct_that_may_be_null_has_a_byte_before_it(data: str, cursor: object) -> None:
    message = {"Topics": [], "ResponsePartitionLimit": 2000, "Cursor": cursor}
    whole = bytes.fromhex("01 00 00 07 d0" + data + "00")
    assert decode("DescribeTopicPartitionsRequest", 0, whole) == message
    assert encode("DescribeTopicPartitionsRequest", 0, message) == whole


# Encoding


def test_a_missing_key_takes_the_default_of_the_description() -> None:
    assert (
        encode("FindCoordinatorResponse", 0, {"Host": "h", "Port": 9}).hex(" ")
        == "00 00 00 00 00 00 00 01 68 00 00 00 09"
    )


def test_a_field_that_the_version_lacks_is_left_out() -> None:
    message = {"ThrottleTimeMs": 5, "ErrorCode": 3}
    assert encode("HeartbeatResponse", 0, message).hex() == "0003"
    assert encode("HeartbeatResponse", 1, message).hex() == "000000050003"
    assert encode("HeartbeatResponse", 4, message).hex() == "00000005000300"


def test_a_key_that_no_version_has_is_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"^HeartbeatResponse v0: no field is named Errorcode$"):
        encode("HeartbeatResponse", 0, {"Errorcode": 3})


def test_a_key_that_no_version_has_is_a_mistake_inside_of_an_array_too() -> None:
    with pytest.raises(ValueError, match=r"^MetadataResponse v1.Topics.Partitions: no field is named Leader$"):
        encode("MetadataResponse", 1, {"Topics": [{"Name": "t", "Partitions": [{"Leader": 1}]}]})


@pytest.mark.parametrize(
    ("title", "version", "message", "field"),
    [
        ("HeartbeatResponse", 0, {"ErrorCode": None}, "ErrorCode"),
        ("HeartbeatResponse", 1, {"ErrorCode": None}, "ErrorCode"),
        ("HeartbeatRequest", 0, {"GroupId": None}, "GroupId"),
        ("HeartbeatRequest", 4, {"GroupId": None}, "GroupId"),
        ("SaslAuthenticateRequest", 0, {"AuthBytes": None}, "AuthBytes"),
        ("MetadataResponse", 0, {"Topics": None}, "Topics"),
        ("MetadataResponse", 9, {"Topics": None}, "Topics"),
        ("MetadataResponse", 1, {"Topics": [{"Name": "t", "IsInternal": None}]}, "Topics.IsInternal"),
        ("MetadataResponse", 10, {"Topics": [{"Name": "t", "TopicId": None}]}, "Topics.TopicId"),
        ("MetadataResponse", 1, {"Topics": [{"Name": None}]}, "Topics.Name"),
        (
            "MetadataResponse",
            1,
            {"Topics": [{"Name": "t", "Partitions": [{"IsrNodes": None}]}]},
            "Topics.Partitions.IsrNodes",
        ),
        ("ConsumerProtocolAssignment", 0, {"AssignedPartitions": None}, "AssignedPartitions"),
        (
            "DescribeClientQuotasResponse",
            0,
            {"Entries": [{"Values": [{"Key": "k", "Value": None}]}]},
            "Entries.Values.Value",
        ),
    ],
)
def test_none_where_the_protocol_has_no_null_is_a_mistake(
    title: str, version: int, message: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{title} v{version}.{field}: None is not allowed$"):
        encode(title, version, message)


@pytest.mark.parametrize(
    ("title", "version", "message", "told"),
    [
        ("HeartbeatResponse", 0, {"ErrorCode": 40_000}, "ErrorCode: 40000 is not int16"),
        ("HeartbeatResponse", 1, {"ThrottleTimeMs": 1 << 31}, "ThrottleTimeMs: 2147483648 is not int32"),
        ("HeartbeatRequest", 0, {"GroupId": "x" * 32_768}, "GroupId: a string of 32768 bytes, more than 32767"),
        (
            "DeleteTopicsResponse",
            6,
            {"Responses": [{"TopicId": b"short"}]},
            "Responses.TopicId: b'short' is not a uuid",
        ),
        ("MetadataResponse", 0, {"Topics": [{"Name": "t", "Partitions": [{"IsrNodes": ["a"]}]}]}, "is not []int32"),
    ],
)
def test_a_value_that_does_not_fit_is_a_mistake(title: str, version: int, message: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 the text is looked at below
        encode(title, version, message)
    assert str(caught.value).startswith(f"{title} v{version}.")
    assert told in str(caught.value)


def test_a_tagged_field_with_its_default_is_left_out() -> None:
    message = {
        "SupportedFeatures": [],
        "FinalizedFeaturesEpoch": -1,
        "FinalizedFeatures": [],
        "ZkMigrationReady": False,
    }
    assert encode("ApiVersionsResponse", 3, message).hex(" ") == "00 00 01 00 00 00 00 00"
    assert encode("ApiVersionsResponse", 3, {}) == encode("ApiVersionsResponse", 3, message)


def test_tagged_fields_are_written_in_the_order_of_their_tags() -> None:
    message = {"ZkMigrationReady": True, "FinalizedFeaturesEpoch": 7}
    data = encode("ApiVersionsResponse", 3, message)
    assert data.hex(" ") == "00 00 01 00 00 00 00  02  01 08 00 00 00 00 00 00 00 07  03 01 01".replace("  ", " ")
    decoded = decode("ApiVersionsResponse", 3, data)
    assert (decoded["FinalizedFeaturesEpoch"], decoded["ZkMigrationReady"]) == (7, True)


def test_a_tagged_struct_may_leave_out_keys() -> None:
    leader = {"NodeEndpoints": [], "Responses": [{"PartitionResponses": [{"CurrentLeader": {"LeaderId": 3}}]}]}
    decoded = decode("ProduceResponse", 10, encode("ProduceResponse", 10, leader))
    assert decoded["Responses"][0]["PartitionResponses"][0]["CurrentLeader"] == {"LeaderId": 3, "LeaderEpoch": -1}


def test_a_tagged_struct_of_defaults_is_left_out() -> None:
    def partition(**fields: Any) -> bytes:
        return encode("ProduceResponse", 10, {"Responses": [{"PartitionResponses": [fields]}]})

    assert partition(CurrentLeader={"LeaderId": -1, "LeaderEpoch": -1}) == partition()


@pytest.mark.parametrize("records", [b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), [b"ab", memoryview(b"cd")]])
def test_records_are_written_from_anything_with_bytes(records: Any) -> None:
    message = {"Responses": [{"Partitions": [{"Records": records}]}]}
    data = encode("FetchResponse", 4, message)
    assert data.endswith(b"\0\0\0\4abcd")


# The compiled messages


def test_a_message_is_compiled_once() -> None:
    messages = Messages()
    assert messages.request(3, "Metadata", 9) is messages.request(3, "Metadata", 9)
    assert messages.response(3, "Metadata", 9) is messages.response(3, "Metadata", 9)


def test_two_brokers_share_nothing() -> None:
    assert Messages().request(3, "Metadata", 9) is not Messages().request(3, "Metadata", 9)


def test_the_client_s_half_mirrors_the_broker_s() -> None:
    out = bytearray()
    MESSAGES.request_writer(10, "FindCoordinator", 1)(out, {"Key": "g", "KeyType": 1})
    assert MESSAGES.request(10, "FindCoordinator", 1)(memoryview(out), 0)[0]["KeyType"] == 1
    out = bytearray()
    MESSAGES.response(10, "FindCoordinator", 1)(out, {"NodeId": 4})
    assert MESSAGES.response_reader(10, "FindCoordinator", 1)(memoryview(out), 0)[0]["NodeId"] == 4


@pytest.mark.parametrize("version", [-1, 2, 14])
def test_a_version_that_kafka_lacks_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match=f"^ProduceRequest has no version {version}$"):
        MESSAGES.request(0, "Produce", version)


def test_a_name_under_another_s_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^FetchRequest has the API key 1, not 0$"):
        MESSAGES.request(0, "Fetch", 4)


def test_it_is_known_which_versions_are_flexible() -> None:
    assert [MESSAGES.flexible("Metadata", "request", version) for version in (0, 8, 9, 13)] == [
        False,
        False,
        True,
        True,
    ]
    assert not MESSAGES.flexible("SaslHandshake", "response", 1)
    assert MESSAGES.flexible("ApiVersions", "response", 3)


def test_it_is_known_which_versions_there_are() -> None:
    assert MESSAGES.versions("Produce", "request") == (3, 13)
    assert MESSAGES.versions("ListPartitionReassignments", "response") == (0, 0)


@pytest.mark.parametrize("title", TITLES)
def test_all_descriptions_compile_and_agree_with_the_header_s_table(title: str) -> None:
    description = MESSAGES.describe(title)
    for version in range(description.versions.low, description.versions.high + 1):
        data = encode(title, version, {})
        assert encode(title, version, decode(title, version, data)) == data
        if description.key is not None:
            assert description.flexible.has(version) == (version >= FLEXIBLE_FROM[description.key])


# Headers


def header(key: int, version: int, client_id: bytes, rest: bytes = b"") -> memoryview:
    parts = (key.to_bytes(2, "big"), version.to_bytes(2, "big"), b"\0\0\0\x07", client_id, rest)
    return memoryview(b"".join(parts))


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (header(3, 0, b"\0\1a", b"body"), Header(3, 0, 7, "a", 11)),
        (header(3, 8, b"\xff\xff", b"body"), Header(3, 8, 7, None, 10)),
        (header(3, 9, b"\0\1a", b"\0body"), Header(3, 9, 7, "a", 12)),
        (header(3, 9, b"\0\1a", b"\2\5\1x\6\0body"), Header(3, 9, 7, "a", 17)),
        (header(18, 2, b"\0\0"), Header(18, 2, 7, "", 10)),
        (header(18, 3, b"\0\0", b"\0"), Header(18, 3, 7, "", 11)),
        (header(18, 99, b"\0\0", b"\0"), Header(18, 99, 7, "", 11)),
        (header(17, 1, b"\0\1a", b"\0\5PLAIN"), Header(17, 1, 7, "a", 11)),
        (header(80, 0, b"\0\1a", b"\0"), Header(80, 0, 7, "a", 12)),
    ],
)
def test_a_request_header_is_read(view: memoryview, expected: Header) -> None:
    assert read_header(view) == expected


@pytest.mark.parametrize(
    ("key", "version", "flexible"),
    [(3, 8, False), (3, 9, True), (17, 1, False), (18, 3, False), (47, 0, False), (68, 0, True)],
)
def test_the_answer_s_header_is_as_flexible_as_the_request_but_for_api_versions(
    key: int, version: int, flexible: bool
) -> None:
    assert Header(key, version, 1, None, 0).flexible_answer is flexible


def test_a_response_header_has_the_correlation_id_and_no_tags() -> None:
    assert response_header(7, False) == b"\0\0\0\7"
    assert response_header(-1, True) == b"\xff\xff\xff\xff\0"
