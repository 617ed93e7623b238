"""Filter policies from end to end: a policy is set with boto3, messages are published, and queues have what the policy lets through.

The language itself is tested in tests/emulator/pattern; here stand AWS's truth table in both scopes, what becomes of a policy that is
changed, and how refusals look to a client.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sns_publish_flow import deliveries, listen_raw
from tests.support.sns_subscriptions import FUNCTION, PHONE, attributes_of, set_attribute, subscribe
from tests.support.sns_topics import invalid, make_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import binary, text

BODY = "MessageBody"
ATTRIBUTES = "MessageAttributes"
NESTED = "Filter policy scope MessageAttributes does not support nested filter policy"
TOO_MANY_KEYS = "FilterPolicy: Filter policy can not have more than 5 keys"
TOO_COMPLEX = "FilterPolicy: Filter policy is too complex"


@pytest.fixture
def topic(sns: Any) -> str:
    return make_topic(sns)


@pytest.fixture
def box(sqs: Any) -> Box:
    return Box(sqs)


def number(value: str) -> dict[str, str]:
    return text(value, "Number")


def array(value: str) -> dict[str, str]:
    """Make a String.Array of JSON text."""
    return text(value, "String.Array")


def marked(policy: str) -> tuple[str, str]:
    """Take the mark out of a policy; give the policy, and Jackson's location for the place of the mark."""
    column = policy.index("\u00a6") + 1
    policy = policy.replace("\u00a6", "")
    return policy, f'\n at [Source: (String)"{policy}"; line: 1, column: {column}]'


# The truth table, on attributes.

