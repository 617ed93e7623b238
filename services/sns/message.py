"""One published message, and the forms in which subscribers get it. Each form is made once for all of them.

The envelope is AWS's, to the blank: two spaces in front, `"Key" : "value"`, keys in AWS's order. What differs between two
subscribers is the UnsubscribeURL only, and it is not signed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from services.sns import signing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app import Emulator
    from services.sns.requests import Attributes
    from services.sns.state import Subscription, Topic


@dataclass(slots=True, eq=False)
class Notification:
    """One message of a topic on its way to the subscribers."""

    topic: Topic
    message_id: str
    message: str
    """What was published: the text, or the document of MessageStructure `json`."""

    timestamp: str
    base_url: str
    """Where the publisher found us: the start of the URLs inside."""

    texts: dict[str, str] | None = None
    """The text for each protocol, of MessageStructure `json`."""

    subject: str | None = None
    attributes: Attributes = field(default_factory=dict)
    group_id: str | None = None
    dedup_id: str | None = None
    sequence_number: str | None = None
    trace_header: str | None = None
    hops: int = 0
    replayed: bool = False
    _envelopes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def text(self, *protocols: str) -> str:
        """Tell the text that a subscriber gets, by the first of the protocols that has one."""
        if self.texts is None:
            return self.message
        for protocol in protocols:
            if protocol in self.texts:
                return self.texts[protocol]
        return self.texts.get("default", "")

    def envelope(self, emulator: Emulator, subscription: Subscription, text: str) -> str:
        """Write the envelope for one subscriber."""
        parts = self._envelopes.get(text)
        if parts is None:
            parts = self._envelopes[text] = self._parts(emulator, text)
        return f"{parts[0]}{quote(unsubscribe_url(subscription, self.base_url))}{parts[1]}"

    def _parts(self, emulator: Emulator, text: str) -> tuple[str, str]:
        """Write an envelope but for the UnsubscribeURL: what comes before it, and after."""
        head = [f'{{\n  "Type" : "Notification",\n  "MessageId" : "{self.message_id}"']
        if self.sequence_number is not None:
            head.append(f'"SequenceNumber" : "{self.sequence_number}"')
        head.append(f'"TopicArn" : "{self.topic.arn}"')
        if self.subject is not None:
            head.append(f'"Subject" : {quote(self.subject)}')
        head += [f'"Message" : {quote(text)}', f'"Timestamp" : "{self.timestamp}"']
        if self.replayed:
            head.append('"Replayed" : true')
        if not self.topic.fifo:
            signature, url = self.signature(emulator, text)
            head += [
                f'"SignatureVersion" : "{self.topic.signature_version}"',
                f'"Signature" : "{signature}"',
                f'"SigningCertURL" : {quote(url)}',
            ]
        tail = "\n}"
        if self.attributes:
            lines = [
                f"    {quote(name)} : {orjson.dumps(shown).decode()}"
                for name, shown in shown_attributes(self.attributes).items()
            ]
            tail = ',\n  "MessageAttributes" : {\n' + ",\n".join(lines) + "\n  }\n}"
        return ",\n  ".join([*head, '"UnsubscribeURL" : ']), tail

    def signature(self, emulator: Emulator, text: str) -> tuple[str, str]:
        """Sign the message; the signature and the certificate's URL."""
        signed = {
            "Type": "Notification",
            "MessageId": self.message_id,
            "TopicArn": self.topic.arn,
            "Message": text,
            "Timestamp": self.timestamp,
        }
        if self.subject is not None:
            signed["Subject"] = self.subject
        signature = signing.sign(emulator.certificate, signed, self.topic.signature_version)
        host = emulator.settings.sns_cert_url_host
        return signature, signing.certificate_url(emulator.certificate, self.base_url, host)

    def lambda_event(self, emulator: Emulator, subscription: Subscription, text: str) -> str:
        """Write the event that a Lambda function would be invoked with."""
        signature, url = self.signature(emulator, text)
        record = {
            "Type": "Notification",
            "MessageId": self.message_id,
            "TopicArn": self.topic.arn,
            "Subject": self.subject,
            "Message": text,
            "Timestamp": self.timestamp,
            "SignatureVersion": self.topic.signature_version,
            "Signature": signature,
            "SigningCertUrl": url,
            "UnsubscribeUrl": unsubscribe_url(subscription, self.base_url),
            "MessageAttributes": {
                name: {**value, "Type": "Binary" if value["Type"].startswith("Binary") else "String"}
                for name, value in shown_attributes(self.attributes).items()
            },
        }
        event = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": record,
        }
        return orjson.dumps({"Records": [event]}).decode()

    def firehose_record(self, subscription: Subscription, text: str) -> str:
        """Write the record that a Firehose stream would get: the envelope without a signature, on one line."""
        record: dict[str, Any] = {"Type": "Notification", "MessageId": self.message_id, "TopicArn": self.topic.arn}
        if self.subject is not None:
            record["Subject"] = self.subject
        record["Message"] = text
        record["UnsubscribeURL"] = unsubscribe_url(subscription, self.base_url)
        record["Timestamp"] = self.timestamp
        if self.attributes:
            record["MessageAttributes"] = shown_attributes(self.attributes)
        return orjson.dumps(record).decode() + "\n"


def shown_attributes(attributes: Attributes) -> dict[str, dict[str, str]]:
    """Write message attributes as envelopes show them: `{"name": {"Type", "Value"}}`, bytes as base64."""
    return {
        name: {
            "Type": value["DataType"],
            "Value": value["StringValue"]
            if "StringValue" in value
            else base64.b64encode(value["BinaryValue"]).decode(),
        }
        for name, value in attributes.items()
    }


def quote(text: str) -> str:
    """Write text as JSON."""
    return orjson.dumps(text).decode()


def unsubscribe_url(subscription: Subscription, base_url: str) -> str:
    """Make the URL that ends a subscription."""
    return f"{base_url}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}"


def subscribe_url(topic: Topic, token: str, base_url: str) -> str:
    """Make the URL that confirms a subscription, or restores it."""
    return f"{base_url}/?Action=ConfirmSubscription&TopicArn={topic.arn}&Token={token}"


_CONFIRM = (
    "You have chosen to subscribe to the topic {topic}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message."
)
_RESTORE = (
    "You have chosen to deactivate subscription {subscription}.\n"
    "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
)


def confirmation(emulator: Emulator, subscription: Subscription, kind: str) -> tuple[str, dict[str, str]]:
    """Make a SubscriptionConfirmation or an UnsubscribeConfirmation: its text, and its fields in AWS's order."""
    topic, base_url = subscription.topic, subscription.base_url
    text = _CONFIRM if kind == "SubscriptionConfirmation" else _RESTORE
    fields: dict[str, str] = {
        "Type": kind,
        "MessageId": emulator.ids.uuid(),
        "Token": subscription.token,
        "TopicArn": topic.arn,
        "Message": text.format(topic=topic.arn, subscription=subscription.arn),
        "SubscribeURL": subscribe_url(topic, subscription.token, base_url),
        "Timestamp": emulator.clock.iso(),
        "SignatureVersion": topic.signature_version,
    }
    fields["Signature"] = signing.sign(emulator.certificate, fields, topic.signature_version)
    host = emulator.settings.sns_cert_url_host
    fields["SigningCertURL"] = signing.certificate_url(emulator.certificate, base_url, host)
    return pretty(fields), fields


def pretty(fields: Mapping[str, str]) -> str:
    """Write a message as AWS lays it out."""
    return "{\n" + ",\n".join(f"  {quote(name)} : {quote(value)}" for name, value in fields.items()) + "\n}"
