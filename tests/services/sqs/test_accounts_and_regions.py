"""Whose queue, and where: accounts, regions, access across accounts, and all forms of queue URLs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import make_fifo, make_queue, receive, receive_one
from tests.support.sqs_queues import (
    NO_FOREIGN_QUEUE,
    NO_QUEUE,
    arn_of,
    attributes_of,
    denied,
    set_attributes,
)

OWNER, CALLER = "111122223333", "444455556666"
CALLER_ARN = f"arn:aws:iam::{CALLER}:root"
ARN = f"arn:aws:sqs:us-east-1:{OWNER}:orders"


@pytest.fixture
def owner(cloud: Harness) -> Any:
    """A client of the account that has the queue."""
    return cloud.client(account=OWNER)


@pytest.fixture
def caller(cloud: Harness) -> Any:
    """A client of another account."""
    return cloud.client(account=CALLER)


def invalid_address(url: str) -> Seen:
    return Seen("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404)


def sent_to(sqs: Any, url: str, reader: Any, own_url: str) -> bool:
    """Tell whether a message sent to one URL arrives in the queue of another."""
    sent = sqs.send_message(QueueUrl=url, MessageBody="m")
    return [message["MessageId"] for message in receive(reader, own_url)] == [sent["MessageId"]]


# Whose account.


def test_an_access_key_of_12_digits_is_the_account(owner: Any) -> None:
    url = make_queue(owner)
    assert url == f"http://localhost:4566/{OWNER}/orders"
    assert arn_of(owner, url) == ARN


@pytest.mark.parametrize("key", ["test", "AKIAIOSFODNN7EXAMPLE", "11112222333", "1111222233334", "11112222333x"])
def test_any_other_access_key_means_the_default_account(cloud: Harness, key: str) -> None:
    assert make_queue(cloud.client(account=key)) == "http://localhost:4566/000000000000/orders"


def test_the_default_account_can_be_chosen(cloud_with: Any) -> None:
    sqs = cloud_with(account_id="999988887777").client()
    url = make_queue(sqs)
    assert url == "http://localhost:4566/999988887777/orders"
    assert arn_of(sqs, url) == "arn:aws:sqs:us-east-1:999988887777:orders"


def test_queues_of_one_name_in_two_accounts_are_apart(owner: Any, caller: Any) -> None:
    urls = make_queue(owner, DelaySeconds="5"), make_queue(caller)
    assert attributes_of(owner, urls[0], "DelaySeconds") == {"DelaySeconds": "5"}
    assert attributes_of(caller, urls[1], "DelaySeconds") == {"DelaySeconds": "0"}
    caller.send_message(QueueUrl=urls[1], MessageBody="m")
    assert receive(owner, urls[0]) == []


# Across accounts.


def test_another_account_sends_receives_and_deletes_by_queue_url(owner: Any, caller: Any) -> None:
    url = make_queue(owner)
    sent = caller.send_message(QueueUrl=url, MessageBody="from outside")
    message = receive_one(owner, url, VisibilityTimeout=0)
    assert message["MessageId"] == sent["MessageId"]
    handle = receive_one(caller, url)["ReceiptHandle"]
    caller.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=5)
    caller.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert attributes_of(owner, url, "ApproximateNumberOfMessagesNotVisible") == {
        "ApproximateNumberOfMessagesNotVisible": "0"
    }


def test_another_account_uses_batches_by_queue_url(owner: Any, caller: Any) -> None:
    url = make_queue(owner)
    entries = [{"Id": str(number), "MessageBody": "m"} for number in range(3)]
    assert len(caller.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 3
    handles = [
        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
        for number, message in enumerate(receive(caller, url))
    ]
    assert len(caller.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"]) == 3
    assert receive(owner, url, VisibilityTimeout=0) == []


def test_a_sender_of_another_account_has_another_senderid(owner: Any, caller: Any) -> None:
    url = make_queue(owner)
    for sqs in (owner, caller):
        sqs.send_message(QueueUrl=url, MessageBody="m")
    senders = {
        message["Attributes"]["SenderId"] for message in receive(owner, url, MessageSystemAttributeNames=["SenderId"])
    }
    assert len(senders) == 2


def test_another_account_reads_attributes_purges_and_lists_sources_by_queue_url(owner: Any, caller: Any) -> None:
    url = make_queue(owner)
    policy = json.dumps({"deadLetterTargetArn": ARN, "maxReceiveCount": 3})
    source = make_queue(owner, "source", RedrivePolicy=policy)
    owner.send_message(QueueUrl=url, MessageBody="m")
    assert attributes_of(caller, url, "QueueArn") == {"QueueArn": ARN}
    assert caller.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == [source]
    caller.purge_queue(QueueUrl=url)
    assert receive(owner, url) == []


def test_another_account_finds_the_queue_by_its_owner_and_uses_it(owner: Any, caller: Any) -> None:
    url = make_fifo(owner, ContentBasedDeduplication="true")
    found = caller.get_queue_url(QueueName="orders.fifo", QueueOwnerAWSAccountId=OWNER)["QueueUrl"]
    assert found == url
    caller.send_message(QueueUrl=found, MessageBody="m", MessageGroupId="g")
    assert len(receive(owner, url)) == 1


def test_a_name_alone_never_finds_a_queue_of_another_account(owner: Any, caller: Any) -> None:
    make_queue(owner)
    assert error_of(caller.get_queue_url, QueueName="orders") == NO_QUEUE
    assert "QueueUrls" not in caller.list_queues()


def test_a_missing_queue_of_another_account_may_also_be_one_without_access(caller: Any) -> None:
    url = f"http://localhost:4566/{OWNER}/nobody"
    assert error_of(caller.send_message, QueueUrl=url, MessageBody="m") == NO_FOREIGN_QUEUE
    assert error_of(caller.receive_message, QueueUrl=url) == NO_FOREIGN_QUEUE
    assert error_of(caller.delete_queue, QueueUrl=url) == NO_FOREIGN_QUEUE


def test_asking_for_queues_of_unknown_accounts_leaves_nothing_behind(cloud: Harness, caller: Any) -> None:
    for number in range(20):
        error_of(caller.receive_message, QueueUrl=f"http://localhost:4566/7777{number:08}/nobody")
        error_of(caller.get_queue_url, QueueName="nobody", QueueOwnerAWSAccountId=f"8888{number:08}")
    assert cloud.run(lambda emulator: len(list(emulator.storage.states("sqs")))) <= 1


# What is the owner's alone.

OWNER_ONLY = {
    "AddPermission": ("add_permission", {"Label": "l", "AWSAccountIds": [CALLER], "Actions": ["SendMessage"]}),
    "DeleteQueue": ("delete_queue", {}),
    "ListQueueTags": ("list_queue_tags", {}),
    "RemovePermission": ("remove_permission", {"Label": "share"}),
    "SetQueueAttributes": ("set_queue_attributes", {"Attributes": {"DelaySeconds": "5"}}),
    "TagQueue": ("tag_queue", {"Tags": {"mine": "now"}}),
    "UntagQueue": ("untag_queue", {"TagKeys": ["team"]}),
}


def shared_queue(owner: Any) -> str:
    """Make a queue whose policy lets the other account do everything that can be let."""
    url: str = owner.create_queue(QueueName="orders", tags={"team": "blue"})["QueueUrl"]
    owner.add_permission(QueueUrl=url, Label="share", AWSAccountIds=[CALLER], Actions=["*"])
    return url


@pytest.mark.parametrize("action", OWNER_ONLY)
def test_an_operation_of_the_owner_alone_is_refused_to_others_whatever_the_policy(
    owner: Any, caller: Any, action: str
) -> None:
    url = shared_queue(owner)
    before = attributes_of(owner, url), owner.list_queue_tags(QueueUrl=url)["Tags"]
    method, arguments = OWNER_ONLY[action]
    error = error_of(getattr(caller, method), QueueUrl=url, **arguments)
    assert error == denied(action, ARN, CALLER_ARN)
    assert (attributes_of(owner, url), owner.list_queue_tags(QueueUrl=url)["Tags"]) == before


@pytest.mark.parametrize(
    ("action", "method"),
    [("StartMessageMoveTask", "start_message_move_task"), ("ListMessageMoveTasks", "list_message_move_tasks")],
)
def test_move_tasks_of_a_queue_are_the_owner_s_alone(owner: Any, caller: Any, action: str, method: str) -> None:
    shared_queue(owner)
    assert error_of(getattr(caller, method), SourceArn=ARN) == denied(action, ARN, CALLER_ARN)


def test_a_move_to_a_queue_of_another_account_is_refused(owner: Any, caller: Any) -> None:
    shared_queue(owner)
    dead = arn_of(caller, make_queue(caller, "dead"))
    make_queue(caller, RedrivePolicy=json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 1}))
    error = error_of(caller.start_message_move_task, SourceArn=dead, DestinationArn=ARN)
    assert error == denied("StartMessageMoveTask", ARN, CALLER_ARN)


def test_a_refusal_in_china_names_the_caller_in_china_s_partition(cloud: Harness) -> None:
    owner = cloud.client(account=OWNER, region="cn-north-1")
    caller = cloud.client(account=CALLER, region="cn-north-1")
    error = error_of(caller.delete_queue, QueueUrl=make_queue(owner))
    assert error == denied("DeleteQueue", f"arn:aws-cn:sqs:cn-north-1:{OWNER}:orders", f"arn:aws-cn:iam::{CALLER}:root")


# Regions.


def test_queues_of_one_name_in_two_regions_are_apart(cloud: Harness, sqs: Any) -> None:
    there = cloud.client(region="eu-west-1")
    url, there_url = make_queue(sqs), make_queue(there)
    assert url == there_url
    there.send_message(QueueUrl=there_url, MessageBody="there")
    assert receive(sqs, url) == []
    assert [message["Body"] for message in receive(there, there_url)] == ["there"]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("ap-southeast-2", "aws")],
)
def test_a_queue_s_arn_names_region_and_partition(cloud: Harness, region: str, partition: str) -> None:
    sqs = cloud.client(region=region)
    assert arn_of(sqs, make_queue(sqs)) == f"arn:{partition}:sqs:{region}:000000000000:orders"


def test_a_queue_is_not_found_from_another_region(cloud: Harness, sqs: Any) -> None:
    url = make_queue(sqs)
    there = cloud.client(region="eu-west-1")
    assert error_of(there.get_queue_url, QueueName="orders") == NO_QUEUE
    assert error_of(there.send_message, QueueUrl=url, MessageBody="m") == NO_QUEUE
    assert "QueueUrls" not in there.list_queues()


def test_deleting_a_queue_leaves_that_of_another_region(cloud: Harness, sqs: Any) -> None:
    there = cloud.client(region="eu-west-1")
    url = make_queue(there)
    sqs.delete_queue(QueueUrl=make_queue(sqs))
    assert there.list_queues()["QueueUrls"] == [url]


# The form of the URLs that we give.

LOCAL = "http://localhost:4566"
CLOUD = "http://localhost.localstack.cloud:4566"


@pytest.mark.parametrize(
    "endpoint",
    [LOCAL, CLOUD, "http://127.0.0.1:4566", "http://eventyard:9999", "http://sqs.eu-west-1.localhost:4566"],
)
def test_a_dynamic_url_has_the_host_by_which_the_caller_came(cloud: Harness, endpoint: str) -> None:
    sqs = cloud.client(endpoint=endpoint, region="eu-west-1")
    url = make_queue(sqs)
    assert url == f"{endpoint}/000000000000/orders"
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert sqs.list_queues()["QueueUrls"] == [url]


@pytest.mark.parametrize(
    ("strategy", "region", "url"),
    [
        ("standard", "us-east-1", "http://sqs.us-east-1.localhost:4566/000000000000/orders"),
        ("standard", "eu-west-1", "http://sqs.eu-west-1.localhost:4566/000000000000/orders"),
        ("domain", "us-east-1", "http://queue.localhost:4566/000000000000/orders"),
        ("domain", "eu-west-1", "http://eu-west-1.queue.localhost:4566/000000000000/orders"),
        ("path", "us-east-1", "http://localhost:4566/queue/us-east-1/000000000000/orders"),
        ("path", "eu-west-1", "http://localhost:4566/queue/eu-west-1/000000000000/orders"),
    ],
)
def test_the_endpoint_strategy_chooses_the_form_of_all_urls(
    cloud_with: Any, strategy: str, region: str, url: str
) -> None:
    sqs = cloud_with(endpoint_strategy=strategy).client(region=region)
    assert make_queue(sqs) == url
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert sqs.list_queues()["QueueUrls"] == [url]
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, url), "maxReceiveCount": 3})
    set_attributes(sqs, url, RedrivePolicy=policy)
    assert sqs.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == [url]


@pytest.mark.parametrize(
    "host",
    [
        "localhost.localstack.cloud:4566",
        "sqs.localhost.localstack.cloud:4566",
        "queue.localhost.localstack.cloud:4566",
        "sqs.ap-south-1.localhost.localstack.cloud:4566",
        "ap-south-1.queue.localhost.localstack.cloud:4566",
    ],
)
@pytest.mark.parametrize(
    ("strategy", "url"),
    [
        ("standard", "http://sqs.eu-west-1.localhost.localstack.cloud:4566/000000000000/orders"),
        ("domain", "http://eu-west-1.queue.localhost.localstack.cloud:4566/000000000000/orders"),
        ("path", "http://localhost.localstack.cloud:4566/queue/eu-west-1/000000000000/orders"),
    ],
)
def test_a_strategy_does_not_pile_labels_upon_the_caller_s_host(
    cloud_with: Any, host: str, strategy: str, url: str
) -> None:
    sqs = cloud_with(endpoint_strategy=strategy).client(region="eu-west-1", endpoint=f"http://{host}")
    assert make_queue(sqs) == url


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"public_host": "queues.example:80"}, "http://queues.example:80/000000000000/orders"),
        ({"public_host": "queues.example"}, "http://queues.example:4566/000000000000/orders"),
        ({"public_host": "queues.example", "port": 9324}, "http://queues.example:9324/000000000000/orders"),
        (
            {"public_host": "queues.example", "endpoint_strategy": "standard"},
            "http://sqs.us-east-1.queues.example:4566/000000000000/orders",
        ),
        (
            {"public_host": "queues.example:80", "endpoint_strategy": "path"},
            "http://queues.example:80/queue/us-east-1/000000000000/orders",
        ),
        (
            {"public_host": "queues.example:80", "endpoint_strategy": "domain"},
            "http://queue.queues.example:80/000000000000/orders",
        ),
    ],
)
def test_a_public_host_takes_the_place_of_the_caller_s(cloud_with: Any, settings: dict[str, Any], url: str) -> None:
    sqs = cloud_with(**settings).client()
    assert make_queue(sqs) == url
    sqs.send_message(QueueUrl=url, MessageBody="m")
    assert len(receive(sqs, url)) == 1


# The forms of the URLs that we take.


@pytest.mark.parametrize(
    "form",
    [
        "http://localhost:4566/{account}/orders",
        "https://localhost:4566/{account}/orders",
        "http://anything.example/{account}/orders",
        "http://localhost:4566/{account}/orders/",
        "http://localhost:4566/queue/eu-west-1/{account}/orders",
        "http://sqs.eu-west-1.localhost:4566/{account}/orders",
        "http://eu-west-1.queue.localhost:4566/{account}/orders",
        "http://sqs.eu-west-1.localhost.localstack.cloud:4566/{account}/orders",
        "https://sqs.eu-west-1.amazonaws.com/{account}/orders",
        "https://eu-west-1.queue.amazonaws.com/{account}/orders",
        "https://sqs.eu-west-1.api.aws/{account}/orders",
        "/{account}/orders",
    ],
)
def test_all_forms_of_a_url_address_the_same_queue(cloud: Harness, form: str) -> None:
    sqs = cloud.client(account=OWNER, region="eu-west-1")
    assert sent_to(sqs, form.format(account=OWNER), sqs, make_queue(sqs))


@pytest.mark.parametrize(
    "form",
    [
        "http://localhost:4566/queue/{region}/{account}/orders",
        "http://sqs.{region}.localhost:4566/{account}/orders",
        "http://{region}.queue.localhost:4566/{account}/orders",
        "https://sqs.{region}.amazonaws.com/{account}/orders",
        "https://{region}.queue.amazonaws.com/{account}/orders",
        "https://sqs.{region}.amazonaws.com.cn/{account}/orders",
        "https://sqs.{region}.api.aws/{account}/orders",
    ],
)
def test_a_url_that_names_a_region_is_good_in_every_region(cloud: Harness, form: str) -> None:
    there = cloud.client(account=OWNER, region="us-gov-west-1")
    here = cloud.client(account=CALLER, region="eu-west-1")
    own_url = make_queue(there)
    assert sent_to(here, form.format(region="us-gov-west-1", account=OWNER), there, own_url)


def test_the_oldest_form_of_a_url_of_aws_means_us_east_1_in_every_region(cloud: Harness, sqs: Any) -> None:
    own_url = make_queue(sqs)
    here = cloud.client(region="eu-west-1")
    assert sent_to(here, "https://queue.amazonaws.com/000000000000/orders", sqs, own_url)


@pytest.mark.parametrize("strategy", ["standard", "domain", "path"])
def test_a_url_that_a_strategy_gave_for_one_region_is_good_in_another(cloud_with: Any, strategy: str) -> None:
    cloud = cloud_with(endpoint_strategy=strategy)
    there = cloud.client(region="ap-northeast-1")
    url = make_queue(there)
    assert sent_to(cloud.client(region="eu-west-1"), url, there, url)


def test_the_account_in_a_url_decides_not_the_caller_s(owner: Any, caller: Any) -> None:
    url, own_url = make_queue(owner), make_queue(caller)
    caller.send_message(QueueUrl=url, MessageBody="m")
    assert receive(caller, own_url) == []
    assert len(receive(owner, url)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "orders",
        "http://localhost:4566",
        "http://localhost:4566/",
        "http://localhost:4566/orders",
        "http://localhost:4566/12345/orders",
        "http://localhost:4566/000000000000",
        "http://localhost:4566/000000000000/",
        "http://localhost:4566/000000000000/orders/more",
        "ftp://localhost/000000000000/orders",
        "arn:aws:sqs:us-east-1:000000000000:orders",
    ],
)
def test_a_url_of_no_form_is_an_invalid_address(sqs: Any, url: str) -> None:
    make_queue(sqs)
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="m") == invalid_address(url)


@pytest.mark.parametrize("name", ["Orders", "order", "orders.fifo", "ord%65rs"])
def test_the_name_in_a_url_is_taken_to_the_letter(sqs: Any, name: str) -> None:
    make_queue(sqs)
    url = f"http://localhost:4566/000000000000/{name}"
    assert error_of(sqs.send_message, QueueUrl=url, MessageBody="m") == NO_QUEUE


def test_a_url_names_the_scheme_that_a_proxy_in_front_speaks(cloud: Harness) -> None:
    body = b"Action=CreateQueue&QueueName=orders&Version=2012-11-05"
    headers = {"content-type": "application/x-www-form-urlencoded", "x-forwarded-proto": "https", "host": "cloud.test"}
    assert (
        "<QueueUrl>https://cloud.test/000000000000/orders</QueueUrl>" in cloud.request(body=body, headers=headers).text
    )
