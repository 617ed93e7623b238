"""An unmodified boto3, client and resource, over a socket and in real time; no wait is longer than a second."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.errors import error_of
from tests.support.server import Server, environment

README = Path(__file__).resolve().parents[2] / "README.md"


def bodies(answer: dict[str, Any]) -> list[str]:
    return [message["Body"] for message in answer.get("Messages", [])]


def sent(client: Any) -> threading.Event:
    """Tell when a client has begun to send a ReceiveMessage."""
    begun = threading.Event()
    client.meta.events.register("before-send.sqs.ReceiveMessage", lambda **_: begun.set())
    return begun


# A message's life.


def test_a_message_is_sent_received_and_deleted(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    attributes = {
        "kind": {"DataType": "String", "StringValue": "mail"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
    }
    answer = sqs.send_message(QueueUrl=url, MessageBody="grüße 🎉", MessageAttributes=attributes)
    assert answer["MD5OfMessageBody"] == hashlib.md5("grüße 🎉".encode()).hexdigest()

    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"]) == (answer["MessageId"], "grüße 🎉")
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == answer["MD5OfMessageAttributes"]

    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    assert set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"}


def test_the_resource_sends_receives_and_deletes(server: Server) -> None:
    queue = server.resource("sqs").create_queue(QueueName="jobs", Attributes={"VisibilityTimeout": "5"})
    queue.send_message(MessageBody="one")
    queue.send_messages(Entries=[{"Id": str(n), "MessageBody": f"of a batch {n}"} for n in range(2)])
    messages = queue.receive_messages(MaxNumberOfMessages=10)
    assert sorted(message.body for message in messages) == ["of a batch 0", "of a batch 1", "one"]
    for message in messages:
        message.delete()
    queue.reload()
    assert (queue.attributes["ApproximateNumberOfMessagesNotVisible"], queue.attributes["VisibilityTimeout"]) == (
        "0",
        "5",
    )


def test_the_resource_lists_and_finds_queues_and_names_its_dead_letter_sources(server: Server) -> None:
    sqs = server.resource("sqs")
    dead = sqs.create_queue(QueueName="dead")
    policy = {"deadLetterTargetArn": dead.attributes["QueueArn"], "maxReceiveCount": 1}
    jobs = sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": json.dumps(policy)})
    assert sqs.get_queue_by_name(QueueName="dead").url == dead.url
    assert {queue.url for queue in sqs.queues.all()} == {dead.url, jobs.url}
    assert [queue.url for queue in dead.dead_letter_source_queues.all()] == [jobs.url]


def test_a_message_that_is_received_too_often_goes_to_the_dead_letter_queue(sqs: Any) -> None:
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    url = sqs.create_queue(QueueName="jobs", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    message_id = sqs.send_message(QueueUrl=url, MessageBody="poison")["MessageId"]
    for _ in range(2):
        assert bodies(sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)) == ["poison"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    [message] = sqs.receive_message(QueueUrl=dead, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["MessageId"] == message_id
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn.replace("dead", "jobs")


def test_a_fifo_queue_keeps_the_order_of_a_group_and_drops_duplicates(sqs: Any) -> None:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="jobs.fifo", Attributes=attributes)["QueueUrl"]
    numbers = [
        int(sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")["SequenceNumber"])
        for body in ("a", "b", "b", "c")
    ]
    assert numbers[0] < numbers[1] == numbers[2] < numbers[3]
    assert bodies(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) == ["a", "b", "c"]


def test_batches_answer_for_each_entry(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "late", "MessageBody": "y", "DelaySeconds": 901}]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    [failed] = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("late", "InvalidParameterValue", True)

    [message] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    change = [{"Id": "c", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 60}]
    assert sqs.change_message_visibility_batch(QueueUrl=url, Entries=change)["Successful"] == [{"Id": "c"}]
    delete = [{"Id": "d", "ReceiptHandle": message["ReceiptHandle"]}]
    assert sqs.delete_message_batch(QueueUrl=url, Entries=delete)["Successful"] == [{"Id": "d"}]


def test_a_mebibyte_goes_through_in_both_directions(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    body = "ä" * (512 * 1024)
    sqs.send_message(QueueUrl=url, MessageBody=body)
    assert bodies(sqs.receive_message(QueueUrl=url)) == [body]


def test_an_error_has_the_code_of_old_and_the_exception_class_of_today(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    seen = error_of(sqs.get_queue_url, QueueName="none")
    assert seen == ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.", 400)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url + "-gone", MessageBody="x")
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="garbage")


def test_accounts_and_regions_are_worlds_of_their_own(server: Server, sqs: Any) -> None:
    sqs.create_queue(QueueName="jobs")
    other = server.client("sqs", account="111122223333", region="eu-central-1")
    assert "QueueUrls" not in other.list_queues()
    url = other.create_queue(QueueName="jobs")["QueueUrl"]
    assert url == f"{server.url}/111122223333/jobs"
    arn = other.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    assert arn == "arn:aws:sqs:eu-central-1:111122223333:jobs"


def test_keys_of_an_assumed_role_work_in_the_account_of_the_role(server: Server) -> None:
    role = "arn:aws:iam::444455556666:role/deploy"
    keys = server.client("sts").assume_role(RoleArn=role, RoleSessionName="ci")["Credentials"]
    options = {"account": keys["AccessKeyId"], "aws_session_token": keys["SessionToken"]}
    identity = server.client("sts", **options).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::444455556666:assumed-role/deploy/ci"
    url = server.client("sqs", **options).create_queue(QueueName="jobs")["QueueUrl"]
    assert url == f"{server.url}/444455556666/jobs"


# Long polls, in real time.


def test_a_long_poll_is_woken_by_a_send_from_another_thread(server: Server, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    other = server.client("sqs")
    begun = sent(other)
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(other.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        assert begun.wait(10)
        server.turns()
        sqs.send_message(QueueUrl=url, MessageBody="wake")
        assert bodies(poll.result(timeout=10)) == ["wake"]


def test_a_long_poll_is_woken_by_the_end_of_a_visibility_timeout(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="again")
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=1)
    assert bodies(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["again"]


def test_a_long_poll_of_an_empty_queue_ends_empty(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)


def test_a_long_poll_ends_with_an_error_when_its_queue_is_deleted(server: Server, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    other = server.client("sqs")
    begun = sent(other)
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(other.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        assert begun.wait(10)
        server.turns()
        sqs.delete_queue(QueueUrl=url)
        with pytest.raises(sqs.exceptions.ClientError, match=r"The specified queue does not exist\."):
            poll.result(timeout=10)


# Many at once.


def test_with_50_threads_nothing_is_lost_and_nothing_comes_twice(server: Server) -> None:
    client = server.client("sqs", connections=50)
    url = client.create_queue(QueueName="jobs")["QueueUrl"]
    received: list[str] = []
    all_in = threading.Event()

    def send(thread: int) -> None:
        for n in range(10):
            client.send_message(QueueUrl=url, MessageBody=f"{thread}/{n}")

    def receive(_: int) -> None:
        while not all_in.is_set():
            got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
            received.extend([message["Body"] for message in got])
            if got:
                entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(got)]
                assert "Failed" not in client.delete_message_batch(QueueUrl=url, Entries=entries)
            if len(received) >= 250:
                all_in.set()

    with ThreadPoolExecutor(50) as pool:
        work = [pool.submit(send, thread) for thread in range(25)] + [pool.submit(receive, n) for n in range(25)]
        for one in work:
            one.result(timeout=60)
    assert Counter(received) == {f"{thread}/{n}": 1 for thread in range(25) for n in range(10)}


def test_one_connection_carries_all_calls_of_a_client_errors_and_empty_answers_included(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    client = server.client("sqs")
    with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
        url = client.create_queue(QueueName="jobs")["QueueUrl"]
        for _ in range(3):
            client.send_message(QueueUrl=url, MessageBody="x")
            error_of(client.get_queue_url, QueueName="none")
        client.receive_message(QueueUrl=url)
        client.purge_queue(QueueUrl=url)
        client.delete_queue(QueueUrl=url)
    opened = [line for line in caplog.messages if "connection" in line and ("Starting" in line or "Resetting" in line)]
    assert len(opened) == 1, opened


# The words in the documentation.


def run_python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_line_of_the_banner_is_all_that_a_boto3_program_needs(server: Server) -> None:
    [line] = [line for line in server.out if "export" in line]
    variables = dict(re.findall(r"(\w+)=(\S+)", line))
    done = run_python(
        "import boto3; print(boto3.client('sqs').create_queue(QueueName='jobs')['QueueUrl'])", **variables
    )
    assert done.stdout == f"{server.url}/000000000000/jobs\n", done.stderr


def test_the_boto3_snippet_of_the_readme_works_as_it_stands(server: Server) -> None:
    snippets = [code for code in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "boto3" in code]
    assert snippets, "the README shows no boto3 program"
    for code in snippets:
        done = run_python(
            code.replace("http://localhost:4566", server.url).replace("http://127.0.0.1:4566", server.url),
            AWS_ENDPOINT_URL=server.url,
            AWS_DEFAULT_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )
        assert done.returncode == 0, done.stderr
