"""The records of a share partition: handed out, given back, done with; held against a model that has one state a record."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from services.kafka.errors import Error, KafkaError
from services.kafka.groups.share_partition import Ack, Acquired, Limits, SharePartition, Spoken, State, Wish

LIMITS = Limits()
LOCK_MS = 30_000


def wish(member: str = "a", records: int = 500, *, batch: int = 500, exactly: bool = False, now_ms: int = 0) -> Wish:
    return Wish(member, records, batch, exactly, now_ms + LOCK_MS)


def spoken(first: int, last: int, *types: int) -> Spoken:
    return Spoken(first, last, types)


def states(partition: SharePartition) -> list[tuple[int, int, State, int]]:
    return [(run.first, run.last, run.state, run.deliveries) for run in partition.runs]


def acknowledge(partition: SharePartition, first: int, last: int, *types: int, member: str = "a") -> bool:
    return partition.acknowledge(member, [spoken(first, last, *types)], LOCK_MS, LIMITS)


def test_new_records_are_handed_out_as_whole_batches() -> None:
    partition = SharePartition(0)
    assert partition.acquire(wish(records=5), [(0, 3), (4, 7), (8, 11)], LIMITS) == [Acquired(0, 7, 1)]
    assert (partition.fetch_offset, partition.in_flight) == (8, 8)


def test_new_records_are_handed_out_exactly_if_that_is_wished() -> None:
    partition = SharePartition(0)
    assert partition.acquire(wish(records=5, exactly=True), [(0, 3), (4, 7)], LIMITS) == [Acquired(0, 4, 1)]
    assert partition.fetch_offset == 5
    assert partition.acquire(wish("b", records=2, exactly=True), [(4, 7)], LIMITS) == [Acquired(5, 6, 1)]


def test_many_records_are_cut_at_batches_into_pieces_of_the_wished_size() -> None:
    partition = SharePartition(0)
    batches = [(first, first + 4) for first in range(0, 30, 5)]
    got = partition.acquire(wish(batch=8), batches, LIMITS)
    assert got == [Acquired(0, 9, 1), Acquired(10, 19, 1), Acquired(20, 29, 1)]


def test_records_before_the_start_are_not_handed_out() -> None:
    partition = SharePartition(5)
    assert partition.acquire(wish(), [(0, 9)], LIMITS) == [Acquired(5, 9, 1)]


def test_what_is_handed_out_is_not_handed_out_to_others() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], LIMITS)
    assert partition.acquire(wish("b"), [(0, 9), (10, 12)], LIMITS) == [Acquired(10, 12, 1)]


def test_accepted_records_move_the_start() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], LIMITS)
    assert acknowledge(partition, 0, 3, Ack.ACCEPT)
    assert (partition.start_offset, states(partition)) == (4, [(4, 9, State.ACQUIRED, 1)])


def test_accepted_records_in_the_middle_wait_for_those_before() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], LIMITS)
    acknowledge(partition, 5, 9, Ack.ACCEPT)
    assert (partition.start_offset, partition.done) == (0, 5)
    acknowledge(partition, 0, 4, Ack.REJECT)
    assert (partition.start_offset, partition.next_offset, states(partition)) == (10, 10, [])


def test_a_type_for_each_record_is_heeded() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    acknowledge(partition, 0, 4, Ack.RELEASE, Ack.ACCEPT, Ack.GAP, Ack.REJECT, Ack.RELEASE)
    assert states(partition) == [
        (0, 0, State.AVAILABLE, 1),
        (1, 1, State.ACKNOWLEDGED, 1),
        (2, 3, State.ARCHIVED, 1),
        (4, 4, State.AVAILABLE, 1),
    ]


def test_released_records_are_handed_out_again_and_counted() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], LIMITS)
    assert acknowledge(partition, 2, 5, Ack.RELEASE)
    assert partition.fetch_offset == 2
    assert partition.acquire(wish("b"), [(0, 9)], LIMITS) == [Acquired(2, 5, 2)]


@pytest.mark.parametrize(
    ("first", "last", "member", "error", "words"),
    [
        (0, 4, "b", Error.INVALID_RECORD_STATE, "Member is not the owner of batch record"),
        (
            5,
            9,
            "a",
            Error.INVALID_REQUEST,
            "Batch record not found. The first offset in request is past acquired records.",
        ),
        (
            3,
            9,
            "a",
            Error.INVALID_REQUEST,
            "Batch record not found. The last offset in request is past acquired records.",
        ),
    ],
)
def test_a_wrong_word_is_refused(first: int, last: int, member: str, error: Error, words: str) -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    with pytest.raises(KafkaError) as refused:
        acknowledge(partition, first, last, Ack.ACCEPT, member=member)
    assert (refused.value.error, refused.value.message) == (error, words)
    assert states(partition) == [(0, 4, State.ACQUIRED, 1)]


def test_nothing_is_known_of_records_that_were_never_handed_out() -> None:
    with pytest.raises(KafkaError, match="not found in the cache"):
        acknowledge(SharePartition(0), 0, 0, Ack.ACCEPT)


def test_a_word_on_records_that_are_done_with_is_fine() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    acknowledge(partition, 0, 4, Ack.ACCEPT)
    assert not acknowledge(partition, 0, 4, Ack.RELEASE)
    assert partition.fetch_offset == 5


def test_words_count_all_or_not_at_all() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    partition.acquire(wish("b"), [(5, 9)], LIMITS)
    with pytest.raises(KafkaError):
        partition.acknowledge("a", [spoken(0, 4, Ack.ACCEPT), spoken(5, 9, Ack.ACCEPT)], LOCK_MS, LIMITS)
    assert (partition.start_offset, states(partition)) == (
        0,
        [(0, 4, State.ACQUIRED, 1), (5, 9, State.ACQUIRED, 1)],
    )


def test_records_come_back_when_their_lock_ends() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    partition.acquire(wish("b", now_ms=10), [(5, 9)], LIMITS)
    assert partition.next_expiry_ms == LOCK_MS
    assert not partition.expire(LOCK_MS - 1, LIMITS)
    assert partition.expire(LOCK_MS, LIMITS)
    assert states(partition) == [(0, 4, State.AVAILABLE, 1), (5, 9, State.ACQUIRED, 1)]


def test_a_renewed_lock_ends_later() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    partition.acknowledge("a", [spoken(0, 4, Ack.RENEW)], LOCK_MS + 500, LIMITS)
    assert not partition.expire(LOCK_MS, LIMITS)
    assert partition.expire(LOCK_MS + 500, LIMITS)


def test_locks_are_not_renewed_where_the_config_forbids_it() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    with pytest.raises(KafkaError, match="Renewing acquisition locks is not enabled for the group"):
        partition.acknowledge("a", [spoken(0, 4, Ack.RENEW)], LOCK_MS, LIMITS._replace(renew_allowed=False))


def test_what_a_member_has_comes_back_when_it_goes() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    partition.acquire(wish("b"), [(5, 9)], LIMITS)
    assert partition.release("a", LIMITS)
    assert not partition.release("a", LIMITS)
    assert partition.acquire(wish("b"), [(0, 9)], LIMITS) == [Acquired(0, 4, 2)]


def test_no_more_are_in_flight_than_allowed() -> None:
    limits = LIMITS._replace(in_flight_max=10)
    partition = SharePartition(0)
    assert partition.acquire(wish(), [(0, 4), (5, 9), (10, 14)], limits) == [Acquired(0, 9, 1)]
    assert not partition.can_acquire(limits)
    assert partition.acquire(wish(), [(10, 14)], limits) == []


def test_at_the_limit_what_was_given_back_is_still_handed_out() -> None:
    limits = LIMITS._replace(in_flight_max=10)
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], limits)
    acknowledge(partition, 5, 9, Ack.RELEASE)
    assert partition.can_acquire(limits)
    assert partition.acquire(wish("b"), [(0, 9), (10, 14)], limits) == [Acquired(5, 9, 2)]


def test_records_that_fail_again_and_again_are_isolated_and_given_up() -> None:
    """From half of the limit on fewer are handed out together, for the last time one alone; then it is archived."""
    partition = SharePartition(0)
    sizes = []
    for _ in range(200):
        got = partition.acquire(wish(), [(0, 7)], LIMITS) if partition.start_offset < 8 else []
        if not got:
            break
        sizes.append((got[0].deliveries, sum(one.last - one.first + 1 for one in got)))
        partition.release("a", LIMITS)
    assert partition.start_offset == 8
    by_deliveries = {count: {size for deliveries, size in sizes if deliveries == count} for count, _ in sizes}
    assert by_deliveries == {1: {8}, 2: {8}, 3: {8}, 4: {4}, 5: {1}}


def test_records_that_the_log_has_dropped_are_forgotten() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], LIMITS)
    assert partition.truncate(6)
    assert (partition.start_offset, states(partition)) == (6, [(6, 9, State.ACQUIRED, 1)])
    assert acknowledge(partition, 0, 9, Ack.ACCEPT)
    assert partition.start_offset == 10


def test_a_log_that_starts_behind_everything_starts_afresh() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9)], LIMITS)
    partition.truncate(100)
    assert (partition.start_offset, partition.next_offset) == (100, 100)


def test_released_records_that_compaction_has_dropped_are_given_up() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 9), (10, 19)], LIMITS)
    acknowledge(partition, 0, 19, Ack.RELEASE)
    assert partition.acquire(wish(), [(12, 19)], LIMITS) == [Acquired(12, 19, 2)]
    acknowledge(partition, 12, 19, Ack.ACCEPT)
    assert partition.start_offset == 20


def test_a_gap_in_the_log_is_passed_over() -> None:
    partition = SharePartition(0)
    partition.acquire(wish(), [(0, 4)], LIMITS)
    assert partition.acquire(wish(), [(8, 9)], LIMITS) == [Acquired(8, 9, 1)]
    acknowledge(partition, 0, 4, Ack.ACCEPT)
    assert partition.start_offset == 8


def test_batches_of_aborted_transactions_are_taken_out() -> None:
    partition = SharePartition(0)
    got = partition.acquire(wish(), [(0, 2), (3, 5), (6, 6), (7, 9)], LIMITS)
    assert partition.drop([(3, 5)], got) == [Acquired(0, 2, 1), Acquired(6, 9, 1)]
    assert states(partition)[1] == (3, 5, State.ARCHIVED, 1)


@dataclass
class Model:
    """One state for each record, written down as plainly as can be."""

    start: int = 0
    records: dict[int, tuple[State, int, str]] = field(default_factory=dict)

    def give(self, got: list[Acquired], member: str) -> None:
        for one in got:
            for offset in range(one.first, one.last + 1):
                state, deliveries, _ = self.records.get(offset, (State.AVAILABLE, 0, ""))
                assert state is State.AVAILABLE, f"{offset} is {state.name}"
                assert deliveries + 1 == one.deliveries
                self.records[offset] = (State.ACQUIRED, one.deliveries, member)

    def tell(self, offset: int, kind: int) -> None:
        _, deliveries, _ = self.records[offset]
        state = {Ack.ACCEPT: State.ACKNOWLEDGED, Ack.RELEASE: State.AVAILABLE}.get(Ack(kind), State.ARCHIVED)
        if state is State.AVAILABLE and deliveries >= LIMITS.deliveries_max:
            state = State.ARCHIVED
        self.records[offset] = (state, deliveries, "")
        while self.records.get(self.start, (None,))[0] in (State.ACKNOWLEDGED, State.ARCHIVED):
            self.start += 1

    def held(self, member: str) -> list[int]:
        return sorted(
            it for it, (state, _, owner) in self.records.items() if state is State.ACQUIRED and owner == member
        )


@pytest.mark.parametrize("seed", range(40))
def test_runs_say_what_the_model_says(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    partition, model = SharePartition(0), Model()
    batches: list[tuple[int, int]] = []
    for _ in range(120):
        action, member = chance.random(), chance.choice("abc")
        if action < 0.45:
            end = batches[-1][1] + 1 if batches else 0
            batches.append((end, end + chance.randint(0, 9)))
            fetched = [batch for batch in batches if batch[1] >= partition.fetch_offset]
            wanted = wish(member, chance.randint(1, 20), batch=chance.randint(1, 9), exactly=chance.random() < 0.5)
            got = partition.acquire(wanted, fetched, LIMITS)
            model.give(got, member)
            if wanted.exactly:
                assert sum(one.last - one.first + 1 for one in got) <= wanted.records_max
        elif action < 0.9 and (held := model.held(member)):
            first = chance.choice(held)
            last = first
            while last + 1 in held and chance.random() < 0.8:
                last += 1
            kinds = chance.choices([0, 1, 2, 3], k=last - first + 1)
            one_for_all = chance.random() < 0.5
            acknowledge(partition, first, last, *(kinds[:1] if one_for_all else kinds), member=member)
            for offset, kind in zip(range(first, last + 1), kinds, strict=True):
                model.tell(offset, kinds[0] if one_for_all else kind)
        elif action >= 0.9:
            partition.release(member, LIMITS)
            for offset in model.held(member):
                model.tell(offset, Ack.RELEASE)
        check(partition, model)


def check(partition: SharePartition, model: Model) -> None:
    """Hold runs against records: no gap, nothing twice, neighbours that differ, the same states."""
    assert partition.start_offset == model.start
    expected = partition.start_offset
    for run in partition.runs:
        assert run.first == expected
        for offset in range(run.first, run.last + 1):
            state, deliveries, owner = model.records.get(offset, (State.AVAILABLE, 0, ""))
            assert (run.state, run.deliveries, run.member_id) == (state, deliveries, owner), offset
        expected = run.last + 1
    assert expected == partition.next_offset
    assert all(one[2:] != two[2:] for one, two in zip(partition.runs, partition.runs[1:], strict=False))