A = {"a": text("x")}
ABSENT = [
    ({"a": [{"exists": False}]}, True),
    ({"a": [{"exists": True}]}, False),
    ({"a": ["x"]}, False),
    ({"a": [{"anything-but": ["x"]}]}, False),
    ({"a": [{"anything-but": {"prefix": "x"}}]}, False),
    ({"a": [{"prefix": ""}]}, False),
    ({"a": [{"numeric": [">", -5]}]}, False),
    ({"a": [{"exists": False}, {"anything-but": ["x"]}]}, True),
    ({"a": [{"exists": False}], "b": [{"exists": False}]}, True),
    ({"a": [{"exists": False}], "b": ["x"]}, False),
]
VALUES: list[tuple[Any, dict[str, Any], Any, bool]] = [
    # tests of a, as an attribute, as JSON in a body (None: there is no such thing), whether it matches
    (["x"], text("x"), "x", True),
    (["y", "x"], text("x"), "x", True),
    (["X"], text("x"), "x", False),
    ([5], text("5"), "5", False),
    ([{"numeric": ["=", 5]}], text("5"), "5", False),
    (["5"], number("5"), 5, False),
    ([15], number("15.0"), 15.0, True),
    ([15.0], number("15"), 15, True),
    ([15], number("1.5e1"), 15, True),
    ([{"numeric": ["=", 15]}], number("15.00"), 15.00, True),
    ([{"numeric": [">", 1, "<=", 5]}], number("5"), 5, True),
    ([{"numeric": [">", 1, "<=", 5]}], number("1"), 1, False),
    ([{"numeric": ["<=", 5, ">", 1]}], number("5"), 5, True),
    ([{"numeric": [">=", -1000000000]}], number("-1000000000"), -1000000000, True),
    ([{"numeric": ["<", 0.00002]}], number("0.00001"), 0.00001, True),
    ([{"anything-but": ["prod"]}], number("5"), 5, True),
    ([{"anything-but": [5]}], text("5"), "5", True),
    ([{"anything-but": ["x", "y"]}], text("y"), "y", False),
    ([{"anything-but": "x"}], text("y"), "y", True),
    ([{"anything-but": {"prefix": "x"}}], text("xy"), "xy", False),
    ([{"anything-but": {"prefix": "x"}}], text("yx"), "yx", True),
    ([{"exists": False}, {"anything-but": ["x"]}], text("x"), "x", False),
    ([{"exists": False}, {"anything-but": ["x"]}], text("y"), "y", True),
    ([{"exists": True}], text("x"), "x", True),
    ([{"exists": False}], text("x"), "x", False),
    ([{"prefix": "x"}], text("xy"), "xy", True),
    ([{"prefix": "X"}], text("xy"), "xy", False),
    ([{"prefix": ""}], text("x"), "x", True),
    ([{"prefix": "1"}], number("15"), 15, False),
    ([{"suffix": "y"}], text("xy"), "xy", True),
    ([{"suffix": "Y"}], text("xy"), "xy", False),
    ([{"suffix": "5"}], number("15"), 15, False),
    ([{"equals-ignore-case": "xY"}], text("Xy"), "Xy", True),
    ([{"equals-ignore-case": "x"}], text("xy"), "xy", False),
    ([{"cidr": "10.0.0.0/24"}], text("10.0.0.255"), "10.0.0.255", True),
    ([{"cidr": "10.0.0.0/24"}], text("10.0.1.0"), "10.0.1.0", False),
    ([{"cidr": "2001:db8::/32"}], text("2001:db8:1::1"), "2001:db8:1::1", True),
    ([{"cidr": "0.0.0.0/1"}], number("10"), 10, False),
    # arrays: one element is enough
    (["y"], array('["x","y"]'), ["x", "y"], True),
    (["z"], array('["x","y"]'), ["x", "y"], False),
    ([{"prefix": "y"}], array('["x","yz"]'), ["x", "yz"], True),
    ([{"suffix": "z"}], array('["x","yz"]'), ["x", "yz"], True),
    ([{"equals-ignore-case": "YZ"}], array('["x","yz"]'), ["x", "yz"], True),
    ([{"cidr": "10.0.0.0/8"}], array('["x","10.1.2.3"]'), ["x", "10.1.2.3"], True),
    ([{"numeric": [">", 100]}], array("[1,200]"), [1, 200], True),
    ([200], array('["200"]'), ["200"], False),
    ([{"exists": True}], array('["x"]'), ["x"], True),
    ([{"exists": False}], array('["x"]'), ["x"], False),
    ([{"anything-but": ["prod"]}], array('["prod","test"]'), ["prod", "test"], True),
    ([{"anything-but": ["prod"]}], array('["prod"]'), ["prod"], False),
    # true, false and null are themselves and no text
    ([True], array("[true]"), True, True),
    ([True], array('["true"]'), "true", False),
    (["true"], array("[true]"), True, False),
    ([True], text("true"), "true", False),
    ([False], array('["x",false]'), ["x", False], True),
    ([None], array("[null]"), None, True),
    (["null"], array("[null]"), None, False),
    ([{"exists": True}], array("[null]"), None, True),
]


@pytest.mark.parametrize(("policy", "wanted"), ABSENT)
def test_an_attribute_that_is_absent(sns: Any, topic: str, box: Box, policy: dict[str, Any], wanted: bool) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps(policy))
    sns.publish(TopicArn=topic, Message="none")
    sns.publish(TopicArn=topic, Message='{"a":"in the body"}', MessageAttributes={"other": text("x")})
    assert len(box.receive()) == (2 if wanted else 0)


@pytest.mark.parametrize(("tests", "attribute", "_value", "wanted"), VALUES)
def test_an_attribute_and_what_a_policy_says_of_it(
    sns: Any, topic: str, box: Box, tests: list[Any], attribute: dict[str, Any], _value: Any, wanted: bool
) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps({"a": tests}))
    sns.publish(TopicArn=topic, Message="m", MessageAttributes={"a": attribute, "b": text("x")})
    assert box.bodies() == (["m"] if wanted else [])


