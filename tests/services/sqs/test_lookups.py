"""LocalStack's developer look-ups under /_aws/sqs/messages: all messages of a queue, and nothing happens to them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.errors import error_of
from tests.support.harness import Answer, Harness
from tests.support.sqs_messages import (
    NO_QUEUE,
    binary,
    counts,
    make_fifo,
    make_queue,
    md5_of,
    md5_of_attributes,
    receive,
    receive_one,
    text,
)
from tests.support.sqs_wire import HOST, NAMESPACE, document, query_call, query_error

PATH = "/_aws/sqs/messages"


def look(cloud: Harness, url: str | None = None, path: str = PATH, *, accept: str = "", **options: str) -> Answer:
    """Look up messages with a GET as a developer does with curl: unsigned."""
    parameters = options if url is None else {"QueueUrl": url, **options}
    return cloud.request("GET", path, query=urlencode(parameters), headers={"accept": accept or "*/*"})


def seen(answer: Answer) -> list[dict[str, Any]]:
    """Give the messages in an XML answer, each with its system attributes."""
    assert answer.status == 200, answer.text
    return [
        {child.tag: child.text for child in message if len(child) == 0}
        | {"Attributes": {pair.findtext("Name"): pair.findtext("Value") for pair in message.findall("Attribute")}}
        for message in document(answer).findall("ReceiveMessageResult/Message")
    ]


def bodies(answer: Answer) -> list[str]:
    return [message["Body"] for message in seen(answer)]


def send(sqs: Any, url: str, *texts: str, **more: Any) -> None:
    for body in texts:
        sqs.send_message(QueueUrl=url, MessageBody=body, **more)


# What is shown.


def test_an_answer_has_the_form_of_a_receive_over_the_query_protocol(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    sent = sqs.send_message(QueueUrl=url, MessageBody="hello")
    answer = look(cloud, url)
    assert answer.headers["content-type"].startswith("text/xml")
    assert f'<ReceiveMessageResponse xmlns="{NAMESPACE}"><ReceiveMessageResult><Message>' in answer.text
    (message,) = seen(answer)
    assert message.pop("Attributes").pop("SenderId").startswith("AIDA")
    assert message == {
        "MessageId": sent["MessageId"],
        "ReceiptHandle": "SQS/BACKDOOR/ACCESS",
        "MD5OfBody": md5_of("hello"),
        "Body": "hello",
    }


def test_all_messages_are_shown_in_the_order_of_their_coming(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, *"abcdefghijklmno")
    assert bodies(look(cloud, url)) == list("abcdefghijklmno")


def test_all_attributes_are_shown_without_asking(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs)
    attributes = {"colour": text("blue"), "raw": binary(b"\x00")}
    trace = {"AWSTraceHeader": text("Root=1")}
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    send(sqs, url, "x", MessageAttributes=attributes, MessageSystemAttributes=trace, **ids)
    answer = look(cloud, url)
    (message,) = seen(answer)
    assert message["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
    assert {name: message["Attributes"][name] for name in (*ids, "AWSTraceHeader", "ApproximateReceiveCount")} == {
        **ids,
        "AWSTraceHeader": "Root=1",
        "ApproximateReceiveCount": "0",
    }
    names = [found.findtext("Name") for found in document(answer).iter("MessageAttribute")]
    assert names == ["colour", "raw"]


def test_text_survives_the_xml_and_the_json_of_it(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    body = " <a>&amp;\r\n\t]]></a>é😀 "
    send(sqs, url, body)
    assert bodies(look(cloud, url)) == [body]
    shown = json.loads(look(cloud, url, accept="application/json").body)
    assert shown["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]["Body"] == body


def test_an_empty_queue_shows_nothing(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    assert seen(look(cloud, url)) == []
    shown = json.loads(look(cloud, url, accept="application/json").body)
    assert not shown["ReceiveMessageResponse"]["ReceiveMessageResult"]


@pytest.mark.parametrize("accept", ["application/json", "application/json, text/plain;q=0.5"])
def test_the_answer_is_json_when_accept_says_so(cloud: Harness, sqs: Any, accept: str) -> None:
    url = make_queue(sqs)
    send(sqs, url, "a", "b")
    answer = look(cloud, url, accept=accept)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    messages = json.loads(answer.body)["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]
    assert [(message["Body"], message["MD5OfBody"]) for message in messages] == [("a", md5_of("a")), ("b", md5_of("b"))]
    attributes = {pair["Name"]: pair["Value"] for pair in messages[0]["Attribute"]}
    assert attributes["SentTimestamp"] == str(cloud.now_ms)


def test_one_message_is_an_object_in_json_and_not_a_list(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "a")
    shown = json.loads(look(cloud, url, accept="application/json").body)
    assert shown["ReceiveMessageResponse"]["ReceiveMessageResult"]["Message"]["Body"] == "a"


@pytest.mark.parametrize("accept", ["", "*/*", "text/xml", "application/xml", "text/html"])
def test_the_answer_is_xml_otherwise(cloud: Harness, sqs: Any, accept: str) -> None:
    answer = look(cloud, make_queue(sqs), accept=accept)
    assert answer.headers["content-type"].startswith("text/xml")


# Messages that cannot be received now.


@pytest.fixture
def mixed(sqs: Any) -> str:
    """A queue with one message in flight, one visible and one delayed."""
    url = make_queue(sqs)
    send(sqs, url, "in flight")
    receive_one(sqs, url)
    send(sqs, url, "visible")
    send(sqs, url, "delayed", DelaySeconds=60)
    return url


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, ["visible"]),
        ({"ShowInvisible": "false", "ShowDelayed": "false"}, ["visible"]),
        ({"ShowInvisible": "true"}, ["in flight", "visible"]),
        ({"ShowInvisible": "True"}, ["in flight", "visible"]),
        ({"ShowDelayed": "true"}, ["visible", "delayed"]),
        ({"ShowInvisible": "true", "ShowDelayed": "true"}, ["in flight", "visible", "delayed"]),
    ],
    ids=str,
)
def test_messages_in_flight_and_delayed_ones_are_shown_on_demand(
    cloud: Harness, mixed: str, options: dict[str, str], shown: list[str]
) -> None:
    assert bodies(look(cloud, mixed, **options)) == shown


def test_what_is_shown_on_demand_says_in_which_state_it_is(cloud: Harness, mixed: str) -> None:
    messages = seen(look(cloud, mixed, ShowInvisible="true", ShowDelayed="true"))
    states = [(found["Attributes"]["IsVisible"], found["Attributes"]["IsDelayed"]) for found in messages]
    assert states[0] == ("false", "false")
    assert states[1] == ("true", "false")
    assert states[2][1] == "true"


def test_what_time_has_made_visible_is_visible(cloud: Harness, mixed: str) -> None:
    cloud.advance(30)
    assert bodies(look(cloud, mixed)) == ["in flight", "visible"]
    cloud.advance(30)
    assert bodies(look(cloud, mixed)) == ["in flight", "visible", "delayed"]


def test_what_was_deleted_or_is_beyond_its_retention_is_not_shown(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs, MessageRetentionPeriod="60")
    send(sqs, url, "deleted", "kept")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=receive(sqs, url, MaxNumberOfMessages=1)[0]["ReceiptHandle"])
    assert bodies(look(cloud, url, ShowInvisible="true")) == ["kept"]
    cloud.advance(60)
    assert bodies(look(cloud, url, ShowInvisible="true")) == []


# Nothing happens.


def test_a_look_up_counts_no_receive_and_hides_nothing(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    first_ms = cloud.now_ms + 5000
    for _ in range(3):
        look(cloud, url, ShowInvisible="true", ShowDelayed="true")
        look(cloud, url, accept="application/json")
    assert counts(sqs, url) == (1, 0, 0)
    cloud.advance(5)
    names = ["ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"]
    shown = receive_one(sqs, url, MessageSystemAttributeNames=names)["Attributes"]
    assert shown == {"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": str(first_ms)}


def test_a_look_up_dead_letters_nothing(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs, "dead")
    policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 1}
    url = make_queue(sqs, RedrivePolicy=json.dumps(policy))
    send(sqs, url, "x")
    receive_one(sqs, url, VisibilityTimeout=0)
    for _ in range(2):
        assert bodies(look(cloud, url)) == ["x"]


def test_a_look_up_locks_no_group_of_a_fifo_queue(cloud: Harness, sqs: Any) -> None:
    url = make_fifo(sqs, ContentBasedDeduplication="true")
    send(sqs, url, "1", "2", MessageGroupId="g")
    assert bodies(look(cloud, url)) == ["1", "2"]
    assert [message["Body"] for message in receive(sqs, url)] == ["1", "2"]


def test_the_handle_that_is_shown_deletes_nothing(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    handle = seen(look(cloud, url))[0]["ReceiptHandle"]
    assert error_of(sqs.delete_message, QueueUrl=url, ReceiptHandle=handle).code == "ReceiptHandleIsInvalid"


# Which queue.


@pytest.mark.parametrize("form", ["url", "path"])
@pytest.mark.parametrize("account", ["test", "111122223333"])
def test_a_queue_is_named_by_its_url_or_by_region_account_and_name(cloud: Harness, account: str, form: str) -> None:
    sqs = cloud.client("sqs", account=account)
    url = make_queue(sqs)
    send(sqs, url, "x")
    number = url.split("/")[-2]
    answer = look(cloud, url) if form == "url" else look(cloud, path=f"{PATH}/us-east-1/{number}/orders")
    assert bodies(answer) == ["x"]


@pytest.mark.parametrize("name", ["orders", "orders.fifo"])
def test_the_path_names_a_queue_of_any_region_account_and_kind(cloud: Harness, name: str) -> None:
    sqs = cloud.client("sqs", account="444455556666", region="eu-west-1")
    more = {}
    if name.endswith(".fifo"):
        url = make_fifo(sqs, ContentBasedDeduplication="true")
        more = {"MessageGroupId": "g"}
    else:
        url = make_queue(sqs)
    send(sqs, url, "x", **more)
    assert bodies(look(cloud, path=f"{PATH}/eu-west-1/444455556666/{name}")) == ["x"]
    assert look(cloud, path=f"{PATH}/us-east-1/444455556666/{name}").status == 400


@pytest.mark.parametrize(
    "url",
    [
        "http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/orders",
        "http://localhost:4566/queue/eu-west-1/000000000000/orders",
        "http://eu-west-1.queue.localhost.localstack.cloud:4566/000000000000/orders",
        "https://sqs.eu-west-1.amazonaws.com/000000000000/orders",
    ],
)
def test_a_region_in_the_url_counts(cloud: Harness, url: str) -> None:
    sqs = cloud.client("sqs", region="eu-west-1")
    send(sqs, make_queue(sqs), "x")
    assert bodies(look(cloud, url)) == ["x"]


def test_a_look_up_may_be_a_post_with_a_form(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "x")
    answer = query_call(cloud, "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": "1"}, path=PATH)
    assert bodies(answer) == ["x"]
    assert counts(sqs, url) == (1, 0, 0)


def test_no_other_action_can_be_called_there(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    answer = query_call(cloud, "SendMessage", {"QueueUrl": url, "MessageBody": "x"}, path=PATH)
    assert query_error(answer)[:2] == ("InvalidRequest", "This endpoint only accepts ReceiveMessage calls")
    assert counts(sqs, url) == (0, 0, 0)


def test_boto3_can_have_the_look_up_as_its_endpoint_and_nothing_happens_either(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    send(sqs, url, "a", "b", "c")
    developer = cloud.client("sqs", endpoint=HOST + PATH)
    shown = developer.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    assert counts(sqs, url) == (3, 0, 0)
    assert [message["Body"] for message in shown] == ["a", "b", "c"]


# Errors.

NONE = f"{HOST}/000000000000/none"
MISSING: list[tuple[str | None, str, str, int]] = [
    (NONE, PATH, NO_QUEUE, 400),
    (f"{HOST}/111122223333/none", PATH, NO_QUEUE, 400),
    (None, PATH, NO_QUEUE, 400),
    ("", PATH, NO_QUEUE, 400),
    (None, f"{PATH}/us-east-1/000000000000/none", NO_QUEUE, 400),
    (None, f"{PATH}/nowhere/000000000000/orders", NO_QUEUE, 400),
    (f"{HOST}/nonsense", PATH, "InvalidAddress", 404),
]


@pytest.mark.parametrize(("url", "path", "code", "status"), MISSING)
def test_a_missing_queue_is_an_xml_error(
    cloud: Harness, sqs: Any, url: str | None, path: str, code: str, status: int
) -> None:
    make_queue(sqs)
    got_code, _, got_status = query_error(look(cloud, url, path))
    assert (got_code, got_status) == (code, status)


@pytest.mark.parametrize(("url", "path", "code", "status"), MISSING)
def test_a_missing_queue_is_a_json_error_when_accept_says_so(
    cloud: Harness, sqs: Any, url: str | None, path: str, code: str, status: int
) -> None:
    make_queue(sqs)
    answer = look(cloud, url, path, accept="application/json")
    assert answer.headers["content-type"].startswith("application/json")
    assert (json.loads(answer.body)["ErrorResponse"]["Error"]["Code"], answer.status) == (code, status)


@pytest.mark.parametrize("rest", ["/us-east-1", "/us-east-1/000000000000", "/us-east-1/000000000000/orders/more"])
def test_a_path_of_another_length_names_no_queue(cloud: Harness, sqs: Any, rest: str) -> None:
    make_queue(sqs)
    assert query_error(look(cloud, path=PATH + rest))[::2] == (NO_QUEUE, 400)


def test_nothing_else_is_below_the_developer_path(cloud: Harness) -> None:
    assert look(cloud, path="/_aws/sqs/nonsense").status == 404


def test_looking_for_queues_that_do_not_exist_leaves_nothing_behind(cloud: Harness, sqs: Any) -> None:
    make_queue(sqs)
    states = cloud.run(lambda emulator: len(list(emulator.storage.states("sqs"))))
    for number in range(100000000000, 100000000005):
        look(cloud, path=f"{PATH}/us-east-1/{number}/none")
        look(cloud, f"{HOST}/{number}/none")
    assert cloud.run(lambda emulator: len(list(emulator.storage.states("sqs")))) == states
