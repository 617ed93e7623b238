"""Signatures of what SNS delivers, and where a verifier finds the certificate.

One signature per publish, whatever the number of subscribers. Of its 260 us RSA takes all but one.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.certificate import Certificate


def string_to_sign(message: Mapping[str, str]) -> str:
    """Write a message as AWS signs it: name and value of the signed keys in byte order, a line each.

    A Notification needs Message, MessageId, Timestamp, TopicArn, Type, and may have a Subject; a SubscriptionConfirmation or
    UnsubscribeConfirmation has SubscribeURL and Token instead of the Subject. Other keys are not signed.
    """
    head = f"Message\n{message['Message']}\nMessageId\n{message['MessageId']}\n"
    if message["Type"] == "Notification":
        subject = message.get("Subject")
        middle = f"Timestamp\n{message['Timestamp']}\n"
        if subject is not None:
            middle = f"Subject\n{subject}\n{middle}"
    else:
        url, timestamp, token = message["SubscribeURL"], message["Timestamp"], message["Token"]
        middle = f"SubscribeURL\n{url}\nTimestamp\n{timestamp}\nToken\n{token}\n"
    return f"{head}{middle}TopicArn\n{message['TopicArn']}\nType\n{message['Type']}\n"


def sign(certificate: Certificate, message: Mapping[str, str], version: str) -> str:
    """Make the Signature of a message, base64. Version "1" is SHA1withRSA, "2" SHA256withRSA."""
    digest = certificate.sign(string_to_sign(message).encode(), "sha256" if version == "2" else "sha1")
    return binascii.b2a_base64(digest, newline=False).decode()


def certificate_path(certificate: Certificate) -> str:
    """Tell the path under which we serve the certificate."""
    return f"/_aws/sns/SimpleNotificationService-{certificate.fingerprint}.pem"


def certificate_url(certificate: Certificate, base_url: str, host_override: str = "") -> str:
    """Make the SigningCertURL: under `base_url` (such as `http://localhost:4566`, without a slash at its end), or with
    https on `host_override`, for verifiers that insist on a host of AWS's.
    """
    return f"{f'https://{host_override}' if host_override else base_url}{certificate_path(certificate)}"
