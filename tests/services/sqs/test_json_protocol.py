"""AWS JSON 1.0 as it stands on the wire: headers, error types, empty answers, bodies that are no request."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.harness import Harness
from tests.support.sqs_messages import binary, make_fifo, make_queue, receive_one
from tests.support.sqs_wire import HOST, UUID, json_call, json_error, signed

URL = f"{HOST}/000000000000/orders"
MISSING = f"{HOST}/000000000000/none"
MODELLED, CORAL = "com.amazonaws.sqs#", "com.amazon.coral.service#"
PREFIX = "AWS.SimpleQueueService."
NO_ARN = "arn:aws:sqs:us-east-1:000000000000:none"

Request = dict[str, Any]


# Answers.


def test_a_good_answer_is_json_with_a_request_id(cloud: Harness, sqs: Any) -> None:
    answer = json_call(cloud, "SendMessage", {"QueueUrl": make_queue(sqs), "MessageBody": "x"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])
    assert "x-amzn-query-error" not in answer.headers
    assert set(json.loads(answer.body)) == {"MessageId", "MD5OfMessageBody"}


def test_each_answer_has_a_request_id_of_its_own(cloud: Harness) -> None:
    ids = {json_call(cloud, operation).headers["x-amzn-requestid"] for operation in ("ListQueues",) * 3 + ("No",) * 3}
    assert len(ids) == 6


def test_bytes_are_base64_text_both_ways(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    attributes = {"raw": {"DataType": "Binary", "BinaryValue": "AP8="}}
    json_call(cloud, "SendMessage", {"QueueUrl": url, "MessageBody": "x", "MessageAttributes": attributes})
    answer = json_call(
        cloud, "ReceiveMessage", {"QueueUrl": url, "MessageAttributeNames": ["All"], "VisibilityTimeout": 0}
    )
    (message,) = json.loads(answer.body)["Messages"]
    assert message["MessageAttributes"] == attributes
    assert receive_one(sqs, url, MessageAttributeNames=["All"])["MessageAttributes"] == {"raw": binary(b"\x00\xff")}


def test_text_is_utf8_escaped_or_not(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    for body in ('{"QueueUrl":"%s","MessageBody":"é😀"}', '{"QueueUrl":"%s","MessageBody":"\\u00e9\\ud83d\\ude00"}'):
        assert json_call(cloud, "SendMessage", body=(body % url).encode()).status == 200
    answer = json_call(cloud, "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
    assert [message["Body"] for message in json.loads(answer.body)["Messages"]] == ["é😀", "é😀"]


def test_values_of_attribute_maps_are_texts(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    answer = json_call(cloud, "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["All"]})
    values = json.loads(answer.body)["Attributes"]
    assert {type(value) for value in values.values()} == {str}
    assert (values["FifoQueue"], values["VisibilityTimeout"]) == ("true", "30")


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("ListQueues", {}),
        ("ReceiveMessage", {"QueueUrl": URL}),
        ("ListQueueTags", {"QueueUrl": URL}),
        ("GetQueueAttributes", {"QueueUrl": URL}),
    ],
)
def test_keys_are_left_out_where_there_is_nothing(cloud: Harness, operation: str, request_: Request) -> None:
    if request_:
        make_queue(cloud.client("sqs"))
    answer = json_call(cloud, operation, request_)
    assert (answer.status, json.loads(answer.body)) == (200, {})


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("SetQueueAttributes", {"Attributes": {"VisibilityTimeout": "5"}}),
        ("TagQueue", {"Tags": {"a": "b"}}),
        ("UntagQueue", {"TagKeys": ["a"]}),
        ("AddPermission", {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["SendMessage"]}),
        ("RemovePermission", {"Label": "there"}),
        ("DeleteMessage", {}),
        ("ChangeMessageVisibility", {"VisibilityTimeout": 5}),
        ("PurgeQueue", {}),
        ("DeleteQueue", {}),
    ],
)
def test_an_operation_without_a_result_answers_an_empty_body(
    cloud: Harness, sqs: Any, operation: str, request_: Request
) -> None:
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    sqs.add_permission(QueueUrl=url, Label="there", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    if "Message" in operation:
        request_ = {**request_, "ReceiptHandle": receive_one(sqs, url)["ReceiptHandle"]}
    answer = json_call(cloud, operation, {"QueueUrl": url, **request_})
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])


# Errors.

ENTRY = {"Id": "a", "MessageBody": "x"}


@pytest.mark.parametrize(
    ("operation", "request_", "name", "query_code", "status"),
    [
        ("GetQueueUrl", {"QueueName": "none"}, "QueueDoesNotExist", PREFIX + "NonExistentQueue", 400),
        ("CreateQueue", {"QueueName": "orders", "Attributes": {"VisibilityTimeout": "9"}},
         "QueueNameExists", "QueueAlreadyExists", 400),
        ("CreateQueue", {"QueueName": "gone"}, "QueueDeletedRecently", PREFIX + "QueueDeletedRecently", 400),
        ("PurgeQueue", {"QueueUrl": URL}, "PurgeQueueInProgress", PREFIX + "PurgeQueueInProgress", 403),
        ("GetQueueAttributes", {"QueueUrl": URL, "AttributeNames": ["X"]},
         "InvalidAttributeName", "InvalidAttributeName", 400),
        ("SetQueueAttributes", {"QueueUrl": URL, "Attributes": {"DelaySeconds": "901"}},
         "InvalidAttributeValue", "InvalidAttributeValue", 400),
        ("SendMessage", {"QueueUrl": URL, "MessageBody": "\x00"},
         "InvalidMessageContents", "InvalidMessageContents", 400),
        ("SendMessage", {"QueueUrl": "http://localhost:4566/nonsense", "MessageBody": "x"},
         "InvalidAddress", "InvalidAddress", 404),
        ("SendMessage", {"QueueUrl": URL, "MessageBody": "x",
                         "MessageAttributes": {"a": {"DataType": "String", "StringListValues": ["x"]}}},
         "UnsupportedOperation", PREFIX + "UnsupportedOperation", 400),
        ("DeleteMessage", {"QueueUrl": URL, "ReceiptHandle": "x"},
         "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404),
        ("SendMessageBatch", {"QueueUrl": URL}, "EmptyBatchRequest", PREFIX + "EmptyBatchRequest", 400),
        ("SendMessageBatch", {"QueueUrl": URL, "Entries": [ENTRY] * 11},
         "TooManyEntriesInBatchRequest", PREFIX + "TooManyEntriesInBatchRequest", 400),
        ("SendMessageBatch", {"QueueUrl": URL, "Entries": [{**ENTRY, "Id": ""}]},
         "InvalidBatchEntryId", PREFIX + "InvalidBatchEntryId", 400),
        ("SendMessageBatch", {"QueueUrl": URL, "Entries": [ENTRY] * 2},
         "BatchEntryIdsNotDistinct", PREFIX + "BatchEntryIdsNotDistinct", 400),
        ("SendMessageBatch", {"QueueUrl": URL, "Entries": [{"Id": "a", "MessageBody": "x" * 1_048_577}]},
         "BatchRequestTooLong", PREFIX + "BatchRequestTooLong", 400),
        ("AddPermission", {"QueueUrl": URL, "Label": "l", "AWSAccountIds": ["111122223333"],
                           "Actions": ["SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueUrl",
                                       "ChangeMessageVisibility", "GetQueueAttributes", "PurgeQueue", "*"]},
         "OverLimit", "OverLimit", 403),
        ("ListMessageMoveTasks", {"SourceArn": NO_ARN}, "ResourceNotFoundException", "ResourceNotFoundException", 404),
    ],
)  # fmt: skip
def test_an_error_of_the_model_has_its_namespace_and_the_older_code_in_a_header(
    cloud: Harness, sqs: Any, operation: str, request_: Request, name: str, query_code: str, status: int
) -> None:
    make_queue(sqs)
    sqs.delete_queue(QueueUrl=make_queue(sqs, "gone"))
    sqs.purge_queue(QueueUrl=URL)
    answer = json_call(cloud, operation, request_)
    assert json_error(answer) == (MODELLED + name, f"{query_code};Sender", status)
    assert set(json.loads(answer.body)) == {"__type", "message"}
    assert json.loads(answer.body)["message"]
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])


@pytest.mark.parametrize(
    ("operation", "request_", "name", "query_code", "status"),
    [
        ("SendMessage", {"QueueUrl": URL}, "MissingRequiredParameterException", "MissingParameter", 400),
        ("ReceiveMessage", {"QueueUrl": URL, "MaxNumberOfMessages": 11},
         "InvalidParameterValueException", "InvalidParameterValue", 400),
        ("Nonsense", {}, "UnknownOperationException", "InvalidAction", 400),
        ("ListQueues", [], "SerializationException", "MalformedInput", 400),
        ("DeleteQueue", {"QueueUrl": f"{HOST}/111122223333/theirs"}, "AccessDeniedException", "AccessDenied", 403),
    ],
)  # fmt: skip
def test_an_error_of_aws_s_front_end_has_another_namespace(
    cloud: Harness, sqs: Any, operation: str, request_: Any, name: str, query_code: str, status: int
) -> None:
    make_queue(sqs)
    make_queue(cloud.client("sqs", account="111122223333"), "theirs")
    answer = json_call(cloud, operation, body=json.dumps(request_).encode())
    assert json_error(answer) == (CORAL + name, f"{query_code};Sender", status)
    assert json.loads(answer.body)["message"]


def test_boto3_shows_the_older_code_and_raises_the_newer_class(sqs: Any) -> None:
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as caught:
        sqs.get_queue_url(QueueName="none")
    error = caught.value.response["Error"]
    assert error == {
        "Code": PREFIX + "NonExistentQueue",
        "QueryErrorCode": "QueueDoesNotExist",
        "Type": "Sender",
        "Message": "The specified queue does not exist.",
    }


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("QueueNameExists", {"QueueName": "orders", "Attributes": {"DelaySeconds": "9"}}),
        ("InvalidAttributeName", {"QueueName": "new", "Attributes": {"X": "9"}}),
        ("InvalidAttributeValue", {"QueueName": "new", "Attributes": {"DelaySeconds": "x"}}),
    ],
)
def test_boto3_raises_a_class_for_each_error_of_the_model(sqs: Any, name: str, request_: Request) -> None:
    make_queue(sqs)
    with pytest.raises(getattr(sqs.exceptions, name)):
        sqs.create_queue(**request_)


def test_an_error_that_the_model_does_not_list_is_a_plain_client_error(sqs: Any) -> None:
    with pytest.raises(ClientError) as caught:
        sqs.create_queue(QueueName="a b")
    assert type(caught.value) is ClientError
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert caught.value.response["Error"]["QueryErrorCode"] == "InvalidParameterValueException"


# Bodies.


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b"{'QueueNamePrefix': 'x'}",
        b'{"QueueNamePrefix": "x"} {}',
        b'{"QueueNamePrefix": NaN}',
        b'{"QueueNamePrefix": "\xff"}',
        b"[]",
        b'"x"',
        b"1",
        b"null",
        b"[" * 100_000,
        b"Action=ListQueues&Version=2012-11-05",
    ],
    ids=lambda body: ascii(body[:30]),
)
def test_a_body_that_is_no_json_object_is_malformed(cloud: Harness, body: bytes) -> None:
    answer = json_call(cloud, "ListQueues", body=body)
    assert json_error(answer) == (CORAL + "SerializationException", "MalformedInput;Sender", 400)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("ListQueues", {"MaxResults": "5"}),
        ("ListQueues", {"MaxResults": True}),
        ("ListQueues", {"MaxResults": 1.5}),
        ("ListQueues", {"MaxResults": [5]}),
        ("ListQueues", {"QueueNamePrefix": 5}),
        ("ListQueues", {"QueueNamePrefix": ["x"]}),
        ("ListQueues", {"QueueNamePrefix": {"a": "b"}}),
        ("CreateQueue", {"QueueName": "q", "Attributes": {"DelaySeconds": 5}}),
        ("CreateQueue", {"QueueName": "q", "Attributes": {"FifoQueue": True}}),
        ("CreateQueue", {"QueueName": "q", "Attributes": "DelaySeconds"}),
        ("CreateQueue", {"QueueName": "q", "Attributes": [["DelaySeconds", "5"]]}),
        ("CreateQueue", {"QueueName": "q", "tags": {"a": 1}}),
        ("SendMessage", {"QueueUrl": URL, "MessageBody": {"a": 1}}),
        ("SendMessage", {"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": "5"}),
        ("SendMessage", {"QueueUrl": URL, "MessageBody": "x", "MessageAttributes": {"a": "x"}}),
        ("SendMessage", {"QueueUrl": URL, "MessageBody": "x",
                         "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "***"}}}),
        ("ReceiveMessage", {"QueueUrl": URL, "AttributeNames": "All"}),
        ("ReceiveMessage", {"QueueUrl": URL, "MessageAttributeNames": {"a": "All"}}),
        ("SendMessageBatch", {"QueueUrl": URL, "Entries": {"Id": "a", "MessageBody": "x"}}),
        ("SendMessageBatch", {"QueueUrl": URL, "Entries": ["x"]}),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_of_a_wrong_kind_is_malformed(cloud: Harness, sqs: Any, operation: str, request_: Request) -> None:
    make_queue(sqs)
    answer = json_call(cloud, operation, request_)
    assert json_error(answer) == (CORAL + "SerializationException", "MalformedInput;Sender", 400)
    assert sqs.list_queues()["QueueUrls"] == [URL]


def test_null_and_unknown_members_count_as_absent(cloud: Harness, sqs: Any) -> None:
    request = {
        "QueueUrl": make_queue(sqs, DelaySeconds="5"),
        "MessageBody": "x",
        "DelaySeconds": None,
        "MessageAttributes": None,
        "MessageGroupId": None,
        "Nonsense": {"a": [1]},
        "messageBody": "y",
    }
    assert json_call(cloud, "SendMessage", request).status == 200
    cloud.advance(5)
    assert receive_one(sqs, request["QueueUrl"])["Body"] == "x"


def test_no_body_at_all_is_an_empty_request(cloud: Harness) -> None:
    assert json_call(cloud, "ListQueues", body=b"").status == 200


# Which call it is, and whose.


@pytest.mark.parametrize("operation", ["Nonsense", "sendMessage", "SendMessage ", ""])
def test_an_unknown_operation_is_refused(cloud: Harness, operation: str) -> None:
    answer = json_call(cloud, operation)
    assert json_error(answer) == (CORAL + "UnknownOperationException", "InvalidAction;Sender", 400)


@pytest.mark.parametrize("target", ["SQS", "amazonsqs", "AmazonSQS_20121105", "AmazonSQS.x"])
def test_a_target_of_no_service_in_a_call_signed_for_sqs_is_an_unknown_operation(cloud: Harness, target: str) -> None:
    answer = json_call(cloud, "ListQueues", target=target)
    assert (json.loads(answer.body)["__type"], answer.status) == (CORAL + "UnknownOperationException", 400)


@pytest.mark.parametrize(
    ("target", "operation", "service"),
    [("DynamoDB_20120810", "ListTables", "dynamodb"), ("TrentService", "Encrypt", "kms")],
)
def test_a_known_service_that_is_not_emulated_answers_501_and_names_it(
    cloud: Harness, target: str, operation: str, service: str
) -> None:
    answer = json_call(cloud, operation, target=target, headers=signed(service=service))
    body = json.loads(answer.body)
    assert (answer.status, body["__type"]) == (501, CORAL + "NotImplementedException")
    assert service in body["message"]
    assert answer.headers["content-type"].startswith("application/x-amz-json-1.")


def test_json_without_a_target_is_refused_in_json(cloud: Harness) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", **signed()}
    answer = cloud.request(body=b"{}", headers=headers)
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert (json.loads(answer.body)["__type"], answer.status) == (CORAL + "UnknownOperationException", 400)


@pytest.mark.parametrize("path", ["/000000000000/orders", "/000000000000/other", "/anything/else"])
def test_a_call_may_be_posted_to_any_path_and_goes_to_the_queue_of_its_body(
    cloud: Harness, sqs: Any, path: str
) -> None:
    url = make_queue(sqs)
    make_queue(sqs, "other")
    assert json_call(cloud, "SendMessage", {"QueueUrl": url, "MessageBody": "x"}, path=path).status == 200
    assert receive_one(sqs, url)["Body"] == "x"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amzn-query-mode": "true"},
        {"content-type": "application/x-amz-json-1.0; charset=utf-8"},
        {"content-type": "application/x-amz-json-1.1"},
        {"content-type": "application/json"},
        {"accept": "text/xml"},
    ],
    ids=str,
)
def test_the_target_decides_on_the_protocol_whatever_other_headers_say(cloud: Harness, headers: dict[str, str]) -> None:
    answer = json_call(cloud, "ListQueues", headers=headers)
    assert (answer.status, json.loads(answer.body)) == (200, {})
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"


@pytest.mark.parametrize(
    ("headers", "queue_url", "arn"),
    [
        (signed("111122223333", "eu-west-1"), f"{HOST}/111122223333/q", "arn:aws:sqs:eu-west-1:111122223333:q"),
        (signed("test", "cn-north-1"), f"{HOST}/000000000000/q", "arn:aws-cn:sqs:cn-north-1:000000000000:q"),
        (signed("AKIAIOSFODNN7EXAMPLE"), f"{HOST}/000000000000/q", "arn:aws:sqs:us-east-1:000000000000:q"),
        ({"authorization": ""}, f"{HOST}/000000000000/q", "arn:aws:sqs:us-east-1:000000000000:q"),
        ({"host": "sqs:9324"}, "http://sqs:9324/000000000000/q", "arn:aws:sqs:us-east-1:000000000000:q"),
    ],
)
def test_account_and_region_are_the_signature_s_and_the_url_has_the_caller_s_host(
    cloud: Harness, headers: dict[str, str], queue_url: str, arn: str
) -> None:
    answer = json_call(cloud, "CreateQueue", {"QueueName": "q"}, headers=headers)
    assert json.loads(answer.body) == {"QueueUrl": queue_url}
    request = {"QueueUrl": queue_url, "AttributeNames": ["QueueArn"]}
    answer = json_call(cloud, "GetQueueAttributes", request, headers=headers)
    assert json.loads(answer.body) == {"Attributes": {"QueueArn": arn}}
