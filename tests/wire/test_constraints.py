"""What AWS's front end demands of a request, by the description of Amazon EventBridge and by shapes of our own."""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.app import Emulator
from emulator.clock import ManualClock
from emulator.errors import AwsError
from emulator.service import Service, ServiceState, operation
from emulator.wire.constraints import PATTERN_CHARACTERS_MAX, VIOLATIONS_MAX, Constraints, compile_pattern
from emulator.wire.model import Model

EVENTS_MODEL = Model("events")
EVENTS = Constraints(EVENTS_MODEL)
NAME_PATTERN = r"[\.\-_A-Za-z0-9]+"
TARGET = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:jobs"}


def message_of(constraints: Constraints, name: str, request: dict[str, Any]) -> str:
    with pytest.raises(AwsError) as caught:
        constraints.check(name, request)
    error = caught.value
    assert (error.code, error.type, error.status, error.modelled) == (
        "ValidationException",
        "ValidationException",
        400,
        False,
    )
    return error.message


def violations(name: str, request: dict[str, Any]) -> list[str]:
    """Break a refusal of an EventBridge request into its parts."""
    head, _, rest = message_of(EVENTS, name, request).partition(" detected: ")
    found = rest.split("; ")
    assert head == ("1 validation error" if len(found) == 1 else f"{len(found)} validation errors")
    return found


def violation(value: str, path: str, words: str) -> str:
    return f"{value} at '{path}' failed to satisfy constraint: {words}"


def own(members: dict[str, Any], shapes: dict[str, Any], **structure: Any) -> Constraints:
    """Compile a service with the one operation Do, whose request has `members`."""
    request = {"type": "structure", "members": members, **structure}
    model: Any = SimpleNamespace(
        shapes={"Request": request, **shapes}, operations={"Do": SimpleNamespace(input_shape="Request")}
    )
    return Constraints(model)


# What is right.


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("PutRule", {"Name": "r"}),
        ("PutRule", {"Name": "x" * 64, "State": "DISABLED", "Tags": [{"Key": "k", "Value": ""}]}),
        ("PutEvents", {"Entries": [{}]}),
        ("PutEvents", {"Entries": [{"Source": "", "Detail": "no json", "EventBusName": "default"}] * 10}),
        ("PutTargets", {"Rule": "r", "Targets": [TARGET]}),
        ("PutTargets", {"Rule": "r", "Targets": [{**TARGET, "RetryPolicy": {"MaximumRetryAttempts": 0}}]}),
        ("UntagResource", {"ResourceARN": "arn", "TagKeys": []}),
        ("ListRules", {}),
        ("PutPermission", {}),
        ("NoSuchOperation", {"Any": 1}),
    ],
)
def test_a_request_that_keeps_the_constraints_passes(name: str, request_: dict[str, Any]) -> None:
    EVENTS.check(name, request_)


def test_an_operation_without_constraints_is_not_looked_at() -> None:
    own({"Text": {"shape": "String"}}, {"String": {"type": "string"}}).check("Do", {"Text": object()})


# One violation each.


