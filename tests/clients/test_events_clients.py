"""EventBridge over a real socket: boto3, `aws events ...`, and the AWS SDK for JavaScript v3 under Node.js (javascript/events.mjs plays).

Events are delivered after PutEvents has answered, so each test waits for them with a long poll.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from tests.support.aws_cli import CLIENT_ERROR, Aws, run_aws
from tests.support.errors import Seen as Refused
from tests.support.errors import error_of
from tests.support.javascript import Seen, install, play, saw
from tests.support.server import Server
from tests.support.sqs_flow import Box

SHOP = '{"source": ["shop"]}'
ACCOUNT, REGION = "111122223333", "eu-west-1"
WAIT_S = 10
"""Of a long poll: a bound, for the event is there as soon as it is delivered."""


@pytest.fixture
def events(server: Server) -> Iterator[Any]:
    """A boto3 client that talks to the server over a socket."""
    client = server.client("events")
    yield client
    client.close()


@pytest.fixture
def box(sqs: Any) -> Box:
    return Box(sqs, "box")


def connect(events: Any, box: Box, bus: str = "default", **target: Any) -> str:
    """Send what comes from shop to a queue; the rule's ARN."""
    arn: str = events.put_rule(Name="rule", EventBusName=bus, EventPattern=SHOP)["RuleArn"]
    answer = events.put_targets(Rule="rule", EventBusName=bus, Targets=[{"Id": "1", "Arn": box.arn, **target}])
    assert (answer["FailedEntryCount"], answer["FailedEntries"]) == (0, [])
    return arn


def entry(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"Source": "shop", "DetailType": "Order", "Detail": json.dumps({"n": number}), **more}


