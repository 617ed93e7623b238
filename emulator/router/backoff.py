"""How long to wait before each retry of a delivery. Pure: a policy is asked by the number of the retry and remembers nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Share = Callable[[int, int, float], float]
    """From a step, the number of the last step and max/min to the share of the way from min to max, 0.0 to 1.0."""

Function = Literal["linear", "arithmetic", "geometric", "exponential"]


class Backoff(Protocol):
    """A retry policy."""

    def delay_ms(self, retry: int) -> int | None:
        """Tell how long to wait before a retry, or None when there is no such retry. 0 is the first one after the first attempt."""


def _linear(step: int, last: int, ratio: float) -> float:  # noqa: ARG001 - one signature for all
    return step / last


def _arithmetic(step: int, last: int, ratio: float) -> float:  # noqa: ARG001 - one signature for all
    return step * (step + 1) / (last * (last + 1))


def _geometric(step: int, last: int, ratio: float) -> float:
    return float((ratio ** (step / last) - 1) / (ratio - 1))


def _exponential(step: int, last: int, ratio: float) -> float:  # noqa: ARG001 - one signature for all
    # (2^step - 1) / (2^last - 1), written so that no power of two grows beyond a float.
    return float(2.0 ** (step - last) * (1 - 2.0**-step) / (1 - 2.0**-last))


_SHARES: Mapping[str, Share] = {
    "linear": _linear,
    "arithmetic": _arithmetic,
    "geometric": _geometric,
    "exponential": _exponential,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasedBackoff:
    """AWS's four phases, one after the other, each a number of retries.

    1. `immediate`: without delay;
    2. `pre`: after `min_ms` each;
    3. `backoff`: the first after `min_ms`, the last after `max_ms`, those between by `function`;
    4. `post`: after `max_ms` each.

    AWS shows its functions in a chart and publishes no formulas. These have the chart's form: none ever falls, none is above
    the straight line, and with the chart's numbers (10 retries, 5 s to 260 s) each of them is below the one before. With n
    retries, i from 0 to n - 1, min `a` and max `b`:

    - linear: equal steps, `a + (b - a) * i / (n - 1)`;
    - arithmetic: steps that grow like 1, 2, 3..., `a + (b - a) * i (i + 1) / (n (n - 1))`;
    - geometric: each delay is the same multiple of the one before, `a * (b / a) ^ (i / (n - 1))`;
    - exponential: each step is twice the one before, `a + (b - a) * (2^i - 1) / (2^(n - 1) - 1)`.

    A single backoff retry comes after `min_ms`. Delays are rounded to whole milliseconds. Raises ValueError for a negative
    count, an unknown function, and unless 1 <= min_ms <= max_ms.
    """

    min_ms: int
    max_ms: int
    immediate: int = 0
    pre: int = 0
    backoff: int = 0
    post: int = 0
    function: Function = "linear"

    def __post_init__(self) -> None:
        if min(self.immediate, self.pre, self.backoff, self.post) < 0:
            raise ValueError(f"a phase cannot have a negative number of retries: {self}")
        if not 1 <= self.min_ms <= self.max_ms:
            raise ValueError(f"delays must be 1 <= min_ms <= max_ms: {self}")
        if self.function not in _SHARES:
            raise ValueError(f"unknown backoff function: {self}")

    def delay_ms(self, retry: int) -> int | None:
        """Tell how long to wait before a retry; O(1)."""
        if retry < self.immediate:
            return 0
        step = retry - self.immediate - self.pre
        if step < 0:
            return self.min_ms
        if step < self.backoff:
            return self._between(step)
        return self.max_ms if step < self.backoff + self.post else None

    def _between(self, step: int) -> int:
        if step == 0 or self.min_ms == self.max_ms:
            return self.min_ms
        share = _SHARES[self.function](step, self.backoff - 1, self.max_ms / self.min_ms)
        return self.min_ms + round((self.max_ms - self.min_ms) * share)

    @property
    def retries(self) -> int:
        """How many retries there are; attempts are one more."""
        return self.immediate + self.pre + self.backoff + self.post

    @property
    def total_ms(self) -> int:
        """The sum of all delays; O(backoff)."""
        between_ms = sum(self._between(step) for step in range(self.backoff))
        return self.pre * self.min_ms + between_ms + self.post * self.max_ms


class JitteredBackoff:
    """EventBridge's retry policy: delays that double from `FIRST_MS` to `LONGEST_MS`, each shortened by chance to as little as half.

    AWS says "exponential back-off and jitter", 185 attempts in 24 hours; that is what this comes to. `draw` gives numbers from [0, 1).
    """

    FIRST_MS = 1_000
    LONGEST_MS = 600_000
    _DOUBLINGS = 10
    """Enough to reach the longest."""

    __slots__ = ("_draw", "retries")

    def __init__(self, retries: int, draw: Callable[[], float]) -> None:
        self.retries = retries
        self._draw = draw

    def delay_ms(self, retry: int) -> int | None:
        """Tell how long to wait before a retry."""
        if retry >= self.retries:
            return None
        longest_ms = min(self.FIRST_MS << min(retry, self._DOUBLINGS), self.LONGEST_MS)
        return round(longest_ms * (1 - self._draw() / 2))
