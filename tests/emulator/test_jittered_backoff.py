"""EventBridge's retry policy: delays that double, shortened by chance."""

from __future__ import annotations

import pytest

from emulator.ids import Ids
from emulator.router.backoff import JitteredBackoff

DAY_MS = 86_400_000


def longest(retries: int = 185) -> JitteredBackoff:
    """A policy whose chance never shortens a delay."""
    return JitteredBackoff(retries, lambda: 0.0)


def test_delays_double_from_a_second_to_ten_minutes() -> None:
    delays = [longest().delay_ms(retry) for retry in range(13)]
    assert delays == [1_000 * 2**step for step in range(10)] + [600_000] * 3


def test_chance_takes_away_up_to_half() -> None:
    shortest = JitteredBackoff(185, lambda: 0.999_999)
    assert [shortest.delay_ms(retry) for retry in (0, 1, 20)] == [500, 1_000, 300_000]


@pytest.mark.parametrize("retries", [0, 1, 185])
def test_there_are_as_many_retries_as_the_policy_says(retries: int) -> None:
    policy = longest(retries)
    assert policy.delay_ms(retries) is None
    assert all(policy.delay_ms(retry) is not None for retry in range(retries))


def test_aws_s_185_retries_take_about_a_day() -> None:
    policy = JitteredBackoff(185, Ids(1).fraction)
    total_ms = sum(policy.delay_ms(retry) or 0 for retry in range(185))
    assert 0.5 * DAY_MS < total_ms < 1.25 * DAY_MS


def test_the_same_seed_gives_the_same_delays() -> None:
    one, two = (JitteredBackoff(185, Ids(7).fraction) for _ in range(2))
    assert [one.delay_ms(retry) for retry in range(50)] == [two.delay_ms(retry) for retry in range(50)]
