"""Targets as a control plane: PutTargets with all that it checks, RemoveTargets, ListTargetsByRule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness

ACCOUNT, REGION = "111122223333", "eu-central-1"
OTHER_ACCOUNT, OTHER_REGION = "999988887777", "us-west-2"
PATTERN = '{"source":["shop"]}'
ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"
TOO_MANY = Seen("LimitExceededException", "The requested resource exceeds the maximum number allowed.", 400)
NONE_FAILED = (0, [])
TARGETS = ("put", "list", "remove")


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


QUEUE, FIFO_QUEUE = arn("sqs", "orders"), arn("sqs", "orders.fifo")


def refused(message: str) -> Seen:
    return Seen("ValidationException", message, 400)


def no_rule(name: str, bus: str = "default") -> Seen:
    return Seen("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.", 400)


@pytest.fixture
def events(cloud: Harness) -> Any:
    """A client with a rule r on the default bus and one on the bus orders."""
    client = cloud.client("events", account=ACCOUNT, region=REGION)
    client.create_event_bus(Name="orders")
    client.put_rule(Name="r", EventPattern=PATTERN)
    client.put_rule(Name="r", EventPattern=PATTERN, EventBusName="orders")
    return client


def put(events: Any, *targets: dict[str, Any], **options: Any) -> tuple[int, list[Any]]:
    answer = events.put_targets(Rule="r", Targets=list(targets), **options)
    return answer["FailedEntryCount"], answer["FailedEntries"]


def remove(events: Any, *ids: str, **options: Any) -> tuple[int, list[Any]]:
    answer = events.remove_targets(Rule="r", Ids=list(ids), **options)
    return answer["FailedEntryCount"], answer["FailedEntries"]


def listed(events: Any, **options: Any) -> list[dict[str, Any]]:
    return events.list_targets_by_rule(Rule="r", **options)["Targets"]


def target(target_id: str = "t", to: str = QUEUE, **options: Any) -> dict[str, Any]:
    return {"Id": target_id, "Arn": to, **options}


def error(events: Any, *targets: dict[str, Any]) -> Seen:
    """Put targets that are refused; the rule has none afterwards."""
    seen = error_of(events.put_targets, Rule="r", Targets=list(targets))
    assert listed(events) == []
    return seen


# Putting, replacing, listing.


@pytest.mark.parametrize("bus", [{}, {"EventBusName": "orders"}, {"EventBusName": arn("events", "event-bus/orders")}])
def test_targets_are_put_and_listed_by_id(events: Any, bus: dict[str, str]) -> None:
    assert put(events, target("b"), target("a", QUEUE + "2"), target("B"), **bus) == NONE_FAILED
    assert listed(events, **bus) == [target("B"), target("a", QUEUE + "2"), target("b")]


def test_two_rules_of_the_same_name_have_targets_of_their_own(events: Any) -> None:
    put(events, target(), EventBusName="orders")
    assert listed(events) == []
    assert listed(events, EventBusName="orders") == [target()]


def test_a_target_is_shown_as_it_was_put(events: Any) -> None:
    full = target(
        to=FIFO_QUEUE,
        RoleArn=ROLE,
        InputTransformer={"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": '{"order": <id>}'},
        SqsParameters={"MessageGroupId": "g"},
        DeadLetterConfig={"Arn": QUEUE},
        RetryPolicy={"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
    )
    put(events, full)
    assert listed(events) == [full]


def test_a_target_with_the_id_of_another_takes_its_place_with_all_that_it_had(events: Any) -> None:
    put(events, target(Input="1", DeadLetterConfig={"Arn": QUEUE}), target("u"))
    put(events, target(to=QUEUE + "2"))
    assert listed(events) == [target(to=QUEUE + "2"), target("u")]


def test_ids_differ_by_case(events: Any) -> None:
    put(events, target("a"), target("A"))
    assert [one["Id"] for one in listed(events)] == ["A", "a"]


def test_of_two_targets_of_a_call_with_one_id_the_last_stays(events: Any) -> None:
    assert put(events, target(Input="1"), target(Input="2")) == NONE_FAILED
    assert listed(events) == [target(Input="2")]


def test_several_targets_may_have_the_same_arn(events: Any) -> None:
    put(events, target("a"), target("b"))
    assert [one["Arn"] for one in listed(events)] == [QUEUE, QUEUE]


def test_a_target_need_not_exist(events: Any) -> None:
    dead = arn("lambda", "function:nobody-has-it")
    assert put(events, target(to=dead)) == NONE_FAILED
    assert listed(events) == [target(to=dead)]


def test_targets_come_in_pages(events: Any) -> None:
    put(events, *(target(letter) for letter in "abcde"))
    first = events.list_targets_by_rule(Rule="r", Limit=2)
    second = events.list_targets_by_rule(Rule="r", Limit=2, NextToken=first["NextToken"])
    third = events.list_targets_by_rule(Rule="r", Limit=2, NextToken=second["NextToken"])
    found = [[one["Id"] for one in page["Targets"]] for page in (first, second, third)]
    assert found == [["a", "b"], ["c", "d"], ["e"]]
    assert "NextToken" not in third


@pytest.mark.parametrize("bus", ["default", "orders"])
@pytest.mark.parametrize("call", TARGETS)
def test_a_rule_that_is_not_there_has_no_targets(events: Any, call: str, bus: str) -> None:
    arguments = {"Rule": "none", "EventBusName": bus}
    seen = {
        "put": lambda: error_of(events.put_targets, Targets=[target()], **arguments),
        "list": lambda: error_of(events.list_targets_by_rule, **arguments),
        "remove": lambda: error_of(events.remove_targets, Ids=["t"], **arguments),
    }[call]()
    assert seen == no_rule("none", bus)


def test_another_account_reaches_a_rule_by_its_bus_s_arn(cloud: Harness, events: Any) -> None:
    other = cloud.client("events", account=OTHER_ACCOUNT, region=OTHER_REGION)
    bus = arn("events", "event-bus/orders")
    put(other, target(), EventBusName=bus)
    assert listed(events, EventBusName="orders") == listed(other, EventBusName=bus) == [target()]
    assert error_of(other.list_targets_by_rule, Rule="r") == no_rule("r")


# How many.


def test_a_rule_has_at_most_5_targets_and_a_call_with_one_too_many_stores_none(events: Any) -> None:
    assert error(events, *(target(letter) for letter in "abcdef")) == TOO_MANY


def test_a_sixth_target_is_refused_and_a_replaced_one_is_not(events: Any) -> None:
    put(events, *(target(letter) for letter in "abcde"))
    assert error_of(events.put_targets, Rule="r", Targets=[target("a", QUEUE + "2"), target("f")]) == TOO_MANY
    assert [one["Arn"] for one in listed(events)] == [QUEUE] * 5
    put(events, target("a", QUEUE + "2"))
    remove(events, "b")
    put(events, target("f"))
    assert [one["Id"] for one in listed(events)] == ["a", "c", "d", "e", "f"]


def test_without_quotas_a_rule_has_more_targets(cloud_with: Any) -> None:
    events = cloud_with(quotas=False).client("events", account=ACCOUNT, region=REGION)
    events.put_rule(Name="r", EventPattern=PATTERN)
    assert put(events, *(target(letter) for letter in "abcdefg")) == NONE_FAILED
    assert len(listed(events)) == 7


# Removing.


def test_targets_are_removed_by_id(events: Any) -> None:
    put(events, target("a"), target("b"), target("c"))
    assert remove(events, "a", "c") == NONE_FAILED
    assert listed(events) == [target("b")]


def test_to_remove_an_id_that_is_not_there_is_no_error(events: Any) -> None:
    put(events, target("a"))
    assert remove(events, "none", "a", "a") == NONE_FAILED
    assert listed(events) == []


def test_a_target_is_removed_from_the_rule_of_its_bus_only(events: Any) -> None:
    put(events, target())
    put(events, target(), EventBusName="orders")
    remove(events, "t", EventBusName="orders")
    assert (listed(events), listed(events, EventBusName="orders")) == ([target()], [])


# ARNs.


@pytest.mark.parametrize("text", ["orders", "arn:aws:sqs", f"arn:aws:sqs:{REGION}:{ACCOUNT}:", "http://localhost/q"])
def test_a_target_s_arn_has_the_form_of_one(events: Any, text: str) -> None:
    assert error(events, target(to=text)) == refused(
        f"Parameter {text} is not valid. Reason: Provided Arn is not in correct format."
    )


def test_one_bad_target_keeps_all_others_of_the_call_out(events: Any) -> None:
    seen = error(events, target("a"), target("b", "nonsense"), target("c"))
    assert seen.code == "ValidationException"


# What the kinds of targets need.


def test_a_fifo_queue_needs_a_message_group(events: Any) -> None:
    refusal = refused("Parameter(s) SqsParameters must be specified for target: t.")
    assert error(events, target(to=FIFO_QUEUE)) == refusal
    assert error(events, target(to=FIFO_QUEUE, SqsParameters={})) == refusal
    assert put(events, target(to=FIFO_QUEUE, SqsParameters={"MessageGroupId": "g"})) == NONE_FAILED


def test_a_standard_queue_may_have_a_message_group(events: Any) -> None:
    assert put(events, target(SqsParameters={"MessageGroupId": "g"})) == NONE_FAILED


def test_a_fifo_topic_is_no_target(events: Any) -> None:
    topic = arn("sns", "news.fifo")
    reason = "FIFO topics are not supported as targets."
    assert error(events, target(to=topic)) == refused(f"Parameter {topic} is not valid. Reason: {reason}")


def test_an_ecs_cluster_needs_a_task_definition(events: Any) -> None:
    cluster = target(to=arn("ecs", "cluster/c"), RoleArn=ROLE)
    task = {"TaskDefinitionArn": arn("ecs", "task-definition/t:1")}
    assert error(events, cluster) == refused("Parameter(s) EcsParameters must be specified for target: t.")
    assert put(events, {**cluster, "EcsParameters": task}) == NONE_FAILED


ROLE_NEEDED = [
    arn("kinesis", "stream/s"),
    arn("firehose", "deliverystream/s"),
    arn("states", "stateMachine:s"),
    arn("batch", "job-queue/q"),
    arn("codebuild", "project/p"),
    arn("codepipeline", "p"),
    arn("ssm", "document/d"),
    arn("glue", "workflow/w"),
    arn("redshift", "cluster:c"),
    arn("redshift-serverless", "workgroup/w"),
    arn("sagemaker", "pipeline/p"),
    arn("appsync", "endpoints/graphql-api/a"),
    arn("events", "api-destination/d/6f2b1c3d-0000-4000-8000-0123456789ab"),
]
NO_ROLE_NEEDED = [
    arn("lambda", "function:f"),
    arn("sns", "news"),
    arn("sqs", "orders"),
    arn("logs", "log-group:/aws/events/g"),
    arn("execute-api", "a/stage/GET/x"),
    arn("events", "event-bus/orders"),
    f"arn:aws:events:{OTHER_REGION}:{OTHER_ACCOUNT}:event-bus/default",
]


@pytest.mark.parametrize("to", ROLE_NEEDED)
def test_a_service_that_is_called_for_the_rule_s_owner_needs_a_role(events: Any, to: str) -> None:
    assert error(events, target(to=to)) == refused(f"RoleArn is required for target {to}.")
    assert put(events, target(to=to, RoleArn=ROLE)) == NONE_FAILED


@pytest.mark.parametrize("to", NO_ROLE_NEEDED)
@pytest.mark.parametrize("role", [{}, {"RoleArn": ROLE}], ids=["without", "with"])
def test_a_service_with_policies_of_its_own_may_have_a_role(events: Any, to: str, role: dict[str, str]) -> None:
    assert put(events, target(to=to, **role)) == NONE_FAILED


# Dead letters and retries.


@pytest.mark.parametrize(
    "text",
    ["orders", arn("sns", "news"), arn("lambda", "function:f"), FIFO_QUEUE],
)
def test_dead_letters_go_to_a_standard_queue(events: Any, text: str) -> None:
    reason = "Must be the ARN of a standard SQS queue."
    assert error(events, target(DeadLetterConfig={"Arn": text})) == refused(
        f"Parameter DeadLetterConfig.Arn is not valid. Reason: {reason}"
    )


def test_dead_letters_stay_in_the_region_but_may_go_to_another_account(events: Any) -> None:
    there, theirs = f"arn:aws:sqs:{OTHER_REGION}:{ACCOUNT}:dead", f"arn:aws:sqs:{REGION}:{OTHER_ACCOUNT}:dead"
    assert error(events, target(DeadLetterConfig={"Arn": there})) == refused(
        "Parameter DeadLetterConfig.Arn is not valid. Reason: Must be in the region of the rule."
    )
    assert put(events, target(DeadLetterConfig={"Arn": theirs})) == NONE_FAILED


def test_a_dead_letter_config_may_be_empty(events: Any) -> None:
    assert put(events, target(DeadLetterConfig={})) == NONE_FAILED
    assert listed(events) == [target(DeadLetterConfig={})]


@pytest.mark.parametrize(
    ("policy", "path", "shown", "constraint"),
    [
        ({"MaximumRetryAttempts": 186}, "maximumRetryAttempts", 186, "less than or equal to 185"),
        ({"MaximumEventAgeInSeconds": 86401}, "maximumEventAgeInSeconds", 86401, "less than or equal to 86400"),
    ],
)
def test_retries_end(cloud: Harness, policy: dict[str, int], path: str, shown: int, constraint: str) -> None:
    loose = cloud.client("events", account=ACCOUNT, region=REGION)
    loose.put_rule(Name="r", EventPattern=PATTERN)
    place = f"targets.1.member.retryPolicy.{path}"
    assert error(loose, target(RetryPolicy=policy)) == refused(
        f"1 validation error detected: Value '{shown}' at '{place}' failed to satisfy constraint: "
        f"Member must have value {constraint}"
    )


# Input.

TEMPLATE = {"InputTemplate": '{"a": 1}'}
ONE_INPUT = refused("Only one of Input, InputPath, or InputTransformer must be provided for target t.")


@pytest.mark.parametrize(
    "inputs",
    [
        {"Input": "1", "InputPath": "$.detail"},
        {"Input": "1", "InputTransformer": TEMPLATE},
        {"InputPath": "$.detail", "InputTransformer": TEMPLATE},
        {"Input": "1", "InputPath": "$.detail", "InputTransformer": TEMPLATE},
    ],
    ids=lambda inputs: "+".join(inputs),
)
def test_a_target_has_one_kind_of_input(events: Any, inputs: dict[str, Any]) -> None:
    assert error(events, target(**inputs)) == ONE_INPUT


@pytest.mark.parametrize("text", ["hello", "{", "{'a': 1}", '"a" "b"', "", "NaN", "[1,]"])
def test_a_constant_input_is_json(events: Any, text: str) -> None:
    assert error(events, target(Input=text)) == refused("Input for target t is not a valid JSON text.")


@pytest.mark.parametrize("text", ['"hello"', "{}", ' {"a": [1, null]} ', "17", "null", "[]"])
def test_any_json_is_a_constant_input(events: Any, text: str) -> None:
    put(events, target(Input=text))
    assert listed(events) == [target(Input=text)]


@pytest.mark.parametrize("path", ["$", "$.detail", "$.detail.a[0].b", "nonsense", "$.detail[?(@.a)]"])
def test_the_path_of_an_input_is_not_looked_at_before_an_event_comes(events: Any, path: str) -> None:
    assert put(events, target(InputPath=path)) == NONE_FAILED


@pytest.mark.parametrize(
    ("template", "column"),
    [("hello", 1), ("hello <id>", 1), ('{"a": <id>', 11), ('"a" "b"', 5)],
)
def test_a_template_is_json_or_lines_of_texts(events: Any, template: str, column: int) -> None:
    transformer = {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": template}
    place = f'[Source: (String)"{template}"; line: 1, column: {column}]'
    assert error(events, target(InputTransformer=transformer)) == refused(
        f"Invalid InputTemplate for target t : {place}."
    )


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ('{"a": <nobody>}', "nobody"),
        ('"it is <nobody>"', "nobody"),
        ('{"a": <id>, "b": <ID>}', "ID"),
        ('{"a": <aws.events.nothing>}', "aws.events.nothing"),
        ('"all: <aws.events.event.json>"', "aws.events.event.json"),
    ],
)
def test_a_placeholder_is_in_the_map_or_reserved(events: Any, template: str, name: str) -> None:
    transformer = {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": template}
    message = f"InputTemplate for target t contains invalid placeholder {name}."
    assert error(events, target(InputTransformer=transformer)) == refused(message)


@pytest.mark.parametrize("name", ["AWS.x", "aws.events.rule-arn", "a.b", "a b", "é"])
def test_a_name_in_the_map_has_letters_digits_and_dashes_so_none_is_aws_s_own(events: Any, name: str) -> None:
    transformer = {"InputPathsMap": {name: "$.detail"}, "InputTemplate": "{}"}
    assert error(events, target(InputTransformer=transformer)) == refused(
        f"1 validation error detected: Value '{{{name}=$.detail}}' at 'targets.1.member.inputTransformer.inputPathsMap' "
        "failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to "
        "256, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "
        "[A-Za-z0-9\\_\\-]+]"
    )


@pytest.mark.parametrize(
    "template",
    [
        '{"a": <id>, "b": "<id>", "c": <aws.events.event>, "d": <aws.events.event.json>}',
        '"<id> by <aws.events.rule-name>"',
        '"one <id>"\n"two <aws.events.rule-arn>"',
        '[<id>, "<aws.events.event.ingestion-time>"]',
        "<id>",
        "17",
    ],
)
def test_a_good_template_is_kept_to_the_letter(events: Any, template: str) -> None:
    transformer = {"InputPathsMap": {"id": "$.detail.id", "not-used_1": "x"}, "InputTemplate": template}
    put(events, target(InputTransformer=transformer))
    assert listed(events) == [target(InputTransformer=transformer)]


def test_the_map_has_at_most_100_names(events: Any) -> None:
    full = {f"n{number}": "$.id" for number in range(100)}
    assert put(events, target(InputTransformer={"InputPathsMap": full, "InputTemplate": "<n7>"})) == NONE_FAILED
    remove(events, "t")
    seen = error(events, target(InputTransformer={"InputPathsMap": full | {"more": "$.id"}, "InputTemplate": "<n7>"}))
    assert seen.code == "ValidationException"
    assert seen.message.endswith(
        "at 'targets.1.member.inputTransformer.inputPathsMap' failed to satisfy constraint: "
        "Member must have length less than or equal to 100"
    )


@pytest.mark.parametrize(
    "inputs",
    [{"Input": "1"}, {"InputPath": "$.detail"}, {"InputTransformer": TEMPLATE}],
    ids=lambda inputs: "".join(inputs),
)
def test_a_bus_of_another_account_takes_the_event_as_it_is(events: Any, inputs: dict[str, Any]) -> None:
    theirs = f"arn:aws:events:{REGION}:{OTHER_ACCOUNT}:event-bus/default"
    assert error(events, target(to=theirs, **inputs)) == refused(
        "Input is not supported for target t: it is an event bus of another account."
    )
    assert put(events, target(to=theirs)) == NONE_FAILED
