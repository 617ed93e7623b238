"""Lists in pages: ListQueues and ListDeadLetterSourceQueues, with prefixes, MaxResults and NextToken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.app import Emulator
from services.sqs.state import new_queue
from tests.support.errors import error_of
from tests.support.sqs_messages import make_fifo, make_queue
from tests.support.sqs_queues import NO_QUEUE, arn_of, invalid_value, set_attributes
from tests.support.sqs_wire import json_call

NAMES = ["a-1", "a-2", "a-3", "b-1", "b-2"]
TOO_FEW_OR_MANY = (
    "Value {} for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000."
)
BAD_TOKEN = "Value {} for parameter NextToken is invalid. Reason: Invalid or expired next token."


def names_of(urls: list[str]) -> list[str]:
    return [url.rpartition("/")[2] for url in urls]


@pytest.fixture
def five(sqs: Any) -> Any:
    """A client of an account with five queues, made in another order than that of their names."""
    for name in reversed(NAMES):
        make_queue(sqs, name)
    return sqs


def make_sources(sqs: Any, names: list[str]) -> str:
    """Make a dead-letter queue with these sources and give its URL."""
    dead = make_queue(sqs, "dead")
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 3})
    for name in names:
        make_queue(sqs, name, RedrivePolicy=policy)
    return dead


# ListQueues.


def test_an_account_without_queues_has_no_list_of_urls(sqs: Any) -> None:
    answer = sqs.list_queues()
    assert "QueueUrls" not in answer
    assert "NextToken" not in answer


def test_all_queues_are_listed_as_urls(five: Any) -> None:
    assert five.list_queues()["QueueUrls"] == [f"http://localhost:4566/000000000000/{name}" for name in NAMES]


def test_fifo_queues_are_listed_with_their_suffix(sqs: Any) -> None:
    make_fifo(sqs)
    assert names_of(sqs.list_queues()["QueueUrls"]) == ["orders.fifo"]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("a-", ["a-1", "a-2", "a-3"]), ("b-2", ["b-2"]), ("", NAMES)],
)
def test_a_prefix_chooses_the_queues_whose_names_start_with_it(five: Any, prefix: str, found: list[str]) -> None:
    assert names_of(five.list_queues(QueueNamePrefix=prefix)["QueueUrls"]) == found


@pytest.mark.parametrize("prefix", ["A-", "-1", "a-11", "%", ".*"])
def test_a_prefix_heeds_case_and_is_no_pattern(five: Any, prefix: str) -> None:
    assert "QueueUrls" not in five.list_queues(QueueNamePrefix=prefix)


def test_pages_follow_each_other_and_the_last_has_no_token(five: Any) -> None:
    pages = []
    token: dict[str, str] = {}
    while True:
        answer = five.list_queues(MaxResults=2, **token)
        pages.append(names_of(answer["QueueUrls"]))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert pages == [["a-1", "a-2"], ["a-3", "b-1"], ["b-2"]]


def test_boto3_s_paginator_finds_all(five: Any) -> None:
    pages = five.get_paginator("list_queues").paginate(PaginationConfig={"PageSize": 2})
    assert names_of(list(pages.search("QueueUrls[]"))) == NAMES


@pytest.mark.parametrize("count", [5, 6, 1000])
def test_a_page_that_holds_all_has_no_token(five: Any, count: int) -> None:
    answer = five.list_queues(MaxResults=count)
    assert names_of(answer["QueueUrls"]) == NAMES
    assert "NextToken" not in answer


def test_a_page_keeps_to_its_prefix(five: Any) -> None:
    first = five.list_queues(QueueNamePrefix="a-", MaxResults=2)
    rest = five.list_queues(QueueNamePrefix="a-", MaxResults=2, NextToken=first["NextToken"])
    assert names_of(first["QueueUrls"] + rest["QueueUrls"]) == ["a-1", "a-2", "a-3"]
    assert "NextToken" not in rest


def test_a_token_without_maxresults_gives_all_the_rest(five: Any) -> None:
    token = five.list_queues(MaxResults=1)["NextToken"]
    answer = five.list_queues(NextToken=token)
    assert names_of(answer["QueueUrls"]) == NAMES[1:]
    assert "NextToken" not in answer


def test_changes_between_two_pages_lose_and_repeat_nothing(five: Any) -> None:
    first = five.list_queues(MaxResults=2)
    five.delete_queue(QueueUrl=first["QueueUrls"][1])
    make_queue(five, "a-0")
    rest = five.list_queues(MaxResults=10, NextToken=first["NextToken"])
    assert names_of(rest["QueueUrls"]) == ["a-3", "b-1", "b-2"]


@pytest.mark.parametrize("count", [-1, 0, 1001])
def test_maxresults_is_from_1_to_1000(five: Any, count: int) -> None:
    assert error_of(five.list_queues, MaxResults=count) == invalid_value(TOO_FEW_OR_MANY.format(count))


@pytest.mark.parametrize("token", ["not a token", "%%%", "====", "/w=="])
def test_a_token_that_is_none_is_refused(five: Any, token: str) -> None:
    assert error_of(five.list_queues, MaxResults=1, NextToken=token) == invalid_value(BAD_TOKEN.format(token))


def test_without_maxresults_a_list_ends_silently_after_1000(cloud: Any, sqs: Any) -> None:
    def fill(emulator: Emulator) -> None:
        state: Any = emulator.state("sqs", "000000000000", "us-east-1")
        for number in range(1001):
            name = f"q-{number:04}"
            queue = new_queue(name, state.account, state.region, fifo=False, clock=emulator.clock, nonce=number)
            state.queues[name] = queue

    cloud.run(fill)
    answer = sqs.list_queues()
    assert names_of(answer["QueueUrls"]) == [f"q-{number:04}" for number in range(1000)]
    assert "NextToken" not in answer
    first = sqs.list_queues(MaxResults=1000)
    rest = sqs.list_queues(MaxResults=1000, NextToken=first["NextToken"])
    assert names_of(rest["QueueUrls"]) == ["q-1000"]


def test_only_the_caller_s_queues_of_the_region_are_listed(cloud: Any, five: Any) -> None:
    there, theirs = cloud.client(region="eu-west-1"), cloud.client(account="111122223333")
    make_queue(there, "there")
    make_queue(theirs, "theirs")
    assert names_of(there.list_queues()["QueueUrls"]) == ["there"]
    assert names_of(theirs.list_queues()["QueueUrls"]) == ["theirs"]
    assert names_of(five.list_queues()["QueueUrls"]) == NAMES


# ListDeadLetterSourceQueues.


def test_a_queue_that_is_nobody_s_dead_letter_queue_has_an_empty_list_of_sources(sqs: Any) -> None:
    answer = sqs.list_dead_letter_source_queues(QueueUrl=make_queue(sqs))
    assert answer["queueUrls"] == []
    assert "NextToken" not in answer


def test_sources_are_listed_under_a_key_with_a_small_q(cloud: Any, sqs: Any) -> None:
    dead = make_sources(sqs, ["a-1"])
    answer = json_call(cloud, "ListDeadLetterSourceQueues", {"QueueUrl": dead})
    assert json.loads(answer.body) == {"queueUrls": ["http://localhost:4566/000000000000/a-1"]}


def test_only_the_sources_of_this_queue_are_listed(sqs: Any) -> None:
    dead = make_sources(sqs, ["b", "a"])
    make_queue(sqs, "apart")
    assert names_of(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == ["a", "b"]


def test_a_queue_that_is_its_own_dead_letter_queue_is_its_own_source(sqs: Any) -> None:
    url = make_queue(sqs)
    policy = json.dumps({"deadLetterTargetArn": arn_of(sqs, url), "maxReceiveCount": 3})
    set_attributes(sqs, url, RedrivePolicy=policy)
    assert sqs.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == [url]


def test_a_source_whose_policy_was_removed_is_no_longer_listed(sqs: Any) -> None:
    dead = make_sources(sqs, ["a", "b"])
    set_attributes(sqs, sqs.get_queue_url(QueueName="a")["QueueUrl"], RedrivePolicy="")
    assert names_of(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == ["b"]


def test_a_source_that_was_deleted_is_no_longer_listed(sqs: Any) -> None:
    dead = make_sources(sqs, ["a", "b"])
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="b")["QueueUrl"])
    assert names_of(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"]) == ["a"]


def test_sources_come_in_pages_too(sqs: Any) -> None:
    dead = make_sources(sqs, NAMES)
    first = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=3)
    rest = sqs.list_dead_letter_source_queues(QueueUrl=dead, MaxResults=3, NextToken=first["NextToken"])
    assert names_of(first["queueUrls"]) == ["a-1", "a-2", "a-3"]
    assert names_of(rest["queueUrls"]) == ["b-1", "b-2"]
    assert "NextToken" not in rest


def test_boto3_s_paginator_finds_all_sources(sqs: Any) -> None:
    dead = make_sources(sqs, NAMES)
    paginator = sqs.get_paginator("list_dead_letter_source_queues")
    pages = paginator.paginate(QueueUrl=dead, PaginationConfig={"PageSize": 2})
    assert names_of(list(pages.search("queueUrls[]"))) == NAMES


@pytest.mark.parametrize("count", [-1, 0, 1001])
def test_maxresults_of_sources_is_from_1_to_1000(sqs: Any, count: int) -> None:
    error = error_of(sqs.list_dead_letter_source_queues, QueueUrl=make_queue(sqs), MaxResults=count)
    assert error == invalid_value(TOO_FEW_OR_MANY.format(count))


def test_a_token_of_sources_that_is_none_is_refused(sqs: Any) -> None:
    error = error_of(sqs.list_dead_letter_source_queues, QueueUrl=make_queue(sqs), MaxResults=1, NextToken="%%%")
    assert error == invalid_value(BAD_TOKEN.format("%%%"))


def test_the_sources_of_a_missing_queue_are_an_error(sqs: Any) -> None:
    url = "http://localhost:4566/000000000000/nobody"
    assert error_of(sqs.list_dead_letter_source_queues, QueueUrl=url) == NO_QUEUE