@pytest.mark.parametrize(
    ("name", "request_", "expected"),
    [
        ("PutRule", {}, ("Value null", "name", "Member must not be null")),
        (
            "PutRule",
            {"Name": "x" * 65},
            (f"Value '{'x' * 65}'", "name", "Member must have length less than or equal to 64"),
        ),
        (
            "PutRule",
            {"Name": "a b"},
            ("Value 'a b'", "name", f"Member must satisfy regular expression pattern: {NAME_PATTERN}"),
        ),
        (
            "PutRule",
            {"Name": "line\n"},
            ("Value 'line\n'", "name", f"Member must satisfy regular expression pattern: {NAME_PATTERN}"),
        ),
        (
            "DescribeEndpoint",
            {"Name": "e", "HomeRegion": "us-east1"},
            ("Value 'us-east1'", "homeRegion", "Member must have length greater than or equal to 9"),
        ),
        (
            "PutRule",
            {"Name": "r", "State": "ON"},
            (
                "Value 'ON'",
                "state",
                "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]",
            ),
        ),
        ("ListRules", {"Limit": 0}, ("Value '0'", "limit", "Member must have value greater than or equal to 1")),
        ("ListRules", {"Limit": 101}, ("Value '101'", "limit", "Member must have value less than or equal to 100")),
        ("PutEvents", {"Entries": []}, ("Value '[]'", "entries", "Member must have length greater than or equal to 1")),
        ("TagResource", {"ResourceARN": "a"}, ("Value null", "tags", "Member must not be null")),
        ("TagResource", {"Tags": []}, ("Value null", "resourceARN", "Member must not be null")),
    ],
)
def test_a_violation_is_told_in_awss_words(name: str, request_: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert violations(name, request_) == [violation(*expected)]


def test_the_whole_message_of_one_violation() -> None:
    assert message_of(EVENTS, "PutRule", {"Name": "a b"}) == (
        "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"
    )


def test_the_whole_message_of_two_violations() -> None:
    assert message_of(EVENTS, "PutTargets", {}) == (
        "2 validation errors detected: Value null at 'rule' failed to satisfy constraint: Member must not be null; "
        "Value null at 'targets' failed to satisfy constraint: Member must not be null"
    )


def test_a_value_may_break_two_constraints() -> None:
    assert violations("PutRule", {"Name": ""}) == [
        violation("Value ''", "name", "Member must have length greater than or equal to 1"),
        violation("Value ''", "name", f"Member must satisfy regular expression pattern: {NAME_PATTERN}"),
    ]


def test_violations_come_in_the_order_of_the_description_whatever_that_of_the_request() -> None:
    found = violations("PutRule", {"Tags": [{"Key": "k"}], "State": "ON", "RoleArn": "", "Name": "?"})
    assert [re.findall("at '([^']+)'", one)[0] for one in found] == [
        "name",
        "state",
        "roleArn",
        "tags.1.member.value",
    ]


def test_null_is_as_good_as_absent_for_what_is_required() -> None:
    assert violations("PutRule", {"Name": None}) == [violation("Value null", "name", "Member must not be null")]


# Below the top.


def test_a_member_of_a_structure_in_a_list_is_told_with_its_number_from_one() -> None:
    targets = [TARGET, {"Id": "2"}, {**TARGET, "RetryPolicy": {"MaximumEventAgeInSeconds": 59}}]
    assert violations("PutTargets", {"Rule": "r", "Targets": targets}) == [
        violation("Value null", "targets.2.member.arn", "Member must not be null"),
        violation(
            "Value '59'",
            "targets.3.member.retryPolicy.maximumEventAgeInSeconds",
            "Member must have value greater than or equal to 60",
        ),
    ]


def test_what_is_required_in_a_structure_that_is_absent_is_not_missed() -> None:
    EVENTS.check("PutTargets", {"Rule": "r", "Targets": [TARGET]})
    assert violations("PutTargets", {"Rule": "r", "Targets": [{**TARGET, "InputTransformer": {}}]}) == [
        violation("Value null", "targets.1.member.inputTransformer.inputTemplate", "Member must not be null")
    ]


def test_a_bad_bus_name_in_an_entry_is_told() -> None:
    [found] = violations("PutEvents", {"Entries": [{}, {"EventBusName": "a/b"}]})
    assert found.startswith("Value 'a/b' at 'entries.2.member.eventBusName' failed to satisfy constraint: Member must")


def test_what_the_texts_of_a_list_break_is_told_of_the_list() -> None:
    assert violations("UntagResource", {"ResourceARN": "a", "TagKeys": ["ok", "", "x" * 129]}) == [
        violation(
            f"Value '[ok, , {'x' * 129}]'",
            "tagKeys",
            "Member must satisfy constraint: [Member must have length less than or equal to 128, "
            "Member must have length greater than or equal to 1]",
        )
    ]


def test_what_the_keys_and_the_values_of_a_map_break_is_told_of_the_map() -> None:
    transformer = {"InputTemplate": "<a>", "InputPathsMap": {"$": "x" * 257}}
    path = "targets.1.member.inputTransformer.inputPathsMap"
    assert violations("PutTargets", {"Rule": "r", "Targets": [{**TARGET, "InputTransformer": transformer}]}) == [
        violation(
            f"Value '{{$={'x' * 257}}}'",
            path,
            "Map keys must satisfy constraint: [Member must have length less than or equal to 256, "
            "Member must have length greater than or equal to 1, "
            r"Member must satisfy regular expression pattern: [A-Za-z0-9\_\-]+]",
        ),
        violation(
            f"Value '{{$={'x' * 257}}}'",
            path,
            "Map value must satisfy constraint: [Member must have length less than or equal to 256]",
        ),
    ]


THING = {
    "ByName": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Thing"}},
    "Listed": {"type": "list", "member": {"shape": "Thing"}},
    "Thing": {"type": "structure", "required": ["Name"], "members": {"Name": {"shape": "String"}}},
    "String": {"type": "string"},
}


def test_a_structure_in_a_map_is_told_with_its_key() -> None:
    constraints = own({"Things": {"shape": "ByName"}}, THING)
    constraints.check("Do", {"Things": {"a": {"Name": "x"}}})
    assert message_of(constraints, "Do", {"Things": {"a": {"Name": "x"}, "b": {}}}) == (
        "1 validation error detected: " + violation("Value null", "things.b.member.name", "Member must not be null")
    )


TREE = {
    "Tree": {
        "type": "structure",
        "required": ["Name"],
        "members": {"Name": {"shape": "String"}, "Left": {"shape": "Tree"}, "Below": {"shape": "Trees"}},
    },
    "Trees": {"type": "list", "member": {"shape": "Tree"}, "max": 1},
    "String": {"type": "string"},
}


def test_a_shape_that_holds_itself_is_looked_at_to_any_depth() -> None:
    constraints = own({"Root": {"shape": "Tree"}}, TREE)
    tree: dict[str, Any] = {}
    for _ in range(50):
        tree = {"Name": "x", "Left": tree}
    path = "root" + ".left" * 50 + ".name"
    assert message_of(constraints, "Do", {"Root": tree}).endswith(
        violation("Value null", path, "Member must not be null")
    )


def test_a_shape_that_holds_itself_is_shown() -> None:
    request = {"Root": {"Name": "a", "Below": [{"Name": "b", "Left": {"Name": "c"}}, {"Name": "d"}]}}
    shown = "[Tree(name=b, left=Tree(name=c, left=null, below=null), below=null), Tree(name=d, left=null, below=null)]"
    assert message_of(own({"Root": {"shape": "Tree"}}, TREE), "Do", request) == (
        "1 validation error detected: "
        + violation(f"Value '{shown}'", "root.below", "Member must have length less than or equal to 1")
    )


def test_a_shape_that_holds_itself_and_demands_nothing_is_passed() -> None:
    shapes = {"Chain": {"type": "structure", "members": {"Next": {"shape": "Chain"}}}}
    own({"Chain": {"shape": "Chain"}}, shapes).check("Do", {"Chain": {"Next": {"Next": {}}}})


TOO_MANY: list[tuple[str, Any]] = [
    ("Listed", [{}] * VIOLATIONS_MAX * 3),
    ("ByName", {str(number): {} for number in range(VIOLATIONS_MAX * 3)}),
]


@pytest.mark.parametrize(("shape", "things"), TOO_MANY, ids=["list", "map"])
def test_not_more_violations_are_told_than_a_client_could_read(shape: str, things: Any) -> None:
    message = message_of(own({"Things": {"shape": shape}}, THING), "Do", {"Things": things})
    assert message.startswith(f"{VIOLATIONS_MAX} validation errors detected: ")
    assert message.count("Member must not be null") == VIOLATIONS_MAX


# How values look.


@pytest.mark.parametrize(
    ("shape", "value", "shown"),
    [
        ({"type": "string", "max": 0}, "it's; a 'text'", "it's; a 'text'"),
        ({"type": "blob", "max": 1}, b"abc", "java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]"),
        ({"type": "integer", "max": 0}, 5, "5"),
        ({"type": "double", "max": 0}, 1.5, "1.5"),
        ({"type": "list", "member": {"shape": "Flag"}, "max": 0}, [True, False], "[true, false]"),
        ({"type": "list", "member": {"shape": "Instant"}, "max": 0}, [1_000, 1_500, 0], "[1, 1.5, 0]"),
        ({"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Flag"}, "max": 0}, {"a": True}, "{a=true}"),
        ({"type": "list", "member": {"shape": "Secret"}, "max": 0}, ["x"], "[***Sensitive Data Redacted***]"),
    ],
)
def test_a_value_is_shown_as_java_does(shape: dict[str, Any], value: Any, shown: str) -> None:
    shapes = {
        "Value": shape,
        "Flag": {"type": "boolean"},
        "Instant": {"type": "timestamp"},
        "Text": {"type": "string"},
        "Secret": {"type": "string", "sensitive": True},
    }
    message = message_of(own({"Value": {"shape": "Value"}}, shapes), "Do", {"Value": value})
    assert message.startswith(f"1 validation error detected: Value '{shown}' at 'value' failed to satisfy constraint: ")


