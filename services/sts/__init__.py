"""AWS STS, as much as SDKs, Terraform and the AWS CLI ask for: GetCallerIdentity, GetSessionToken, AssumeRole.

It speaks the query protocol. Session keys that it hands out carry the account of the role, so that a caller who uses them
works in that account. What is not emulated: the other operations (they answer 501), trust policies, expiry of sessions.
"""

from emulator.service import Service
from services.sts import identity, sessions
from services.sts.state import StsState

SERVICE = Service(
    name="sts",
    modules=(identity, sessions),
    new_state=StsState,
    protocols=("query",),
    hosts=("sts",),
)
