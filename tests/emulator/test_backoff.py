"""How long a delivery waits before each retry: four phases, four functions."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from emulator.router.backoff import Backoff, PhasedBackoff

FUNCTIONS = ["linear", "arithmetic", "geometric", "exponential"]


def delays(backoff: Backoff) -> list[int]:
    """Ask for one retry after the other until there are no more."""
    return list(itertools.takewhile(lambda delay: delay is not None, map(backoff.delay_ms, itertools.count())))


def chart(function: Any) -> list[int]:
    """Make what AWS's chart shows: 10 retries between 5 and 260 seconds."""
    return delays(PhasedBackoff(min_ms=5_000, max_ms=260_000, backoff=10, function=function))


def test_a_policy_without_retries_is_exhausted_at_once() -> None:
    assert PhasedBackoff(min_ms=1, max_ms=1).delay_ms(0) is None


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ({"immediate": 3}, [0, 0, 0]),
        ({"pre": 2}, [1_000, 1_000]),
        ({"backoff": 4}, [1_000, 4_000, 7_000, 10_000]),
        ({"post": 2}, [10_000, 10_000]),
    ],
)
def test_each_phase_has_its_own_delays(phase: dict[str, int], expected: list[int]) -> None:
    assert delays(PhasedBackoff(min_ms=1_000, max_ms=10_000, **phase)) == expected


def test_the_phases_come_one_after_the_other() -> None:
    backoff = PhasedBackoff(immediate=2, pre=1, backoff=3, post=2, min_ms=1_000, max_ms=5_000)
    assert delays(backoff) == [0, 0, 1_000, 1_000, 3_000, 5_000, 5_000, 5_000]
    assert (backoff.retries, backoff.total_ms) == (8, 20_000)


def test_an_exhausted_policy_stays_exhausted() -> None:
    backoff = PhasedBackoff(immediate=1, pre=1, backoff=1, post=1, min_ms=1, max_ms=2)
    assert [backoff.delay_ms(retry) for retry in (4, 5, 1_000_000)] == [None, None, None]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("linear", [5_000, 33_333, 61_667, 90_000, 118_333, 146_667, 175_000, 203_333, 231_667, 260_000]),
        ("arithmetic", [5_000, 10_667, 22_000, 39_000, 61_667, 90_000, 124_000, 163_667, 209_000, 260_000]),
        ("geometric", [5_000, 7_756, 12_031, 18_663, 28_949, 44_906, 69_658, 108_054, 167_612, 260_000]),
        ("exponential", [5_000, 5_499, 6_497, 8_493, 12_485, 20_470, 36_438, 68_376, 132_250, 260_000]),
    ],
)
def test_the_functions_draw_the_curves_of_awss_chart(function: str, expected: list[int]) -> None:
    assert chart(function) == expected


def test_in_awss_chart_each_function_is_below_the_one_before() -> None:
    curves = [chart(function)[1:-1] for function in FUNCTIONS]
    for upper, lower in itertools.pairwise(curves):
        assert all(high > low for high, low in zip(upper, lower, strict=True))


def test_arithmetic_steps_grow_by_the_same_amount() -> None:
    backoff = PhasedBackoff(min_ms=1_000, max_ms=11_000, backoff=5, function="arithmetic")
    assert delays(backoff) == [1_000, 2_000, 4_000, 7_000, 11_000]


def test_geometric_delays_grow_by_the_same_factor() -> None:
    backoff = PhasedBackoff(min_ms=1_000, max_ms=81_000, backoff=5, function="geometric")
    assert delays(backoff) == [1_000, 3_000, 9_000, 27_000, 81_000]


def test_exponential_steps_double() -> None:
    backoff = PhasedBackoff(min_ms=1_000, max_ms=16_000, backoff=5, function="exponential")
    assert delays(backoff) == [1_000, 2_000, 4_000, 8_000, 16_000]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_single_backoff_retry_comes_after_the_shortest_delay(function: Any) -> None:
    assert delays(PhasedBackoff(min_ms=1_000, max_ms=9_000, backoff=1, function=function)) == [1_000]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_two_backoff_retries_have_the_shortest_and_the_longest_delay(function: Any) -> None:
    assert delays(PhasedBackoff(min_ms=1_000, max_ms=9_000, backoff=2, function=function)) == [1_000, 9_000]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_equal_bounds_make_equal_delays(function: Any) -> None:
    assert delays(PhasedBackoff(min_ms=20_000, max_ms=20_000, backoff=3, function=function)) == [20_000] * 3


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_curve_starts_at_the_shortest_ends_at_the_longest_and_never_falls_nor_passes_the_line(
    function: Any,
) -> None:
    seed = 20260401
    chance = random.Random(seed)
    for _ in range(300):
        min_ms = chance.choice([1, chance.randint(1, 1_000), chance.randint(1, 3_600_000)])
        max_ms = min_ms + chance.choice([0, 1, chance.randint(0, 10_000), chance.randint(0, 3_600_000)])
        backoff = chance.choice([2, 3, chance.randint(2, 120), 3_000])
        curve = delays(PhasedBackoff(min_ms=min_ms, max_ms=max_ms, backoff=backoff, function=function))
        line = delays(PhasedBackoff(min_ms=min_ms, max_ms=max_ms, backoff=backoff))
        told = f"seed {seed}: {function} {min_ms} {max_ms} {backoff}"
        assert (len(curve), curve[0], curve[-1]) == (backoff, min_ms, max_ms), told
        assert curve == sorted(curve), told
        assert all(delay <= limit for delay, limit in zip(curve, line, strict=True)), told


def test_a_policy_of_very_many_retries_answers_for_any_of_them() -> None:
    backoff = PhasedBackoff(min_ms=1, max_ms=1_000, backoff=1_000_000_000, function="exponential", post=5)
    assert [backoff.delay_ms(retry) for retry in (0, 999_999_990, 999_999_999, 1_000_000_004, 1_000_000_005)] == [
        1,
        3,
        1_000,
        1_000,
        None,
    ]


@pytest.mark.parametrize(
    ("phases", "total_ms"),
    [
        ({"immediate": 7}, 0),
        ({"pre": 3}, 3_000),
        ({"post": 3}, 15_000),
        ({"backoff": 5}, 15_000),
        ({"immediate": 1, "pre": 1, "backoff": 2, "post": 1}, 12_000),
    ],
)
def test_the_total_time_is_the_sum_of_all_delays(phases: dict[str, int], total_ms: int) -> None:
    backoff = PhasedBackoff(min_ms=1_000, max_ms=5_000, **phases)
    assert backoff.total_ms == sum(delays(backoff)) == total_ms


@pytest.mark.parametrize("phase", ["immediate", "pre", "backoff", "post"])
def test_a_negative_number_of_retries_is_refused(phase: str) -> None:
    with pytest.raises(ValueError, match="negative number of retries"):
        PhasedBackoff(min_ms=1, max_ms=1, **{phase: -1})


@pytest.mark.parametrize(("min_ms", "max_ms"), [(0, 5), (-1, 5), (6, 5)])
def test_delays_that_do_not_fit_are_refused(min_ms: int, max_ms: int) -> None:
    with pytest.raises(ValueError, match="1 <= min_ms <= max_ms"):
        PhasedBackoff(min_ms=min_ms, max_ms=max_ms)


def test_an_unknown_function_is_refused() -> None:
    unknown: Any = "cubic"
    with pytest.raises(ValueError, match="unknown backoff function"):
        PhasedBackoff(min_ms=1, max_ms=1, function=unknown)