def test_a_structure_is_shown_with_all_its_members() -> None:
    entry = {"Source": "s", "Time": 1_767_225_600_123, "Resources": ["a", "b"], "Detail": "{}"}
    [found] = violations("PutEvents", {"Entries": [entry] * 11})
    one = (
        "PutEventsRequestEntry(time=1767225600.123, source=s, resources=[a, b], detailType=null, detail={}, "
        "eventBusName=null, traceHeader=null)"
    )
    assert found == violation(
        f"Value '[{', '.join([one] * 11)}]'", "entries", "Member must have length less than or equal to 10"
    )


def test_a_sensitive_value_is_not_shown() -> None:
    secret = "hush\x01"
    request = {
        "Name": "c",
        "AuthorizationType": "API_KEY",
        "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": secret}},
    }
    [found] = violations("CreateConnection", request)
    pattern = EVENTS_MODEL.shapes["AuthHeaderParametersSensitive"]["pattern"]
    assert found == violation(
        "Value",
        "authParameters.apiKeyAuthParameters.apiKeyValue",
        f"Member must satisfy regular expression pattern: {pattern}",
    )


def test_a_sensitive_value_that_is_absent_is_told_as_any_other() -> None:
    request = {
        "Name": "c",
        "AuthorizationType": "API_KEY",
        "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "k"}},
    }
    assert violations("CreateConnection", request) == [
        violation("Value null", "authParameters.apiKeyAuthParameters.apiKeyValue", "Member must not be null")
    ]


