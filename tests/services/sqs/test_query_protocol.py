"""The query protocol (2012-11-05) as it stands on the wire: forms in, XML out, on `/` and on a queue's own URL."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from tests.support.harness import Harness
from tests.support.sqs_messages import (
    binary,
    counts,
    make_fifo,
    make_queue,
    md5_of,
    md5_of_attributes,
    receive_one,
    text,
)
from tests.support.sqs_wire import HOST, NAMESPACE, UUID, document, query_call, query_error, result, signed, tree

PATH = "/000000000000/orders"
URL = HOST + PATH
PREFIX = "AWS.SimpleQueueService."
DLQ_ARN = "arn:aws:sqs:us-east-1:000000000000:dead"


def numbered(name: str, *entries: dict[str, Any] | str) -> dict[str, Any]:
    """Write a flattened list: `Name.1`, or `Name.1.Key` where an entry has members."""
    form = {}
    for n, entry in enumerate(entries, 1):
        if isinstance(entry, dict):
            form |= {f"{name}.{n}.{key}": value for key, value in entry.items()}
        else:
            form[f"{name}.{n}"] = entry
    return form


def receive(cloud: Harness, **form: Any) -> list[dict[str, Any]]:
    """Receive over the query protocol; repeated members of a message are lists."""
    answer = query_call(cloud, "ReceiveMessage", {"MaxNumberOfMessages": 10, **form}, path=PATH)
    messages = []
    for name, members in result(answer):
        assert name == "Message"
        message: dict[str, Any] = {}
        for key, value in members:
            if key in ("Attribute", "MessageAttribute"):
                message.setdefault(key, []).append(value)
            else:
                message[key] = value
        messages.append(message)
    return messages


# Documents.


def test_an_answer_is_an_xml_document_in_the_namespace_of_the_version(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    answer = query_call(cloud, "GetQueueUrl", {"QueueName": "orders"})
    request_id = answer.headers["x-amzn-requestid"]
    assert re.fullmatch(UUID, request_id)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.text.removeprefix('<?xml version="1.0"?>').strip() == (
        f'<GetQueueUrlResponse xmlns="{NAMESPACE}"><GetQueueUrlResult><QueueUrl>{URL}</QueueUrl></GetQueueUrlResult>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetQueueUrlResponse>"
    )


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("SetQueueAttributes", numbered("Attribute", {"Name": "DelaySeconds", "Value": "5"})),
        ("TagQueue", numbered("Tag", {"Key": "a", "Value": "b"})),
        ("UntagQueue", numbered("TagKey", "a")),
        ("AddPermission", {"Label": "l", "AWSAccountId.1": "111122223333", "ActionName.1": "SendMessage"}),
        ("DeleteMessage", {}),
        ("ChangeMessageVisibility", {"VisibilityTimeout": "5"}),
        ("PurgeQueue", {}),
        ("DeleteQueue", {}),
    ],
)
def test_an_action_without_a_result_answers_metadata_only(
    cloud: Harness, sqs: Any, action: str, form: dict[str, Any]
) -> None:
    url = make_queue(sqs)
    sqs.send_message(QueueUrl=url, MessageBody="x")
    if "Message" in action:
        form = {**form, "ReceiptHandle": receive_one(sqs, url)["ReceiptHandle"]}
    answer = query_call(cloud, action, {"QueueUrl": url, **form})
    request_id = answer.headers["x-amzn-requestid"]
    assert answer.status == 200
    assert tree(document(answer)) == (f"{action}Response", [("ResponseMetadata", [("RequestId", request_id)])])


def test_an_error_is_an_error_document(cloud: Harness) -> None:
    answer = query_call(cloud, "GetQueueUrl", {"QueueName": "none"})
    assert f'<ErrorResponse xmlns="{NAMESPACE}">' in answer.text
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.status == 400
    root = document(answer)
    error = root.find("Error")
    assert error is not None
    assert [child.tag for child in root] == ["Error", "RequestId"]
    assert [child.tag for child in error] == ["Type", "Code", "Message", "Detail"]
    assert error.findtext("Type") == "Sender"
    assert error.findtext("Code") == PREFIX + "NonExistentQueue"
    assert error.findtext("Message", "").startswith("The specified queue does not exist")
    assert root.findtext("RequestId") == answer.headers["x-amzn-requestid"]


@pytest.mark.parametrize(
    ("action", "form", "code", "status"),
    [
        ("SendMessage", {}, "MissingParameter", 400),
        ("ReceiveMessage", {"MaxNumberOfMessages": "11"}, "InvalidParameterValue", 400),
        ("DeleteMessage", {"ReceiptHandle": "x"}, "ReceiptHandleIsInvalid", 404),
        ("GetQueueAttributes", {"AttributeName.1": "X"}, "InvalidAttributeName", 400),
        ("SendMessageBatch", {}, PREFIX + "EmptyBatchRequest", 400),
        ("ListMessageMoveTasks", {"SourceArn": DLQ_ARN}, "ResourceNotFoundException", 404),
        ("CreateQueue", {"QueueName": "a b"}, "InvalidParameterValue", 400),
    ],
)
def test_errors_have_the_older_codes_and_the_same_status(
    cloud: Harness, sqs: Any, action: str, form: dict[str, Any], code: str, status: int
) -> None:
    answer = query_call(cloud, action, {"QueueUrl": make_queue(sqs), **form})
    got_code, _, got_status = query_error(answer)
    assert (got_code, got_status) == (code, status)


def test_a_second_purge_within_a_minute_answers_403(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    query_call(cloud, "PurgeQueue", {"QueueUrl": url})
    message = "Only one PurgeQueue operation on orders is allowed every 60 seconds."
    seen = query_error(query_call(cloud, "PurgeQueue", {"QueueUrl": url}))
    assert seen == (PREFIX + "PurgeQueueInProgress", message, 403)


@pytest.mark.parametrize(
    "body", ["a\rb", "a\r\nb\tc\n", "<a href=\"x\" b='y'>&amp;</a>", "]]>", " é😀\x85 ", "\ufffd"], ids=ascii
)
def test_text_survives_its_way_through_a_form_and_through_xml(cloud: Harness, sqs: Any, body: str) -> None:
    make_queue(sqs)
    attribute = {"Name": "a", "Value.DataType": "String", "Value.StringValue": body}
    sent = query_call(cloud, "SendMessage", {"MessageBody": body, **numbered("MessageAttribute", attribute)}, path=PATH)
    assert dict(result(sent))["MD5OfMessageBody"] == md5_of(body)
    (message,) = receive(cloud, **{"MessageAttributeName.1": "All"})
    assert (message["Body"], message["MD5OfBody"]) == (body, md5_of(body))
    ((_, value),) = message["MessageAttribute"]
    assert dict(value[1])["StringValue"] == body


def test_a_carriage_return_is_written_as_a_reference(cloud: Harness, sqs: Any) -> None:
    sqs.send_message(QueueUrl=make_queue(sqs), MessageBody="a\r\nb")
    assert "<Body>a&#xD;\nb</Body>" in query_call(cloud, "ReceiveMessage", path=PATH).text


@pytest.mark.parametrize("junk", ["<&>\"'", "\x00\x01\x1f", "\ufffe\uffff", "\r"], ids=ascii)
def test_an_error_that_quotes_its_caller_is_still_xml(cloud: Harness, sqs: Any, junk: str) -> None:
    make_queue(sqs)
    answer = query_call(cloud, "SendMessage", {"MessageBody": "x", "MessageGroupId": f"a {junk}"}, path=PATH)
    code, message, status = query_error(answer)
    assert (code, status) == ("InvalidParameterValue", 400)
    assert message.startswith("Value a ")
    assert query_error(query_call(cloud, f"No{junk}"))[::2] == ("InvalidAction", 400)


# Where a call can be made.


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", [PATH, PATH + "/", "/queue/us-east-1/000000000000/orders", "/000000000000/orders.fifo"]
)
def test_a_queue_s_own_path_names_the_queue(cloud: Harness, sqs: Any, method: str, path: str) -> None:
    url = make_fifo(sqs) if ".fifo" in path else make_queue(sqs)
    form = {"MessageBody": "x", **({"MessageGroupId": "g", "MessageDeduplicationId": "d"} if ".fifo" in path else {})}
    assert query_call(cloud, "SendMessage", form, method=method, path=path).status == 200
    assert receive_one(sqs, url)["Body"] == "x"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/", "/000000000000/other", "/000000000000/missing"])
def test_a_queue_url_among_the_parameters_beats_the_path(cloud: Harness, sqs: Any, method: str, path: str) -> None:
    url = make_queue(sqs)
    other = make_queue(sqs, "other")
    form = {"QueueUrl": url, "MessageBody": "x"}
    assert query_call(cloud, "SendMessage", form, method=method, path=path).status == 200
    assert (counts(sqs, url), counts(sqs, other)) == ((1, 0, 0), (0, 0, 0))


def test_parameters_may_stand_in_the_url_of_a_post_and_those_of_the_form_come_first(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    in_url = {"MessageBody": "of the URL", "DelaySeconds": "7"}
    assert query_call(cloud, "SendMessage", {"MessageBody": "of the form"}, path=PATH, in_url=in_url).status == 200
    assert receive(cloud) == []
    cloud.advance(7)
    assert [message["Body"] for message in receive(cloud)] == ["of the form"]


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", PATH, "Action=SendMessage&MessageBody=x"),
        ("GET", "/", f"Action=SendMessage&MessageBody=x&QueueUrl={URL}&Version=2012-11-05"),
        ("POST", PATH, "Action=SendMessage&MessageBody=x"),
        ("GET", "/", f"Action=SendMessage&MessageBody=x&QueueUrl={PATH}"),
    ],
)
def test_a_call_needs_no_signature(cloud: Harness, sqs: Any, method: str, path: str, query: str) -> None:
    url = make_queue(sqs)
    assert cloud.request(method, path, query=query).status == 200
    assert receive_one(sqs, url)["Body"] == "x"


def test_account_and_region_are_the_signature_s(cloud: Harness) -> None:
    headers = signed("111122223333", "eu-west-1")
    made = result(query_call(cloud, "CreateQueue", {"QueueName": "orders"}, headers=headers))
    url = f"{HOST}/111122223333/orders"
    assert made == [("QueueUrl", url)]
    answer = query_call(cloud, "GetQueueAttributes", {"QueueUrl": url, "AttributeName.1": "QueueArn"}, headers=headers)
    arn = "arn:aws:sqs:eu-west-1:111122223333:orders"
    assert result(answer) == [("Attribute", [("Name", "QueueArn"), ("Value", arn)])]


def test_a_queue_of_another_account_can_be_called_on_its_own_path(cloud: Harness) -> None:
    owner = cloud.client("sqs", account="111122223333")
    url = make_queue(owner)
    query_call(cloud, "SendMessage", {"MessageBody": "x"}, path="/111122223333/orders")
    assert receive_one(owner, url)["Body"] == "x"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
def test_what_is_about_all_queues_is_not_valid_on_the_path_of_one(
    cloud: Harness, sqs: Any, action: str, method: str
) -> None:
    make_queue(sqs)
    seen = query_error(query_call(cloud, action, {"QueueName": "new"}, method=method, path=PATH))
    assert seen == ("InvalidAction", f"The action {action} is not valid for this endpoint.", 400)
    assert sqs.list_queues()["QueueUrls"] == [URL]


@pytest.mark.parametrize("path", ["/", PATH])
@pytest.mark.parametrize("action", ["Nonsense", "sendMessage"])
def test_an_unknown_action_is_an_invalid_one(cloud: Harness, sqs: Any, action: str, path: str) -> None:
    make_queue(sqs)
    code, message, status = query_error(query_call(cloud, action, path=path))
    assert (code, status) == ("InvalidAction", 400)
    assert action in message


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [{}, signed()], ids=["unsigned", "signed"])
def test_no_action_on_a_queue_s_path_answers_404_and_an_unknown_operation(
    cloud: Harness, sqs: Any, method: str, headers: dict[str, str]
) -> None:
    make_queue(sqs)
    answer = cloud.request(method, PATH, headers=headers)
    assert answer.status == 404
    assert document(answer).tag == "UnknownOperationException"


def test_no_action_on_the_root_is_refused(cloud: Harness) -> None:
    assert query_error(query_call(cloud, None))[::2] == ("MissingAction", 400)


def test_a_known_service_that_is_not_emulated_answers_501_and_is_named(cloud: Harness) -> None:
    answer = query_call(cloud, "DescribeInstances", {"Version": "2016-11-15"}, headers=signed(service="ec2"))
    code, message, status = query_error(answer)
    assert (code, status) == ("NotImplemented", 501)
    assert "ec2" in message


# Forms.


@pytest.mark.parametrize(
    "number", ["abc", "", "1.5", "1e1", "0x1", "1_0", " 5", "٣", "9" * 5000], ids=lambda n: ascii(n[:9])
)
def test_text_that_is_no_integer_is_malformed(cloud: Harness, sqs: Any, number: str) -> None:
    make_queue(sqs)
    code, _, status = query_error(query_call(cloud, "ReceiveMessage", {"MaxNumberOfMessages": number}, path=PATH))
    assert (code, status) == ("MalformedInput", 400)


@pytest.mark.parametrize(
    "body", [b"Action=%FF", b"Action=\xff", b"&".join([b"a=1"] * 20_000)], ids=["hex", "raw", "many"]
)
def test_a_form_that_cannot_be_read_is_malformed(cloud: Harness, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", **signed()}
    assert query_error(cloud.request(body=body, headers=headers))[::2] == ("MalformedInput", 400)


def test_an_attribute_that_is_no_base64_is_malformed(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    attribute = {"Name": "a", "Value.DataType": "Binary", "Value.BinaryValue": "***"}
    answer = query_call(
        cloud, "SendMessage", {"MessageBody": "x", **numbered("MessageAttribute", attribute)}, path=PATH
    )
    assert query_error(answer)[::2] == ("MalformedInput", 400)


def test_list_values_of_an_attribute_are_not_supported(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    attribute = {"Name": "a", "Value.DataType": "String", "Value.StringListValue.1": "x"}
    answer = query_call(
        cloud, "SendMessage", {"MessageBody": "x", **numbered("MessageAttribute", attribute)}, path=PATH
    )
    assert query_error(answer)[::2] == (PREFIX + "UnsupportedOperation", 400)


def test_the_first_of_two_fields_with_one_name_counts(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    cloud.request("GET", PATH, query="Action=SendMessage&MessageBody=first&MessageBody=second")
    assert receive_one(sqs, url)["Body"] == "first"


def test_lists_may_have_gaps_and_go_by_their_numbers(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    name = "SendMessageBatchRequestEntry"
    form = {f"{name}.{n}.{key}": value for n in (10, 2, 30) for key, value in (("Id", n), ("MessageBody", n))}
    query_call(cloud, "SendMessageBatch", form, path=PATH)
    assert [message["Body"] for message in receive(cloud)] == ["2", "10", "30"]


def test_a_queue_is_created_with_attributes_and_tags(cloud: Harness, sqs: Any) -> None:
    attributes = numbered("Attribute", {"Name": "FifoQueue", "Value": "true"}, {"Name": "DelaySeconds", "Value": "7"})
    tags = numbered("Tag", {"Key": "team", "Value": "a b"}, {"Key": "empty", "Value": ""})
    made = query_call(cloud, "CreateQueue", {"QueueName": "orders.fifo", **attributes, **tags})
    assert result(made) == [("QueueUrl", URL + ".fifo")]
    values = sqs.get_queue_attributes(QueueUrl=URL + ".fifo", AttributeNames=["All"])["Attributes"]
    assert (values["FifoQueue"], values["DelaySeconds"]) == ("true", "7")
    assert sqs.list_queue_tags(QueueUrl=URL + ".fifo")["Tags"] == {"team": "a b", "empty": ""}


def test_permissions_are_added_with_lists_of_accounts_and_actions(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    accounts = numbered("AWSAccountId", "111122223333", "444455556666")
    actions = numbered("ActionName", "SendMessage", "ReceiveMessage")
    query_call(cloud, "AddPermission", {"Label": "both", **accounts, **actions}, path=PATH)
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    for word in ("both", "111122223333", "444455556666", "SQS:SendMessage", "SQS:ReceiveMessage"):
        assert word in policy


# Results.


def test_a_message_with_all_its_attributes(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    given = {"raw": binary(b"\xfb\xff\x00", "Binary.x"), "n": text("5", "Number"), "s": text("a+b&c")}
    attributes = [
        {
            "Name": name,
            "Value.DataType": value["DataType"],
            **({"Value.StringValue": value["StringValue"]} if "StringValue" in value else {}),
            **(
                {"Value.BinaryValue": base64.b64encode(value["BinaryValue"]).decode()} if "BinaryValue" in value else {}
            ),
        }
        for name, value in given.items()
    ]
    trace = {"Name": "AWSTraceHeader", "Value.DataType": "String", "Value.StringValue": "Root=1"}
    form = {"MessageBody": "x", "MessageGroupId": "g", **numbered("MessageAttribute", *attributes)}
    sent = dict(result(query_call(cloud, "SendMessage", form | numbered("MessageSystemAttribute", trace), path=PATH)))
    digest = md5_of_attributes(given)
    assert re.fullmatch(UUID, sent["MessageId"])
    assert sent == {
        "MessageId": sent["MessageId"],
        "MD5OfMessageBody": md5_of("x"),
        "MD5OfMessageAttributes": digest,
        "MD5OfMessageSystemAttributes": md5_of_attributes({"AWSTraceHeader": text("Root=1")}),
    }
    system = {"AttributeName.1": "MessageGroupId", "MessageSystemAttributeName.1": "AWSTraceHeader"}
    (message,) = receive(
        cloud,
        **system,
        **{"MessageAttributeName.1": "r.*", "MessageAttributeName.2": "n", "MessageAttributeName.3": "s"},
    )
    assert (message["MessageId"], message["MD5OfMessageAttributes"]) == (sent["MessageId"], digest)
    shown = {attribute[0][1]: attribute[1][1] for attribute in message["Attribute"]}
    assert shown == {"MessageGroupId": "g", "AWSTraceHeader": "Root=1"}
    values = {attribute[0][1]: dict(attribute[1][1]) for attribute in message["MessageAttribute"]}
    assert values == {
        "raw": {"DataType": "Binary.x", "BinaryValue": "+/8A"},
        "n": {"DataType": "Number", "StringValue": "5"},
        "s": {"DataType": "String", "StringValue": "a+b&c"},
    }
    assert {tuple(name for name, _ in attribute) for attribute in message["MessageAttribute"]} == {("Name", "Value")}


@pytest.mark.parametrize("action", ["ReceiveMessage", "ListQueueTags", "GetQueueAttributes"])
def test_a_result_with_nothing_in_it_is_an_empty_element(cloud: Harness, sqs: Any, action: str) -> None:
    make_queue(sqs)
    assert result(query_call(cloud, action, path=PATH)) == []


def test_queues_are_listed_one_element_each_and_with_a_token(cloud: Harness, sqs: Any) -> None:
    assert result(query_call(cloud, "ListQueues")) == []
    for name in ("c", "a", "b"):
        make_queue(sqs, name)
    urls = [("QueueUrl", f"{HOST}/000000000000/{name}") for name in "abc"]
    assert result(query_call(cloud, "ListQueues")) == urls
    first = result(query_call(cloud, "ListQueues", {"MaxResults": 2}))
    (token,) = [value for name, value in first if name == "NextToken"]
    assert [pair for pair in first if pair[0] != "NextToken"] == urls[:2]
    assert result(query_call(cloud, "ListQueues", {"MaxResults": 2, "NextToken": token})) == urls[2:]


def test_tags_are_listed_as_keys_and_values(cloud: Harness, sqs: Any) -> None:
    sqs.tag_queue(QueueUrl=make_queue(sqs), Tags={"team": "a", "empty": ""})
    listed = result(query_call(cloud, "ListQueueTags", path=PATH))
    assert sorted(listed) == [
        ("Tag", [("Key", "empty"), ("Value", None)]),
        ("Tag", [("Key", "team"), ("Value", "a")]),
    ]


def test_attributes_are_listed_as_names_and_values(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    form = numbered("AttributeName", "VisibilityTimeout", "DelaySeconds")
    assert sorted(result(query_call(cloud, "GetQueueAttributes", form, path=PATH))) == [
        ("Attribute", [("Name", "DelaySeconds"), ("Value", "0")]),
        ("Attribute", [("Name", "VisibilityTimeout"), ("Value", "30")]),
    ]


def test_a_send_batch_lists_what_succeeded_and_what_failed(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    attribute = {
        "MessageAttribute.1.Name": "a",
        "MessageAttribute.1.Value.DataType": "String",
        "MessageAttribute.1.Value.StringValue": "b",
    }
    entries = [{"Id": "good", "MessageBody": "x", "DelaySeconds": "0", **attribute}, {"Id": "bad", "MessageBody": ""}]
    form = numbered("SendMessageBatchRequestEntry", *entries)
    (good_name, good), (bad_name, bad) = result(query_call(cloud, "SendMessageBatch", form, path=PATH))
    assert (good_name, bad_name) == ("SendMessageBatchResultEntry", "BatchResultErrorEntry")
    assert set(dict(good)) == {"Id", "MessageId", "MD5OfMessageBody", "MD5OfMessageAttributes"}
    assert dict(good)["MD5OfMessageAttributes"] == md5_of_attributes({"a": text("b")})
    message = "The request must contain the parameter MessageBody."
    assert dict(bad) == {"Id": "bad", "SenderFault": "true", "Code": "MissingParameter", "Message": message}


@pytest.mark.parametrize("action", ["DeleteMessageBatch", "ChangeMessageVisibilityBatch"])
def test_the_other_batches_list_what_succeeded_and_what_failed(cloud: Harness, sqs: Any, action: str) -> None:
    sqs.send_message(QueueUrl=make_queue(sqs), MessageBody="x")
    handle = receive(cloud)[0]["ReceiptHandle"]
    given = [{"Id": entry_id, "ReceiptHandle": text_} for entry_id, text_ in (("good", handle), ("bad", "nonsense"))]
    if action == "ChangeMessageVisibilityBatch":
        given = [{**entry, "VisibilityTimeout": "0"} for entry in given]
    answer = query_call(cloud, action, numbered(f"{action}RequestEntry", *given), path=PATH)
    (good_name, good), (bad_name, bad) = result(answer)
    assert (good_name, good) == (f"{action}ResultEntry", [("Id", "good")])
    assert (bad_name, dict(bad)["Id"]) == ("BatchResultErrorEntry", "bad")
    assert (dict(bad)["Code"], dict(bad)["SenderFault"]) == ("ReceiptHandleIsInvalid", "true")


def test_source_queues_and_move_tasks_are_listed(cloud: Harness, sqs: Any) -> None:
    dead = make_queue(sqs, "dead")
    make_queue(sqs, RedrivePolicy=f'{{"deadLetterTargetArn":"{DLQ_ARN}","maxReceiveCount":1}}')
    assert result(query_call(cloud, "ListDeadLetterSourceQueues", {"QueueUrl": dead})) == [("QueueUrl", URL)]
    assert result(query_call(cloud, "ListMessageMoveTasks", {"SourceArn": DLQ_ARN})) == []
    sqs.send_message(QueueUrl=dead, MessageBody="x")
    form = {"SourceArn": DLQ_ARN, "MaxNumberOfMessagesPerSecond": "1"}
    ((name, handle),) = result(query_call(cloud, "StartMessageMoveTask", form))
    ((entry_name, task),) = result(query_call(cloud, "ListMessageMoveTasks", {"SourceArn": DLQ_ARN}))
    assert (name, entry_name) == ("TaskHandle", "ListMessageMoveTasksResultEntry")
    assert dict(task) == {
        "TaskHandle": handle,
        "Status": "RUNNING",
        "SourceArn": DLQ_ARN,
        "MaxNumberOfMessagesPerSecond": "1",
        "ApproximateNumberOfMessagesMoved": "0",
        "ApproximateNumberOfMessagesToMove": "1",
        "StartedTimestamp": str(cloud.now_ms),
    }
    cancelled = result(query_call(cloud, "CancelMessageMoveTask", {"TaskHandle": handle}))
    assert cancelled == [("ApproximateNumberOfMessagesMoved", "0")]
