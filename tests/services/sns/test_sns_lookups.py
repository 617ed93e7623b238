"""LocalStack's developer look-ups under /_aws/sns/: text messages, push messages, e-mails, tokens, opted-out numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from services.sns import limits
from services.sns.captures import Captures
from services.sns.state import home
from tests.support.harness import DEFAULT_ACCOUNT, Answer, Harness
from tests.support.sqs_wire import signed

PATH = "/_aws/sns"
ACCOUNT, REGION = "111111111111", "eu-west-1"
NUMBER, OTHER_NUMBER = "+15550100", "+15550101"
ENDPOINT = f"arn:aws:sns:us-east-1:{DEFAULT_ACCOUNT}:endpoint/GCM/shop/6f2b1c3d-0000-4000-8000-0123456789ab"
TOPIC = f"arn:aws:sns:us-east-1:{DEFAULT_ACCOUNT}:news"
SMS = {
    "PhoneNumber": NUMBER,
    "TopicArn": TOPIC,
    "SubscriptionArn": f"{TOPIC}:1",
    "MessageId": "id",
    "Message": "hello",
    "MessageAttributes": {"colour": {"DataType": "String", "StringValue": "blue"}},
    "MessageStructure": None,
    "Subject": "greeting",
}
PUSH = {
    "TargetArn": ENDPOINT,
    "TopicArn": None,
    "Message": "hello",
    "MessageAttributes": {},
    "MessageStructure": "json",
    "Subject": None,
    "MessageId": "id",
}
EMAIL = {
    "Endpoint": "a@b.c",
    "Protocol": "email",
    "TopicArn": TOPIC,
    "SubscriptionArn": f"{TOPIC}:2",
    "MessageId": "id",
    "Type": "Notification",
    "Subject": "greeting",
    "Message": "hello",
    "Timestamp": "2026-01-01T00:00:00.000Z",
}

KINDS = {
    "sms-messages": ("sms_messages", "phoneNumber", "PhoneNumber", SMS),
    "platform-endpoint-messages": ("platform_endpoint_messages", "endpointArn", "TargetArn", PUSH),
    "email-messages": ("email_messages", "emailAddress", "Endpoint", EMAIL),
}


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


def look(cloud: Harness, path: str, method: str = "GET", headers: dict[str, str] | None = None, **query: str) -> Answer:
    """Look something up, unsigned as a developer does with curl."""
    return cloud.request(method, f"{PATH}/{path}", query=urlencode(query), headers=headers)


def shown(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.body)


def capture(
    cloud: Harness, path: str, *items: dict[str, Any], account: str = DEFAULT_ACCOUNT, region: str = "us-east-1"
) -> None:
    """Put items where SNS puts what it would send."""

    def add(captures: Captures) -> Callable[[dict[str, Any]], None]:
        return {
            "sms-messages": captures.add_sms,
            "platform-endpoint-messages": captures.add_push,
            "email-messages": captures.add_email,
        }[path]

    cloud.run(lambda emulator: [add(home(emulator, account, region).captures)(item) for item in items])


# What was captured.


@pytest.mark.parametrize("path", KINDS)
def test_captured_messages_are_shown_by_their_receivers_in_the_order_of_their_coming(cloud: Harness, path: str) -> None:
    key, _, owner, item = KINDS[path]
    second, third = item | {"Message": "2"}, item | {owner: "somebody", "Message": "3"}
    capture(cloud, path, item, third, second)
    assert shown(look(cloud, path)) == {key: {item[owner]: [item, second], "somebody": [third]}, "region": "us-east-1"}


@pytest.mark.parametrize("path", KINDS)
def test_nothing_is_shown_where_nothing_was_captured(cloud: Harness, path: str) -> None:
    assert shown(look(cloud, path)) == {KINDS[path][0]: {}, "region": "us-east-1"}


@pytest.mark.parametrize("path", KINDS)
def test_what_a_message_does_not_have_is_shown_as_null(cloud: Harness, path: str) -> None:
    key, _, owner, item = KINDS[path]
    capture(cloud, path, {owner: "x"})
    assert shown(look(cloud, path))[key] == {"x": [dict.fromkeys(item) | {owner: "x"}]}


@pytest.mark.parametrize("path", KINDS)
def test_one_receiver_can_be_chosen(cloud: Harness, path: str) -> None:
    key, parameter, owner, item = KINDS[path]
    capture(cloud, path, item, item | {owner: "somebody"})
    assert shown(look(cloud, path, **{parameter: item[owner]}))[key] == {item[owner]: [item]}


@pytest.mark.parametrize("path", KINDS)
def test_a_chosen_receiver_without_messages_has_an_empty_list(cloud: Harness, path: str) -> None:
    key, parameter, owner, item = KINDS[path]
    assert shown(look(cloud, path, **{parameter: item[owner]}))[key] == {item[owner]: []}


@pytest.mark.parametrize("path", KINDS)
def test_account_and_region_can_be_chosen(cloud: Harness, path: str) -> None:
    key, _, owner, item = KINDS[path]
    capture(cloud, path, item, account=ACCOUNT, region=REGION)
    assert shown(look(cloud, path))[key] == {}
    assert shown(look(cloud, path, accountId=ACCOUNT))[key] == {}
    assert shown(look(cloud, path, region=REGION)) == {key: {}, "region": REGION}
    answer = shown(look(cloud, path, accountId=ACCOUNT, region=REGION))
    assert answer == {key: {item[owner]: [item]}, "region": REGION}


@pytest.mark.parametrize("path", KINDS)
def test_a_signed_look_up_is_about_the_signers_account_and_region(cloud: Harness, path: str) -> None:
    key, _, owner, item = KINDS[path]
    capture(cloud, path, item, account=ACCOUNT, region=REGION)
    answer = shown(look(cloud, path, headers=signed(ACCOUNT, REGION, "sns")))
    assert answer == {key: {item[owner]: [item]}, "region": REGION}


def test_the_arn_of_an_endpoint_says_whose_it_is(cloud: Harness) -> None:
    arn = ENDPOINT.replace("us-east-1", REGION).replace(DEFAULT_ACCOUNT, ACCOUNT)
    item = PUSH | {"TargetArn": arn}
    capture(cloud, "platform-endpoint-messages", item, account=ACCOUNT, region=REGION)
    answer = shown(look(cloud, "platform-endpoint-messages", endpointArn=arn))
    assert answer == {"platform_endpoint_messages": {arn: [item]}, "region": REGION}


def test_the_default_account_and_region_are_those_of_the_settings(cloud_with: Callable[..., Harness]) -> None:
    cloud = cloud_with(account_id=ACCOUNT, region=REGION)
    capture(cloud, "sms-messages", SMS, account=ACCOUNT, region=REGION)
    assert shown(look(cloud, "sms-messages")) == {"sms_messages": {NUMBER: [SMS]}, "region": REGION}


def test_a_plus_that_was_not_escaped_is_understood(cloud: Harness) -> None:
    capture(cloud, "sms-messages", SMS, SMS | {"PhoneNumber": OTHER_NUMBER})
    answer = cloud.request("GET", f"{PATH}/sms-messages", query=f"phoneNumber={NUMBER}")
    assert shown(answer)["sms_messages"] == {NUMBER: [SMS]}


def test_binary_values_are_shown_in_base64(cloud: Harness) -> None:
    attributes = {"raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    capture(cloud, "sms-messages", SMS | {"MessageAttributes": attributes})
    (message,) = shown(look(cloud, "sms-messages"))["sms_messages"][NUMBER]
    assert message["MessageAttributes"] == {"raw": {"DataType": "Binary", "BinaryValue": "AP8="}}


def test_looking_makes_no_account(cloud: Harness) -> None:
    for path in (*KINDS, "opted-out-numbers"):
        for method in ("GET", "DELETE"):
            look(cloud, path, method, accountId=ACCOUNT)
    assert cloud.run(lambda emulator: emulator.find_state("sns", ACCOUNT, "us-east-1")) is None


def test_old_messages_go_when_there_are_too_many(cloud: Harness) -> None:
    capture(cloud, "sms-messages", *(SMS | {"Message": str(number)} for number in range(limits.CAPTURES_MAX + 2)))
    messages = shown(look(cloud, "sms-messages"))["sms_messages"][NUMBER]
    assert len(messages) == limits.CAPTURES_MAX
    assert messages[0]["Message"] == "2"


# Forgetting.


@pytest.mark.parametrize("path", KINDS)
def test_all_messages_can_be_forgotten(cloud: Harness, path: str) -> None:
    key, _, owner, item = KINDS[path]
    capture(cloud, path, item, item | {owner: "somebody"})
    answer = look(cloud, path, "DELETE")
    assert (answer.status, answer.body) == (204, b"")
    assert shown(look(cloud, path))[key] == {}


@pytest.mark.parametrize("path", KINDS)
def test_the_messages_of_one_receiver_can_be_forgotten(cloud: Harness, path: str) -> None:
    key, parameter, owner, item = KINDS[path]
    other = item | {owner: "somebody"}
    capture(cloud, path, item, other, item)
    assert look(cloud, path, "DELETE", **{parameter: item[owner]}).status == 204
    assert shown(look(cloud, path))[key] == {"somebody": [other]}


@pytest.mark.parametrize("path", KINDS)
def test_forgetting_leaves_other_accounts_regions_and_kinds(cloud: Harness, path: str) -> None:
    key, _, owner, item = KINDS[path]
    capture(cloud, path, item)
    for more in ({"accountId": ACCOUNT}, {"region": REGION}):
        assert look(cloud, path, "DELETE", **more).status == 204
    for other in KINDS:
        if other != path:
            look(cloud, other, "DELETE")
    assert shown(look(cloud, path))[key] == {item[owner]: [item]}


def test_a_reset_forgets_what_was_captured(cloud: Harness) -> None:
    capture(cloud, "sms-messages", SMS)
    cloud.run(lambda emulator: emulator.reset("sns"))
    assert shown(look(cloud, "sms-messages"))["sms_messages"] == {}


# Numbers that do not want messages.


def opted_out(cloud: Harness, **query: str) -> list[str]:
    return shown(look(cloud, "opted-out-numbers", **query))["opted_out_numbers"]


def test_a_number_opts_out_with_a_post(cloud: Harness, sns: Any) -> None:
    answer = look(cloud, "opted-out-numbers", "POST", phoneNumber=NUMBER)
    assert answer.status == 201
    assert json.loads(answer.body) == {"opted_out_numbers": [NUMBER], "region": "us-east-1"}
    assert sns.check_if_phone_number_is_opted_out(phoneNumber=NUMBER)["isOptedOut"] is True


def test_opted_out_numbers_are_listed(cloud: Harness) -> None:
    for number in (OTHER_NUMBER, NUMBER, NUMBER):
        look(cloud, "opted-out-numbers", "POST", phoneNumber=number)
    assert opted_out(cloud) == [NUMBER, OTHER_NUMBER]
    assert opted_out(cloud, phoneNumber=OTHER_NUMBER) == [OTHER_NUMBER]
    assert opted_out(cloud, phoneNumber="+1") == []


def test_a_number_opts_out_of_one_account_and_region(cloud: Harness) -> None:
    look(cloud, "opted-out-numbers", "POST", phoneNumber=NUMBER, accountId=ACCOUNT, region=REGION)
    assert opted_out(cloud, accountId=ACCOUNT, region=REGION) == [NUMBER]
    assert opted_out(cloud) == opted_out(cloud, accountId=ACCOUNT) == opted_out(cloud, region=REGION) == []


def test_opted_out_numbers_can_be_removed_without_waiting(cloud: Harness) -> None:
    for number in (NUMBER, OTHER_NUMBER, "+15550102"):
        look(cloud, "opted-out-numbers", "POST", phoneNumber=number)
    assert look(cloud, "opted-out-numbers", "DELETE", phoneNumber=NUMBER).status == 204
    assert opted_out(cloud) == [OTHER_NUMBER, "+15550102"]
    assert look(cloud, "opted-out-numbers", "DELETE").status == 204
    assert opted_out(cloud) == []


def test_removing_a_number_that_is_not_there_succeeds(cloud: Harness) -> None:
    look(cloud, "opted-out-numbers", "POST", phoneNumber=NUMBER)
    assert look(cloud, "opted-out-numbers", "DELETE", phoneNumber=OTHER_NUMBER).status == 204
    assert opted_out(cloud) == [NUMBER]


@pytest.mark.parametrize("query", [{}, {"phoneNumber": ""}, {"phoneNumber": "5550100"}])
def test_what_is_no_phone_number_cannot_opt_out(cloud: Harness, query: dict[str, str]) -> None:
    answer = look(cloud, "opted-out-numbers", "POST", **query)
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == "phoneNumber must be a number such as +15550100"


def test_an_account_must_have_12_digits(cloud: Harness) -> None:
    answer = look(cloud, "opted-out-numbers", "POST", phoneNumber=NUMBER, accountId="me")
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": "accountId must have 12 digits", "account_id": "me"}


# What confirms a subscription.


@pytest.mark.parametrize("text", ["subscription", "arn:aws:sns", "a:b:c:d:e:f"])
def test_a_token_of_what_is_no_arn_is_refused(cloud: Harness, text: str) -> None:
    answer = look(cloud, f"subscription-tokens/{text}")
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": "The provided SubscriptionARN is invalid", "subscription_arn": text}


@pytest.mark.parametrize("text", [TOPIC, f"{TOPIC}:6f2b1c3d-0000-4000-8000-0123456789ab"])
def test_a_token_of_an_unknown_subscription_is_not_found(cloud: Harness, text: str) -> None:
    answer = look(cloud, f"subscription-tokens/{text}")
    assert answer.status == 404
    assert json.loads(answer.body) == {"error": "The provided SubscriptionARN is not found", "subscription_arn": text}


def subscribe(sns: Any, **more: Any) -> str:
    """Make a subscription that waits for its confirmation, and give its ARN."""
    topic = sns.create_topic(Name="news")["TopicArn"]
    more = {"Protocol": "email", "Endpoint": "a@b.c", **more}
    return sns.subscribe(TopicArn=topic, ReturnSubscriptionArn=True, **more)["SubscriptionArn"]


@pytest.mark.parametrize(("account", "region"), [("test", "us-east-1"), (ACCOUNT, REGION)])
def test_a_token_confirms_its_subscription(cloud: Harness, account: str, region: str) -> None:
    sns = cloud.client("sns", account=account, region=region)
    arn = subscribe(sns)
    answer = shown(look(cloud, f"subscription-tokens/{arn}"))
    assert answer["subscription_arn"] == arn
    topic = arn.rpartition(":")[0]
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=answer["subscription_token"])
    assert confirmed["SubscriptionArn"] == arn


def test_a_token_of_a_subscription_that_was_not_confirmed_in_time_is_not_found(cloud: Harness, sns: Any) -> None:
    arn = subscribe(sns)
    cloud.advance(limits.TOKEN_VALID_MS / 1000)
    assert look(cloud, f"subscription-tokens/{arn}").status == 404


# What is no look-up.


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/sms-messages/x", "/subscription-tokens", "/subscription-tokens/"]
)
def test_an_unknown_path_is_404_in_json(cloud: Harness, path: str) -> None:
    answer = cloud.request("GET", PATH + path)
    assert answer.status == 404
    assert json.loads(answer.body) == {"error": f"Nothing is at {PATH}{path}"}


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("sms-messages", "POST", "GET, DELETE"),
        ("platform-endpoint-messages", "PUT", "GET, DELETE"),
        ("email-messages", "PATCH", "GET, DELETE"),
        ("opted-out-numbers", "PUT", "GET, POST, DELETE"),
        (f"subscription-tokens/{TOPIC}:1", "DELETE", "GET"),
    ],
)
def test_a_wrong_method_is_405_in_json(cloud: Harness, path: str, method: str, allowed: str) -> None:
    answer = look(cloud, path, method)
    assert answer.status == 405
    assert answer.headers["allow"] == allowed
    assert json.loads(answer.body) == {"error": f"Method {method} is not allowed here"}


def test_bad_parameters_are_refused_in_json(cloud: Harness) -> None:
    answer = cloud.request("GET", f"{PATH}/sms-messages", query="phoneNumber=%ff")
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": "The request is not a valid form."}


# From Publish to the look-up.


def test_a_text_message_to_a_phone_is_shown(cloud: Harness, sns: Any) -> None:
    attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
    sent = sns.publish(PhoneNumber=NUMBER, Message="hello", Subject="greeting", MessageAttributes=attributes)
    (message,) = shown(look(cloud, "sms-messages"))["sms_messages"][NUMBER]
    assert message == SMS | {
        "TopicArn": None,
        "SubscriptionArn": None,
        "MessageId": sent["MessageId"],
        "MessageAttributes": attributes,
    }


def test_a_text_message_of_a_topic_is_shown(cloud: Harness, sns: Any) -> None:
    arn = subscribe(sns, Protocol="sms", Endpoint=NUMBER)
    sent = sns.publish(TopicArn=TOPIC, Message="hello")
    (message,) = shown(look(cloud, "sms-messages", phoneNumber=NUMBER))["sms_messages"][NUMBER]
    assert (message["TopicArn"], message["SubscriptionArn"], message["MessageId"], message["Message"]) == (
        TOPIC,
        arn,
        sent["MessageId"],
        "hello",
    )


@pytest.fixture
def endpoint(sns: Any) -> str:
    """The ARN of a platform endpoint."""
    app = sns.create_platform_application(Name="shop", Platform="GCM", Attributes={"PlatformCredential": "key"})
    made = sns.create_platform_endpoint(PlatformApplicationArn=app["PlatformApplicationArn"], Token="token")
    return made["EndpointArn"]


def test_a_push_message_to_an_endpoint_is_shown(cloud: Harness, sns: Any, endpoint: str) -> None:
    sent = sns.publish(TargetArn=endpoint, Message="hello")
    (message,) = shown(look(cloud, "platform-endpoint-messages"))["platform_endpoint_messages"][endpoint]
    assert (message["TargetArn"], message["TopicArn"], message["Message"], message["MessageId"]) == (
        endpoint,
        None,
        "hello",
        sent["MessageId"],
    )


def test_a_push_message_of_a_topic_has_the_text_for_its_platform(cloud: Harness, sns: Any, endpoint: str) -> None:
    subscribe(sns, Protocol="application", Endpoint=endpoint)
    texts = {"default": "all", "GCM": json.dumps({"notification": {"title": "phones"}}), "APNS": "others"}
    sns.publish(TopicArn=TOPIC, Message=json.dumps(texts), MessageStructure="json")
    answer = shown(look(cloud, "platform-endpoint-messages", endpointArn=endpoint))
    (message,) = answer["platform_endpoint_messages"][endpoint]
    assert (message["Message"], message["TopicArn"], message["MessageStructure"]) == (texts["GCM"], TOPIC, "json")


def test_an_email_is_shown_once_its_address_is_confirmed(cloud: Harness, sns: Any) -> None:
    arn = subscribe(sns)
    token = shown(look(cloud, f"subscription-tokens/{arn}"))["subscription_token"]
    sns.confirm_subscription(TopicArn=TOPIC, Token=token)
    look(cloud, "email-messages", "DELETE")
    sent = sns.publish(TopicArn=TOPIC, Message="hello", Subject="greeting")
    (message,) = shown(look(cloud, "email-messages", emailAddress="a@b.c"))["email_messages"]["a@b.c"]
    expected = EMAIL | {"SubscriptionArn": arn, "MessageId": sent["MessageId"]}
    assert {name: message[name] for name in expected} == expected
