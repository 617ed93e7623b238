"""EventBridge's AWS JSON 1.1 as it stands on the wire: targets, headers, error types, constraints, instants, empty answers."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from tests.support.harness import DEFAULT_ACCOUNT, Answer, Harness
from tests.support.sqs_wire import UUID, json_call, signed

ACCOUNT, REGION = "111122223333", "eu-central-1"
PREFIX = f"arn:aws:events:{REGION}:{ACCOUNT}:"
MODELLED, CORAL = "com.amazonaws.events#", "com.amazon.coral.service#"
VALIDATION = CORAL + "ValidationException"
PATTERN = '{"source":["shop"]}'
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"
NAME_PATTERN = r"[\.\-_A-Za-z0-9]+"
OPERATIONS = botocore.session.get_session().get_service_model("events").operation_names
START_S = 1767225600
"""The harness's clock at its start."""

LONG_POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Sid": "s" * 10240,
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": PREFIX + "event-bus/default",
        },
    }
)
EVENT = json.dumps(
    {"id": "1", "account": ACCOUNT, "source": "x", "time": "", "region": REGION, "resources": [], "detail-type": "d"}
)

Request = dict[str, Any]


def call(cloud: Harness, operation: str, request: Any = None, **options: Any) -> Answer:
    """Call an operation as a client of ACCOUNT in REGION does."""
    headers = {"content-type": "application/x-amz-json-1.1", **signed(ACCOUNT, REGION, "events")}
    headers |= options.pop("headers", {})
    return json_call(cloud, operation, request, **{"target": "AWSEvents", **options}, headers=headers)


def good(cloud: Harness, operation: str, request: Request | None = None) -> Any:
    answer = call(cloud, operation, request)
    assert answer.status == 200, answer.text
    return json.loads(answer.body or b"null")


def error(answer: Answer) -> tuple[str, str, int]:
    """Give type, message and status of an error, which says nothing else."""
    body = json.loads(answer.body)
    assert set(body) == {"__type", "message"}
    return body["__type"], body["message"], answer.status


def put_rule(cloud: Harness) -> None:
    good(cloud, "PutRule", {"Name": "r", "EventPattern": PATTERN})


# Answers.


def test_a_good_answer_is_json_with_a_request_id(cloud: Harness) -> None:
    answer = call(cloud, "PutRule", {"Name": "r", "EventPattern": PATTERN})
    assert (answer.status, json.loads(answer.body)) == (200, {"RuleArn": PREFIX + "rule/r"})
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])


def test_each_answer_has_a_request_id_of_its_own(cloud: Harness) -> None:
    ids = {call(cloud, operation).headers["x-amzn-requestid"] for operation in ("ListRules",) * 3 + ("No",) * 3}
    assert len(ids) == 6


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("EnableRule", {"Name": "r"}),
        ("DisableRule", {"Name": "r"}),
        ("DeleteRule", {"Name": "r"}),
        ("DeleteEventBus", {"Name": "none"}),
        ("PutPermission", {"Action": "events:PutEvents", "Principal": "*", "StatementId": "all"}),
    ],
)
def test_an_operation_without_an_answer_answers_with_no_body(cloud: Harness, operation: str, request_: Request) -> None:
    put_rule(cloud)
    answer = call(cloud, operation, request_)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])


def test_an_answer_with_members_but_nothing_in_them_is_an_empty_object(cloud: Harness) -> None:
    request = {"ResourceARN": PREFIX + "event-bus/default", "Tags": [{"Key": "a", "Value": ""}]}
    assert call(cloud, "TagResource", request).body == b"{}"


def test_empty_lists_and_zeros_are_written(cloud: Harness) -> None:
    put_rule(cloud)
    assert good(cloud, "PutTargets", {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE}]}) == {
        "FailedEntryCount": 0,
        "FailedEntries": [],
    }
    assert good(cloud, "ListRules", {"NamePrefix": "x"}) == {"Rules": []}
    assert good(cloud, "TestEventPattern", {"EventPattern": PATTERN, "Event": EVENT}) == {"Result": False}


def test_text_is_utf8_escaped_or_not(cloud: Harness) -> None:
    for name, text in (("raw", "é😀"), ("escaped", "\\u00e9\\ud83d\\ude00")):
        body = json.dumps({"Name": name, "ScheduleExpression": "rate(1 day)", "Description": "?"}).replace("?", text)
        assert call(cloud, "PutRule", body=body.encode()).status == 200
        assert good(cloud, "DescribeRule", {"Name": name})["Description"] == "é😀"


# Instants.


