"""GetCallerIdentity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.arns import partition
from emulator.service import operation
from services.sts.state import Caller, home

if TYPE_CHECKING:
    from services.sts.state import StsContext


@operation("GetCallerIdentity")
def get_caller_identity(ctx: StsContext, _request: dict[str, Any]) -> dict[str, Any]:
    """Tell who calls: the assumed role behind a session key, else the account's root user."""
    caller = home(ctx, ctx.account).caller(ctx.access_key) or root(ctx)
    return {"UserId": caller.user_id, "Account": ctx.account, "Arn": caller.arn}


def root(ctx: StsContext) -> Caller:
    """Make the identity of the account's root user."""
    return Caller(ctx.account, f"arn:{partition(ctx.region)}:iam::{ctx.account}:root")
