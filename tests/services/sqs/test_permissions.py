"""Who may use a queue: the Policy attribute, AddPermission, RemovePermission."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.sqs_messages import make_queue
from tests.support.sqs_queues import NO_QUEUE, attributes_of, bad_attribute, invalid_value, set_attributes

ARN = "arn:aws:sqs:us-east-1:000000000000:orders"
FRIEND, OTHER = "111122223333", "444455556666"
SHARED_ACTIONS = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
]
OWNER_ACTIONS = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
]
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "SQS:SendMessage", "Resource": ARN}


def add(sqs: Any, url: str, label: str = "share", accounts: Any = (FRIEND,), actions: Any = ("SendMessage",)) -> None:
    sqs.add_permission(QueueUrl=url, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def add_error(sqs: Any, url: str, **arguments: Any) -> Seen:
    return error_of(add, sqs=sqs, url=url, **arguments)


def remove_error(sqs: Any, url: str, label: str) -> Seen:
    return error_of(sqs.remove_permission, QueueUrl=url, Label=label)


def policy_of(sqs: Any, url: str) -> dict[str, Any] | None:
    text = attributes_of(sqs, url).get("Policy")
    return None if text is None else json.loads(text)


def labels_of(sqs: Any, url: str) -> list[str]:
    policy = policy_of(sqs, url)
    return [] if policy is None else [statement["Sid"] for statement in policy["Statement"]]


def statement(**changes: Any) -> dict[str, Any]:
    """Make a statement with changes; None takes a key out."""
    return {key: value for key, value in {**STATEMENT, **changes}.items() if value is not None}


def policy(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", **more, "Statement": list(statements)})


def wrong(value: str, parameter: str, reason: str) -> Seen:
    return invalid_value(f"Value {value} for parameter {parameter} is invalid. Reason: {reason}")


# AddPermission.


def test_a_queue_s_first_permission_makes_a_policy_of_aws_s_form(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    assert policy_of(sqs, url) == {
        "Version": "2008-10-17",
        "Id": f"{ARN}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "share",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{FRIEND}:root"},
                "Action": "SQS:SendMessage",
                "Resource": ARN,
            }
        ],
    }


def test_several_accounts_and_actions_are_lists_in_the_order_given(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url, accounts=[OTHER, FRIEND], actions=["SendMessage", "ReceiveMessage", "DeleteMessage"])
    shown: Any = policy_of(sqs, url)
    assert shown["Statement"][0]["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root", f"arn:aws:iam::{FRIEND}:root"]}
    assert shown["Statement"][0]["Action"] == ["SQS:SendMessage", "SQS:ReceiveMessage", "SQS:DeleteMessage"]


@pytest.mark.parametrize("action", SHARED_ACTIONS)
def test_what_others_may_do_can_be_allowed(sqs: Any, action: str) -> None:
    url = make_queue(sqs)
    add(sqs, url, actions=[action])
    shown: Any = policy_of(sqs, url)
    assert shown["Statement"][0]["Action"] == f"SQS:{action}"


def test_permissions_stand_in_the_order_in_which_they_were_added(sqs: Any) -> None:
    url = make_queue(sqs)
    for label in ("b", "a", "c"):
        add(sqs, url, label=label)
    assert labels_of(sqs, url) == ["b", "a", "c"]


def test_a_permission_joins_a_policy_that_was_set_by_hand(sqs: Any) -> None:
    url = make_queue(sqs, Policy=policy(statement(Sid="mine"), Id="hand-made"))
    add(sqs, url)
    shown: Any = policy_of(sqs, url)
    assert (shown["Version"], shown["Id"]) == ("2012-10-17", "hand-made")
    assert labels_of(sqs, url) == ["mine", "share"]


def test_a_permission_joins_a_policy_whose_only_statement_is_no_list(sqs: Any) -> None:
    url = make_queue(sqs, Policy=json.dumps({"Statement": statement(Sid="mine")}))
    add(sqs, url)
    assert labels_of(sqs, url) == ["mine", "share"]


def test_a_permission_in_china_names_accounts_of_china_s_partition(cloud: Any) -> None:
    sqs = cloud.client(account=OTHER, region="cn-northwest-1")
    url = make_queue(sqs)
    add(sqs, url)
    shown: Any = policy_of(sqs, url)
    assert shown["Statement"][0]["Principal"] == {"AWS": f"arn:aws-cn:iam::{FRIEND}:root"}
    assert shown["Statement"][0]["Resource"] == f"arn:aws-cn:sqs:cn-northwest-1:{OTHER}:orders"


def test_adding_and_removing_permissions_moves_lastmodifiedtimestamp(cloud: Any, sqs: Any) -> None:
    url = make_queue(sqs)
    seen = []
    for change in (lambda: add(sqs, url), lambda: sqs.remove_permission(QueueUrl=url, Label="share")):
        cloud.advance(10)
        change()
        seen.append(int(attributes_of(sqs, url)["LastModifiedTimestamp"]))
    created = int(attributes_of(sqs, url)["CreatedTimestamp"])
    assert seen == [created + 10, created + 20]


# AddPermission's refusals.


@pytest.mark.parametrize("label", ["a", "A-z_09", "x" * 80])
def test_a_label_has_1_to_80_letters_digits_hyphens_and_underscores(sqs: Any, label: str) -> None:
    url = make_queue(sqs)
    add(sqs, url, label=label)
    assert labels_of(sqs, url) == [label]


@pytest.mark.parametrize("label", ["x" * 81, "with space", "a.b", "é", "a\n"], ids=repr)
def test_any_other_label_is_refused(sqs: Any, label: str) -> None:
    reason = "Label can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
    url = make_queue(sqs)
    assert add_error(sqs, url, label=label) == wrong(label, "Label", reason)
    assert remove_error(sqs, url, label) == wrong(label, "Label", reason)


def test_a_label_is_used_once_in_a_queue(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    before = policy_of(sqs, url)
    assert add_error(sqs, url, actions=["ReceiveMessage"]) == wrong("share", "Label", "Already exists.")
    assert policy_of(sqs, url) == before


def test_two_queues_may_use_the_same_label(sqs: Any) -> None:
    add(sqs, make_queue(sqs, "first"))
    add(sqs, make_queue(sqs, "second"))


def test_seven_actions_are_allowed_in_one_permission(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url, actions=SHARED_ACTIONS[1:8])
    shown: Any = policy_of(sqs, url)
    assert len(shown["Statement"][0]["Action"]) == 7


def test_eight_actions_are_too_many(sqs: Any) -> None:
    url = make_queue(sqs)
    message = "8 Actions were found, maximum allowed is 7."
    assert add_error(sqs, url, actions=SHARED_ACTIONS[1:9]) == Seen("OverLimit", message, 403)
    assert policy_of(sqs, url) is None


@pytest.mark.parametrize("action", OWNER_ACTIONS)
def test_what_only_the_owner_may_do_cannot_be_allowed(sqs: Any, action: str) -> None:
    reason = "Only the queue owner is allowed to invoke this action."
    error = add_error(sqs, make_queue(sqs), actions=["SendMessage", action])
    assert error == wrong(f"SQS:{action}", "ActionName", reason)


@pytest.mark.parametrize("action", ["Fly", "sendmessage", "SQS:SendMessage", ""])
def test_an_unknown_action_is_refused(sqs: Any, action: str) -> None:
    reason = "Please refer to the appropriate WSDL for a list of valid actions. "
    error = add_error(sqs, make_queue(sqs), actions=[action])
    assert error == wrong(f"SQS:{action}", "ActionName", reason)


@pytest.mark.parametrize(
    ("accounts", "shown"),
    [
        ([], "[]"),
        (["12345"], "[12345]"),
        ([f"arn:aws:iam::{FRIEND}:root"], f"[arn:aws:iam::{FRIEND}:root]"),
        ([FRIEND, "bob"], f"[{FRIEND}, bob]"),
        (["١١١١٢٢٢٢٣٣٣٣"], "[١١١١٢٢٢٢٣٣٣٣]"),
    ],
    ids=["none", "short", "arn", "one of two", "other digits"],
)
def test_accounts_that_are_none_cannot_be_verified(sqs: Any, accounts: list[str], shown: str) -> None:
    error = add_error(sqs, make_queue(sqs), accounts=accounts)
    assert error == wrong(shown, "PrincipalId", "Unable to verify.")


def test_a_permission_without_actions_says_what_is_missing(sqs: Any) -> None:
    message = "The request must contain the parameter Actions."
    assert add_error(sqs, make_queue(sqs), actions=[]) == Seen("MissingParameter", message, 400)


def test_a_permission_without_a_label_says_what_is_missing(sqs: Any) -> None:
    message = "The request must contain the parameter Label."
    url = make_queue(sqs)
    assert add_error(sqs, url, label="") == Seen("MissingParameter", message, 400)
    assert remove_error(sqs, url, "") == Seen("MissingParameter", message, 400)


def test_a_policy_has_up_to_20_statements(sqs: Any) -> None:
    url = make_queue(sqs, Policy=policy(*[statement(Sid=f"s{number}") for number in range(19)]))
    add(sqs, url, label="twentieth")
    message = "21 statements were found, maximum allowed is 20."
    assert add_error(sqs, url, label="one-more") == Seen("OverLimit", message, 403)


def test_permissions_of_a_missing_queue_are_an_error(sqs: Any) -> None:
    url = "http://localhost:4566/000000000000/nobody"
    assert add_error(sqs, url) == NO_QUEUE
    assert remove_error(sqs, url, "share") == NO_QUEUE


# RemovePermission.


def test_removing_a_permission_leaves_the_others(sqs: Any) -> None:
    url = make_queue(sqs)
    for label in ("a", "b", "c"):
        add(sqs, url, label=label)
    sqs.remove_permission(QueueUrl=url, Label="b")
    assert labels_of(sqs, url) == ["a", "c"]


def test_removing_the_last_permission_removes_the_policy(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    sqs.remove_permission(QueueUrl=url, Label="share")
    assert policy_of(sqs, url) is None


def test_a_removed_label_can_be_used_again(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    sqs.remove_permission(QueueUrl=url, Label="share")
    add(sqs, url, actions=["ReceiveMessage"])
    assert labels_of(sqs, url) == ["share"]


def test_a_statement_of_a_policy_set_by_hand_is_removed_by_its_sid(sqs: Any) -> None:
    url = make_queue(sqs, Policy=policy(statement(Sid="mine"), statement(Sid="yours"), statement()))
    sqs.remove_permission(QueueUrl=url, Label="mine")
    shown: Any = policy_of(sqs, url)
    assert shown["Statement"] == [statement(Sid="yours"), statement()]


@pytest.mark.parametrize("label", ["unknown", "Share"])
def test_removing_an_unknown_label_is_an_error(sqs: Any, label: str) -> None:
    url = make_queue(sqs)
    assert remove_error(sqs, url, label) == wrong(label, "Label", "can't find label.")
    add(sqs, url)
    assert remove_error(sqs, url, label) == wrong(label, "Label", "can't find label.")
    assert labels_of(sqs, url) == ["share"]


# The Policy attribute.


@pytest.mark.parametrize(
    "document",
    [
        policy(STATEMENT),
        json.dumps({"Statement": STATEMENT}),
        policy(statement(Effect="Deny", Principal={"AWS": FRIEND}, Action="*")),
        policy(statement(Principal={"Service": "sns.amazonaws.com"}, Condition={"ArnEquals": {"aws:SourceArn": "a"}})),
        policy(statement(Principal=None, NotPrincipal={"AWS": FRIEND}, Action=None, NotAction="SQS:PurgeQueue")),
        policy(statement(Action=SHARED_ACTIONS[1:8])),
        policy(statement(Principal={"AWS": [f"{number:012}" for number in range(50)]})),
        policy(statement(Condition={"StringEquals": {f"aws:PrincipalTag/{number}": "v" for number in range(10)}})),
        policy(*[statement(Sid=f"s{number}") for number in range(20)]),
        policy(STATEMENT, Id="x" * (8192 - len(policy(STATEMENT, Id="")))),
    ],
    ids=["list", "one", "deny", "service", "not", "actions", "principals", "conditions", "statements", "8192 bytes"],
)
def test_a_valid_policy_is_kept_on_creation_and_later(sqs: Any, document: str) -> None:
    created, changed = make_queue(sqs, "created", Policy=document), make_queue(sqs, "changed")
    set_attributes(sqs, changed, Policy=document)
    assert policy_of(sqs, created) == policy_of(sqs, changed) == json.loads(document)


@pytest.mark.parametrize(
    "document",
    [
        "text",
        "{",
        "[]",
        '"text"',
        "{}",
        policy(),
        policy("text"),
        policy(statement(Effect=None)),
        policy(statement(Effect="Maybe")),
        policy(statement(Principal=None)),
        policy(statement(Action=None)),
        policy(statement(Action=[])),
        policy(statement(Action=SHARED_ACTIONS[1:9])),
        policy(statement(Principal={"AWS": [f"{number:012}" for number in range(51)]})),
        policy(statement(Condition={"StringEquals": {f"aws:PrincipalTag/{number}": "v" for number in range(11)}})),
        policy(statement(Condition="always")),
        policy(*[statement(Sid=f"s{number}") for number in range(21)]),
        policy(STATEMENT, Id="x" * (8193 - len(policy(STATEMENT, Id="")))),
    ],
    ids=[
        "text",
        "broken",
        "list",
        "string",
        "no statement",
        "empty",
        "no map",
        "no effect",
        "bad effect",
        "no principal",
        "no action",
        "empty action",
        "8 actions",
        "51 principals",
        "11 conditions",
        "bad condition",
        "21 statements",
        "8193 bytes",
    ],
)
def test_a_document_that_is_no_valid_policy_is_refused_on_creation_and_later(sqs: Any, document: str) -> None:
    assert error_of(sqs.create_queue, QueueName="orders", Attributes={"Policy": document}) == bad_attribute("Policy")
    url = make_queue(sqs)
    error = error_of(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": document})
    assert error == bad_attribute("Policy")
    assert policy_of(sqs, url) is None


def test_empty_text_removes_the_policy_and_its_labels(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    set_attributes(sqs, url, Policy="")
    assert policy_of(sqs, url) is None
    assert remove_error(sqs, url, "share") == wrong("share", "Label", "can't find label.")


def test_a_new_policy_takes_the_place_of_the_permissions(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    set_attributes(sqs, url, Policy=policy(statement(Sid="mine")))
    assert labels_of(sqs, url) == ["mine"]


def test_setting_another_attribute_leaves_the_policy(sqs: Any) -> None:
    url = make_queue(sqs)
    add(sqs, url)
    set_attributes(sqs, url, DelaySeconds="5")
    assert labels_of(sqs, url) == ["share"]