def test_instants_in_answers_are_numbers_of_seconds(cloud: Harness) -> None:
    cloud.advance(1.25)
    bus = {"CreationTime": START_S + 1.25, "LastModifiedTime": START_S + 1.25}
    good(cloud, "CreateEventBus", {"Name": "orders"})
    shown = good(cloud, "DescribeEventBus", {"Name": "orders"})
    assert {key: shown[key] for key in bus} == bus
    assert isinstance(shown["CreationTime"], int | float)


def test_instants_in_lists_are_numbers_of_seconds(cloud: Harness) -> None:
    (bus,) = good(cloud, "ListEventBuses")["EventBuses"]
    assert (bus["CreationTime"], bus["LastModifiedTime"]) == (START_S, START_S)


@pytest.mark.parametrize("instant", [START_S, float(START_S), START_S + 0.999, 1.7672256e9])
def test_an_instant_in_a_request_is_a_number_of_seconds(cloud: Harness, instant: float) -> None:
    sqs = cloud.client("sqs", account=ACCOUNT, region=REGION)
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    put_rule(cloud)
    good(cloud, "PutTargets", {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE}]})
    cloud.advance(3600)
    entry = {"Source": "shop", "DetailType": "d", "Detail": "{}", "Time": instant}
    assert good(cloud, "PutEvents", {"Entries": [entry]})["FailedEntryCount"] == 0
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["time"] == "2026-01-01T00:00:00Z"


def test_boto3_reads_an_instant_as_a_date_in_utc(cloud: Harness) -> None:
    shown = cloud.client("events", account=ACCOUNT, region=REGION).describe_event_bus()
    assert shown["CreationTime"].timestamp() == START_S


# Errors.


@pytest.mark.parametrize(
    ("operation", "request_", "name"),
    [
        ("DescribeRule", {"Name": "none"}, "ResourceNotFoundException"),
        ("DescribeEventBus", {"Name": "none"}, "ResourceNotFoundException"),
        ("CreateEventBus", {"Name": "default"}, "ResourceAlreadyExistsException"),
        ("PutRule", {"Name": "r", "EventPattern": "{}"}, "InvalidEventPatternException"),
        ("TestEventPattern", {"EventPattern": "[]", "Event": "{}"}, "InvalidEventPatternException"),
        ("PutTargets", {"Rule": "r", "Targets": [{"Id": str(n), "Arn": QUEUE} for n in range(6)]},
         "LimitExceededException"),
        ("PutPermission", {"Policy": LONG_POLICY}, "PolicyLengthExceededException"),
    ],
)  # fmt: skip
def test_an_error_of_the_model_has_its_namespace(cloud: Harness, operation: str, request_: Request, name: str) -> None:
    put_rule(cloud)
    answer = call(cloud, operation, request_)
    kind, message, status = error(answer)
    assert (kind, status) == (MODELLED + name, 400)
    assert message
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(UUID, answer.headers["x-amzn-requestid"])
    assert "x-amzn-query-error" not in answer.headers


@pytest.mark.parametrize(
    ("operation", "request_", "name"),
    [
        ("Nonsense", {}, "UnknownOperationException"),
        ("ListRules", [], "SerializationException"),
        ("PutRule", {}, "ValidationException"),
        ("PutRule", {"Name": "r"}, "ValidationException"),
        ("DeleteEventBus", {"Name": "default"}, "ValidationException"),
    ],
)
def test_an_error_of_aws_s_front_end_has_another_namespace(
    cloud: Harness, operation: str, request_: Any, name: str
) -> None:
    kind, message, status = error(call(cloud, operation, body=json.dumps(request_).encode()))
    assert (kind, status) == (CORAL + name, 400)
    assert message


def test_boto3_raises_a_class_for_an_error_of_the_model(cloud: Harness) -> None:
    events = cloud.client("events", account=ACCOUNT, region=REGION)
    with pytest.raises(events.exceptions.ResourceNotFoundException) as caught:
        events.describe_rule(Name="none")
    assert caught.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": "Rule none does not exist on EventBus default.",
    }


def test_a_validation_error_is_a_plain_client_error(cloud: Harness) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("events").put_rule(Name="r")
    assert type(caught.value) is ClientError
    assert caught.value.response["Error"]["Code"] == "ValidationException"


# Constraints.


