"""What a platform application tells its event topics: new, changed and deleted endpoints, and deliveries that failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.app import Emulator
from services.sns import push_events
from services.sns.endpoints import endpoint_by_arn
from tests.support.harness import Harness

APPLICATION = "arn:aws:sns:us-east-1:000000000000:app/GCM/shop"


@pytest.fixture
def sns(cloud: Harness) -> Any:
    """A boto3 client of SNS."""
    return cloud.client("sns")


def make_app(sns: Any, name: str = "shop", **attributes: str) -> str:
    answer = sns.create_platform_application(
        Name=name, Platform="GCM", Attributes={"PlatformCredential": "secret", **attributes}
    )
    return answer["PlatformApplicationArn"]


def make(sns: Any, app: str) -> str:
    """Make an endpoint and give its ARN."""
    return sns.create_platform_endpoint(PlatformApplicationArn=app, Token="token")["EndpointArn"]


def set_attributes(sns: Any, arn: str, **attributes: str) -> None:
    sns.set_endpoint_attributes(EndpointArn=arn, Attributes=attributes)


@pytest.fixture
def queue(sqs: Any) -> str:
    """The URL of a queue that takes events."""
    return sqs.create_queue(QueueName="events")["QueueUrl"]


@pytest.fixture
def told(sns: Any, sqs: Any, queue: str) -> Any:
    """Make an application that tells a queue of certain events; what the queue got is `told.events()`."""

    class Told:
        def __init__(self) -> None:
            self.topic = sns.create_topic(Name="events")["TopicArn"]
            arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

        def app(self, *names: str) -> str:
            return make_app(sns, **dict.fromkeys(names, self.topic))

        def notifications(self) -> list[dict[str, Any]]:
            messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            return [json.loads(message["Body"]) for message in messages]

        def events(self) -> list[dict[str, Any]]:
            return [json.loads(found["Message"]) for found in self.notifications()]

    return Told()


def event(kind: str, endpoint: str, **more: Any) -> dict[str, Any]:
    """Make what an event says at the start of the harness's time."""
    return {
        "EndpointArn": endpoint,
        "EventType": kind,
        "Resource": APPLICATION,
        "Service": "SNS",
        "Time": "2026-01-01T00:00:00.000Z",
        **more,
    }


def test_a_new_endpoint_is_told(sns: Any, told: Any) -> None:
    app = told.app("EventEndpointCreated")
    assert told.events() == []
    arn = make(sns, app)
    assert told.events() == [event("EndpointCreated", arn)]


def test_the_subject_of_an_event_names_the_application(sns: Any, told: Any) -> None:
    make(sns, told.app("EventEndpointCreated"))
    assert [found["Subject"] for found in told.notifications()] == ["EndpointCreated event for app shop (GCM)"]


def test_an_endpoint_that_was_found_again_is_no_event(sns: Any, told: Any) -> None:
    app = told.app("EventEndpointCreated")
    make(sns, app)
    make(sns, app)
    assert len(told.events()) == 1


def test_a_changed_endpoint_is_told(sns: Any, told: Any) -> None:
    arn = make(sns, told.app("EventEndpointUpdated"))
    assert told.events() == []
    set_attributes(sns, arn, Enabled="false")
    assert told.events() == [event("EndpointUpdated", arn)]


def test_a_deleted_endpoint_is_told_once(sns: Any, told: Any) -> None:
    arn = make(sns, told.app("EventEndpointDeleted"))
    sns.delete_endpoint(EndpointArn=arn)
    sns.delete_endpoint(EndpointArn=arn)
    assert told.events() == [event("EndpointDeleted", arn)]


def test_an_event_has_the_time_at_which_it_happened(cloud: Harness, sns: Any, told: Any) -> None:
    app = told.app("EventEndpointCreated")
    cloud.advance(3661.5)
    make(sns, app)
    assert [found["Time"] for found in told.events()] == ["2026-01-01T01:01:01.500Z"]


def test_a_failed_delivery_is_told(cloud: Harness, sns: Any, told: Any) -> None:
    arn = make(sns, told.app("EventDeliveryFailure"))

    def fail(emulator: Emulator) -> None:
        endpoint = endpoint_by_arn(emulator, arn)
        assert endpoint is not None
        push_events.delivery_failed(emulator, endpoint, "id-1", "EndpointDisabled", "Endpoint is disabled")

    cloud.run(fail)
    failure = {"FailureType": "EndpointDisabled", "FailureMessage": "Endpoint is disabled", "MessageId": "id-1"}
    assert told.events() == [event("DeliveryFailure", arn, DeliveryAttempts=1, **failure)]


def test_a_topic_tells_of_a_disabled_subscriber(cloud: Harness, sns: Any, told: Any) -> None:
    arn = make(sns, told.app("EventDeliveryFailure"))
    news = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=news, Protocol="application", Endpoint=arn)
    set_attributes(sns, arn, Enabled="false")
    message_id = sns.publish(TopicArn=news, Message="hello")["MessageId"]
    cloud.advance(0)
    (found,) = told.events()
    assert (found["EventType"], found["FailureType"], found["MessageId"]) == (
        "DeliveryFailure",
        "EndpointDisabled",
        message_id,
    )


def test_only_the_events_that_have_a_topic_are_told(sns: Any, told: Any) -> None:
    app = told.app("EventEndpointDeleted")
    arn = make(sns, app)
    set_attributes(sns, arn, CustomUserData="x")
    assert told.events() == []


def test_an_event_topic_that_is_gone_harms_nobody_and_is_logged(
    sns: Any, told: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = told.app("EventEndpointCreated")
    sns.delete_topic(TopicArn=told.topic)
    arn = make(sns, app)
    assert sns.get_endpoint_attributes(EndpointArn=arn)["Attributes"]["Enabled"] == "true"
    (record,) = [found for found in caplog.records if found.name == "eventyard.sns"]
    assert record.levelname == "WARNING"
    assert f"EndpointCreated event of {app} did not reach {told.topic}" in record.getMessage()


def test_an_application_with_a_long_name_tells_its_events_too(sns: Any, told: Any) -> None:
    app = make_app(sns, "x" * 256, EventEndpointCreated=told.topic)
    make(sns, app)
    assert [found["Subject"] for found in told.notifications()] == ["EndpointCreated event"]
