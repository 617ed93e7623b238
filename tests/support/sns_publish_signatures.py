"""Signatures as a receiver checks them: the certificate is fetched from the SigningCertURL, without credentials, and AWS's guide
says what is signed and how.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.harness import Harness

SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}


def certificate_at(cloud: Harness, url: str) -> x509.Certificate:
    """Fetch a certificate."""
    answer = cloud.request("GET", urlsplit(url).path)
    assert answer.status == 200, answer.text
    return x509.load_pem_x509_certificate(answer.body)


def verifies(cloud: Harness, message: dict[str, Any], url: str | None = None) -> bool:
    """Tell whether a message's signature is that of the certificate that it names."""
    key = certificate_at(cloud, url or message["SigningCertURL"]).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message)
    signature = base64.b64decode(message["Signature"], validate=True)
    try:
        key.verify(signature, text.encode(), padding.PKCS1v15(), HASHES[message["SignatureVersion"]])
    except InvalidSignature:
        return False
    return True
