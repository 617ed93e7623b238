"""SaslHandshake (key 17): the mechanism by which a client wants to log in.

Versions 0-1; after 0 the tokens follow bare (server.py reads them), after 1 in SaslAuthenticate. A mechanism that is not there is
answered with those that are, then the connection is closed. Where nobody logs in, and after the login (nobody logs in twice),
it is ILLEGAL_SASL_STATE, and the connection lives on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kafka.api.base import api
from services.kafka.errors import Error
from services.kafka.sasl import MECHANISMS

if TYPE_CHECKING:
    from services.kafka.api.base import Answer, Call, Request


@api(17, "SaslHandshake", versions=(0, 1), before_login=True)
def sasl_handshake(call: Call, request: Request) -> Answer:
    """Agree on a mechanism."""
    login = call.peer.login
    if login is None or login.done:
        return {"ErrorCode": Error.ILLEGAL_SASL_STATE}
    error = login.handshake(request["Mechanism"], call.version)
    if error is not Error.NONE:
        call.peer.close_after_answer()
    return {"ErrorCode": error, "Mechanisms": [] if error is Error.ILLEGAL_SASL_STATE else list(MECHANISMS)}