def take(box: Box, count: int) -> list[dict[str, Any]]:
    """Receive so many events, waiting for each."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        messages = box.receive(WaitTimeSeconds=WAIT_S)
        assert messages, f"{len(found)} of {count} events came"
        found += [json.loads(message["Body"]) for message in messages]
    assert len(found) == count
    return found


# boto3.


def test_an_event_of_boto3_comes_to_a_queue(events: Any, box: Box) -> None:
    assert connect(events, box) == "arn:aws:events:us-east-1:000000000000:rule/rule"
    time = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    sent = events.put_events(Entries=[entry(7, Time=time, Resources=["grüße 🎉"])])
    [event] = take(box, 1)
    assert sent["Entries"] == [{"EventId": event["id"]}]
    assert event == {
        "version": "0",
        "id": event["id"],
        "detail-type": "Order",
        "source": "shop",
        "account": "000000000000",
        "time": "2026-01-02T03:04:05Z",
        "region": "us-east-1",
        "resources": ["grüße 🎉"],
        "detail": {"n": 7},
    }


def test_a_parked_long_poll_is_woken_by_an_event(server: Server, events: Any, box: Box) -> None:
    connect(events, box)
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(take, box, 1)
        events.put_events(Entries=[entry(1)])
        assert poll.result(timeout=60)[0]["detail"] == {"n": 1}


def test_many_publishers_at_once_lose_nothing(server: Server, events: Any, box: Box) -> None:
    connect(events, box)

    def publish(publisher: int) -> None:
        for start in range(0, 100, 10):
            answer = events.put_events(Entries=[entry(publisher * 100 + start + n) for n in range(10)])
            assert answer["FailedEntryCount"] == 0

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(4)))
    numbers = [event["detail"]["n"] for event in take(box, 400)]
    assert sorted(numbers) == list(range(400))
    assert all([n for n in numbers if n // 100 == one] == list(range(one * 100, one * 100 + 100)) for one in range(4))


def test_a_mebibyte_of_events_passes_and_one_byte_more_does_not(events: Any, box: Box) -> None:
    connect(events, box)
    bare = len("shop") + len("Order") + len('{"x":""}')

    def put(size_bytes: int) -> Any:
        detail = json.dumps({"x": "x" * (size_bytes - bare)}, separators=(",", ":"))
        return events.put_events(Entries=[entry(Detail=detail)])

    assert put(1_000_000)["FailedEntryCount"] == 0
    assert len(take(box, 1)[0]["detail"]["x"]) == 1_000_000 - bare
    assert put(1_048_576)["FailedEntryCount"] == 0
    message = "Total size of the entries in the request is over the limit."
    assert error_of(put, size_bytes=1_048_577) == Refused("ValidationException", message, 400)


def test_a_target_that_is_gone_dead_letters_over_the_wire(events: Any, sqs: Any, box: Box) -> None:
    gone = Box(sqs, "gone")
    rule = connect(events, gone, DeadLetterConfig={"Arn": box.arn})
    sqs.delete_queue(QueueUrl=gone.url)
    events.put_events(Entries=[entry(1)])
    [letter] = box.receive(WaitTimeSeconds=WAIT_S, MessageAttributeNames=["All"])
    shown = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert json.loads(letter["Body"])["detail"] == {"n": 1}
    assert (shown["RULE_ARN"], shown["TARGET_ARN"], shown["ERROR_CODE"]) == (rule, gone.arn, "NO_RESOURCE")


def test_account_and_region_are_the_caller_s(server: Server, box: Box) -> None:
    client = server.client("events", account=ACCOUNT, region=REGION)
    arn = connect(client, box)
    client.put_events(Entries=[entry(1)])
    assert arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/rule"
    assert [(one["account"], one["region"]) for one in take(box, 1)] == [(ACCOUNT, REGION)]


def test_instants_are_instants(events: Any) -> None:
    events.create_event_bus(Name="orders")
    shown = events.describe_event_bus(Name="orders")
    assert isinstance(shown["CreationTime"], datetime)
    assert abs((datetime.now(UTC) - shown["CreationTime"]).total_seconds()) < 3600


# The command line.


@pytest.fixture
def aws(server: Server) -> Aws:
    """Run `aws events` with arguments; `variables` change its environment."""
    return partial(run_aws, server, "events")


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout) if done.stdout else None


def test_the_cli_makes_a_rule_with_a_target_and_puts_an_event(aws: Aws, box: Box) -> None:
    made = answer(aws("put-rule", "--name", "rule", "--event-pattern", SHOP))
    assert made == {"RuleArn": "arn:aws:events:us-east-1:000000000000:rule/rule"}
    put = answer(aws("put-targets", "--rule", "rule", "--targets", f"Id=1,Arn={box.arn}"))
    assert put == {"FailedEntryCount": 0, "FailedEntries": []}
    entries = json.dumps([entry(7), {"Source": "aws.s3", "DetailType": "x", "Detail": "{}"}])
    sent = answer(aws("put-events", "--entries", entries))
    [event] = take(box, 1)
    refused = {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    assert sent == {"FailedEntryCount": 1, "Entries": [{"EventId": event["id"]}, refused]}
    assert event["detail"] == {"n": 7}


def test_the_cli_shows_and_removes_what_it_made(aws: Aws, box: Box) -> None:
    answer(aws("put-rule", "--name", "rule", "--schedule-expression", "rate(1 day)", "--state", "DISABLED"))
    answer(aws("put-targets", "--rule", "rule", "--targets", f'[{{"Id": "1", "Arn": "{box.arn}", "Input": "7"}}]'))
    shown = answer(aws("describe-rule", "--name", "rule"))
    assert (shown["State"], shown["ScheduleExpression"]) == ("DISABLED", "rate(1 day)")
    targets = answer(aws("list-targets-by-rule", "--rule", "rule"))
    assert targets == {"Targets": [{"Id": "1", "Arn": box.arn, "Input": "7"}]}
    assert answer(aws("list-rule-names-by-target", "--target-arn", box.arn)) == {"RuleNames": ["rule"]}
    removed = answer(aws("remove-targets", "--rule", "rule", "--ids", "1"))
    assert removed == {"FailedEntryCount": 0, "FailedEntries": []}
    assert answer(aws("delete-rule", "--name", "rule")) is None
    assert answer(aws("list-rules")) == {"Rules": []}


def test_the_cli_s_account_and_region(aws: Aws) -> None:
    variables = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_DEFAULT_REGION": REGION}
    made = answer(aws("create-event-bus", "--name", "orders", **variables))
    assert made["EventBusArn"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/orders"


@pytest.mark.parametrize(
    ("arguments", "code", "operation", "message"),
    [
        (
            ("describe-rule", "--name", "none"),
            "ResourceNotFoundException",
            "DescribeRule",
            "Rule none does not exist on EventBus default.",
        ),
        (
            ("put-rule", "--name", "rule", "--schedule-expression", "rate(1 days)"),
            "ValidationException",
            "PutRule",
            "Parameter ScheduleExpression is not valid.",
        ),
    ],
    ids=["no rule", "bad rate"],
)
def test_the_cli_prints_the_code_and_the_text_of_aws(
    aws: Aws, arguments: tuple[str, ...], code: str, operation: str, message: str
) -> None:
    done = aws(*arguments)
    assert (done.returncode, done.stdout) == (CLIENT_ERROR, "")
    says = f"An error occurred ({code}) when calling the {operation} operation: {message}"
    assert done.stderr.strip().endswith(says)


# JavaScript.


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What each scenario of events.mjs saw."""
    install()
    with Server("--port", "0") as server:
        scenarios = play("events.mjs", server.url)
        assert server.stop() == 0
        assert "Traceback" not in server.output
    return scenarios


