"""What STS remembers: who stands behind a session key."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from emulator.service import ServiceState
from services.sts import limits

if TYPE_CHECKING:
    from emulator.app import Emulator
    from emulator.context import Context

    StsContext = Context["StsState"]


class Caller(NamedTuple):
    """Who calls: what GetCallerIdentity says beside the account."""

    user_id: str
    arn: str


class StsState(ServiceState):
    """Sessions by access key. STS is global, so all regions share the state of one."""

    def __init__(self, emulator: Emulator, account: str, region: str) -> None:
        self.emulator = emulator
        self.account = account
        self.region = region
        self._sessions: OrderedDict[str, Caller] = OrderedDict()

    def remember(self, access_key: str, caller: Caller) -> None:
        """Note who was given a session key."""
        self._sessions[access_key] = caller
        if len(self._sessions) > limits.SESSIONS_MAX:
            self._sessions.popitem(last=False)

    def caller(self, access_key: str) -> Caller | None:
        """Tell who was given a session key."""
        return self._sessions.get(access_key)


HOME_REGION = "us-east-1"


def home(ctx: StsContext, account: str) -> StsState:
    """Reach the one state of an account."""
    return ctx.state_of(account, HOME_REGION)
