"""The access policy of a topic: the default one, and what SetTopicAttributes and CreateTopic accept as Policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of

ARN = "arn:aws:sns:us-east-1:000000000000:orders"
FRIEND = "111122223333"
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": ARN}
ACTIONS = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
]
BAD_JSON = "Policy Error: null"
BAD_ACTION = "Policy statement action out of service scope!"
BAD_RESOURCE = "Policy statement must apply to a single resource!"
BAD_PRINCIPAL = "Policy Error: PrincipalNotFound"


@pytest.fixture
def sns(cloud: Any) -> Any:
    return cloud.client("sns")


def policy_text(sns: Any, arn: str = ARN) -> str:
    text: str = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    return text


def set_policy(sns: Any, text: str, arn: str = ARN) -> None:
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)


def invalid(reason: str) -> Seen:
    return Seen("InvalidParameter", f"Invalid parameter: {reason}", 400)


def statement(**changes: Any) -> dict[str, Any]:
    """Make a statement with changes; None takes a key out."""
    return {key: value for key, value in {**STATEMENT, **changes}.items() if value is not None}


def policy(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", **more, "Statement": list(statements)})


# The default policy.


def test_a_new_topic_has_aws_s_default_policy_to_the_letter(sns: Any) -> None:
    sns.create_topic(Name="orders")
    assert policy_text(sns) == (
        '{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow",'
        '"Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",'
        '"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],'
        '"Resource":"arn:aws:sns:us-east-1:000000000000:orders",'
        '"Condition":{"StringEquals":{"AWS:SourceOwner":"000000000000"}}}]}'
    )


def test_the_default_policy_names_the_topic_s_own_arn_and_account(cloud: Any) -> None:
    sns = cloud.client("sns", account=FRIEND, region="cn-north-1")
    arn = sns.create_topic(Name="orders")["TopicArn"]
    only = json.loads(policy_text(sns, arn))["Statement"][0]
    assert only["Resource"] == f"arn:aws-cn:sns:cn-north-1:{FRIEND}:orders"
    assert only["Condition"] == {"StringEquals": {"AWS:SourceOwner": FRIEND}}


def test_a_policy_that_is_set_is_kept_as_it_was_written(sns: Any) -> None:
    sns.create_topic(Name="orders")
    text = json.dumps({"Statement": [STATEMENT], "Id": "mine"}, indent=2)
    set_policy(sns, text)
    assert policy_text(sns) == text


def test_empty_text_brings_the_default_policy_back(sns: Any) -> None:
    sns.create_topic(Name="orders")
    default = policy_text(sns)
    set_policy(sns, policy(STATEMENT))
    set_policy(sns, "")
    assert policy_text(sns) == default


def test_the_default_policy_can_be_set_by_hand(sns: Any) -> None:
    sns.create_topic(Name="orders")
    default = policy_text(sns)
    set_policy(sns, default)
    assert policy_text(sns) == default


def test_createtopic_takes_a_policy(sns: Any) -> None:
    sns.create_topic(Name="orders", Attributes={"Policy": policy(STATEMENT)})
    assert json.loads(policy_text(sns))["Statement"] == [STATEMENT]


# What is accepted.


@pytest.mark.parametrize(
    "document",
    [
        json.dumps({"Statement": STATEMENT}),
        policy(statement(Effect="Deny", Sid="x")),
        policy(statement(Action=[f"SNS:{action}" for action in ACTIONS])),
        policy(statement(Action="sns:publish")),
        policy(statement(Action="SNS:Get*")),
        policy(statement(Action="SNS:*")),
        policy(statement(Action="*")),
        policy(statement(Action=None, NotAction="SNS:DeleteTopic")),
        policy(statement(Principal={"AWS": FRIEND})),
        policy(statement(Principal={"AWS": [f"arn:aws:iam::{FRIEND}:role/path/admin", "*"]})),
        policy(statement(Principal={"AWS": "AROAEXAMPLEEXAMPLE12"})),
        policy(statement(Principal={"Service": ["s3.amazonaws.com", "events.amazonaws.com"]})),
        policy(statement(Principal=None, NotPrincipal={"AWS": FRIEND}, Effect="Deny")),
        policy(statement(Resource=[ARN])),
        policy(statement(Resource="*")),
        policy(statement(Resource="arn:aws:sns:*:*:ord??s")),
        policy(statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:bucket"}})),
    ],
    ids=[
        "one statement",
        "deny",
        "all actions",
        "lower case",
        "pattern",
        "all of sns",
        "everything",
        "not action",
        "account",
        "role",
        "unique id",
        "services",
        "not principal",
        "resource list",
        "any resource",
        "resource pattern",
        "condition",
    ],
)
def test_a_valid_policy_is_accepted(sns: Any, document: str) -> None:
    sns.create_topic(Name="orders")
    set_policy(sns, document)
    assert policy_text(sns) == document


# The quotas.


def test_a_policy_has_up_to_100_statements(sns: Any) -> None:
    sns.create_topic(Name="orders")
    set_policy(sns, policy(*[statement(Sid=f"s{number}") for number in range(100)]))
    over = policy(*[statement(Sid=f"s{number}") for number in range(101)])
    reason = "Policy Error: The policy has more than 100 statements"
    assert error_of(set_policy, sns=sns, text=over) == invalid(reason)


def test_a_statement_has_up_to_200_principals_of_all_kinds_together(sns: Any) -> None:
    sns.create_topic(Name="orders")
    accounts = [f"{number:012}" for number in range(199)]
    set_policy(sns, policy(statement(Principal={"AWS": accounts, "Service": "s3.amazonaws.com"})))
    over = policy(statement(Principal={"AWS": accounts, "Service": ["s3.amazonaws.com", "events.amazonaws.com"]}))
    reason = "Policy Error: A statement has more than 200 principals"
    assert error_of(set_policy, sns=sns, text=over) == invalid(reason)


def test_a_policy_has_up_to_30_kilobytes(sns: Any) -> None:
    sns.create_topic(Name="orders")
    room = 30 * 1024 - len(policy(STATEMENT, Id=""))
    set_policy(sns, policy(STATEMENT, Id="x" * room))
    over = policy(STATEMENT, Id="x" * (room + 1))
    reason = "Policy Error: The policy is longer than 30720 bytes"
    assert error_of(set_policy, sns=sns, text=over) == invalid(reason)


# What is refused.

REFUSALS = [
    ("text", BAD_JSON),
    ("{", BAD_JSON),
    ("[]", BAD_JSON),
    ('"text"', BAD_JSON),
    ("{}", BAD_JSON),
    (policy(), BAD_JSON),
    (policy("text"), BAD_JSON),
    (policy(statement(Effect=None)), BAD_JSON),
    (policy(statement(Effect="Maybe")), BAD_JSON),
    (policy(statement(Sid=1)), BAD_JSON),
    (policy(statement(Condition="always")), BAD_JSON),
    (policy(statement(Action=None)), BAD_JSON),
    (policy(statement(Action=[])), BAD_JSON),
    (policy(statement(Action=[1])), BAD_JSON),
    (policy(statement(NotAction="SNS:Publish")), BAD_JSON),
    (policy(statement(Action="SNS:Fly")), BAD_ACTION),
    (policy(statement(Action="Publish")), BAD_ACTION),
    (policy(statement(Action="SNS:ListTopics")), BAD_ACTION),
    (policy(statement(Action=["SNS:Publish", "sqs:SendMessage"])), BAD_ACTION),
    (policy(statement(Action="sqs:*")), BAD_ACTION),
    (policy(statement(Principal=None)), BAD_JSON),
    (policy(statement(Principal={})), BAD_JSON),
    (policy(statement(Principal={"AWS": []})), BAD_JSON),
    (policy(statement(Principal={"Person": "bob"})), BAD_JSON),
    (policy(statement(NotPrincipal="*")), BAD_JSON),
    (policy(statement(Principal={"AWS": "bob"})), BAD_PRINCIPAL),
    (policy(statement(Principal={"AWS": "12345678901"})), BAD_PRINCIPAL),
    (policy(statement(Principal={"AWS": "arn:aws:s3:::bucket"})), BAD_PRINCIPAL),
    (policy(statement(Resource=None)), BAD_RESOURCE),
    (policy(statement(Resource=[])), BAD_RESOURCE),
    (policy(statement(Resource=[ARN, ARN])), BAD_RESOURCE),
    (policy(statement(Resource=f"{ARN}2")), BAD_JSON),
    (policy(statement(Resource="arn:aws:sns:eu-*")), BAD_JSON),
    (policy(statement(Resource="arn:aws:sns:us-east-1:000000000000:[o]rders")), BAD_JSON),
    (policy(STATEMENT, statement(Resource=f"{ARN}2")), BAD_JSON),
]


@pytest.mark.parametrize(("document", "reason"), REFUSALS, ids=[text[-60:] for text, _ in REFUSALS])
def test_any_other_document_is_refused_and_the_policy_stays(sns: Any, document: str, reason: str) -> None:
    sns.create_topic(Name="orders")
    before = policy_text(sns)
    assert error_of(set_policy, sns=sns, text=document) == invalid(reason)
    assert policy_text(sns) == before


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("text", BAD_JSON),
        (policy(statement(Action="SNS:Fly")), BAD_ACTION),
        (policy(statement(Resource=[])), BAD_RESOURCE),
        (policy(statement(Principal={"AWS": "bob"})), BAD_PRINCIPAL),
    ],
    ids=["json", "action", "resource", "principal"],
)
def test_createtopic_says_that_it_was_an_attribute_and_makes_no_topic(sns: Any, document: str, reason: str) -> None:
    error = error_of(sns.create_topic, Name="orders", Attributes={"Policy": document})
    assert error == invalid(f"Attributes Reason: {reason}")
    assert sns.list_topics()["Topics"] == []