@pytest.mark.parametrize(
    ("tests", "wanted"),
    [
        ([{"exists": True}], True),
        ([{"exists": False}], False),
        (["/w=="], False),
        ([{"anything-but": ["x"]}], False),
        ([{"prefix": ""}], False),
    ],
)
def test_of_a_binary_attribute_a_policy_sees_only_that_it_is_there(
    sns: Any, topic: str, box: Box, tests: list[Any], wanted: bool
) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps({"a": tests}))
    sns.publish(TopicArn=topic, Message="m", MessageAttributes={"a": binary(b"\xff")})
    assert box.bodies() == (["m"] if wanted else [])


@pytest.mark.parametrize("value", ['["x"', '{"x":"x"}', '"x"', "x"])
@pytest.mark.parametrize(
    "tests", [["x"], [{"anything-but": ["y"]}], [{"prefix": ""}], [{"exists": True}], [{"exists": False}]]
)
def test_an_array_attribute_that_holds_no_array_matches_nothing(
    sns: Any, topic: str, box: Box, tests: list[Any], value: str
) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps({"a": tests}))
    sns.publish(TopicArn=topic, Message="m", MessageAttributes={"a": array(value)})
    assert box.bodies() == []


@pytest.mark.parametrize(("kind", "tests"), [("String.name", ["5"]), ("Number.int", [5])])
def test_a_label_behind_the_type_is_no_matter(sns: Any, topic: str, box: Box, kind: str, tests: list[Any]) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps({"a": tests}))
    sns.publish(TopicArn=topic, Message="m", MessageAttributes={"a": text("5", kind)})
    assert box.bodies() == ["m"]


# The truth table, on bodies.


@pytest.mark.parametrize(("policy", "wanted"), ABSENT)
def test_a_key_that_is_absent(sns: Any, topic: str, box: Box, policy: dict[str, Any], wanted: bool) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps(policy), FilterPolicyScope=BODY)
    for body in ("{}", '{"other":"x"}', '{"other":{"a":"x"}}'):
        sns.publish(TopicArn=topic, Message=body, MessageAttributes=A)
    assert len(box.receive()) == (3 if wanted else 0)


@pytest.mark.parametrize(("tests", "_attribute", "value", "wanted"), VALUES)
def test_a_value_of_the_body_and_what_a_policy_says_of_it(
    sns: Any, topic: str, box: Box, tests: list[Any], _attribute: dict[str, Any], value: Any, wanted: bool
) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps({"a": tests}), FilterPolicyScope=BODY)
    body = json.dumps({"a": value, "b": "x"})
    sns.publish(TopicArn=topic, Message=body)
    assert box.bodies() == ([body] if wanted else [])


@pytest.mark.parametrize("body", ["x", '"a"', "5", "null", "[]", '[{"a":"x"}]', '{"a":"x"', "{'a':'x'}", '{"a":NaN}'])
@pytest.mark.parametrize("tests", [["x"], [{"exists": False}]])
def test_a_body_that_is_no_json_object_matches_nothing(
    sns: Any, topic: str, box: Box, body: str, tests: list[Any]
) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps({"a": tests}), FilterPolicyScope=BODY)
    sns.publish(TopicArn=topic, Message=body, MessageAttributes=A)
    assert box.bodies() == []


