"""Developer look-ups under `/_aws/events/`. All answers are JSON.

| path | shows (GET), forgets (DELETE) | of one |
|---|---|---|
| log-groups | what went to CloudWatch Logs, by log group: `{"timestamp", "message", "eventId"}` | logGroupArn |
| schedules | when rules with a schedule fire next: 10 instants each, fewer when no more will come (GET only) | ruleArn |

`accountId` and `region` choose whose; the default is the caller's account and region, or those of the ARN that is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from emulator.arns import parse_arn
from emulator.http import Response, text_response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.http import Request
    from services.events.state import EventsContext, EventsState, Rule

    Form = dict[str, str]
    Look = Callable[[EventsContext, Form], Response]

PATH = "/_aws/events"
FIRINGS = 10
"""How many firings of a rule are shown."""


def look_up(ctx: EventsContext, request: Request) -> Response:
    """Answer a look-up: 404 for a path that is none, 405 for a method that it does not have."""
    methods = ROUTES.get(request.path.removeprefix(PATH).strip("/"))
    if methods is None:
        return _json(404, {"error": f"Nothing is at {request.path}"})
    look = methods.get(request.method)
    if look is None:
        answer = _json(405, {"error": f"Method {request.method} is not allowed here"})
        answer.headers.append((b"allow", ", ".join(methods).encode()))
        return answer
    return look(ctx, request.form())


def _json(status: int, document: dict[str, Any]) -> Response:
    return text_response(status, orjson.dumps(document).decode(), "application/json")


def _place(ctx: EventsContext, form: Form, arn_name: str) -> tuple[EventsState | None, str]:
    """Find the state that a look-up is about; tell its region too, for nothing may have been made there yet."""
    arn = parse_arn(form.get(arn_name, ""))
    account, region = (ctx.account, ctx.region) if arn is None else (arn.account, arn.region)
    region = form.get("region") or region
    return ctx.find_state(form.get("accountId") or account, region), region


# What went to CloudWatch Logs.


def _show_log_groups(ctx: EventsContext, form: Form) -> Response:
    state, region = _place(ctx, form, "logGroupArn")
    groups = {} if state is None else state.log_groups
    wanted = form.get("logGroupArn")
    shown = {arn: list(groups.get(arn, ())) for arn in ([wanted] if wanted else groups)}
    return _json(200, {"log_groups": shown, "region": region})


def _forget_log_groups(ctx: EventsContext, form: Form) -> Response:
    state, _ = _place(ctx, form, "logGroupArn")
    if state is not None:
        for arn in [form["logGroupArn"]] if form.get("logGroupArn") else list(state.log_groups):
            state.log_groups.pop(arn, None)
    return Response(204)


# When rules fire.


def _show_schedules(ctx: EventsContext, form: Form) -> Response:
    state, region = _place(ctx, form, "ruleArn")
    rules = [] if state is None else [rule for bus in state.buses.values() for rule in bus.rules.values()]
    wanted = form.get("ruleArn")
    shown = {
        rule.arn: {"expression": rule.schedule_text, "state": rule.state, "firings": _firings(ctx, rule)}
        for rule in rules
        if rule.schedule is not None and (not wanted or rule.arn == wanted)
    }
    return _json(200, {"schedules": shown, "region": region})


def _firings(ctx: EventsContext, rule: Rule) -> list[str]:
    """List the next firings of a rule; a disabled one has none."""
    if rule.schedule is None or not rule.enabled:
        return []
    firings = rule.schedule.first(FIRINGS, max(ctx.now_ms, rule.fired_ms), rule.anchor_ms)
    return [ctx.emulator.clock.iso(firing_ms) for firing_ms in firings]


ROUTES: Mapping[str, Mapping[str, Look]] = {
    "log-groups": {"GET": _show_log_groups, "DELETE": _forget_log_groups},
    "schedules": {"GET": _show_schedules},
}
"""The look-ups by what follows PATH and by method."""
