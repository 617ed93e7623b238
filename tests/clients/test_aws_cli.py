"""The AWS CLI, as its users run it: an endpoint, a region and any keys in the environment, and no configuration.

Version 1, which pip installs, knows better than AWS_ENDPOINT_URL for `aws sqs` (its overridesslcommonname.py puts
https://<region>.queue.amazonaws.com in its place, unless --endpoint-url is given), so these commands say it twice.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.support.aws_cli import CLIENT_ERROR, Aws, run_aws
from tests.support.server import Server


@pytest.fixture
def aws(server: Server) -> Aws:
    """Run `aws` with arguments; `variables` change its environment."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        endpoint = ("--endpoint-url", server.url) if arguments[0] == "sqs" else ()
        return run_aws(server, *endpoint, *arguments, **variables)

    return run


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout) if done.stdout else None


@pytest.fixture
def url(sqs: Any) -> str:
    """A queue."""
    made: str = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    return made


def test_create_queue_prints_the_url(server: Server, aws: Aws) -> None:
    done = aws("sqs", "create-queue", "--queue-name", "mail", "--attributes", "VisibilityTimeout=5", "--tags", "team=a")
    assert answer(done) == {"QueueUrl": f"{server.url}/000000000000/mail"}


def test_send_message_takes_attributes_and_prints_ids(sqs: Any, aws: Aws, url: str) -> None:
    attributes = '{"kind":{"DataType":"Number","StringValue":"7"}}'
    sent = answer(
        aws("sqs", "send-message", "--queue-url", url, "--message-body", "hällo", "--message-attributes", attributes)
    )
    [message] = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]["kind"]["StringValue"]) == ("hällo", "7")
    assert sent == {
        "MessageId": message["MessageId"],
        "MD5OfMessageBody": message["MD5OfBody"],
        "MD5OfMessageAttributes": message["MD5OfMessageAttributes"],
    }


def test_receive_message_and_delete_message(sqs: Any, aws: Aws, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="one")
    received = answer(aws("sqs", "receive-message", "--queue-url", url, "--attribute-names", "All"))
    [message] = received["Messages"]
    assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("one", "1")
    done = aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    assert answer(done) is None
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"])
    assert counts["Attributes"] == {"ApproximateNumberOfMessagesNotVisible": "0"}


def test_an_empty_receive_prints_nothing(aws: Aws, url: str) -> None:
    assert answer(aws("sqs", "receive-message", "--queue-url", url)) is None


def test_send_message_batch_takes_the_short_form(sqs: Any, aws: Aws, url: str) -> None:
    done = aws(
        "sqs", "send-message-batch", "--queue-url", url, "--entries", "Id=a,MessageBody=one", "Id=b,MessageBody=two"
    )
    assert [entry["Id"] for entry in answer(done)["Successful"]] == ["a", "b"]
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in got) == ["one", "two"]


def test_get_queue_attributes_prints_all(aws: Aws, url: str) -> None:
    shown = answer(aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All"))["Attributes"]
    assert shown["QueueArn"] == "arn:aws:sqs:us-east-1:000000000000:jobs"
    assert (shown["VisibilityTimeout"], shown["MaximumMessageSize"]) == ("30", "1048576")


def test_list_queues_pages_by_itself(sqs: Any, aws: Aws) -> None:
    urls = [sqs.create_queue(QueueName=f"page-{n}")["QueueUrl"] for n in range(5)]
    sqs.create_queue(QueueName="other")
    done = aws("sqs", "list-queues", "--queue-name-prefix", "page-", "--page-size", "2")
    assert answer(done) == {"QueueUrls": urls}


def test_purge_queue_empties_it_and_is_refused_within_a_minute(sqs: Any, aws: Aws, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert answer(aws("sqs", "purge-queue", "--queue-url", url)) is None
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    again = aws("sqs", "purge-queue", "--queue-url", url)
    assert again.returncode == CLIENT_ERROR
    assert again.stderr.strip().endswith(
        "An error occurred (AWS.SimpleQueueService.PurgeQueueInProgress) when calling the PurgeQueue operation: "
        "Only one PurgeQueue operation on jobs is allowed every 60 seconds."
    )


def test_an_error_prints_the_code_and_the_text_of_aws(server: Server, aws: Aws) -> None:
    done = aws("sqs", "send-message", "--queue-url", f"{server.url}/000000000000/none", "--message-body", "x")
    assert (done.returncode, done.stdout) == (CLIENT_ERROR, "")
    assert done.stderr.strip().endswith(
        "An error occurred (AWS.SimpleQueueService.NonExistentQueue) when calling the SendMessage operation: "
        "The specified queue does not exist."
    )


def test_the_account_of_a_12_digit_key_and_the_region_of_the_caller(server: Server, aws: Aws) -> None:
    done = aws(
        "sqs", "create-queue", "--queue-name", "jobs", AWS_ACCESS_KEY_ID="111122223333", AWS_DEFAULT_REGION="eu-west-1"
    )
    assert answer(done) == {"QueueUrl": f"{server.url}/111122223333/jobs"}
    assert "QueueUrls" not in server.client("sqs").list_queues()


def test_get_caller_identity_names_the_account(aws: Aws) -> None:
    shown = answer(aws("sts", "get-caller-identity", AWS_ACCESS_KEY_ID="111122223333"))
    assert (shown["Account"], shown["Arn"]) == ("111122223333", "arn:aws:iam::111122223333:root")


def test_the_keys_of_assume_role_can_be_used_at_once(aws: Aws) -> None:
    role = "arn:aws:iam::444455556666:role/deploy"
    assumed = answer(aws("sts", "assume-role", "--role-arn", role, "--role-session-name", "ci"))
    assert assumed["AssumedRoleUser"]["Arn"] == "arn:aws:sts::444455556666:assumed-role/deploy/ci"
    keys = assumed["Credentials"]
    shown = answer(
        aws(
            "sts",
            "get-caller-identity",
            AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
            AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
            AWS_SESSION_TOKEN=keys["SessionToken"],
        )
    )
    assert shown == {
        "UserId": assumed["AssumedRoleUser"]["AssumedRoleId"],
        "Account": "444455556666",
        "Arn": assumed["AssumedRoleUser"]["Arn"],
    }
