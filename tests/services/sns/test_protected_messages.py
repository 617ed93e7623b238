"""What a data protection policy does to messages on their way from Publish to the subscribers, and what its audits show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.errors import Seen, error_of

ARN = "arn:aws:sns:us-east-1:000000000000:orders"
FRIEND = "111122223333"
SECRET, HIDDEN = "bob@example.com", "#" * 15
EMAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"
MASK: dict[str, Any] = {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}}
DENY: dict[str, Any] = {"Deny": {}}
AUDIT: dict[str, Any] = {"Audit": {"SampleRate": "99"}}
PATH = "/_aws/sns/audit-findings"
REFUSED = Seen(
    "AuthorizationError",
    f"User: arn:aws:iam::000000000000:root is not authorized to perform: SNS:Publish on resource: {ARN} with an explicit "
    "deny in a data protection policy: the message contains sensitive data (EmailAddress)",
    403,
)


@pytest.fixture
def sns(cloud: Any) -> Any:
    client = cloud.client("sns")
    client.create_topic(Name="orders")
    return client


def put(sns: Any, operation: dict[str, Any], direction: str = "Inbound", arn: str = ARN, **more: Any) -> None:
    statement = {
        "DataDirection": direction,
        "DataIdentifier": [EMAIL],
        "Principal": ["*"],
        "Operation": operation,
        **more,
    }
    text = json.dumps({"Version": "2021-06-01", "Statement": [statement]})
    sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy=text)


def publish(sns: Any, message: str = f"to {SECRET}", arn: str = ARN, **more: Any) -> str:
    number: str = sns.publish(TopicArn=arn, Message=message, **more)["MessageId"]
    return number


class Subscriber:
    """A queue that is subscribed, raw unless told otherwise."""

    def __init__(self, cloud: Any, *, account: str = "test", raw: bool = True) -> None:
        self._sqs = cloud.client("sqs", account=account)
        self._url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        endpoint = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        attributes = {"RawMessageDelivery": str(raw).lower()}
        sns = cloud.client("sns", account=account)
        sns.subscribe(TopicArn=ARN, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)

    def bodies(self) -> list[str]:
        """Take what has come."""
        found = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        return [message["Body"] for message in found]


def shown(cloud: Any, query: str = "") -> dict[str, list[dict[str, Any]]]:
    findings: dict[str, list[dict[str, Any]]] = json.loads(cloud.request("GET", PATH, query=query).body)[
        "audit_findings"
    ]
    return findings


# On the way in.


def test_subscribers_get_the_message_masked(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, MASK)
    publish(sns)
    assert subscriber.bodies() == [f"to {HIDDEN}"]


def test_the_envelope_holds_the_masked_message(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud, raw=False)
    put(sns, MASK)
    publish(sns)
    assert json.loads(subscriber.bodies()[0])["Message"] == f"to {HIDDEN}"


def test_every_protocol_s_text_is_masked(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, MASK)
    publish(sns, json.dumps({"default": SECRET, "sqs": f"for queues:\n{SECRET}"}), MessageStructure="json")
    assert subscriber.bodies() == [f"for queues:\n{HIDDEN}"]


def test_a_message_with_denied_data_is_refused_and_goes_nowhere(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, DENY)
    assert error_of(publish, sns=sns) == REFUSED
    assert subscriber.bodies() == []


def test_a_denied_entry_of_a_batch_fails_alone(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, DENY)
    entries = [{"Id": "bad", "Message": SECRET}, {"Id": "good", "Message": "hello"}]
    answer = sns.publish_batch(TopicArn=ARN, PublishBatchRequestEntries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
    failure = {"Id": "bad", "Code": "AuthorizationError", "Message": REFUSED.message, "SenderFault": True}
    assert answer["Failed"] == [failure]
    assert subscriber.bodies() == ["hello"]


def test_a_statement_concerns_the_publishers_that_it_names(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, DENY, Principal=[FRIEND])
    publish(sns)
    error = error_of(publish, sns=cloud.client("sns", account=FRIEND))
    assert error.code == "AuthorizationError"
    assert error.message.startswith(f"User: arn:aws:iam::{FRIEND}:root is not authorized")
    assert subscriber.bodies() == [f"to {SECRET}"]


def test_without_its_policy_a_topic_passes_everything_on(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, DENY)
    sns.put_data_protection_policy(ResourceArn=ARN, DataProtectionPolicy="")
    publish(sns)
    assert subscriber.bodies() == [f"to {SECRET}"]


def test_a_policy_given_to_createtopic_acts_too(cloud: Any) -> None:
    sns = cloud.client("sns")
    statement = {"DataDirection": "Inbound", "DataIdentifier": [EMAIL], "Principal": ["*"], "Operation": MASK}
    policy = json.dumps({"Version": "2021-06-01", "Statement": [statement]})
    sns.create_topic(Name="orders", DataProtectionPolicy=policy)
    subscriber = Subscriber(cloud)
    publish(sns)
    assert subscriber.bodies() == [f"to {HIDDEN}"]


# On the way out.


def test_each_subscriber_gets_what_it_may_have(cloud: Any, sns: Any) -> None:
    ours, theirs = Subscriber(cloud), Subscriber(cloud, account=FRIEND)
    put(sns, MASK, "Outbound", Principal=[FRIEND])
    publish(sns)
    publish(sns, "hello")
    assert sorted(ours.bodies()) == ["hello", f"to {SECRET}"]
    assert sorted(theirs.bodies()) == ["hello", f"to {HIDDEN}"]


def test_a_denied_delivery_is_kept_from_its_subscriber_only(cloud: Any, sns: Any) -> None:
    ours, theirs = Subscriber(cloud), Subscriber(cloud, account=FRIEND)
    put(sns, DENY, "Outbound", Principal=[f"arn:aws:iam::{FRIEND}:root"])
    publish(sns)
    publish(sns, "hello")
    assert sorted(ours.bodies()) == ["hello", f"to {SECRET}"]
    assert theirs.bodies() == ["hello"]


def test_an_outbound_denial_never_reaches_the_publisher(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, DENY, "Outbound")
    assert publish(sns)
    assert subscriber.bodies() == []


def test_an_outbound_policy_looks_at_the_text_of_the_subscriber_s_protocol(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, DENY, "Outbound")
    publish(sns, json.dumps({"default": SECRET, "sqs": "harmless"}), MessageStructure="json")
    assert subscriber.bodies() == ["harmless"]


# What audits found.


def test_a_finding_names_the_message_and_the_places_in_it(cloud: Any, sns: Any) -> None:
    put(sns, AUDIT)
    cloud.advance(60)
    number = publish(sns)
    [finding] = shown(cloud)[ARN]
    moment = finding.pop("auditTimestamp")
    assert finding == {
        "messageId": number,
        "callerPrincipal": "arn:aws:iam::000000000000:root",
        "resourceArn": ARN,
        "dataIdentifiers": [{"name": "EmailAddress", "count": 1, "detections": [{"start": 3, "end": 18}]}],
    }
    assert moment == cloud.clock.iso()[:19] + "Z"


def test_an_audited_message_is_delivered_as_it_is(cloud: Any, sns: Any) -> None:
    subscriber = Subscriber(cloud)
    put(sns, AUDIT)
    publish(sns)
    assert subscriber.bodies() == [f"to {SECRET}"]


def test_findings_come_in_the_order_of_their_messages(cloud: Any, sns: Any) -> None:
    put(sns, AUDIT)
    numbers = [publish(sns) for _ in range(3)]
    publish(sns, "nothing here")
    assert [finding["messageId"] for finding in shown(cloud)[ARN]] == numbers


def test_a_new_policy_keeps_the_findings_of_the_old_one(cloud: Any, sns: Any) -> None:
    put(sns, AUDIT)
    publish(sns)
    put(sns, MASK)
    assert len(shown(cloud)[ARN]) == 1
    sns.put_data_protection_policy(ResourceArn=ARN, DataProtectionPolicy="")
    assert shown(cloud) == {}


def test_findings_are_shown_by_topic_or_of_one(cloud: Any, sns: Any) -> None:
    bills = sns.create_topic(Name="bills")["TopicArn"]
    quiet = sns.create_topic(Name="quiet")["TopicArn"]
    for arn in (ARN, bills, quiet):
        put(sns, AUDIT, arn=arn)
    publish(sns)
    publish(sns, arn=bills)
    assert set(shown(cloud)) == {ARN, bills}
    assert set(shown(cloud, f"topicArn={bills}")) == {bills}
    assert shown(cloud, f"topicArn={quiet}") == {quiet: []}
    assert shown(cloud, "topicArn=arn:aws:sns:us-east-1:000000000000:nobody") == {}


def test_findings_of_another_account_and_region_are_asked_for_by_name(cloud: Any) -> None:
    there = cloud.client("sns", account=FRIEND, region="eu-west-1")
    arn = there.create_topic(Name="orders")["TopicArn"]
    put(there, AUDIT, arn=arn)
    publish(there, arn=arn)
    assert shown(cloud) == {}
    assert set(shown(cloud, f"accountId={FRIEND}&region=eu-west-1")) == {arn}
    assert set(shown(cloud, f"topicArn={arn}")) == {arn}
    assert json.loads(cloud.request("GET", PATH, query=f"topicArn={arn}").body)["region"] == "eu-west-1"


def test_findings_can_be_forgotten(cloud: Any, sns: Any) -> None:
    bills = sns.create_topic(Name="bills")["TopicArn"]
    for arn in (ARN, bills):
        put(sns, AUDIT, arn=arn)
        publish(sns, arn=arn)
    assert cloud.request("DELETE", PATH, query=f"topicArn={bills}").status == 204
    assert set(shown(cloud)) == {ARN}
    assert cloud.request("DELETE", PATH).status == 204
    assert shown(cloud) == {}


def test_looking_for_findings_where_nothing_is_answers_nothing(cloud: Any) -> None:
    answer = cloud.request("GET", PATH)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == {"audit_findings": {}, "region": "us-east-1"}
