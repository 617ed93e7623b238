"""Signatures of messages: what is signed in which order, verified as a receiver verifies it, and where the certificate is."""

from __future__ import annotations

import base64

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulator.certificate import Certificate
from services.sns.signing import certificate_path, certificate_url, sign, string_to_sign

TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:orders"
NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    "TopicArn": TOPIC_ARN,
    "Subject": "My First Message",
    "Message": "Hello world!",
    "Timestamp": "2026-05-02T00:54:06.655Z",
    "UnsubscribeURL": "http://localhost:4566/?Action=Unsubscribe",
}
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "Token": "2336412f37",
    "TopicArn": TOPIC_ARN,
    "Message": "You have chosen to subscribe.\nTo confirm the subscription, visit the SubscribeURL.",
    "SubscribeURL": "http://localhost:4566/?Action=ConfirmSubscription",
    "Timestamp": "2026-04-26T20:45:04.751Z",
}
RESTORATION = CONFIRMATION | {"Type": "UnsubscribeConfirmation"}
MESSAGES = {message["Type"]: message for message in (NOTIFICATION, CONFIRMATION, RESTORATION)}
SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    "UnsubscribeConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}
HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate("sns.amazonaws.com", 1_767_225_600_000)


def verify(certificate: Certificate, message: dict[str, str], signature: str, version: str) -> None:
    """Do what AWS's guide tells receivers to do. Raises InvalidSignature."""
    keys = SIGNED[message["Type"]]
    text = "".join(f"{key}\n{message[key]}\n" for key in keys if key in message)
    key = x509.load_pem_x509_certificate(certificate.pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(signature, validate=True), text.encode(), padding.PKCS1v15(), HASHES[version])


def test_the_string_to_sign_of_a_notification_is_that_of_awss_guide() -> None:
    assert string_to_sign(NOTIFICATION) == (
        "Message\nHello world!\n"
        "MessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
        "Subject\nMy First Message\n"
        "Timestamp\n2026-05-02T00:54:06.655Z\n"
        f"TopicArn\n{TOPIC_ARN}\n"
        "Type\nNotification\n"
    )


def test_a_notification_without_a_subject_has_no_line_for_it() -> None:
    message = {key: value for key, value in NOTIFICATION.items() if key != "Subject"}
    assert string_to_sign(message) == string_to_sign(NOTIFICATION).replace("Subject\nMy First Message\n", "")


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_the_string_to_sign_of_a_confirmation_has_its_url_and_token(kind: str) -> None:
    assert string_to_sign(MESSAGES[kind]) == (
        "Message\nYou have chosen to subscribe.\nTo confirm the subscription, visit the SubscribeURL.\n"
        "MessageId\n165545c9-2a5c-472c-8df2-7ff2be2b3b1b\n"
        "SubscribeURL\nhttp://localhost:4566/?Action=ConfirmSubscription\n"
        "Timestamp\n2026-04-26T20:45:04.751Z\n"
        "Token\n2336412f37\n"
        f"TopicArn\n{TOPIC_ARN}\n"
        f"Type\n{kind}\n"
    )


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", MESSAGES)
def test_a_receiver_can_verify_every_kind_of_message(certificate: Certificate, kind: str, version: str) -> None:
    verify(certificate, MESSAGES[kind], sign(certificate, MESSAGES[kind], version), version)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_receiver_can_verify_a_notification_without_a_subject(certificate: Certificate, version: str) -> None:
    message = {key: value for key, value in NOTIFICATION.items() if key != "Subject"}
    verify(certificate, message, sign(certificate, message, version), version)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("text", ["Grüße, 世界 🎉", "line\nline\r\n\ttab", "x" * 262_144, '{"a": "b"}'])
def test_a_receiver_can_verify_any_text(certificate: Certificate, text: str, version: str) -> None:
    message = NOTIFICATION | {"Message": text, "Subject": text}
    verify(certificate, message, sign(certificate, message, version), version)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in SIGNED.items() for field in fields if field != "Type"]
)
def test_a_change_of_any_signed_field_breaks_the_signature(
    certificate: Certificate, kind: str, field: str, version: str
) -> None:
    signature = sign(certificate, MESSAGES[kind], version)
    changed = MESSAGES[kind] | {field: MESSAGES[kind][field] + "."}
    with pytest.raises(InvalidSignature):
        verify(certificate, changed, signature, version)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_signature_of_one_kind_of_confirmation_does_not_serve_the_other(
    certificate: Certificate, version: str
) -> None:
    signature = sign(certificate, CONFIRMATION, version)
    with pytest.raises(InvalidSignature):
        verify(certificate, RESTORATION, signature, version)


@pytest.mark.parametrize("change", ["removed", "added"])
def test_a_subject_that_is_taken_away_or_added_breaks_the_signature(certificate: Certificate, change: str) -> None:
    bare = {key: value for key, value in NOTIFICATION.items() if key != "Subject"}
    sent, received = (NOTIFICATION, bare) if change == "removed" else (bare, NOTIFICATION)
    signature = sign(certificate, sent, "2")
    with pytest.raises(InvalidSignature):
        verify(certificate, received, signature, "2")


def test_the_unsubscribe_url_and_message_attributes_are_not_signed(certificate: Certificate) -> None:
    more = NOTIFICATION | {"UnsubscribeURL": "http://elsewhere/", "MessageAttributes": "{}", "SignatureVersion": "1"}
    assert sign(certificate, more, "1") == sign(certificate, NOTIFICATION, "1")


@pytest.mark.parametrize(("made", "read"), [("1", "2"), ("2", "1")])
def test_a_signature_is_of_its_version_only(certificate: Certificate, made: str, read: str) -> None:
    signature = sign(certificate, NOTIFICATION, made)
    with pytest.raises(InvalidSignature):
        verify(certificate, NOTIFICATION, signature, read)


def test_a_signature_is_one_line_of_base64(certificate: Certificate) -> None:
    signature = sign(certificate, NOTIFICATION, "1")
    assert len(signature) == 344
    assert base64.b64encode(base64.b64decode(signature, validate=True)).decode() == signature


# The certificate's address.


def test_the_path_carries_the_certificates_fingerprint(certificate: Certificate) -> None:
    assert certificate_path(certificate) == f"/_aws/sns/SimpleNotificationService-{certificate.fingerprint}.pem"


def test_the_url_is_under_the_callers_own_address(certificate: Certificate) -> None:
    path = certificate_path(certificate)
    assert certificate_url(certificate, "http://eventyard:4566") == f"http://eventyard:4566{path}"


def test_a_host_of_the_users_choice_is_taken_with_https(certificate: Certificate) -> None:
    url = certificate_url(certificate, "http://localhost:4566", "sns.us-east-1.amazonaws.com")
    assert url == f"https://sns.us-east-1.amazonaws.com{certificate_path(certificate)}"