def test_lengths_count_characters_and_not_bytes() -> None:
    EVENTS.check("PutRule", {"Name": "r", "Description": "🦊" * 512})
    [found] = violations("PutRule", {"Name": "r", "Description": "🦊" * 513})
    assert found.endswith(
        "at 'description' failed to satisfy constraint: Member must have length less than or equal to 512"
    )


# Patterns.


def test_the_patterns_of_eventbridge_that_python_cannot_read_are_known() -> None:
    unread = {
        name
        for name, shape in EVENTS_MODEL.shapes.items()
        if "pattern" in shape and compile_pattern(shape["pattern"]) is None
    }
    assert unread == {"RunCommandTargetKey"}


def test_a_value_of_a_pattern_that_python_cannot_read_is_held_to_its_length_only() -> None:
    run = {"RunCommandTargets": [{"Key": "\x01", "Values": ["i-1"]}]}
    EVENTS.check("PutTargets", {"Rule": "r", "Targets": [{**TARGET, "RunCommandParameters": run}]})
    run = {"RunCommandTargets": [{"Key": "", "Values": ["i-1"]}]}
    assert violations("PutTargets", {"Rule": "r", "Targets": [{**TARGET, "RunCommandParameters": run}]}) == [
        violation(
            "Value ''",
            "targets.1.member.runCommandParameters.runCommandTargets.1.member.key",
            "Member must have length greater than or equal to 1",
        )
    ]


