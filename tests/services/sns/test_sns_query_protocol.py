"""The query protocol (2010-03-31) of SNS as it stands on the wire: forms in, XML out, links, and errors with type, code and message."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.loaders import Loader

from tests.support.harness import Answer, Harness
from tests.support.sns_subscriptions import APP_ENDPOINT, MAIL, PHONE, QUEUE, attributes_of, subscribe, token_of
from tests.support.sns_topics import make_topic, null, topic_arn, topic_attributes
from tests.support.sns_wire import NAMESPACE, entries, members, sns_call
from tests.support.sqs_wire import UUID, document, query_error, result, signed, tree

TOPIC = topic_arn()
UUID_TEXT = "6f2b1c3d-0000-4000-8000-0123456789ab"
SUBSCRIPTION = f"{TOPIC}:{UUID_TEXT}"


def text_of(answer: Answer) -> str:
    """Give an answer's document without the XML declaration."""
    return answer.text.removeprefix('<?xml version="1.0"?>').strip()


def request_id(answer: Answer) -> str:
    """Give the id that an answer's headers have."""
    found = answer.headers["x-amzn-requestid"]
    assert re.fullmatch(UUID, found)
    return found


def whole(answer: Answer, operation: str, inner: str) -> bool:
    """Tell whether an answer is this operation's response with `inner` in it, to the letter."""
    expected = (
        f'<{operation}Response xmlns="{NAMESPACE}">{inner}'
        f"<ResponseMetadata><RequestId>{request_id(answer)}</RequestId></ResponseMetadata></{operation}Response>"
    )
    assert text_of(answer) == expected
    return answer.status == 200


# Documents.


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_answer_is_an_xml_document_in_the_namespace_of_the_version(cloud: Harness, method: str) -> None:
    answer = sns_call(cloud, "CreateTopic", {"Name": "orders"}, method=method)
    inner = f"<CreateTopicResult><TopicArn>{TOPIC}</TopicArn></CreateTopicResult>"
    assert whole(answer, "CreateTopic", inner)
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.headers["content-length"] == str(len(answer.body))


def test_lists_stand_in_member_elements(cloud: Harness, sns: Any) -> None:
    arns = [make_topic(sns, name) for name in ("a", "b")]
    topics = "".join(f"<member><TopicArn>{arn}</TopicArn></member>" for arn in arns)
    answer = sns_call(cloud, "ListTopics")
    assert whole(answer, "ListTopics", f"<ListTopicsResult><Topics>{topics}</Topics></ListTopicsResult>")


def test_an_empty_list_is_an_empty_element(cloud: Harness) -> None:
    assert result(sns_call(cloud, "ListTopics")) == [("Topics", None)]
    assert result(sns_call(cloud, "ListSubscriptions")) == [("Subscriptions", None)]


def test_a_page_that_is_not_the_last_has_its_token_beside_the_list(cloud: Harness, sns: Any) -> None:
    for number in range(101):
        make_topic(sns, f"t{number}")
    (topics, _), (name, token) = result(sns_call(cloud, "ListTopics"))
    assert (topics, name) == ("Topics", "NextToken")
    ((_, rest),) = result(sns_call(cloud, "ListTopics", {"NextToken": token}))
    assert len(rest) == 1


def test_maps_stand_in_entry_elements(cloud: Harness, sns: Any) -> None:
    make_topic(sns)
    ((name, pairs),) = result(sns_call(cloud, "GetTopicAttributes", {"TopicArn": TOPIC}))
    assert name == "Attributes"
    assert [(tag, [key for key, _ in pair]) for tag, pair in pairs] == [("entry", ["key", "value"])] * 8
    assert [pair[0][1] for _, pair in pairs] == list(topic_attributes(sns, TOPIC))


