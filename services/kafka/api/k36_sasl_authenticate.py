"""SaslAuthenticate (key 36): the tokens of a login, one request each.

Versions 0-2. A login that fails is answered with SASL_AUTHENTICATION_FAILED and Kafka's words, then the connection is closed (Kafka
waits connection.failed.authentication.delay.ms first, 100 by default; we do not). One without a SaslHandshake before it is closed
without an answer. Sessions do not expire: SessionLifetimeMs is 0.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.errors import Error

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request

log = logging.getLogger("eventyard.kafka")


@api(36, "SaslAuthenticate", versions=(0, 2), before_login=True)
def sasl_authenticate(call: Call, request: Request) -> Answer:
    """Take a token, answer ours."""
    peer, login = call.peer, call.peer.login
    if login is None or login.done:
        return {
            "ErrorCode": Error.ILLEGAL_SASL_STATE,
            "ErrorMessage": "SaslAuthenticate request received after successful authentication",
        }
    if not login.begun:
        log.warning("closed a connection from %s: it sent SaslAuthenticate before SaslHandshake", peer.host)
        peer.end()
        return None
    reply, error = login.token(bytes(request["AuthBytes"]))
    if error is not None:
        log.warning("%s could not log in: %s", peer.host, error.message)
        peer.close_after_answer()
        return {"ErrorCode": error.error, "ErrorMessage": error.message}
    peer.principal = login.principal
    return {"ErrorMessage": None, "AuthBytes": reply}