@pytest.mark.parametrize(
    ("policy", "body", "wanted"),
    [
        ({"a": {"b": ["x"]}}, {"a": {"b": "x"}}, True),
        ({"a": {"b": ["x"]}}, {"a": {"b": "y"}, "b": "x"}, False),
        ({"a": {"b": ["x"]}}, {"a": "x"}, False),
        # objects are no values
        ({"a": [{"exists": True}]}, {"a": {"b": 1}}, False),
        ({"a": [{"exists": False}]}, {"a": {"b": 1}}, True),
        ({"a": [{"anything-but": ["x"]}]}, {"a": {"b": 1}}, False),
        # a choice that offers none is a key
        ({"$or": ["x"]}, {"$or": "x"}, True),
        # dots
        ({"a.b": ["x"]}, {"a.b": "x"}, True),
        ({"a.b": ["x"]}, {"a": {"b": "x"}}, True),
        ({"a": {"b": ["x"]}}, {"a.b": "x"}, True),
        ({"a": {"b": {"c": ["x"]}}}, {"a.b": {"c": "x"}}, True),
        # arrays
        ({"a": ["x"]}, {"a": [["w"], ["x"]]}, True),
        ({"a": {"b": ["x"]}}, {"a": [{"b": "w"}, {"b": "x"}]}, True),
        ({"a": {"b": ["x"]}}, {"a": [{"b": ["w", "x"]}]}, True),
        ({"a": {"b": ["x"]}}, {"a": [{"b": "w"}, "x"]}, False),
        ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x", "c": "y"}]}, True),
        ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "x", "c": "n"}, {"b": "n", "c": "y"}]}, False),
        ({"a": {"b": ["x"], "c": ["y"]}}, {"a": [{"b": "n", "c": "n"}, {"b": "x", "c": "y"}]}, True),
        ({"a": {"b": ["x"]}, "c": {"b": ["y"]}}, {"a": [{"b": "n"}, {"b": "x"}], "c": [{"b": "y"}]}, True),
    ],
)
def test_a_policy_on_bodies_looks_into_objects_and_arrays(
    sns: Any, topic: str, box: Box, policy: dict[str, Any], body: dict[str, Any], wanted: bool
) -> None:
    listen_raw(sns, topic, box, FilterPolicy=json.dumps(policy), FilterPolicyScope=BODY)
    sns.publish(TopicArn=topic, Message=json.dumps(body))
    assert len(box.receive()) == wanted


# Keys together.

OR = {"kind": ["a"], "$or": [{"n": [1]}, {"n": [{"numeric": [">", 5]}], "flag": ["x"]}]}


@pytest.mark.parametrize(
    ("policy", "fields", "wanted"),
    [
        ({"kind": ["a"], "n": [1]}, {"kind": "a", "n": 1}, True),
        ({"kind": ["a"], "n": [1]}, {"kind": "a", "n": 2}, False),
        ({"kind": ["a"], "n": [1]}, {"kind": "a"}, False),
        (OR, {"kind": "a", "n": 1}, True),
        (OR, {"kind": "a", "n": 6, "flag": "x"}, True),
        (OR, {"kind": "a", "n": 6}, False),
        (OR, {"kind": "b", "n": 1}, False),
    ],
)
@pytest.mark.parametrize("scope", [ATTRIBUTES, BODY])
def test_all_keys_have_to_match_and_one_branch_of_a_choice(
    sns: Any, topic: str, box: Box, policy: dict[str, Any], fields: dict[str, Any], wanted: bool, scope: str
) -> None:
    attributes = {name: text(value) if isinstance(value, str) else number(str(value)) for name, value in fields.items()}
    listen_raw(sns, topic, box, FilterPolicy=json.dumps(policy), FilterPolicyScope=scope)
    given = (
        {"MessageAttributes": attributes, "Message": "m"} if scope == ATTRIBUTES else {"Message": json.dumps(fields)}
    )
    sns.publish(TopicArn=topic, **given)
    assert len(box.receive()) == wanted


# Who gets what.


def test_each_subscriber_has_its_own_policy(sns: Any, sqs: Any, topic: str) -> None:
    boxes = {kind: Box(sqs, kind) for kind in ("a", "b", "all")}
    listen_raw(sns, topic, boxes["a"], FilterPolicy='{"kind":["a"]}')
    listen_raw(sns, topic, boxes["b"], FilterPolicy='{"kind":["b"]}', FilterPolicyScope=BODY)
    listen_raw(sns, topic, boxes["all"])
    sns.publish(TopicArn=topic, Message='{"kind":"b"}', MessageAttributes={"kind": text("a")})
    sns.publish(TopicArn=topic, Message='{"kind":"a"}', MessageAttributes={"kind": text("b")})
    both = ['{"kind":"b"}', '{"kind":"a"}']
    assert {kind: box.bodies() for kind, box in boxes.items()} == {"a": both[:1], "b": both[:1], "all": both}