def test_the_members_of_a_subscription_stand_in_aws_order(cloud: Harness, sns: Any) -> None:
    arn = subscribe(sns, make_topic(sns))
    expected = [
        ("SubscriptionArn", arn),
        ("Owner", "000000000000"),
        ("Protocol", "sqs"),
        ("Endpoint", QUEUE),
        ("TopicArn", TOPIC),
    ]
    assert result(sns_call(cloud, "ListSubscriptions")) == [("Subscriptions", [("member", expected)])]


def test_what_means_something_in_xml_is_escaped(cloud: Harness, sns: Any) -> None:
    make_topic(sns, DisplayName='<b> & "c"')
    answer = sns_call(cloud, "GetTopicAttributes", {"TopicArn": TOPIC})
    assert "<key>DisplayName</key><value>&lt;b&gt; &amp; &quot;c&quot;</value>" in answer.text
    assert "{&quot;Version&quot;:&quot;2008-10-17&quot;" in answer.text


NO_RESULT = [
    ("DeleteTopic", {"TopicArn": TOPIC}),
    ("SetTopicAttributes", {"TopicArn": TOPIC, "AttributeName": "DisplayName", "AttributeValue": "x"}),
    ("Unsubscribe", {"SubscriptionArn": SUBSCRIPTION}),
    (
        "AddPermission",
        {
            "TopicArn": TOPIC,
            "Label": "l",
            **members("AWSAccountId", "111122223333"),
            **members("ActionName", "Publish"),
        },
    ),
    ("RemovePermission", {"TopicArn": TOPIC, "Label": "l"}),
    ("DeleteEndpoint", {"EndpointArn": APP_ENDPOINT}),
]


@pytest.mark.parametrize(("action", "form"), NO_RESULT)
def test_an_operation_that_gives_nothing_has_no_result_element(
    cloud: Harness, sns: Any, action: str, form: dict[str, str]
) -> None:
    make_topic(sns)
    assert whole(sns_call(cloud, action, form), action, "")


def test_setting_an_attribute_of_a_subscription_gives_nothing(cloud: Harness, sns: Any) -> None:
    form = {"SubscriptionArn": subscribe(sns, make_topic(sns)), "AttributeName": "RawMessageDelivery"}
    answer = sns_call(cloud, "SetSubscriptionAttributes", {**form, "AttributeValue": "true"})
    assert whole(answer, "SetSubscriptionAttributes", "")


@pytest.mark.parametrize(
    ("action", "form"),
    [("TagResource", members("Tags", {"Key": "a", "Value": "1"})), ("UntagResource", members("TagKeys", "a"))],
)
def test_tagging_has_an_empty_result_element(cloud: Harness, sns: Any, action: str, form: dict[str, str]) -> None:
    make_topic(sns)
    answer = sns_call(cloud, action, {"ResourceArn": TOPIC, **form})
    assert result(answer) == []
    assert [child.tag for child in document(answer)] == [f"{action}Result", "ResponseMetadata"]


# Forms.


def test_maps_and_lists_come_in_numbered_fields(cloud: Harness, sns: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    form = {**entries("Attributes", DisplayName="Orders", TracingConfig="Active"), **members("Tags", *tags)}
    assert sns_call(cloud, "CreateTopic", {"Name": "orders", **form}).status == 200
    shown = topic_attributes(sns, TOPIC)
    assert (shown["DisplayName"], shown["TracingConfig"]) == ("Orders", "Active")
    assert sns.list_tags_for_resource(ResourceArn=TOPIC)["Tags"] == tags


def test_message_attributes_come_with_names_and_structured_values(cloud: Harness, sns: Any, sqs: Any) -> None:
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    subscribe(sns, make_topic(sns), "sqs", QUEUE, RawMessageDelivery="true")
    form = {
        "MessageAttributes.entry.1.Name": "kind",
        "MessageAttributes.entry.1.Value.DataType": "String",
        "MessageAttributes.entry.1.Value.StringValue": "a",
        "MessageAttributes.entry.2.Name": "picture",
        "MessageAttributes.entry.2.Value.DataType": "Binary",
        "MessageAttributes.entry.2.Value.BinaryValue": "AAH/",
    }
    answer = sns_call(cloud, "Publish", {"TopicArn": TOPIC, "Message": "hello", **form})
    ((name, message_id),) = result(answer)
    assert (name, bool(re.fullmatch(UUID, message_id))) == ("MessageId", True)
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"] == {
        "kind": {"DataType": "String", "StringValue": "a"},
        "picture": {"DataType": "Binary", "BinaryValue": b"\x00\x01\xff"},
    }


