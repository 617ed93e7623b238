"""What a platform application tells its event topics: EndpointCreated, EndpointUpdated, EndpointDeleted, DeliveryFailure.

Source: the developer guide, "Available event types" of mobile push; the blog's "Managing tokens with push notifications".
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson

from emulator.router.delivery import UndeliverableError
from emulator.router.router import Envelope

if TYPE_CHECKING:
    from emulator.app import Emulator
    from services.sns.state import Application, Endpoint

log = logging.getLogger("eventyard.sns")

TOPIC_ATTRIBUTES = ("EventEndpointCreated", "EventEndpointUpdated", "EventEndpointDeleted", "EventDeliveryFailure")
"""The attributes of a platform application that name event topics."""


def endpoint_created(emulator: Emulator, endpoint: Endpoint) -> None:
    """Tell of a new endpoint."""
    _tell(emulator, endpoint, "EndpointCreated")


def endpoint_updated(emulator: Emulator, endpoint: Endpoint) -> None:
    """Tell of an endpoint whose attributes were set."""
    _tell(emulator, endpoint, "EndpointUpdated")


def endpoint_deleted(emulator: Emulator, endpoint: Endpoint) -> None:
    """Tell of an endpoint that is gone."""
    _tell(emulator, endpoint, "EndpointDeleted")


def delivery_failed(
    emulator: Emulator, endpoint: Endpoint, message_id: str, failure_type: str, failure_message: str, *, hops: int = 0
) -> None:
    """Tell of a message that did not reach its device and never will. `failure_type` is a word such as EndpointDisabled."""
    failure: dict[str, str | int] = {
        "DeliveryAttempts": 1,
        "FailureMessage": failure_message,
        "FailureType": failure_type,
        "MessageId": message_id,
    }
    _tell(emulator, endpoint, "DeliveryFailure", failure, hops=hops)


def _tell(
    emulator: Emulator, endpoint: Endpoint, event: str, more: dict[str, str | int] | None = None, *, hops: int = 0
) -> None:
    """Publish an event where the application has a topic for it. Whoever caused it does not hear of a failure; the log does."""
    application = endpoint.application
    topic_arn = application.attributes.get(f"Event{event}")
    if topic_arn is None:
        return
    body = {
        "EndpointArn": endpoint.arn,
        "EventType": event,
        "Resource": application.arn,
        "Service": "SNS",
        "Time": emulator.clock.iso(),
        **(more or {}),
    }
    envelope = Envelope(
        orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode(),
        source_arn=application.arn,
        subject=_subject(application, event),
        hops=hops,
    )
    try:
        emulator.router.send(topic_arn, envelope)
    except UndeliverableError as error:
        log.warning("%s event of %s did not reach %s: %s", event, application.arn, topic_arn, error)


def _subject(application: Application, event: str) -> str | None:
    """Make the subject, without the name of an application that is too long for one."""
    subject = f"{event} event for app {application.name} ({application.platform})"
    return subject if len(subject) <= 100 else f"{event} event"
