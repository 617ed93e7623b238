"""PutPermission and RemovePermission: the policy of a bus, as a whole and statement by statement."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.events import limits
from tests.support.errors import Seen, error_of
from tests.support.harness import DEFAULT_ACCOUNT, Harness

ACCOUNT, REGION = "111122223333", "ap-southeast-2"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/orders"
FRIEND = "444455556666"
STATEMENT = {
    "Sid": "friend",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{FRIEND}:root"},
    "Action": "events:PutEvents",
    "Resource": BUS,
}
OWN = {"Sid": "own", "Effect": "Deny", "Principal": "*", "Action": ["events:PutRule"], "Resource": [BUS]}
DOCUMENT = {"Version": "2008-10-17", "Id": "mine", "Statement": [OWN]}
PERMISSION = {"Action": "events:PutEvents", "Principal": FRIEND, "StatementId": "friend"}


def refused(message: str) -> Seen:
    return Seen("ValidationException", message, 400)


def not_found(message: str) -> Seen:
    return Seen("ResourceNotFoundException", message, 400)


NO_POLICY = not_found("EventBus does not have a policy.")
NO_STATEMENT = not_found("Statement with the provided id does not exist.")
NO_JSON = refused("Parameter Policy is not valid. Reason: The policy is not a JSON text.")
NO_DOCUMENT = refused("Parameter Policy is not valid. Reason: The policy is not a policy document with statements.")
TOO_LONG = Seen("PolicyLengthExceededException", "The policy is too long: at most 10240 characters are allowed.", 400)


@pytest.fixture
def events(cloud: Harness) -> Any:
    client = cloud.client("events", account=ACCOUNT, region=REGION)
    client.create_event_bus(Name="orders")
    return client


def permit(events: Any, **changes: Any) -> None:
    events.put_permission(**{"EventBusName": "orders", **PERMISSION, **changes})


def permit_error(events: Any, **changes: Any) -> Seen:
    return error_of(permit, events=events, **changes)


def put_policy(events: Any, policy: Any, **also: Any) -> None:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    events.put_permission(EventBusName="orders", Policy=text, **also)


def remove(events: Any, **what: Any) -> None:
    events.remove_permission(EventBusName="orders", **what)


def policy_of(events: Any, bus: str = "orders") -> Any:
    text = events.describe_event_bus(Name=bus).get("Policy")
    return None if text is None else json.loads(text)


def statements_of(events: Any) -> list[Any]:
    return policy_of(events)["Statement"]


def long_policy(characters: int) -> str:
    """Write a policy of so many characters."""
    short = json.dumps(DOCUMENT | {"Id": ""})
    return json.dumps(DOCUMENT | {"Id": "x" * (characters - len(short))})


# One statement.


def test_a_bus_without_permissions_has_no_policy(events: Any) -> None:
    assert "Policy" not in events.describe_event_bus(Name="orders")


def test_a_permission_is_a_statement_of_the_bus_s_policy(events: Any) -> None:
    permit(events)
    assert policy_of(events) == {"Version": "2012-10-17", "Statement": [STATEMENT]}


def test_the_policy_is_a_text_in_lists_too(events: Any) -> None:
    permit(events)
    (shown,) = events.list_event_buses(NamePrefix="orders")["EventBuses"]
    assert json.loads(shown["Policy"])["Statement"] == [STATEMENT]


def test_everybody_can_be_permitted(events: Any) -> None:
    permit(events, Principal="*")
    assert statements_of(events) == [STATEMENT | {"Principal": "*"}]


def test_an_organization_can_be_permitted(events: Any) -> None:
    permit(events, Principal="*", Condition={"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-123"})
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-123"}}
    assert statements_of(events) == [STATEMENT | {"Principal": "*", "Condition": condition}]


def test_statements_stand_in_the_order_of_their_coming(events: Any) -> None:
    for name in ("b", "a", "c"):
        permit(events, StatementId=name)
    assert [each["Sid"] for each in statements_of(events)] == ["b", "a", "c"]


def test_the_same_statement_id_replaces_the_statement(events: Any) -> None:
    permit(events)
    permit(events, Principal="*")
    assert statements_of(events) == [STATEMENT | {"Principal": "*"}]


def test_without_a_name_it_is_the_default_bus(events: Any) -> None:
    events.put_permission(**PERMISSION)
    (statement,) = policy_of(events, "default")["Statement"]
    assert statement["Resource"] == f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
    assert policy_of(events) is None


def test_a_principal_in_china_has_china_s_partition(cloud: Harness) -> None:
    china = cloud.client("events", account=ACCOUNT, region="cn-north-1")
    china.put_permission(**PERMISSION)
    (statement,) = policy_of(china, "default")["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws-cn:iam::{FRIEND}:root"}


@pytest.mark.parametrize("name", ["put", "remove"])
def test_a_changed_policy_is_a_modification_of_the_bus(cloud: Harness, events: Any, name: str) -> None:
    permit(events, StatementId="first")
    made = events.describe_event_bus(Name="orders")["LastModifiedTime"]
    cloud.advance(60)
    permit(events) if name == "put" else remove(events, StatementId="first")
    assert (events.describe_event_bus(Name="orders")["LastModifiedTime"] - made).total_seconds() == 60


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        (("Action",), "Action"),
        (("Principal",), "Principal"),
        (("StatementId",), "StatementId"),
        (("Principal", "StatementId"), "Principal, StatementId"),
        (("Action", "Principal", "StatementId"), "Action, Principal, StatementId"),
    ],
)
def test_a_statement_needs_all_its_parts(events: Any, left_out: tuple[str, ...], named: str) -> None:
    given = {key: value for key, value in PERMISSION.items() if key not in left_out}
    seen = error_of(events.put_permission, EventBusName="orders", **given)
    assert seen == refused(f"Parameter(s) {named} must be specified.")


def test_only_put_events_can_be_permitted(events: Any) -> None:
    seen = permit_error(events, Action="events:PutRule")
    assert seen == refused("Provided value in parameter 'action' is not supported.")


@pytest.mark.parametrize("condition", [{"Type": "StringLike"}, {"Key": "aws:SourceAccount"}])
def test_only_an_organization_s_id_can_be_a_condition(events: Any, condition: dict[str, str]) -> None:
    given = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-123"} | condition
    reason = "Only StringEquals of aws:PrincipalOrgID is supported."
    seen = permit_error(events, Condition=given)
    assert seen == refused(f"Parameter Condition is not valid. Reason: {reason}")


@pytest.mark.parametrize(
    ("parameter", "value", "pattern"),
    [
        ("Action", "sqs:SendMessage", "events:[a-zA-Z]+"),
        ("Principal", "12345", r"(\d{12}|\*)"),
        ("StatementId", "not so", "[a-zA-Z0-9-_]+"),
        ("EventBusName", "aws.partner/a", r"[\.\-_A-Za-z0-9]+"),
    ],
)
def test_parts_of_a_wrong_form_are_refused(events: Any, parameter: str, value: str, pattern: str) -> None:
    member = parameter[0].lower() + parameter[1:]
    message = (
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern}"
    )
    assert permit_error(events, **{parameter: value}) == refused(message)


def test_a_refused_statement_changes_nothing(events: Any) -> None:
    permit(events)
    permit_error(events, Action="events:PutRule", Principal="*")
    assert statements_of(events) == [STATEMENT]


# A whole policy.


def test_a_whole_policy_is_kept_as_it_is(events: Any) -> None:
    put_policy(events, DOCUMENT)
    assert policy_of(events) == DOCUMENT


def test_a_whole_policy_replaces_all_statements(events: Any) -> None:
    permit(events)
    put_policy(events, DOCUMENT)
    assert statements_of(events) == [OWN]


def test_with_a_policy_nothing_else_is_looked_at(events: Any) -> None:
    put_policy(events, DOCUMENT, **PERMISSION | {"Action": "events:PutRule"})
    assert policy_of(events) == DOCUMENT


def test_a_statement_joins_those_of_a_whole_policy(events: Any) -> None:
    put_policy(events, DOCUMENT)
    permit(events)
    assert policy_of(events) == DOCUMENT | {"Statement": [OWN, STATEMENT]}


def test_a_statement_joins_one_that_stands_without_a_list(events: Any) -> None:
    put_policy(events, DOCUMENT | {"Statement": OWN})
    assert policy_of(events)["Statement"] == OWN
    permit(events)
    assert statements_of(events) == [OWN, STATEMENT]


def test_a_statement_of_a_whole_policy_can_be_replaced_by_its_id(events: Any) -> None:
    put_policy(events, DOCUMENT)
    permit(events, StatementId="own")
    assert statements_of(events) == [STATEMENT | {"Sid": "own"}]


@pytest.mark.parametrize("text", ["", "policy", "{", "{'Statement': []}"])
def test_a_policy_that_is_no_json_is_refused(events: Any, text: str) -> None:
    assert error_of(put_policy, events=events, policy=text) == NO_JSON


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in OWN.items() if key != name}


BAD_DOCUMENTS = {
    "a list": [DOCUMENT],
    "no statements": {"Version": "2012-10-17"},
    "an empty list of statements": DOCUMENT | {"Statement": []},
    "a text as statement": DOCUMENT | {"Statement": ["Allow"]},
    "a statement without effect": DOCUMENT | {"Statement": [without("Effect")]},
    "an unknown effect": DOCUMENT | {"Statement": [OWN | {"Effect": "allow"}]},
    "a statement without principal": DOCUMENT | {"Statement": [without("Principal")]},
    "a statement without action": DOCUMENT | {"Statement": [without("Action")]},
    "a statement without resource": DOCUMENT | {"Statement": [without("Resource")]},
    "one bad statement of two": DOCUMENT | {"Statement": [OWN, without("Action")]},
    "an action and its opposite": DOCUMENT | {"Statement": [OWN | {"NotAction": "events:PutEvents"}]},
}


@pytest.mark.parametrize("document", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_what_is_no_policy_document_is_refused(events: Any, document: Any) -> None:
    permit(events)
    assert error_of(put_policy, events=events, policy=document) == NO_DOCUMENT
    assert statements_of(events) == [STATEMENT]


def test_a_policy_may_name_what_it_does_not_mean(events: Any) -> None:
    document = DOCUMENT | {"Statement": [without("Principal") | {"NotPrincipal": {"AWS": FRIEND}}]}
    put_policy(events, document)
    assert policy_of(events) == document


def test_a_policy_has_a_length(events: Any) -> None:
    text = long_policy(limits.POLICY_MAX_CHARS)
    assert len(text) == 10_240
    put_policy(events, text)
    assert error_of(put_policy, events=events, policy=long_policy(limits.POLICY_MAX_CHARS + 1)) == TOO_LONG
    assert policy_of(events) == json.loads(text)


def test_a_statement_too_many_makes_a_policy_too_long(events: Any) -> None:
    put_policy(events, long_policy(10_200))
    assert permit_error(events) == TOO_LONG
    assert statements_of(events) == [OWN]


# Taking away.


def test_a_statement_can_be_taken_out(events: Any) -> None:
    put_policy(events, DOCUMENT)
    permit(events)
    remove(events, StatementId="own")
    assert policy_of(events) == DOCUMENT | {"Statement": [STATEMENT]}


def test_the_policy_goes_with_its_last_statement(events: Any) -> None:
    permit(events)
    remove(events, StatementId="friend")
    assert policy_of(events) is None
    assert error_of(remove, events=events, StatementId="friend") == NO_POLICY


def test_all_permissions_can_be_removed_and_that_twice(events: Any) -> None:
    put_policy(events, DOCUMENT)
    permit(events)
    remove(events, RemoveAllPermissions=True)
    remove(events, RemoveAllPermissions=True)
    assert policy_of(events) is None


def test_an_unknown_statement_is_not_found(events: Any) -> None:
    permit(events)
    assert error_of(remove, events=events, StatementId="other") == NO_STATEMENT
    assert statements_of(events) == [STATEMENT]


def test_a_bus_without_policy_has_nothing_to_take_out(events: Any) -> None:
    assert error_of(remove, events=events, StatementId="friend") == NO_POLICY


@pytest.mark.parametrize("what", [{}, {"RemoveAllPermissions": False}])
def test_something_to_remove_must_be_named(events: Any, what: dict[str, Any]) -> None:
    permit(events)
    seen = error_of(remove, events=events, **what)
    assert seen == refused("Parameter(s) StatementId or RemoveAllPermissions must be specified.")
    assert statements_of(events) == [STATEMENT]


# Other buses, accounts, regions.


def test_a_bus_must_exist(events: Any) -> None:
    refusal = not_found("Event bus none does not exist.")
    assert permit_error(events, EventBusName="none") == refusal
    assert error_of(events.remove_permission, EventBusName="none", RemoveAllPermissions=True) == refusal


@pytest.mark.parametrize(("account", "region"), [(DEFAULT_ACCOUNT, REGION), (ACCOUNT, "us-east-1")])
def test_buses_of_one_name_have_their_own_policies(cloud: Harness, events: Any, account: str, region: str) -> None:
    permit(events)
    other = cloud.client("events", account=account, region=region)
    other.create_event_bus(Name="orders")
    assert policy_of(other) is None


def test_a_policy_goes_with_its_bus(events: Any) -> None:
    permit(events)
    events.delete_event_bus(Name="orders")
    events.create_event_bus(Name="orders")
    assert policy_of(events) is None