@pytest.mark.parametrize(("value", "shown"), [("true", True), ("false", False), (None, False)])
def test_a_boolean_comes_as_text(cloud: Harness, sns: Any, value: str | None, *, shown: bool) -> None:
    make_topic(sns)
    form = {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": MAIL, "ReturnSubscriptionArn": value}
    ((_, arn),) = result(sns_call(cloud, "Subscribe", form))
    assert arn.startswith(TOPIC) if shown else arn == "pending confirmation"


def test_the_answer_to_a_batch_has_failures_first_and_both_lists(cloud: Harness, sns: Any) -> None:
    make_topic(sns)
    batch = members("PublishBatchRequestEntries", {"Id": "one", "Message": "m"})
    answer = sns_call(cloud, "PublishBatch", {"TopicArn": TOPIC, **batch})
    lists = result(answer)
    assert [name for name, _ in lists] == ["Failed", "Successful"]
    failed, successful = (listed for _, listed in lists)
    assert failed is None
    assert [dict(entry)["Id"] for _, entry in successful] == ["one"]


def test_a_tags_value_stands_before_its_key(cloud: Harness, sns: Any) -> None:
    sns.create_topic(Name="orders", Tags=[{"Key": "a", "Value": "1"}])
    answer = sns_call(cloud, "ListTagsForResource", {"ResourceArn": TOPIC})
    assert result(answer) == [("Tags", [("member", [("Value", "1"), ("Key", "a")])])]


# Errors.


def test_an_error_is_an_xml_document_with_type_code_and_message(cloud: Harness) -> None:
    answer = sns_call(cloud, "GetTopicAttributes", {"TopicArn": TOPIC})
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("text/xml")
    assert text_of(answer) == (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>NotFound</Code>'
        "<Message>Topic does not exist</Message></Error>"
        f"<RequestId>{request_id(answer)}</RequestId></ErrorResponse>"
    )


@pytest.mark.parametrize(
    ("action", "form", "code", "status"),
    [
        ("CreateTopic", {"Name": "no such name"}, "InvalidParameter", 400),
        ("CreateTopic", {}, "ValidationError", 400),
        ("DeleteTopic", {"TopicArn": "x"}, "InvalidParameter", 400),
        ("ListTagsForResource", {"ResourceArn": TOPIC}, "ResourceNotFound", 404),
        ("GetSubscriptionAttributes", {"SubscriptionArn": SUBSCRIPTION}, "NotFound", 404),
        ("Publish", {"TopicArn": TOPIC, "Message": "m"}, "NotFound", 404),
        ("OptInPhoneNumber", {"phoneNumber": "x"}, "InvalidParameter", 400),
    ],
)
def test_the_sender_is_to_blame_for_what_it_asked(
    cloud: Harness, action: str, form: dict[str, str], code: str, status: int
) -> None:
    answer = sns_call(cloud, action, form)
    assert document(answer).findtext("Error/Type") == "Sender"
    assert (query_error(answer)[0], answer.status) == (code, status)


def test_markup_in_a_request_does_not_break_the_error(cloud: Harness, sns: Any) -> None:
    make_topic(sns)
    answer = sns_call(cloud, "Subscribe", {"TopicArn": TOPIC, "Protocol": "<b>&", "Endpoint": "x"})
    expected = "Invalid parameter: Amazon SNS does not support this protocol string: <b>&"
    assert query_error(answer) == ("InvalidParameter", expected, 400)


MISSING = [
    ("CreateTopic", {}, "name"),
    ("DeleteTopic", {}, "topicArn"),
    ("GetTopicAttributes", {}, "topicArn"),
    ("SetTopicAttributes", {"AttributeName": "DisplayName"}, "topicArn"),
    ("SetTopicAttributes", {"TopicArn": TOPIC}, "attributeName"),
    ("Subscribe", {"Protocol": "email", "Endpoint": MAIL}, "topicArn"),
    ("Subscribe", {"TopicArn": TOPIC, "Endpoint": MAIL}, "protocol"),
    ("ConfirmSubscription", {"Token": "x"}, "topicArn"),
    ("ConfirmSubscription", {"TopicArn": TOPIC}, "token"),
    ("Unsubscribe", {}, "subscriptionArn"),
    ("ListSubscriptionsByTopic", {}, "topicArn"),
    ("GetSubscriptionAttributes", {}, "subscriptionArn"),
    ("SetSubscriptionAttributes", {"AttributeName": "RawMessageDelivery"}, "subscriptionArn"),
    ("Publish", {"TopicArn": TOPIC}, "message"),
]


@pytest.mark.parametrize(("action", "form", "member"), MISSING)
def test_a_required_member_that_is_missing_is_named(
    cloud: Harness, sns: Any, action: str, form: dict[str, str], member: str
) -> None:
    make_topic(sns)
    assert query_error(sns_call(cloud, action, form)) == null(member)


def test_the_attribute_to_set_on_a_subscription_has_to_be_named(cloud: Harness, sns: Any) -> None:
    arn = subscribe(sns, make_topic(sns))
    answer = sns_call(cloud, "SetSubscriptionAttributes", {"SubscriptionArn": arn, "AttributeValue": "true"})
    assert query_error(answer) == null("attributeName")


@pytest.mark.parametrize("action", ["Nonsense", "SendMessage", "createTopic", "ListTopicsResponse"])
def test_an_action_that_sns_does_not_have_is_refused(cloud: Harness, action: str) -> None:
    answer = sns_call(cloud, action)
    assert query_error(answer) == ("InvalidAction", f"The action {action} is not valid for this endpoint.", 400)
    assert f'<ErrorResponse xmlns="{NAMESPACE}">' in answer.text


def test_a_request_without_an_action_is_refused(cloud: Harness) -> None:
    code, _, status = query_error(sns_call(cloud, None))
    assert (code, status) == ("MissingAction", 400)


def test_a_boolean_of_another_kind_is_refused(cloud: Harness, sns: Any) -> None:
    make_topic(sns)
    form = {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": MAIL, "ReturnSubscriptionArn": "perhaps"}
    code, _, status = query_error(sns_call(cloud, "Subscribe", form))
    assert (code, status) == ("MalformedInput", 400)


def test_every_operation_of_the_model_is_there(cloud: Harness) -> None:
    operations = Loader().load_service_model("sns", "service-2")["operations"]
    answers = {action: sns_call(cloud, action) for action in operations}
    assert len(answers) == 42
    codes = {action: query_error(answer)[0] for action, answer in answers.items() if answer.status != 200}
    assert not {"InvalidAction", "NotImplemented", "InternalFailure"} & set(codes.values())


# GET requests, links and calls without a signature.


def test_a_signed_get_says_whose_and_where(cloud: Harness) -> None:
    headers = signed("111122223333", "eu-west-1", "sns")
    answer = sns_call(cloud, "CreateTopic", {"Name": "orders"}, method="GET", headers=headers)
    assert result(answer) == [("TopicArn", "arn:aws:sns:eu-west-1:111122223333:orders")]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_region_of_a_signed_call_counts_and_not_the_arns(cloud: Harness, method: str) -> None:
    sns = cloud.client("sns", region="eu-west-1")
    arn = make_topic(sns)
    answer = sns_call(cloud, "GetTopicAttributes", {"TopicArn": arn}, method=method)
    assert query_error(answer) == ("InvalidParameter", "Invalid parameter: TopicArn", 400)


@pytest.mark.parametrize("version", ["2010-03-31", None])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_needs_neither_a_version_nor_a_signature(cloud: Harness, method: str, version: str | None) -> None:
    sns = cloud.client("sns", account="111122223333", region="eu-west-1")
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "email", MAIL)
    form = {"TopicArn": topic, "Token": token_of(cloud, arn)}
    answer = sns_call(cloud, "ConfirmSubscription", form, method=method, headers={}, version=version)
    inner = f"<ConfirmSubscriptionResult><SubscriptionArn>{arn}</SubscriptionArn></ConfirmSubscriptionResult>"
    assert whole(answer, "ConfirmSubscription", inner)
    answer = sns_call(cloud, "Unsubscribe", {"SubscriptionArn": arn}, method=method, headers={}, version=version)
    assert whole(answer, "Unsubscribe", "")


def test_the_arn_of_a_link_may_be_escaped_or_not(cloud: Harness, sns: Any) -> None:
    topic = make_topic(sns)
    for escaped in (topic, topic.replace(":", "%3A")):
        arn = subscribe(sns, topic, "email", f"{len(escaped)}@example.com")
        query = f"Action=ConfirmSubscription&TopicArn={escaped}&Token={token_of(cloud, arn)}"
        assert cloud.request("GET", "/", query=query).status == 200
        assert attributes_of(sns, arn)["PendingConfirmation"] == "false"


def test_a_link_may_come_by_the_hosts_of_sns(cloud: Harness) -> None:
    sns = cloud.client("sns", region="eu-west-1")
    topic = make_topic(sns)
    arn = subscribe(sns, topic, "email", MAIL)
    form = {"TopicArn": topic, "Token": token_of(cloud, arn)}
    host = {"host": "sns.us-east-1.localhost.localstack.cloud:4566"}
    answer = sns_call(cloud, "ConfirmSubscription", form, method="GET", headers=host, version=None)
    assert result(answer) == [("SubscriptionArn", arn)]


def test_a_bad_link_shows_why(cloud: Harness, sns: Any) -> None:
    make_topic(sns)
    answer = sns_call(cloud, "ConfirmSubscription", {"TopicArn": TOPIC, "Token": "x"}, method="GET", headers={})
    assert query_error(answer) == ("InvalidParameter", "Invalid parameter: Token", 400)


def test_a_call_without_a_signature_is_the_default_accounts(cloud: Harness) -> None:
    answer = sns_call(cloud, "CreateTopic", {"Name": "orders"}, headers={})
    assert result(answer) == [("TopicArn", TOPIC)]


def test_a_call_without_a_signature_goes_to_the_hosts_region(cloud: Harness) -> None:
    answer = sns_call(cloud, "CreateTopic", {"Name": "orders"}, headers={"host": "sns.eu-west-1.amazonaws.com"})
    assert result(answer) == [("TopicArn", topic_arn(region="eu-west-1"))]


@pytest.mark.parametrize(("protocol", "endpoint"), [("sqs", QUEUE), ("sms", PHONE)])
def test_a_link_does_not_end_what_needs_a_signature(cloud: Harness, sns: Any, protocol: str, endpoint: str) -> None:
    arn = subscribe(sns, make_topic(sns), protocol, endpoint)
    answer = sns_call(cloud, "Unsubscribe", {"SubscriptionArn": arn}, method="GET", headers={})
    assert (query_error(answer)[0], answer.status) == ("AuthorizationError", 403)
    assert document(answer).findtext("Error/Type") == "Sender"


def test_two_services_actions_of_one_name_are_told_apart_by_the_version(cloud: Harness, sns: Any) -> None:
    make_topic(sns)
    form = {"TopicArn": TOPIC, "Label": "l"}
    answer = sns_call(cloud, "RemovePermission", form, headers={})  # SQS has an action of this name
    assert tree(document(answer))[0] == "RemovePermissionResponse"
    assert f'xmlns="{NAMESPACE}"' in answer.text
