"""AddPermission and RemovePermission: statements of a topic's policy, by their labels."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of

ARN = "arn:aws:sns:us-east-1:000000000000:orders"
FRIEND, OTHER = "111122223333", "444455556666"
DEFAULT = "__default_statement_ID"
NO_TOPIC = Seen("NotFound", "Topic does not exist", 404)
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


@pytest.fixture
def sns(cloud: Any) -> Any:
    client = cloud.client("sns")
    client.create_topic(Name="orders")
    return client


def add(sns: Any, label: str = "share", accounts: Any = (FRIEND,), actions: Any = ("Publish",), arn: str = ARN) -> None:
    sns.add_permission(TopicArn=arn, Label=label, AWSAccountId=list(accounts), ActionName=list(actions))


def add_error(sns: Any, **arguments: Any) -> Seen:
    return error_of(add, sns=sns, **arguments)


def policy_of(sns: Any, arn: str = ARN) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    return policy


def labels_of(sns: Any, arn: str = ARN) -> list[str | None]:
    return [statement.get("Sid") for statement in policy_of(sns, arn)["Statement"]]


def set_policy(sns: Any, *statements: dict[str, Any], **more: Any) -> None:
    text = json.dumps({**more, "Statement": list(statements)})
    sns.set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue=text)


def hand_made(**more: Any) -> dict[str, Any]:
    return {**more, "Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": ARN}


def invalid(reason: str) -> Seen:
    return Seen("InvalidParameter", f"Invalid parameter: {reason}", 400)


def null(member: str) -> Seen:
    message = (
        f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    )
    return Seen("ValidationError", message, 400)


# AddPermission.


def test_a_permission_joins_the_default_policy_in_aws_s_form(sns: Any) -> None:
    before = policy_of(sns)
    add(sns)
    added = {
        "Sid": "share",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{FRIEND}:root"},
        "Action": "SNS:Publish",
        "Resource": ARN,
    }
    assert policy_of(sns) == {**before, "Statement": [*before["Statement"], added]}


def test_the_policy_is_written_on_one_line_without_blanks(sns: Any) -> None:
    add(sns)
    text = sns.get_topic_attributes(TopicArn=ARN)["Attributes"]["Policy"]
    assert text == json.dumps(json.loads(text), separators=(",", ":"))


def test_several_accounts_and_actions_are_lists_in_the_order_given(sns: Any) -> None:
    add(sns, accounts=[OTHER, FRIEND], actions=["Subscribe", "Publish", "Receive"])
    added = policy_of(sns)["Statement"][1]
    assert added["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root", f"arn:aws:iam::{FRIEND}:root"]}
    assert added["Action"] == ["SNS:Subscribe", "SNS:Publish", "SNS:Receive"]


@pytest.mark.parametrize("action", [*ACTIONS, "*"])
def test_what_a_policy_can_speak_of_can_be_allowed(sns: Any, action: str) -> None:
    add(sns, actions=[action])
    assert policy_of(sns)["Statement"][1]["Action"] == f"SNS:{action}"


def test_permissions_stand_in_the_order_in_which_they_were_added(sns: Any) -> None:
    for label in ("b", "a", "c"):
        add(sns, label=label)
    assert labels_of(sns) == [DEFAULT, "b", "a", "c"]


def test_a_permission_joins_a_policy_that_was_set_by_hand(sns: Any) -> None:
    set_policy(sns, hand_made(Sid="mine"), hand_made(), Id="hand-made", Version="2012-10-17")
    add(sns)
    shown = policy_of(sns)
    assert (shown["Id"], shown["Version"]) == ("hand-made", "2012-10-17")
    assert labels_of(sns) == ["mine", None, "share"]


def test_a_permission_joins_a_policy_whose_only_statement_is_no_list(sns: Any) -> None:
    text = json.dumps({"Statement": hand_made(Sid="mine")})
    sns.set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue=text)
    add(sns)
    assert labels_of(sns) == ["mine", "share"]


def test_a_permission_in_china_names_accounts_of_china_s_partition(cloud: Any) -> None:
    there = cloud.client("sns", account=OTHER, region="cn-northwest-1")
    arn = there.create_topic(Name="orders")["TopicArn"]
    add(there, arn=arn)
    added = policy_of(there, arn)["Statement"][1]
    assert added["Principal"] == {"AWS": f"arn:aws-cn:iam::{FRIEND}:root"}
    assert added["Resource"] == f"arn:aws-cn:sns:cn-northwest-1:{OTHER}:orders"


def test_topics_of_one_name_in_two_regions_have_permissions_of_their_own(cloud: Any, sns: Any) -> None:
    there = cloud.client("sns", region="eu-west-1")
    arn = there.create_topic(Name="orders")["TopicArn"]
    add(there, arn=arn)
    assert labels_of(sns) == [DEFAULT]
    assert labels_of(there, arn) == [DEFAULT, "share"]


# AddPermission's refusals.


def test_a_label_is_used_once_in_a_topic(sns: Any) -> None:
    add(sns)
    before = policy_of(sns)
    assert add_error(sns, actions=["Subscribe"]) == invalid("Statement already exists")
    assert policy_of(sns) == before


def test_the_default_statement_s_label_is_used_too(sns: Any) -> None:
    assert add_error(sns, label=DEFAULT) == invalid("Statement already exists")


def test_two_topics_may_use_the_same_label(sns: Any) -> None:
    arn = sns.create_topic(Name="bills")["TopicArn"]
    add(sns)
    add(sns, arn=arn)
    assert labels_of(sns, arn) == [DEFAULT, "share"]


@pytest.mark.parametrize("action", ["Fly", "publish", "SNS:Publish", "ListTopics", "PublishBatch", ""])
def test_what_a_policy_cannot_speak_of_cannot_be_allowed(sns: Any, action: str) -> None:
    error = add_error(sns, actions=["Publish", action])
    assert error == invalid("Policy statement action out of service scope!")
    assert labels_of(sns) == [DEFAULT]


@pytest.mark.parametrize(
    "account",
    ["12345678901", "1234567890123", "bob", f"arn:aws:iam::{FRIEND}:root", "*", "١١١١٢٢٢٢٣٣٣٣", ""],
    ids=["short", "long", "name", "arn", "all", "other digits", "empty"],
)
def test_an_account_has_12_digits(sns: Any, account: str) -> None:
    assert add_error(sns, accounts=[FRIEND, account]) == invalid("Policy Error: PrincipalNotFound")
    assert labels_of(sns) == [DEFAULT]


def test_a_permission_without_accounts_says_what_is_missing(sns: Any) -> None:
    assert add_error(sns, accounts=[]) == null("aWSAccountId")


def test_a_permission_without_actions_says_what_is_missing(sns: Any) -> None:
    assert add_error(sns, actions=[]) == null("actionName")


def test_a_request_without_a_label_says_what_is_missing(cloud: Any) -> None:
    cloud.client("sns").create_topic(Name="orders")
    for action in ("AddPermission", "RemovePermission"):
        body = f"Action={action}&Version=2010-03-31&TopicArn={ARN}".encode()

        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = cloud.request(body=body, headers=headers)
        assert answer.status == 400
        assert "<Code>ValidationError</Code>" in answer.text
        assert "Value null at 'label' failed" in answer.text


def test_an_empty_label_is_refused(sns: Any) -> None:
    assert add_error(sns, label="") == invalid("Label")
    assert error_of(sns.remove_permission, TopicArn=ARN, Label="") == invalid("Label")


def test_a_policy_has_up_to_100_statements(sns: Any) -> None:
    set_policy(sns, *[hand_made(Sid=f"s{number}") for number in range(99)])
    add(sns, label="hundredth")
    reason = "Policy Error: The policy has more than 100 statements"
    assert add_error(sns, label="one-more") == invalid(reason)
    assert len(labels_of(sns)) == 100


def test_a_permission_names_up_to_200_accounts(sns: Any) -> None:
    accounts = [f"{number:012}" for number in range(201)]
    add(sns, label="full", accounts=accounts[:200])
    reason = "Policy Error: A statement has more than 200 principals"
    assert add_error(sns, accounts=accounts) == invalid(reason)


def test_permissions_of_a_missing_topic_are_an_error(sns: Any) -> None:
    arn = "arn:aws:sns:us-east-1:000000000000:nobody"
    assert add_error(sns, arn=arn) == NO_TOPIC
    assert error_of(sns.remove_permission, TopicArn=arn, Label="share") == NO_TOPIC


def test_an_arn_of_too_few_parts_is_refused(sns: Any) -> None:
    error = invalid("TopicArn Reason: An ARN must have at least 6 elements, not 1")
    assert add_error(sns, arn="orders") == error
    assert error_of(sns.remove_permission, TopicArn="orders", Label="share") == error


# RemovePermission.


def test_removing_a_permission_leaves_the_others(sns: Any) -> None:
    for label in ("a", "b", "c"):
        add(sns, label=label)
    sns.remove_permission(TopicArn=ARN, Label="b")
    assert labels_of(sns) == [DEFAULT, "a", "c"]


def test_a_removed_label_can_be_used_again(sns: Any) -> None:
    add(sns)
    sns.remove_permission(TopicArn=ARN, Label="share")
    add(sns, actions=["Subscribe"])
    assert policy_of(sns)["Statement"][1]["Action"] == "SNS:Subscribe"


@pytest.mark.parametrize("label", ["unknown", "Share"])
def test_removing_an_unknown_label_changes_nothing_and_is_no_error(sns: Any, label: str) -> None:
    add(sns)
    before = policy_of(sns)
    sns.remove_permission(TopicArn=ARN, Label=label)
    assert policy_of(sns) == before


def test_the_default_statement_can_be_removed_and_leaves_an_empty_policy(sns: Any) -> None:
    sns.remove_permission(TopicArn=ARN, Label=DEFAULT)
    assert policy_of(sns) == {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": []}


def test_a_permission_joins_an_empty_policy(sns: Any) -> None:
    sns.remove_permission(TopicArn=ARN, Label=DEFAULT)
    add(sns)
    assert labels_of(sns) == ["share"]


def test_a_statement_of_a_policy_set_by_hand_is_removed_by_its_sid(sns: Any) -> None:
    set_policy(sns, hand_made(Sid="mine"), hand_made(Sid="yours"), hand_made())
    sns.remove_permission(TopicArn=ARN, Label="mine")
    assert labels_of(sns) == ["yours", None]


def test_empty_text_as_policy_takes_all_permissions_away(sns: Any) -> None:
    add(sns)
    sns.set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue="")
    assert labels_of(sns) == [DEFAULT]


def test_another_account_reaches_the_topic_by_its_arn(cloud: Any, sns: Any) -> None:
    add(cloud.client("sns", account=FRIEND), label="theirs")
    assert labels_of(sns) == [DEFAULT, "theirs"]
