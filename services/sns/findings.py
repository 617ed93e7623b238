"""What audits of data protection policies found: GET and DELETE `/_aws/sns/audit-findings`, a look-up that AWS does not have.

The answer is `{"audit_findings": {"<topic ARN>": [finding, ...]}, "region": "..."}`; a finding has the form in which AWS logs it
(protection.py). `topicArn` chooses one topic, `accountId` and `region` whose topics; the default is the ARN's, else the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from emulator.arns import parse_arn
from emulator.http import Response, text_response

if TYPE_CHECKING:
    from services.sns.protection import Protection
    from services.sns.state import SnsContext

    Form = dict[str, str]


def show_findings(ctx: SnsContext, form: Form, _: str) -> Response:
    """Show the findings by topic; without those that have none, unless one topic is asked for."""
    region, protections = _look(ctx, form)
    one = form.get("topicArn")
    shown = {arn: list(protection.findings) for arn, protection in protections.items() if one or protection.findings}
    body = orjson.dumps({"audit_findings": shown, "region": region}).decode()
    return text_response(200, body, "application/json")


def forget_findings(ctx: SnsContext, form: Form, _: str) -> Response:
    """Forget the findings."""
    for protection in _look(ctx, form)[1].values():
        protection.findings.clear()
    return Response(204)


def _look(ctx: SnsContext, form: Form) -> tuple[str, dict[str, Protection]]:
    """Find the region and the topics that have a policy."""
    one = form.get("topicArn")
    arn = parse_arn(one or "")
    account, region = (ctx.account, ctx.region) if arn is None else (arn.account, arn.region)
    region = form.get("region") or region
    state = ctx.find_state(form.get("accountId") or account, region)
    topics = () if state is None else state.topics.values()
    return region, {
        topic.arn: topic.protection
        for topic in topics
        if topic.protection is not None and (not one or topic.arn == one)
    }
