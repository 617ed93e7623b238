"""Requests a second of a service's actions against the echo. Each round runs the echo, then the action, so that the noise of
the machine hits both; a round's ratio is against the echo of the same round.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import load
from benchmarks.report import Plan, middle, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.load import Load, Result
    from benchmarks.servers import Server

MESSAGES_MAX = 400_000
"""How many messages are prepared for one run at most. A run that uses them up ends early; its rate holds."""
FIRST_GUESS = 1.0
"""Rate of an action of one message as a share of the echo's, before it has been measured."""
FIRST_GUESS_OF_BATCH = 0.25
SPARE = 1.2


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run about to be made. `finish` takes the number of requests answered, checks that the server really did that work, and
    clears up.
    """

    load: Load
    finish: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to measure: `prepare` is told how many requests the run may take."""

    name: str
    messages: int
    prepare: Callable[[int], Prepared]
    target: str = ""


@dataclass(slots=True)
class Rounds:
    """The results of one action and of the echoes before it."""

    action: Action
    own: list[Result] = field(default_factory=list)
    echo: list[Result] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Reduce the rounds to medians."""
        rate = middle(result.rate for result in self.own)
        return {
            "name": self.action.name,
            "target": self.action.target,
            "requests_per_s": rate,
            "messages_per_s": rate * self.action.messages,
            "echo_per_s": middle(result.rate for result in self.echo),
            "ratio": middle(own.rate / echo.rate for own, echo in zip(self.own, self.echo, strict=True)),
            "p50_ms": middle(result.p50_ms for result in self.own),
            "p99_ms": middle(result.p99_ms for result in self.own),
            "rounds": [
                {"own": asdict(own), "echo": asdict(echo)} for own, echo in zip(self.own, self.echo, strict=True)
            ],
        }


def measure(
    plan: Plan, server: Server, echo: Server, yardstick: Load, actions: Sequence[Action]
) -> list[dict[str, Any]]:
    """Run all actions in interleaved rounds, print the table and answer its figures."""
    say("rates: warming up")
    for warm in (echo, server):
        load.run(warm, yardstick, seconds=1, connections=plan.connections)
    gathered = [Rounds(action) for action in actions]
    echo_rate = load.run(echo, yardstick, seconds=1, connections=plan.connections).rate
    for number in range(1, plan.rounds + 1):
        for rounds in gathered:
            action = rounds.action
            prepared = action.prepare(_wanted(plan, rounds, echo_rate))
            server.settle()
            rounds.echo.append(load.run(echo, yardstick, seconds=plan.seconds, connections=plan.connections))
            rounds.own.append(load.run(server, prepared.load, seconds=plan.seconds, connections=plan.connections))
            prepared.finish(rounds.own[-1].requests)
            own, other = rounds.own[-1].rate, rounds.echo[-1].rate
            say(f"rates: round {number} of {plan.rounds}: {action.name}: {own:,.0f}/s, echo {other:,.0f}/s")
    figures = [rounds.figures() for rounds in gathered]
    _print(plan, figures)
    return figures


def _wanted(plan: Plan, rounds: Rounds, echo_rate: float) -> int:
    guess = echo_rate * (FIRST_GUESS if rounds.action.messages <= 1 else FIRST_GUESS_OF_BATCH)
    rate = rounds.own[-1].rate * SPARE if rounds.own else guess
    return min(int(plan.seconds * rate) + 1000, MESSAGES_MAX // max(1, rounds.action.messages))


def _print(plan: Plan, figures: Sequence[dict[str, Any]]) -> None:
    title = (
        f"Requests/s (median of {plan.rounds} x {plan.seconds} s, 1 wrk thread, {plan.connections} connections; "
        "the echo answers the bytes of SendMessage)"
    )
    rows = [
        (
            one["name"],
            f"{one['requests_per_s']:,.0f}",
            f"{one['messages_per_s']:,.0f}" if one["messages_per_s"] else "",
            f"{one['echo_per_s']:,.0f}",
            f"{one['ratio']:.2f}",
            f"{one['p50_ms']:.2f}",
            f"{one['p99_ms']:.2f}",
            one["target"],
        )
        for one in figures
    ]
    table(title, ("", "requests/s", "messages/s", "echo/s", "ratio to echo", "p50 ms", "p99 ms", "target"), rows)
