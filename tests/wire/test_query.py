"""The query protocol: forms in, XML out, and what an SDK from before November 2023 does with Amazon SQS."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import botocore.session
import pytest
from botocore.config import Config

from emulator.errors import AwsError, malformed_input, unknown_operation
from emulator.service import Service
from emulator.wire.model import Model
from emulator.wire.query import FIELDS_MAX, Query, escape, nest, parse_form, render_error
from services import ALL
from tests.support.errors import error_of
from tests.support.harness import ENDPOINT, Clients, Harness

CASES = Path(__file__).resolve().parent.parent / "cases" / "botocore"


@pytest.fixture(scope="module")
def sqs_query() -> Query:
    return next(service for service in ALL if service.name == "sqs").query


@pytest.fixture(scope="module")
def sts_query() -> Query:
    return next(service for service in ALL if service.name == "sts").query


def refusal(call: Callable[..., Any], *arguments: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        call(*arguments)
    assert (caught.value.code, caught.value.type, caught.value.status) == (
        "MalformedInput",
        "SerializationException",
        400,
    )
    return caught.value


# Forms.


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (b"", {}),
        (b"Action=ListQueues&Version=2012-11-05", {"Action": "ListQueues", "Version": "2012-11-05"}),
        (b"a=", {"a": ""}),
        (b"a", {"a": ""}),
        (b"a=1+2%2B3%20", {"a": "1 2+3 "}),
        (b"a=%E4%B8%96%F0%9F%A6%8A", {"a": "世🦊"}),
        ("a=世".encode(), {"a": "世"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
        (b"a=1&&b=2&", {"a": "1", "b": "2"}),
        (b"a=%0D%0A%00", {"a": "\r\n\0"}),
        (b"a%2E1=x", {"a.1": "x"}),
    ],
)
def test_a_form_is_read(text: bytes, form: dict[str, str]) -> None:
    assert parse_form(text) == form


def test_the_first_of_two_fields_with_one_name_counts() -> None:
    assert parse_form(b"a=first&b=1&a=second") == {"a": "first", "b": "1"}


@pytest.mark.parametrize("text", [b"a=\xff", b"a=%FF", b"%FF=a"])
def test_a_form_that_is_not_utf_8_is_refused(text: bytes) -> None:
    assert refusal(parse_form, text).message == "The request is not a valid form."


def test_a_form_of_too_many_fields_is_refused() -> None:
    fields = [b"a.%d=x" % number for number in range(FIELDS_MAX + 1)]
    assert len(parse_form(b"&".join(fields[:FIELDS_MAX]))) == FIELDS_MAX
    refusal(parse_form, b"&".join(fields))


@pytest.mark.parametrize(
    ("form", "nested"),
    [
        ({"a": "x"}, {"a": "x"}),
        ({"a.1": "x", "a.2": "y"}, {"a": {"1": "x", "2": "y"}}),
        ({"a.1.b": "x", "a.1.c": "y"}, {"a": {"1": {"b": "x", "c": "y"}}}),
        ({"Tag": "", "Tag.1.Key": "k"}, {"Tag": {"1": {"Key": "k"}}}),
        ({"Tag.1.Key": "k", "Tag": ""}, {"Tag": {"1": {"Key": "k"}}}),
        ({"a..b": "x"}, {"a": {"": {"b": "x"}}}),
        ({"": "x", ".": "y"}, {"": {"": "y"}}),
    ],
)
def test_dotted_names_nest_and_the_longer_one_wins(form: dict[str, str], nested: dict[str, Any]) -> None:
    assert nest(form) == nested


def test_a_name_of_a_hundred_thousand_dots_does_no_harm(sqs_query: Query) -> None:
    form = parse_form(b"QueueUrl=u&Attribute" + b".1" * 100_000 + b"=x")
    assert sqs_query.parse("SetQueueAttributes", form) == {"QueueUrl": "u"}


# Requests.


def test_a_list_is_read_in_the_order_of_its_numbers_and_gaps_are_closed(sqs_query: Query) -> None:
    form = {"TagKey.10": "c", "TagKey.9": "b", "TagKey.2": "a"}
    assert sqs_query.parse("UntagQueue", form) == {"TagKeys": ["a", "b", "c"]}


@pytest.mark.parametrize("number", ["x", "-1", "", "٣"])
def test_an_entry_without_a_number_is_passed_over(sqs_query: Query, number: str) -> None:
    assert sqs_query.parse("UntagQueue", {f"TagKey.{number}": "a", "TagKey.1": "b"}) == {"TagKeys": ["b"]}


def test_an_entry_with_a_number_of_ten_thousand_digits_is_passed_over(sqs_query: Query) -> None:
    assert sqs_query.parse("UntagQueue", {"TagKey." + "9" * 10_000: "a", "TagKey.1": "b"}) == {"TagKeys": ["b"]}


def test_maps_and_structures_in_lists_are_read(sqs_query: Query) -> None:
    entry = "SendMessageBatchRequestEntry.1"
    form = {
        "QueueUrl": "u",
        f"{entry}.Id": "a",
        f"{entry}.MessageBody": "hello",
        f"{entry}.DelaySeconds": "5",
        f"{entry}.MessageAttribute.1.Name": "n",
        f"{entry}.MessageAttribute.1.Value.DataType": "Binary",
        f"{entry}.MessageAttribute.1.Value.BinaryValue": "/wA=",
        f"{entry}.MessageSystemAttribute.1.Name": "AWSTraceHeader",
        f"{entry}.MessageSystemAttribute.1.Value.StringValue": "Root=1",
    }
    assert sqs_query.parse("SendMessageBatch", form) == {
        "QueueUrl": "u",
        "Entries": [
            {
                "Id": "a",
                "MessageBody": "hello",
                "DelaySeconds": 5,
                "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\xff\x00"}},
                "MessageSystemAttributes": {"AWSTraceHeader": {"StringValue": "Root=1"}},
            }
        ],
    }


def test_the_newer_name_of_the_system_attributes_is_read(sqs_query: Query) -> None:
    """The old description has AttributeName only; AWS took MessageSystemAttributeName up for both protocols."""
    form = {"AttributeName.1": "SentTimestamp", "MessageSystemAttributeName.1": "SenderId"}
    assert sqs_query.parse("ReceiveMessage", form) == {
        "AttributeNames": ["SentTimestamp"],
        "MessageSystemAttributeNames": ["SenderId"],
    }


def test_a_list_that_is_not_flattened_stands_below_member(sts_query: Query) -> None:
    form = {"Tags.member.1.Key": "a", "Tags.member.1.Value": "1", "PolicyArns.member.2.arn": "x"}
    assert sts_query.parse("AssumeRole", form) == {"Tags": [{"Key": "a", "Value": "1"}], "PolicyArns": [{"arn": "x"}]}


def test_a_list_written_without_member_is_read_all_the_same(sts_query: Query) -> None:
    assert sts_query.parse("AssumeRole", {"TransitiveTagKeys.1": "a"}) == {"TransitiveTagKeys": ["a"]}


def test_fields_that_the_operation_does_not_have_are_passed_over(sqs_query: Query) -> None:
    assert sqs_query.parse("ListQueues", {"Action": "ListQueues", "Other.1": "x", "QueueNamePrefix": "p"}) == {
        "QueueNamePrefix": "p"
    }


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-5", -5), ("+5", 5), ("007", 7), ("2147483648", 2**31)])
def test_a_whole_number_is_read(sqs_query: Query, text: str, number: int) -> None:
    assert sqs_query.parse("ReceiveMessage", {"MaxNumberOfMessages": text}) == {"MaxNumberOfMessages": number}


@pytest.mark.parametrize("text", ["", "x", "1.0", "1_0", " 1", "1\n", "٣", "0x10", "--1", "9" * 10_000])
def test_what_is_no_whole_number_is_refused(sqs_query: Query, text: str) -> None:
    error = refusal(sqs_query.parse, "ReceiveMessage", {"MaxNumberOfMessages": text})
    assert error.message == f"'{text}' is not a valid integer."


def test_a_structure_in_place_of_a_text_is_refused(sqs_query: Query) -> None:
    error = refusal(sqs_query.parse, "SendMessage", {"MessageBody.1": "x"})
    assert error.message == "Unexpected complex element."


@pytest.mark.parametrize("text", ["a", "é", "====", "a b="])
def test_bytes_that_are_not_base64_are_refused(sqs_query: Query, text: str) -> None:
    form = {"MessageAttribute.1.Name": "n", "MessageAttribute.1.Value.BinaryValue": text}
    error = refusal(sqs_query.parse, "SendMessage", form)
    assert error.message == "The blob is not valid base64."


@pytest.fixture(scope="module")
def rds_query() -> Query:
    """A query service with the kinds that SQS and STS lack: booleans, floats, instants."""
    return Query(Model("rds"))


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("True", True), ("FALSE", False)])
def test_a_boolean_is_read(rds_query: Query, text: str, value: bool) -> None:
    assert rds_query.parse("CreateDBInstance", {"MultiAZ": text}) == {"MultiAZ": value}


@pytest.mark.parametrize("text", ["", "1", "yes"])
def test_what_is_no_boolean_is_refused(rds_query: Query, text: str) -> None:
    error = refusal(rds_query.parse, "CreateDBInstance", {"MultiAZ": text})
    assert error.message == f"'{text}' is not a valid boolean."


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("-1e3", -1000.0), ("7", 7.0)])
def test_a_float_is_read(rds_query: Query, text: str, value: float) -> None:
    form = {"ServerlessV2ScalingConfiguration.MinCapacity": text}
    assert rds_query.parse("CreateDBCluster", form) == {"ServerlessV2ScalingConfiguration": {"MinCapacity": value}}


def test_what_is_no_float_is_refused(rds_query: Query) -> None:
    error = refusal(rds_query.parse, "CreateDBCluster", {"ServerlessV2ScalingConfiguration.MinCapacity": "much"})
    assert error.message == "'much' is not a valid number."


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T01:00:00.000+01:00"])
def test_an_instant_is_read_as_milliseconds_and_means_utc(rds_query: Query, text: str) -> None:
    assert rds_query.parse("RestoreDBClusterToPointInTime", {"RestoreToTime": text}) == {
        "RestoreToTime": 1_767_225_600_000
    }


@pytest.mark.parametrize("text", ["yesterday", "", "0000-01-01"])
def test_what_is_no_instant_is_refused(rds_query: Query, text: str) -> None:
    error = refusal(rds_query.parse, "RestoreDBClusterToPointInTime", {"RestoreToTime": text})
    assert error.message == f"'{text}' is not a valid timestamp."


# Answers.


def test_the_xml_of_an_answer_is_the_one_of_aws(sqs_query: Query) -> None:
    headers, body = sqs_query.render("SendMessage", {"MessageId": "m", "MD5OfMessageBody": "d"}, "r")
    assert body.decode() == (
        '<?xml version="1.0"?><SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">'
        "<SendMessageResult><MD5OfMessageBody>d</MD5OfMessageBody><MessageId>m</MessageId></SendMessageResult>"
        "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SendMessageResponse>"
    )
    assert dict(headers) == {
        b"content-type": b"text/xml",
        b"content-length": str(len(body)).encode(),
        b"x-amzn-requestid": b"r",
    }


def test_an_operation_without_a_result_has_no_result_element(sqs_query: Query) -> None:
    _, body = sqs_query.render("DeleteQueue", None, "r")
    assert body.decode() == (
        '<?xml version="1.0"?><DeleteQueueResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/">'
        "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DeleteQueueResponse>"
    )


def test_the_length_of_an_answer_counts_bytes(sqs_query: Query) -> None:
    headers, body = sqs_query.render("GetQueueUrl", {"QueueUrl": "世🦊"}, "r")
    assert dict(headers)[b"content-length"] == str(len(body)).encode()
    assert len(body) > len(body.decode())


def test_the_xml_of_an_error_is_the_one_of_aws(sqs_query: Query) -> None:
    _, body = sqs_query.render_error(AwsError("A.Code", "a <b> & c"), "r")
    assert body.decode() == (
        '<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error>'
        "<Type>Sender</Type><Code>A.Code</Code><Message>a &lt;b&gt; &amp; c</Message><Detail/></Error>"
        "<RequestId>r</RequestId></ErrorResponse>"
    )


def test_an_error_of_no_service_has_no_namespace() -> None:
    _, body = render_error(malformed_input("x"), "r")
    assert ET.fromstring(body).tag == "ErrorResponse"


def test_an_error_without_a_message_is_the_bare_element_of_awss_front_end(sqs_query: Query) -> None:
    headers, body = sqs_query.render_error(unknown_operation(), "r")
    assert body == b"<UnknownOperationException/>"
    assert dict(headers)[b"content-length"] == b"28"


@pytest.mark.parametrize("text", ["\r", "\r\n", "\n", "\t", " ", "<&>\"'", "]]>", "🦊\x85\u2028", ""])
def test_escaped_text_comes_back_out_of_an_xml_parser(text: str) -> None:
    assert (ET.fromstring(f"<a>{escape(text)}</a>").text or "") == text


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_a_character_that_xml_lacks_becomes_a_replacement_character(character: str) -> None:
    assert ET.fromstring(f"<a>{escape(f'x{character}y')}</a>").text == "x\ufffdy"


# An SDK from before November 2023: botocore with SQS's last query description.


def queue_url_in_the_path(request: Any, **_: Any) -> None:
    """Send to the queue's own URL and leave it out of the form, as AWS's SDK for Java 1 did."""
    if url := request.data.pop("QueueUrl", None):
        request.url = url


def queue_url_in_both(request: Any, **_: Any) -> None:
    """Send to the queue's own URL and name it in the form as well, as AWS's SDK for JavaScript 2 did."""
    request.url = request.data.get("QueueUrl", request.url)


def queue_url_in_the_form(request: Any, **_: Any) -> None:
    """Send to the endpoint, as botocore did."""


@pytest.fixture(
    scope="module",
    params=[queue_url_in_the_form, queue_url_in_the_path, queue_url_in_both],
    ids=lambda way: way.__name__,
)
def _old_client(request: pytest.FixtureRequest, _clients: Clients) -> Any:
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.insert(0, str(CASES))
    client = session.create_client(
        "sqs-query",
        region_name="eu-west-1",
        endpoint_url=ENDPOINT,
        aws_access_key_id="111122223333",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.meta.events.register_first("request-created.*.*", request.param)
    client.meta.events.register_first("before-send.*.*", _clients.send)
    return client


@pytest.fixture
def old_sqs(_old_client: Any, cloud: Harness) -> Any:
    """A client that speaks the query protocol to the emulator of this test."""
    return _old_client


def test_an_old_sdk_creates_sends_receives_and_deletes(old_sqs: Any) -> None:
    url = old_sqs.create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    assert url == "http://localhost:4566/111122223333/jobs"
    body = "<ünï & 🦊>\r\nline"
    sent = old_sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes={"kind": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}},
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    (message,) = old_sqs.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == {"kind": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    old_sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    counts = old_sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "QueueArn"],
    )["Attributes"]
    assert counts == {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "QueueArn": "arn:aws:sqs:eu-west-1:111122223333:jobs",
    }
    assert "Messages" not in old_sqs.receive_message(QueueUrl=url)


def test_an_old_sdk_batches(old_sqs: Any) -> None:
    url = old_sqs.create_queue(QueueName="jobs")["QueueUrl"]
    entries = [{"Id": f"e{number}", "MessageBody": str(number)} for number in range(9)]
    answer = old_sqs.send_message_batch(QueueUrl=url, Entries=[*entries, {"Id": "bad", "MessageBody": ""}])
    assert [entry["Id"] for entry in answer["Successful"]] == [entry["Id"] for entry in entries]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("bad", True, "MissingParameter")
    messages = old_sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in messages] == [str(number) for number in range(9)]
    handles = [{"Id": message["Body"], "ReceiptHandle": message["ReceiptHandle"]} for message in messages]
    changed = old_sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{**handle, "VisibilityTimeout": 60} for handle in handles]
    )
    assert len(changed["Successful"]) == 9
    assert "Failed" not in changed
    assert len(old_sqs.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"]) == 9


def test_an_old_sdk_tags_and_lists(old_sqs: Any) -> None:
    url = old_sqs.create_queue(QueueName="jobs", tags={"team": "blue"})["QueueUrl"]
    old_sqs.tag_queue(QueueUrl=url, Tags={"stage": "", "owner": "a b"})
    old_sqs.untag_queue(QueueUrl=url, TagKeys=["team"])
    assert old_sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"stage": "", "owner": "a b"}
    assert old_sqs.list_queues(QueueNamePrefix="jo")["QueueUrls"] == [url]
    assert old_sqs.get_queue_url(QueueName="jobs")["QueueUrl"] == url


def test_an_old_sdk_sees_the_old_codes_and_its_own_exception_class(old_sqs: Any) -> None:
    url = f"{ENDPOINT}/111122223333/missing"
    seen = error_of(old_sqs.send_message, QueueUrl=url, MessageBody="x")
    assert (seen.code, seen.status) == ("AWS.SimpleQueueService.NonExistentQueue", 400)
    with pytest.raises(old_sqs.exceptions.QueueDoesNotExist):
        old_sqs.purge_queue(QueueUrl=url)


def test_an_old_sdk_polls_and_is_woken(old_sqs: Any, cloud: Harness) -> None:
    url = old_sqs.create_queue(QueueName="jobs")["QueueUrl"]
    poll = cloud.background(old_sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
    old_sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=3)
    cloud.advance(2.999)
    assert not poll.done()
    cloud.advance(0.001)
    assert poll.result(timeout=20)["Messages"][0]["Body"] == "late"


def test_a_service_that_only_has_query_is_served_from_its_own_description(sts_query: Query) -> None:
    _, body = sts_query.render("GetCallerIdentity", {"Account": "1", "Arn": "a", "UserId": "u"}, "r")
    root = ET.fromstring(body)
    space = "{https://sts.amazonaws.com/doc/2011-06-15/}"
    assert root.tag == f"{space}GetCallerIdentityResponse"
    assert [child.tag for child in root] == [f"{space}GetCallerIdentityResult", f"{space}ResponseMetadata"]


def test_every_query_service_says_in_which_namespace_its_answers_are() -> None:
    def namespace(service: Service) -> str:
        operation = next(iter(service.model.operations))
        return ET.fromstring(service.query.document(operation, {}, "r")).tag.rpartition("}")[0]

    assert all(namespace(service).startswith("{http") for service in ALL if "query" in service.protocols)
