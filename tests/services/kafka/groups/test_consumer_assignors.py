"""The assignors of the broker: everything is assigned once, evenly, and nothing moves without need."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from services.kafka.groups.assignors import Counts, Subscriber, assign_range, assign_uniform
from services.kafka.groups.consumer_members import Partitions

Assign = Callable[[Sequence[Subscriber], Counts], dict[str, Partitions]]
A, B, C, D = topics = [letter * 16 for letter in (b"a", b"b", b"c", b"d")]
SEEDS = pytest.mark.parametrize("seed", range(40))


def member(name: str, *subscribed: bytes, instance: str | None = None, **target: set[int]) -> Subscriber:
    owned = {letter.encode() * 16: indexes for letter, indexes in target.items()}
    return Subscriber(name, instance, frozenset(subscribed), owned)


def pairs(result: dict[str, Partitions]) -> list[tuple[bytes, int]]:
    return [(topic, index) for given in result.values() for topic, indexes in given.items() for index in indexes]


def sizes(result: dict[str, Partitions]) -> list[int]:
    return [sum(map(len, given.values())) for given in result.values()]


def test_uniform_gives_each_the_same_number() -> None:
    result = assign_uniform([member("x", A, B), member("y", A, B)], {A: 3, B: 2})
    assert result == {"x": {A: {0, 1}}, "y": {A: {2}, B: {0, 1}}}


def test_uniform_takes_from_who_has_too_much_only_what_is_too_much() -> None:
    result = assign_uniform([member("x", A, a={0, 1, 2, 3}), member("y", A)], {A: 4})
    assert result == {"x": {A: {0, 1}}, "y": {A: {2, 3}}}


def test_uniform_leaves_an_even_assignment_as_it_is() -> None:
    members = [member("x", A, a={1}), member("y", A, a={0, 3}), member("z", A, a={2})]
    assert assign_uniform(members, {A: 4}) == {"x": {A: {1}}, "y": {A: {0, 3}}, "z": {A: {2}}}


def test_uniform_gives_more_members_than_partitions_one_or_none() -> None:
    result = assign_uniform([member(name, A) for name in "xyz"], {A: 2})
    assert sizes(result) == [0, 1, 1]


def test_uniform_balances_members_with_different_subscriptions() -> None:
    result = assign_uniform([member("x", A, B), member("y", A)], {A: 4, B: 2})
    assert sizes(result) == [3, 3]
    assert set(result["y"]) == {A}


def test_uniform_moves_partitions_between_members_with_different_subscriptions_when_it_must() -> None:
    result = assign_uniform([member("x", A, B, a={0, 1}, b={0, 1}), member("y", A)], {A: 2, B: 2})
    assert result == {"x": {B: {0, 1}}, "y": {A: {0, 1}}}


def test_range_gives_ranges_the_first_members_one_more() -> None:
    result = assign_range([member("y", A), member("x", A), member("z", A)], {A: 8})
    assert result == {"x": {A: {0, 1, 2}}, "y": {A: {3, 4, 5}}, "z": {A: {6, 7}}}


def test_range_splits_topics_of_the_same_size_alike() -> None:
    result = assign_range([member("x", A, B), member("y", A, B)], {A: 3, B: 3})
    assert result == {"x": {A: {0, 1}, B: {0, 1}}, "y": {A: {2}, B: {2}}}


def test_range_takes_static_members_first_by_their_instance_ids() -> None:
    members = [member("a", A), member("x", A, instance="2"), member("y", A, instance="1")]
    assert assign_range(members, {A: 3}) == {"y": {A: {0}}, "x": {A: {1}}, "a": {A: {2}}}


def test_range_splits_a_topic_among_its_subscribers_only() -> None:
    result = assign_range([member("x", A), member("y", A, B)], {A: 2, B: 2})
    assert result == {"x": {A: {0}}, "y": {A: {1}, B: {0, 1}}}


@pytest.mark.parametrize("assign", [assign_range, assign_uniform])
def test_without_members_nothing_is_assigned(assign: Assign) -> None:
    assert assign([], {A: 3}) == {}


def draw(chance: random.Random, target: dict[str, Partitions], counts: Counts, *, alike: bool) -> list[Subscriber]:
    names = chance.sample([f"m{number}" for number in range(12)], chance.randint(1, 9))
    wants = {
        name: set(counts) if alike else set(chance.sample(list(counts), chance.randint(1, len(counts))))
        for name in names
    }
    return [Subscriber(name, None, frozenset(wants[name]), target.get(name, {})) for name in names]


@SEEDS
@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("assign", [assign_range, assign_uniform])
def test_everything_is_assigned_once_and_to_a_subscriber(assign: Assign, seed: int, alike: bool) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    counts = {topic: chance.randint(1, 8) for topic in topics[: chance.randint(1, 4)]}
    target: dict[str, Partitions] = {}
    for _ in range(10):
        members = draw(chance, target, counts, alike=alike)
        used = {topic: count for topic, count in counts.items() if any(topic in one.topics for one in members)}
        target = assign(members, used)
        assert sorted(pairs(target)) == sorted(
            (topic, index) for topic, count in used.items() for index in range(count)
        )
        assert all(set(target[one.member_id]) <= one.topics for one in members)


@SEEDS
def test_uniform_is_even_and_settles(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    counts = {topic: chance.randint(1, 8) for topic in topics[: chance.randint(1, 4)]}
    target: dict[str, Partitions] = {}
    for _ in range(10):
        members = draw(chance, target, counts, alike=True)
        target = assign_uniform(members, counts)
        assert max(sizes(target)) - min(sizes(target)) <= 1
        again = [one._replace(target=target[one.member_id]) for one in members]
        assert assign_uniform(again, counts) == target


@SEEDS
def test_uniform_is_as_even_as_single_moves_can_make_it(seed: int) -> None:
    """With different subscriptions: no partition can go to a subscriber of its topic that has two less, once balancing has settled."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    counts = {topic: chance.randint(1, 8) for topic in topics}
    members = draw(chance, {}, counts, alike=False)
    used = {topic: count for topic, count in counts.items() if any(topic in one.topics for one in members)}
    target = assign_uniform(members, used)
    size = {name: sum(map(len, given.values())) for name, given in target.items()}
    for giver, given in target.items():
        for topic in given:
            assert all(size[giver] - size[one.member_id] <= 1 for one in members if topic in one.topics)