def test_what_is_filtered_out_is_no_failure(cloud: Harness, sns: Any, topic: str, box: Box) -> None:
    dead = Box(box.client, "dead")
    listen_raw(sns, topic, box, FilterPolicy='{"a":["x"]}', RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn}))
    sns.publish(TopicArn=topic, Message="m")
    shown = deliveries(cloud)
    assert (shown["pending"], shown["failed"], dead.bodies()) == ([], [], [])


def test_each_entry_of_a_batch_is_filtered_for_itself(sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box, FilterPolicy='{"a":["x"]}')
    entries = [{"Id": each, "Message": each, "MessageAttributes": {"a": text(each)}} for each in "xyzx"[:3]]
    assert len(sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]) == 3
    assert box.bodies() == ["x"]


def test_a_policy_on_bodies_sees_the_text_that_its_protocol_gets(
    cloud: Harness, sns: Any, topic: str, box: Box
) -> None:
    for wanted in ("queues", "all", "functions"):
        given = {"FilterPolicy": json.dumps({"for": [wanted]}), "FilterPolicyScope": BODY}
        listen_raw(sns, topic, Box(box.client, wanted), **given)
        subscribe(sns, topic, "lambda", f"{FUNCTION}-{wanted}", **given)
        subscribe(sns, topic, "sms", PHONE + str(len(wanted)), **given)
    texts = {"default": '{"for":"all"}', "sqs": '{"for":"queues"}', "lambda": '{"for":"functions"}'}
    sns.publish(TopicArn=topic, Message=json.dumps(texts), MessageStructure="json")
    found = [Box(box.client, name).bodies() for name in ("queues", "all", "functions")]
    assert found == [['{"for":"queues"}'], [], []]
    assert [each["target"] for each in deliveries(cloud)["pending"]] == [f"{FUNCTION}-functions"]
    captured = json.loads(cloud.request("GET", "/_aws/sns/sms-messages").body)["sms_messages"]
    assert list(captured) == [PHONE + str(len("all"))]


def test_a_policy_does_not_see_the_document_of_a_structured_message(sns: Any, topic: str, box: Box) -> None:
    listen_raw(sns, topic, box, FilterPolicy='{"default":[{"exists":true}]}', FilterPolicyScope=BODY)
    sns.publish(TopicArn=topic, Message='{"default":"{}"}', MessageStructure="json")
    assert box.bodies() == []


# Changes.


def test_a_changed_policy_acts_at_once(sns: Any, topic: str, box: Box) -> None:
    arn = listen_raw(sns, topic, box)
    for policy, wanted in [('{"a":["x"]}', ["x"]), ('{"a":["y"]}', ["y"]), ('{"a":[{"exists":false}]}', [])]:
        set_attribute(sns, arn, "FilterPolicy", policy)
        for each in "xy":
            sns.publish(TopicArn=topic, Message=each, MessageAttributes={"a": text(each)})
        assert box.bodies() == wanted


@pytest.mark.parametrize("nothing", ["", "{}"])
@pytest.mark.parametrize("scope", [ATTRIBUTES, BODY])
def test_without_its_policy_a_subscriber_gets_everything(
    sns: Any, topic: str, box: Box, nothing: str, scope: str
) -> None:
    arn = listen_raw(sns, topic, box, FilterPolicy='{"a":["x"]}', FilterPolicyScope=scope)
    set_attribute(sns, arn, "FilterPolicy", nothing)
    sns.publish(TopicArn=topic, Message="m")
    assert box.bodies() == ["m"]