@pytest.mark.parametrize("text", ["\uff11" * 12, "٣" * 12, "12345678901a", "123456789012\n"])
def test_a_digit_is_one_of_ten_as_in_java(text: str) -> None:
    found = violations("PutPermission", {"Principal": text})
    assert (
        violation(f"Value '{text}'", "principal", r"Member must satisfy regular expression pattern: (\d{12}|\*)")
        in found
    )


AMBIGUOUS = sorted(
    {
        shape["pattern"]
        for shape in EVENTS_MODEL.shapes.values()
        if re.search(r"\)\*\[ \\t\]\*\$$", shape.get("pattern", ""))
    }
)


@pytest.mark.parametrize("pattern", AMBIGUOUS)
def test_a_header_of_many_words_with_a_bad_character_is_refused_in_our_lifetime(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled is not None
    assert compiled.fullmatch("word " * 80 + "\x01") is None
    assert compiled.fullmatch(" \t" * 200 + "\x01") is None
    assert compiled.fullmatch("word " * 80) is not None


@pytest.mark.parametrize("pattern", AMBIGUOUS)
def test_a_pattern_that_was_rewritten_means_the_same(pattern: str) -> None:
    assert len(AMBIGUOUS) == 2
    compiled = compile_pattern(pattern)
    assert compiled is not None
    assert compiled.pattern != pattern
    seed = random.randrange(sys.maxsize)
    chance = random.Random(seed)
    for _ in range(5000):
        text = "".join(chance.choices(" \tab:\x01~é", (8, 8, 4, 4, 1, 1, 1, 1), k=chance.randrange(9)))
        expected = re.fullmatch(pattern, text, re.ASCII) is not None
        assert (compiled.fullmatch(text) is not None) == expected, f"seed {seed}: {text!r}"


def test_a_text_far_too_long_is_told_of_its_length_and_not_held_against_its_pattern() -> None:
    [found] = violations("PutRule", {"Name": "?" * (PATTERN_CHARACTERS_MAX + 1)})
    assert found.endswith("Member must have length less than or equal to 64")
    assert len(violations("PutRule", {"Name": "?" * PATTERN_CHARACTERS_MAX})) == 2


# In the server.


@operation("PutRule")
def put_rule(_ctx: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Answer what came through."""
    return {"RuleArn": request.get("Name", "nothing")}


def answer_of(service: Service, target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Send one request through an emulator of one service."""
    emulator = Emulator((service,), clock=ManualClock())
    headers = [(b"host", b"localhost:4566"), (b"x-amz-target", target.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        emulator.start()
        await emulator(scope, receive, send)
        await emulator.stop()

    asyncio.run(run())
    return sent[0]["status"], json.loads(sent[1]["body"])


def events_service(*, constrained: bool) -> Service:
    return Service(
        "events",
        (sys.modules[__name__],),
        lambda *_: ServiceState(),
        namespace="com.amazonaws.events",
        constrained=constrained,
    )


def test_a_constrained_service_does_not_see_a_request_that_breaks_a_constraint() -> None:
    assert answer_of(events_service(constrained=True), "AWSEvents.PutRule", {}) == (
        400,
        {
            "__type": "com.amazon.coral.service#ValidationException",
            "message": "1 validation error detected: Value null at 'name' failed to satisfy constraint: "
            "Member must not be null",
        },
    )


def test_a_constrained_service_sees_a_good_request() -> None:
    assert answer_of(events_service(constrained=True), "AWSEvents.PutRule", {"Name": "r"}) == (200, {"RuleArn": "r"})


def test_a_service_is_not_constrained_unless_it_says_so() -> None:
    assert answer_of(events_service(constrained=False), "AWSEvents.PutRule", {}) == (200, {"RuleArn": "nothing"})