def violation(value: object, path: str, words: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: Member must {words}"


STATES = "ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


@pytest.mark.parametrize(
    ("operation", "request_", "found"),
    [
        ("PutRule", {}, [violation(None, "name", "not be null")]),
        (
            "PutRule",
            {"Name": "a b", "EventPattern": PATTERN},
            [violation("a b", "name", f"satisfy regular expression pattern: {NAME_PATTERN}")],
        ),
        (
            "PutRule",
            {"Name": "r" * 65, "State": "ON", "EventPattern": PATTERN},
            [
                violation("r" * 65, "name", "have length less than or equal to 64"),
                violation("ON", "state", f"satisfy enum value set: [{STATES}]"),
            ],
        ),
        (
            "PutTargets",
            {"Targets": []},
            [
                violation(None, "rule", "not be null"),
                violation("[]", "targets", "have length greater than or equal to 1"),
            ],
        ),
        (
            "PutTargets",
            {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE}, {"Arn": ""}]},
            [
                violation(None, "targets.2.member.id", "not be null"),
                violation("", "targets.2.member.arn", "have length greater than or equal to 1"),
            ],
        ),
        (
            "PutTargets",
            {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE, "RetryPolicy": {"MaximumEventAgeInSeconds": 59}}]},
            [
                violation(
                    59,
                    "targets.1.member.retryPolicy.maximumEventAgeInSeconds",
                    "have value greater than or equal to 60",
                )
            ],
        ),
        (
            "ListRules",
            {"Limit": 101, "NextToken": ""},
            [
                violation("", "nextToken", "have length greater than or equal to 1"),
                violation(101, "limit", "have value less than or equal to 100"),
            ],
        ),
        ("ListTargetsByRule", {"Rule": "r", "Limit": 0}, [violation(0, "limit", "have value greater than or equal to 1")]),
        (
            "StartReplay",
            {},
            [
                violation(None, name, "not be null")
                for name in ("replayName", "eventSourceArn", "eventStartTime", "eventEndTime", "destination")
            ],
        ),
        ("TestEventPattern", {"EventPattern": PATTERN}, [violation(None, "event", "not be null")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_all_violations_of_a_request_come_in_one_error(
    cloud: Harness, operation: str, request_: Request, found: list[str]
) -> None:
    noun = "error" if len(found) == 1 else "errors"
    message = f"{len(found)} validation {noun} detected: {'; '.join(found)}"
    assert error(call(cloud, operation, request_)) == (VALIDATION, message, 400)


def test_a_batch_of_events_has_1_to_10_entries(cloud: Harness) -> None:
    entry = {"Source": "shop", "DetailType": "d", "Detail": "{}"}
    kind, message, status = error(call(cloud, "PutEvents", {"Entries": [entry] * 11}))
    assert (kind, status) == (VALIDATION, 400)
    assert message.startswith("1 validation error detected: Value '[PutEventsRequestEntry(")
    assert message.endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10"
    )
    nothing = violation("[]", "entries", "have length greater than or equal to 1")
    assert error(call(cloud, "PutEvents", {"Entries": []})) == (
        VALIDATION,
        f"1 validation error detected: {nothing}",
        400,
    )


@pytest.mark.parametrize("bus", ["a b", "arn:aws:sqs:eu-central-1:111122223333:q", "arn:aws:events:x:1:event-bus/a"])
def test_a_bus_s_name_or_arn_has_the_form_of_one(cloud: Harness, bus: str) -> None:
    kind, message, status = error(call(cloud, "DescribeEventBus", {"Name": bus}))
    assert (kind, status) == (VALIDATION, 400)
    assert message.startswith(f"1 validation error detected: Value '{bus}' at 'name' failed to satisfy constraint: ")


def test_the_constraints_are_checked_before_anything_is_looked_up(cloud: Harness) -> None:
    request = {"Name": "none", "EventBusName": "none", "State": "ON", "EventPattern": "{}"}
    assert error(call(cloud, "PutRule", request))[0] == VALIDATION


def test_a_call_that_is_refused_for_one_entry_s_form_changes_nothing(cloud: Harness) -> None:
    put_rule(cloud)
    targets = [{"Id": "good", "Arn": QUEUE}, {"Id": "b a d", "Arn": QUEUE}]
    assert call(cloud, "PutTargets", {"Rule": "r", "Targets": targets}).status == 400
    assert good(cloud, "ListTargetsByRule", {"Rule": "r"}) == {"Targets": []}


# Bodies.


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"not json",
        b'{"NamePrefix": "x"} {}',
        b'{"Limit": NaN}',
        b'{"NamePrefix": "\xff"}',
        b"[]",
        b'"x"',
        b"null",
    ],
    ids=ascii,
)
def test_a_body_that_is_no_json_object_is_malformed(cloud: Harness, body: bytes) -> None:
    kind, _, status = error(call(cloud, "ListRules", body=body))
    assert (kind, status) == (CORAL + "SerializationException", 400)


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("ListRules", {"Limit": "5"}),
        ("ListRules", {"Limit": 1.5}),
        ("ListRules", {"NamePrefix": 5}),
        ("PutRule", {"Name": "r", "EventPattern": {"source": ["shop"]}}),
        ("PutTargets", {"Rule": "r", "Targets": {"Id": "t", "Arn": QUEUE}}),
        ("PutTargets", {"Rule": "r", "Targets": ["t"]}),
        ("PutTargets", {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE, "Input": {"a": 1}}]}),
        ("RemoveTargets", {"Rule": "r", "Ids": "t"}),
        ("RemoveTargets", {"Rule": "r", "Ids": ["t"], "Force": "yes"}),
        ("PutEvents", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": {}}]}),
        ("PutEvents", {"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}", "Time": "now"}]}),
    ],
    ids=str,
)  # fmt: skip
def test_a_value_of_a_wrong_kind_is_malformed(cloud: Harness, operation: str, request_: Request) -> None:
    kind, _, status = error(call(cloud, operation, request_))
    assert (kind, status) == (CORAL + "SerializationException", 400)