def test_a_changed_scope_acts_at_once(sns: Any, topic: str, box: Box) -> None:
    arn = listen_raw(sns, topic, box, FilterPolicy='{"a":["x"]}')
    for scope, wanted in [(BODY, ["body"]), (ATTRIBUTES, ["attribute"]), (BODY, ["body"]), ("", ["attribute"])]:
        set_attribute(sns, arn, "FilterPolicyScope", scope)
        sns.publish(TopicArn=topic, Message='{"a":"x","is":"body"}')
        sns.publish(TopicArn=topic, Message='{"is":"attribute"}', MessageAttributes=A)
        assert [json.loads(body)["is"] for body in box.bodies()] == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [("FilterPolicy", '{"a":[]}'), ("FilterPolicyScope", "Header"), ("FilterPolicyScope", ATTRIBUTES)],
)
def test_a_refused_change_leaves_the_policy_as_it_is(sns: Any, topic: str, box: Box, name: str, value: str) -> None:
    policy = '{"a":{"b":["x"]}}'
    arn = listen_raw(sns, topic, box, FilterPolicy=policy, FilterPolicyScope=BODY)
    error_of(sns.set_subscription_attributes, SubscriptionArn=arn, AttributeName=name, AttributeValue=value)
    shown = attributes_of(sns, arn)
    assert (shown["FilterPolicy"], shown["FilterPolicyScope"]) == (policy, BODY)
    sns.publish(TopicArn=topic, Message='{"a":{"b":"x"}}')
    sns.publish(TopicArn=topic, Message='{"a":{"b":"y"}}')
    assert box.bodies() == ['{"a":{"b":"x"}}']


def test_an_ended_subscription_s_policy_is_asked_no_more(sns: Any, topic: str, box: Box) -> None:
    for scope in (ATTRIBUTES, BODY):
        arn = listen_raw(sns, topic, box, FilterPolicy='{"a":["x"]}', FilterPolicyScope=scope)
        sns.unsubscribe(SubscriptionArn=arn)
    sns.publish(TopicArn=topic, Message='{"a":"x"}', MessageAttributes=A)
    assert box.bodies() == []


# Refusals.


def refusals(sns: Any, topic: str, policy: str, scope: str) -> tuple[Seen, Seen]:
    """Get the errors of Subscribe and of SetSubscriptionAttributes."""
    queue = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}
    given = {"FilterPolicy": policy, "FilterPolicyScope": scope}
    first = error_of(sns.subscribe, **queue, Attributes=given)
    arn = sns.subscribe(**queue, Attributes={"FilterPolicyScope": scope})["SubscriptionArn"]
    change = {"SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": policy}
    return first, error_of(sns.set_subscription_attributes, **change)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ('{"a":"¦x"}', '"a" must be an object or an array'),
        ('{"a":5¦}', '"a" must be an object or an array'),
        ('{"a":null¦}', '"a" must be an object or an array'),
        ('{"a":[]¦}', "Empty arrays are not allowed"),
        ('{"a":{}¦}', "Empty objects are not allowed"),
        ('{"a":[[¦"x"]]}', "Match value must be String, number, true, false, or null"),
        ('{"a":["x"],"b":[{"wildcard":"¦x*"}]}', "Unrecognized match type wildcard"),
        ('{"a":[{"prefix":5¦}]}', "prefix match pattern must be a string"),
        ('{"a":[{"suffix":[¦"x"]}]}', "suffix match pattern must be a string"),
        ('{"a":[{"cidr":5¦}]}', "prefix match pattern must be a string"),
        ('{"a":[{"equals-ignore-case":true¦}]}', "equals-ignore-case match pattern must be a string"),
        ('{"a":[{"prefix":"x","suffix":"¦y"}]}', "Only one key allowed in match expression"),
        ('{"a":[{"exists":"¦true"}]}', "exists match pattern must be either true or false."),
        ('{"a":[{"anything-but":{"suffix":"¦x"}}]}', "Unsupported anything-but pattern: suffix"),
        ('{"a":[{"numeric":5¦}]}', "Value of numeric must be an array."),
        ('{"a":[{"numeric":[">=",5,"<",5]¦}]}', "Bottom must be less than top"),
    ],
)
@pytest.mark.parametrize("scope", [ATTRIBUTES, BODY])
def test_a_refused_policy_is_shown_with_the_place(sns: Any, topic: str, policy: str, reason: str, scope: str) -> None:
    policy, place = marked(policy)
    expected = f"FilterPolicy: {reason}{place}"
    assert refusals(sns, topic, policy, scope) == (invalid(f"Attributes Reason: {expected}"), invalid(expected))


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("{", "FilterPolicy: failed to parse JSON."),
        ("{'a':['x']}", "FilterPolicy: failed to parse JSON."),
        ('{"a":["x"],}', "FilterPolicy: failed to parse JSON."),
        (json.dumps({name: ["x"] for name in "abcdef"}), TOO_MANY_KEYS),
        (json.dumps({"$or": [{name: ["x"]} for name in "abcdef"]}), TOO_MANY_KEYS),
        (json.dumps({"a": list(range(151))}), TOO_COMPLEX),
        (json.dumps({"a": list(range(76)), "b": [1, 2]}), TOO_COMPLEX),
        ('{"a":[{"cidr":"10.0.0.0"}]}', "FilterPolicy: Malformed CIDR, one '/' required"),
        ('{"a":[{"cidr":"10.0.0.0/x"}]}', "FilterPolicy: Malformed CIDR, mask bits must be an integer"),
        ('{"a":[{"cidr":"here/8"}]}', "FilterPolicy: Nonstandard IP address: here"),
    ],
)
@pytest.mark.parametrize("scope", [ATTRIBUTES, BODY])
def test_some_refusals_have_no_place(sns: Any, topic: str, policy: str, reason: str, scope: str) -> None:
    found = refusals(sns, topic, policy, scope)
    assert found == (invalid(f"Attributes Reason: {reason}"), invalid(reason))


