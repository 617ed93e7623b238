"""`scripts/bench patterns`: how many events a second find the rules that match them, in this process, without a server.

Every event matches one rule, whatever their number, so what grows with the number is waste. The rules of a mix differ in what the mix is
named for: `exact` in the source, `prefix` in how a key starts, `numeric` in a range of prices, `wildcard` in texts with `*` (for one half
in the middle, for the other at the start).
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.report import BenchError, Plan, middle, say, table
from emulator.pattern import EVENTBRIDGE, Index, flatten, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

Event = dict[str, Any]
SIZES = (1, 10, 100, 1_000, 10_000)
SMALL, LARGE = 10, 10_000
RATIO_MAX = 3.0
"""So much may an event with LARGE rules cost, of what it costs with SMALL."""
EVENTS = 1_000
SLICE = 50
"""Events between two looks at the clock."""
RUN_S = 0.2
SEED = 4


def _exact(number: int) -> Event:
    return {"source": [f"shop.{number}"], "detail-type": ["OrderPlaced"], "detail": {"state": ["paid", "sent"]}}


def _prefix(number: int) -> Event:
    return {"detail-type": ["OrderPlaced"], "detail": {"key": [{"prefix": f"images/{number}/"}]}}


def _numeric(number: int) -> Event:
    return {
        "detail-type": ["OrderPlaced"],
        "detail": {"price": [{"numeric": [">=", 10 * number, "<", 10 * number + 10]}]},
    }


def _wildcard(number: int) -> Event:
    text = f"images/{number}/*.png" if number % 2 else f"*/{number}/*.png"
    return {"detail-type": ["OrderPlaced"], "detail": {"key": [{"wildcard": text}]}}


def _exact_and_prefix(number: int) -> Event:
    return (_exact if number % 2 else _prefix)(number)


MIXES: dict[str, Callable[[int], Event]] = {
    "exact": _exact,
    "prefix": _prefix,
    "exact and prefix": _exact_and_prefix,
    "numeric": _numeric,
    "wildcard": _wildcard,
}
PARTS = tuple(MIXES)
TARGET = "exact and prefix"


def run(plan: Plan, parts: Collection[str]) -> dict[str, Any]:
    """Measure the mixes asked for, print their table and answer the figures."""
    found = {part: _measure(part, plan.rounds) for part in PARTS if part in parts}
    table(
        "Events/s that find their rules, flattening included",
        ["mix", *(f"{size:,}" for size in SIZES), f"cost {LARGE:,}:{SMALL}", "target"],
        (
            [part, *(f"{each['rates'][size]:,.0f}" for size in SIZES), *_ratio(part, each["ratio"])]
            for part, each in found.items()
        ),
    )
    return found


def _ratio(part: str, ratio: float) -> tuple[str, str]:
    return f"{ratio:.2f}", f"<= {RATIO_MAX:.0f}" if part == TARGET else ""


def _measure(mix: str, rounds: int) -> dict[str, Any]:
    say(f"{mix}: rules are made")
    indexes = {size: _index(MIXES[mix], size) for size in SIZES}
    events = {size: _events(mix, size) for size in SIZES}
    rates: dict[int, list[float]] = {size: [] for size in SIZES}
    for turn in range(rounds):
        say(f"{mix}: round {turn + 1} of {rounds}")
        for size in SIZES:
            rates[size].append(_rate(indexes[size], events[size]))
    middles = {size: middle(found) for size, found in rates.items()}
    return {"rates": middles, "ratio": middles[SMALL] / middles[LARGE]}


def _index(rule: Callable[[int], Event], size: int) -> Index[int]:
    index: Index[int] = Index()
    for number in range(size):
        index.add(number, parse_pattern(orjson.dumps(rule(number)).decode(), EVENTBRIDGE))
    return index


def _events(mix: str, size: int) -> list[Event]:
    """Make events each of which matches one of so many rules of a mix."""
    chance = random.Random(SEED)
    return [_event(mix, chance.randrange(size)) for _ in range(EVENTS)]


def _event(mix: str, number: int) -> Event:
    """Make an event for the rule of a number; in the mix of exact and prefix only what that rule looks at has it."""
    source = number if mix != TARGET or number % 2 else -1
    key = number if mix != TARGET or not number % 2 else -1
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "OrderPlaced",
        "source": f"shop.{source}",
        "account": "111122223333",
        "time": "2026-01-01T00:00:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:s3:::orders-{number}"],
        "detail": {
            "state": "paid",
            "key": f"images/{key}/front.png",
            "price": 10 * number + 5,
            "items": [{"sku": "A-1", "count": 2}, {"sku": "B-2", "count": 1}],
        },
    }


def _rate(index: Index[int], events: list[Event]) -> float:
    """Match events for a while; events a second."""
    match, interest = index.match, index.interest
    done = 0
    started = time.perf_counter()
    while (taken_s := time.perf_counter() - started) < RUN_S:
        first = done % EVENTS
        for event in events[first : first + SLICE]:
            found = match(flatten(event, interest))
            if len(found) != 1:
                raise BenchError(f"an event matched {len(found)} rules and not one")
        done += SLICE
    return done / taken_s