def test_null_and_unknown_members_count_as_absent(cloud: Harness) -> None:
    request = {
        "Name": "r",
        "EventPattern": PATTERN,
        "ScheduleExpression": None,
        "EventBusName": None,
        "Tags": None,
        "Nonsense": {"a": [1]},
        "description": "not a member",
    }
    assert call(cloud, "PutRule", request).status == 200
    assert "Description" not in good(cloud, "DescribeRule", {"Name": "r"})


def test_no_body_at_all_is_an_empty_request(cloud: Harness) -> None:
    assert json.loads(call(cloud, "ListRules", body=b"").body) == {"Rules": []}


# Which call it is, and whose.


def test_the_description_has_57_operations() -> None:
    assert len(OPERATIONS) == 57


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_the_description_is_there(cloud: Harness, operation: str) -> None:
    answer = call(cloud, operation, {})
    assert answer.status in {200, 400}
    assert "UnknownOperationException" not in answer.text


@pytest.mark.parametrize("operation", ["Nonsense", "putRule", "PutRule ", "", "CreateTopic"])
def test_an_unknown_operation_is_refused(cloud: Harness, operation: str) -> None:
    kind, _, status = error(call(cloud, operation))
    assert (kind, status) == (CORAL + "UnknownOperationException", 400)


def test_the_error_of_an_unknown_operation_names_it(cloud: Harness) -> None:
    assert error(call(cloud, "Nonsense"))[1] == "The action Nonsense is not valid for this endpoint."


@pytest.mark.parametrize("target", ["Events", "awsevents", "AWSEvents_20151007", "AWSEvents.x"])
def test_a_target_of_no_service_in_a_call_signed_for_events_is_an_unknown_operation(
    cloud: Harness, target: str
) -> None:
    kind, _, status = error(call(cloud, "ListRules", target=target))
    assert (kind, status) == (CORAL + "UnknownOperationException", 400)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/x-amz-json-1.1; charset=utf-8"},
        {"content-type": "application/x-amz-json-1.0"},
        {"content-type": "application/json"},
        {"accept": "text/xml"},
    ],
    ids=str,
)
def test_the_target_decides_on_the_protocol_whatever_other_headers_say(cloud: Harness, headers: dict[str, str]) -> None:
    answer = call(cloud, "ListRules", headers=headers)
    assert (answer.status, json.loads(answer.body)) == (200, {"Rules": []})
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"


@pytest.mark.parametrize(
    ("headers", "arn"),
    [
        (signed("999988887777", "us-west-2", "events"), "arn:aws:events:us-west-2:999988887777:rule/r"),
        (signed("test", "cn-north-1", "events"), f"arn:aws-cn:events:cn-north-1:{DEFAULT_ACCOUNT}:rule/r"),
        (signed("AKIAIOSFODNN7EXAMPLE", "eu-west-1", "events"), f"arn:aws:events:eu-west-1:{DEFAULT_ACCOUNT}:rule/r"),
        ({"authorization": ""}, f"arn:aws:events:us-east-1:{DEFAULT_ACCOUNT}:rule/r"),
    ],
)
def test_account_and_region_are_the_signature_s(cloud: Harness, headers: dict[str, str], arn: str) -> None:
    answer = call(cloud, "PutRule", {"Name": "r", "EventPattern": PATTERN}, headers=headers)
    assert json.loads(answer.body) == {"RuleArn": arn}