def test_policies_on_attributes_do_not_nest(sns: Any, topic: str) -> None:
    found = refusals(sns, topic, '{"a":{"b":["x"]}}', ATTRIBUTES)
    assert found == (invalid(f"Attributes Reason: {NESTED}"), invalid(NESTED))


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"top": {name: ["x"] for name in "abcdef"}}, TOO_MANY_KEYS),
        ({"a": {"b": list(range(76))}}, TOO_COMPLEX),  # 76 values two keys deep count 152
        ({"a": {"b": {"c": [1, 2, 3, 4]}}, "d": {"e": [1, 2, 3, 4, 5, 6, 7]}}, TOO_COMPLEX),  # 4 * 3 * 7 * 2
    ],
)
def test_depth_counts_in_policies_on_bodies(sns: Any, topic: str, policy: dict[str, Any], reason: str) -> None:
    found = refusals(sns, topic, json.dumps(policy), BODY)
    assert found == (invalid(f"Attributes Reason: {reason}"), invalid(reason))


@pytest.mark.parametrize(
    ("policy", "scope"),
    [
        ({name: ["x"] for name in "abcde"}, ATTRIBUTES),
        ({"a": list(range(150))}, ATTRIBUTES),
        ({"a": list(range(5)), "b": list(range(5)), "c": list(range(6))}, ATTRIBUTES),
        ({"a": list(range(150))}, BODY),
        ({"a": {"b": list(range(75))}}, BODY),
        ({"a": {"b": {"c": [1, 2, 3, 4]}}, "d": {"e": [1, 2, 3]}}, BODY),
        ({"top": {name: ["x"] for name in "abc"}}, BODY),
    ],
)
def test_up_to_the_limits_a_policy_is_taken_as_it_is(sns: Any, topic: str, policy: dict[str, Any], scope: str) -> None:
    arn = subscribe(sns, topic, FilterPolicy=json.dumps(policy), FilterPolicyScope=scope)
    assert attributes_of(sns, arn)["FilterPolicy"] == json.dumps(policy)