def test_an_event_of_javascript_comes_to_a_queue(seen: Seen) -> None:
    one = saw(seen, "event")
    event = one["event"]
    assert one["rule"] == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/event/event"
    assert (one["sent"], one["failed"]) == ([{"EventId": event["id"]}], 0)
    assert (event["account"], event["region"], event["time"]) == (ACCOUNT, REGION, "2026-01-02T03:04:05Z")
    assert (event["detail"], event["resources"]) == ({"s": "grüße 🎉"}, ["r"])


def test_javascript_sees_which_entries_failed(seen: Seen) -> None:
    one = saw(seen, "partial")
    assert (one["failed"], one["details"]) == (2, [{"n": 1}])
    assert [sent.get("ErrorCode") for sent in one["sent"]] == [
        "MalformedDetail",
        None,
        "NotAuthorizedForSourceException",
    ]


def test_an_input_transformer_set_by_javascript_is_filled_in(seen: Seen) -> None:
    assert saw(seen, "transformed") == ['{"order": 7, "by": "transformed"}']


def test_a_rule_is_described_to_javascript(seen: Seen) -> None:
    one = saw(seen, "described")
    assert (one["State"], one["EventBusName"], one["CreatedBy"]) == ("ENABLED", "described", ACCOUNT)
    assert (json.loads(one["EventPattern"]), one["isDate"]) == ({"source": ["shop"]}, True)
    assert one["targets"] == [{"Id": "1", "Arn": one["arn"]}]


def test_a_pattern_is_tried_by_javascript(seen: Seen) -> None:
    assert saw(seen, "pattern") == [False, True]


@pytest.mark.parametrize(
    ("scenario", "name", "message"),
    [
        ("noRule", "ResourceNotFoundException", "Rule none does not exist on EventBus default."),
        ("sameBus", "ResourceAlreadyExistsException", "Event bus same already exists."),
        ("noExpression", "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."),
    ],
)
def test_an_error_has_its_name_in_javascript(seen: Seen, scenario: str, name: str, message: str) -> None:
    error = saw(seen, scenario)
    assert (error["name"], error["message"], error["status"], error["fault"]) == (name, message, 400, "client")
    assert error["isClass"] is (name != "ValidationException")


def test_an_invalid_pattern_is_a_class_of_its_own_in_javascript(seen: Seen) -> None:
    error = saw(seen, "badPattern")
    assert (error["name"], error["isClass"], error["status"]) == ("InvalidEventPatternException", True, 400)
    assert error["message"].startswith("Event pattern is not valid. Reason: ")
