"""What a partition knows of its producers: sequences, epochs, duplicates, open and aborted transactions, and how they are forgotten.

The core is called directly; at the end a seeded driver holds it against a model that keeps everything and looks through all of it.
"""

from __future__ import annotations

from random import Random

import pytest

from services.kafka.errors import Error, KafkaError
from services.kafka.limits import PRODUCER_ID_EXPIRATION_MS
from services.kafka.producers import Producers
from services.kafka.records import TRANSACTIONAL, Batch

DAY_MS = PRODUCER_ID_EXPIRATION_MS
TOP = 2**31 - 1
NOW_MS = 1_767_225_600_000
PRODUCER = 7


def batch(
    sequence: int, count: int = 1, *, producer: int = PRODUCER, epoch: int = 0, transactional: bool = False
) -> Batch:
    attributes = TRANSACTIONAL if transactional else 0
    return Batch(0, 60, 0, 2, 0, attributes, count - 1, NOW_MS, NOW_MS, producer, epoch, sequence, count)


class Partition:
    """Producers with an offset to append at."""

    def __init__(self) -> None:
        self.producers = Producers()
        self.end_offset = 0
        self.now_ms = NOW_MS

    def write(self, one: Batch) -> int:
        """Append a batch that is new, or find one that is there; answers its base offset."""
        found = self.producers.check(one, self.now_ms)
        if found is not None:
            return found
        base_offset = self.end_offset
        self.producers.appended(one, base_offset, self.now_ms)
        self.end_offset += one.last_offset_delta + 1
        return base_offset

    def write_all(self, *sequences: int, **more: int) -> None:
        for sequence in sequences:
            self.write(batch(sequence, **more))

    def end(self, producer: int = PRODUCER, epoch: int = 0, *, commit: bool = True) -> int:
        """Write a marker and answer its offset."""
        self.producers.marker(producer, epoch, commit, self.end_offset, self.now_ms)
        self.end_offset += 1
        return self.end_offset - 1

    def error_of(self, one: Batch, *, epoch_bumps: bool = False) -> Error:
        with pytest.raises(KafkaError) as refused:
            self.producers.check(one, self.now_ms, epoch_bumps=epoch_bumps)
        return refused.value.error

    def begin(self, producer: int, count: int = 1) -> int:
        """Write the first batch of a producer's transaction."""
        return self.write(batch(0, count, producer=producer, transactional=True))


@pytest.fixture
def partition() -> Partition:
    return Partition()


# Sequences.


def test_batches_in_sequence_are_appended(partition: Partition) -> None:
    assert [partition.write(batch(0, 3)), partition.write(batch(3, 2)), partition.write(batch(5))] == [0, 3, 5]


@pytest.mark.parametrize("again", range(5))
def test_each_of_the_last_five_batches_is_answered_with_its_first_offset(partition: Partition, again: int) -> None:
    partition.write_all(0, 2, 4, 6, 8, 10, 12, count=2)
    sequence = 4 + again * 2
    assert partition.write(batch(sequence, 2)) == sequence
    assert partition.end_offset == 14


def test_a_duplicate_older_than_five_batches_is_told_so(partition: Partition) -> None:
    partition.write_all(0, 2, 4, 6, 8, 10, count=2)
    assert partition.error_of(batch(0, 2)) is Error.DUPLICATE_SEQUENCE_NUMBER


@pytest.mark.parametrize(
    ("sequence", "count"),
    [(7, 1), (5, 2), (5, 1), (1, 2), (0, 3), (TOP, 1)],
    ids=["gap", "overlaps the end", "part of a batch", "across two batches", "longer than the batch", "far ahead"],
)
def test_what_is_neither_next_nor_an_exact_duplicate_is_out_of_order(
    partition: Partition, sequence: int, count: int
) -> None:
    partition.write_all(0, 2, 4, count=2)
    assert partition.error_of(batch(sequence, count)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_a_sequence_that_was_never_reached_is_no_duplicate_after_five_batches_either(partition: Partition) -> None:
    partition.write_all(0, 1, 2, 3, 4, 5, 6)
    assert partition.error_of(batch(TOP - 3)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


@pytest.mark.parametrize(("last", "next_one"), [(TOP, 0), (TOP - 1, TOP)])
def test_after_the_highest_sequence_comes_zero(partition: Partition, last: int, next_one: int) -> None:
    partition.write(batch(last))
    assert partition.write(batch(next_one)) == 1


def test_a_batch_may_lie_across_the_highest_sequence(partition: Partition) -> None:
    partition.write(batch(TOP - 1, 5))
    assert partition.write(batch(3)) == 5
    assert partition.write(batch(TOP - 1, 5)) == 0


def test_duplicates_from_before_the_highest_sequence_are_known_as_such(partition: Partition) -> None:
    partition.write_all(TOP - 1, TOP, 0, 1, 2, 3, 4)
    assert partition.error_of(batch(TOP)) is Error.DUPLICATE_SEQUENCE_NUMBER


def test_an_unknown_producer_may_go_on_at_any_sequence(partition: Partition) -> None:
    assert partition.write(batch(41)) == 0
    assert partition.write(batch(42)) == 1


def test_an_unknown_producer_whose_epoch_rises_with_each_transaction_has_to_begin_at_zero(partition: Partition) -> None:
    late = batch(41, transactional=True)
    assert partition.error_of(late, epoch_bumps=True) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert partition.producers.check(batch(0, transactional=True), NOW_MS, epoch_bumps=True) is None


def test_a_batch_of_a_producer_needs_a_sequence(partition: Partition) -> None:
    assert partition.error_of(batch(-1)) is Error.INVALID_RECORD


def test_producers_do_not_share_sequences(partition: Partition) -> None:
    partition.write_all(0, 1, producer=1)
    assert partition.write(batch(0, producer=2)) == 2


# Epochs.


def test_a_new_epoch_begins_at_zero(partition: Partition) -> None:
    partition.write_all(0, 1)
    assert partition.error_of(batch(2, epoch=1)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert partition.write(batch(0, epoch=1)) == 2


def test_a_lower_epoch_is_refused(partition: Partition) -> None:
    partition.write(batch(0, epoch=3))
    assert partition.error_of(batch(1, epoch=2)) is Error.INVALID_PRODUCER_EPOCH
    assert partition.error_of(batch(0, epoch=2)) is Error.INVALID_PRODUCER_EPOCH


def test_a_marker_with_a_new_epoch_fences_the_old_one(partition: Partition) -> None:
    partition.begin(PRODUCER)
    partition.end(epoch=1, commit=False)
    assert partition.error_of(batch(1, transactional=True)) is Error.INVALID_PRODUCER_EPOCH
    assert partition.error_of(batch(1, epoch=1)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert partition.write(batch(0, epoch=1)) == 2


def test_a_marker_of_the_same_epoch_keeps_the_sequence(partition: Partition) -> None:
    partition.begin(PRODUCER)
    partition.end()
    assert partition.write(batch(0, transactional=True)) == 0
    assert partition.write(batch(1, transactional=True)) == 2


@pytest.mark.parametrize(
    ("epoch", "epoch_bumps", "fits"),
    [(1, False, False), (2, False, True), (3, False, True), (1, True, False), (2, True, False), (3, True, True)],
)
def test_a_marker_from_the_wire_has_to_be_of_the_epoch_or_of_a_newer_one(
    partition: Partition, epoch: int, epoch_bumps: bool, fits: bool
) -> None:
    partition.write(batch(0, epoch=2, transactional=True))
    if fits:
        partition.producers.check_marker(PRODUCER, epoch, epoch_bumps=epoch_bumps)
        return
    with pytest.raises(KafkaError) as refused:
        partition.producers.check_marker(PRODUCER, epoch, epoch_bumps=epoch_bumps)
    assert refused.value.error is Error.INVALID_PRODUCER_EPOCH


def test_a_marker_may_be_written_again_once_the_transaction_is_over(partition: Partition) -> None:
    partition.begin(PRODUCER)
    partition.end(epoch=1)
    partition.producers.check_marker(PRODUCER, 1, epoch_bumps=True)


# Transactions.


def test_a_batch_outside_of_the_open_transaction_is_refused(partition: Partition) -> None:
    partition.begin(PRODUCER)
    assert partition.error_of(batch(1)) is Error.INVALID_TXN_STATE


def test_the_oldest_open_transaction_is_the_first_open_offset(partition: Partition) -> None:
    assert partition.producers.first_open_offset is None
    partition.begin(1, 2)
    partition.begin(2, 2)
    partition.begin(3, 2)
    assert partition.producers.first_open_offset == 0
    partition.end(2)
    assert partition.producers.first_open_offset == 0
    partition.end(1)
    assert partition.producers.first_open_offset == 4
    partition.end(3, commit=False)
    assert partition.producers.first_open_offset is None


def test_a_transaction_is_open_from_its_first_batch_to_its_marker(partition: Partition) -> None:
    assert not partition.producers.is_open(PRODUCER)
    partition.begin(PRODUCER)
    assert partition.producers.is_open(PRODUCER)
    assert partition.producers.is_open(PRODUCER, 0)
    assert not partition.producers.is_open(PRODUCER, 1)
    partition.end()
    assert not partition.producers.is_open(PRODUCER)


def test_only_aborted_transactions_are_listed(partition: Partition) -> None:
    partition.begin(1)
    partition.end(1)
    partition.begin(2)
    partition.end(2, commit=False)
    assert partition.producers.aborted(0, 10) == [(2, 2)]


def test_a_marker_without_a_transaction_aborts_nothing(partition: Partition) -> None:
    partition.end(commit=False)
    assert partition.producers.aborted(0, 10) == []


def test_aborted_transactions_are_listed_by_their_first_offset(partition: Partition) -> None:
    partition.begin(3)
    partition.begin(1)
    partition.begin(2)
    for producer in (2, 3, 1):
        partition.end(producer, commit=False)
    assert partition.producers.aborted(0, 10) == [(3, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("from_offset", "before_offset", "found"),
    [(0, 2, []), (0, 3, [(1, 2)]), (5, 6, [(1, 2)]), (6, 9, []), (4, 4, [(1, 2)])],
    ids=["ends before it", "its first batch", "its marker", "behind its marker", "within it"],
)
def test_an_aborted_transaction_is_listed_to_who_reads_between_its_first_batch_and_its_marker(
    partition: Partition, from_offset: int, before_offset: int, found: list[tuple[int, int]]
) -> None:
    partition.write_all(0, 1)
    partition.write(batch(0, producer=1, transactional=True))
    partition.write_all(2, 3)
    assert partition.end(1, commit=False) == 5
    assert partition.producers.aborted(from_offset, before_offset) == found


# Forgetting.


def test_aborted_transactions_go_with_the_start_of_the_log(partition: Partition) -> None:
    for producer in (1, 2, 3):
        partition.begin(producer)
        partition.end(producer, commit=False)
    partition.producers.truncated(3)
    assert partition.producers.aborted(0, 10) == [(2, 2), (3, 4)]


def test_an_open_transaction_begins_at_the_start_of_a_log_that_was_cut(partition: Partition) -> None:
    partition.begin(PRODUCER, 5)
    partition.producers.truncated(3)
    assert partition.producers.first_open_offset == 3
    partition.end()
    assert partition.producers.first_open_offset is None


def test_a_producer_outlives_its_batches(partition: Partition) -> None:
    partition.write_all(0, 1)
    partition.producers.truncated(2)
    assert partition.write(batch(1)) == 1
    assert partition.error_of(batch(5)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


@pytest.mark.parametrize(("idle_ms", "known"), [(DAY_MS - 1, True), (DAY_MS, False)])
def test_a_producer_is_forgotten_after_a_day_of_silence(partition: Partition, idle_ms: int, known: bool) -> None:
    partition.write(batch(0))
    partition.now_ms += idle_ms
    if known:
        assert partition.error_of(batch(9)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER
    else:
        assert partition.write(batch(9)) == 1


def test_a_producer_with_an_open_transaction_is_not_forgotten(partition: Partition) -> None:
    partition.begin(PRODUCER)
    partition.now_ms += 2 * DAY_MS
    partition.producers.expire(partition.now_ms)
    assert partition.producers.first_open_offset == 0
    assert partition.error_of(batch(5, transactional=True)) is Error.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_silent_producers_leave_nothing_behind_when_new_ones_come(partition: Partition) -> None:
    for producer in range(1000):
        partition.write(batch(0, producer=producer))
    partition.now_ms += DAY_MS
    partition.write(batch(0, producer=1000))
    assert len(partition.producers) == 1


def test_writing_keeps_a_producer_alive(partition: Partition) -> None:
    partition.write_all(0, producer=1)
    partition.write_all(0, producer=2)
    partition.now_ms += DAY_MS - 1
    partition.write(batch(1, producer=1))
    partition.now_ms += 1
    partition.producers.expire(partition.now_ms)
    assert [one["ProducerId"] for one in partition.producers.describe()] == [1]


# Showing.


def test_a_producer_is_described_with_its_open_transaction(partition: Partition) -> None:
    partition.begin(PRODUCER, 3)
    expected = {
        "ProducerId": PRODUCER,
        "ProducerEpoch": 0,
        "LastSequence": 2,
        "LastTimestamp": NOW_MS,
        "CoordinatorEpoch": -1,
        "CurrentTxnStartOffset": 0,
    }
    assert partition.producers.describe() == [expected]


def test_a_producer_is_described_after_its_transaction(partition: Partition) -> None:
    partition.begin(PRODUCER)
    partition.now_ms += 5
    partition.end(epoch=1)
    expected = {
        "ProducerId": PRODUCER,
        "ProducerEpoch": 1,
        "LastSequence": -1,
        "LastTimestamp": NOW_MS + 5,
        "CoordinatorEpoch": 0,
        "CurrentTxnStartOffset": -1,
    }
    assert partition.producers.describe() == [expected]


# Against a model.


class Model:
    """Keeps everything that was written, in order, and answers by looking through all of it."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Batch | bool, int, int, int, int]] = []
        """("batch" | "marker", the batch or whether it commits, producer, epoch, offset, instant)"""

    def of(self, producer: int, now_ms: int) -> list[tuple[str, Batch | bool, int, int, int, int]]:
        """What a producer has written since it was last forgotten."""
        known: list[tuple[str, Batch | bool, int, int, int, int]] = []
        for entry in [*(one for one in self.log if one[2] == producer), None]:
            instant_ms = now_ms if entry is None else entry[5]
            if known and instant_ms - known[-1][5] >= DAY_MS and self.open_from(known) is None:
                known = []
            if entry is not None:
                known.append(entry)
        return known

    def open_from(self, entries: list[tuple[str, Batch | bool, int, int, int, int]]) -> int | None:
        """Where the transaction begins that these entries leave open."""
        first = None
        for kind, what, _, _, offset, _ in entries:
            if kind == "marker":
                first = None
            elif isinstance(what, Batch) and what.is_transactional and first is None:
                first = offset
        return first

    def verdict(self, one: Batch, now_ms: int) -> Error | int | None:
        known = self.of(one.producer_id, now_ms)
        if not known:
            return None
        epoch = known[-1][3]
        if one.producer_epoch < epoch:
            return Error.INVALID_PRODUCER_EPOCH
        if one.producer_epoch > epoch:
            if one.base_sequence:
                return Error.OUT_OF_ORDER_SEQUENCE_NUMBER
        else:
            found = self._place(one, [entry for entry in known if entry[3] == epoch])
            if found is not None:
                return found
        if self.open_from(known) is not None and not one.is_transactional:
            return Error.INVALID_TXN_STATE
        return None

    def _place(self, one: Batch, entries: list[tuple[str, Batch | bool, int, int, int, int]]) -> Error | int | None:
        written = [(what, entry_offset) for _, what, _, _, entry_offset, _ in entries if isinstance(what, Batch)]
        if not written:
            return None if one.base_sequence == 0 else Error.OUT_OF_ORDER_SEQUENCE_NUMBER
        if one.base_sequence == (written[-1][0].base_sequence + written[-1][0].record_count) % 2**31:
            return None
        for there, offset in written[-5:]:
            if (there.base_sequence, there.record_count) == (one.base_sequence, one.record_count):
                return offset
        first = written[0][0].base_sequence
        past = {first + step for step in range(-20, 0) if first + step >= 0}
        for there, _ in written[:-5]:
            past |= {(there.base_sequence + step) % 2**31 for step in range(there.record_count)}
        wanted = {(one.base_sequence + step) % 2**31 for step in range(one.record_count)}
        return Error.DUPLICATE_SEQUENCE_NUMBER if wanted <= past else Error.OUT_OF_ORDER_SEQUENCE_NUMBER

    def transactions(self) -> list[tuple[int, int, int | None, bool]]:
        """All that ever were: producer, first offset, marker's offset, whether it was committed."""
        found: list[tuple[int, int, int | None, bool]] = []
        for kind, what, producer, _, offset, _ in self.log:
            place = next((at for at, one in enumerate(found) if one[0] == producer and one[2] is None), None)
            if kind == "marker" and place is not None:
                found[place] = (producer, found[place][1], offset, what is True)
            elif isinstance(what, Batch) and what.is_transactional and place is None:
                found.append((producer, offset, None, False))
        return found

    def first_open(self, start: int) -> int | None:
        return min((max(first, start) for _, first, end, _ in self.transactions() if end is None), default=None)

    def aborted(self, start: int, before: int) -> list[tuple[int, int]]:
        found = [
            (first, producer)
            for producer, first, end, commit in self.transactions()
            if end is not None and not commit and end >= start and first < before
        ]
        return [(producer, first) for first, producer in sorted(found)]


class Driver:
    """Does random things to both and compares."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.partition = Partition()
        self.model = Model()
        self.start = 0
        self.nexts: dict[int, tuple[int, int]] = {}

    def step(self) -> None:
        roll = self.random.random()
        if roll < 0.7:
            self.write()
        elif roll < 0.9:
            self.end()
        elif roll < 0.97:
            self.partition.now_ms += self.random.choice((1, 1000, DAY_MS // 3, DAY_MS))
        else:
            self.start = self.random.randint(self.start, self.partition.end_offset)
            self.partition.producers.truncated(self.start)

    def write(self) -> None:
        producer = self.random.randrange(4)
        epoch, sequence = self.nexts.get(producer, (0, self.random.choice((0, 0, TOP - 4))))
        epoch += self.random.choice((0, 0, 0, 0, 0, 0, 1, -1))
        sequence += self.random.choice((0, 0, 0, 0, -1, -2, -4, -9, 1))
        if epoch != self.nexts.get(producer, (0, 0))[0] and self.random.random() < 0.7:
            sequence = 0
        one = batch(
            sequence % 2**31,
            self.random.randint(1, 2),
            producer=producer,
            epoch=max(epoch, 0),
            transactional=self.random.random() < 0.6,
        )
        expected = self.model.verdict(one, self.partition.now_ms)
        offset = self.partition.end_offset
        if isinstance(expected, Error):
            assert self.partition.error_of(one) is expected, one
        elif expected is not None:
            assert self.partition.write(one) == expected, one
        else:
            assert self.partition.write(one) == offset, one
            self.model.log.append(("batch", one, producer, one.producer_epoch, offset, self.partition.now_ms))
            self.nexts[producer] = (one.producer_epoch, (one.base_sequence + one.record_count) % 2**31)

    def end(self) -> None:
        producer = self.random.randrange(4)
        epoch = self.nexts.get(producer, (0, 0))[0] + self.random.choice((0, 1))
        commit = self.random.random() < 0.5
        offset = self.partition.end(producer, epoch, commit=commit)
        self.model.log.append(("marker", commit, producer, epoch, offset, self.partition.now_ms))
        if epoch != self.nexts.get(producer, (0, 0))[0]:
            self.nexts[producer] = (epoch, 0)

    def compare(self, producers: Producers) -> None:
        assert producers.first_open_offset == self.model.first_open(self.start)
        open_ones = {producer for producer, _, end, _ in self.model.transactions() if end is None}
        assert {producer for producer in range(4) if producers.is_open(producer)} == open_ones
        begin = self.random.randint(self.start, self.partition.end_offset)
        stable = producers.first_open_offset
        before = self.random.randint(begin, max(begin, self.partition.end_offset if stable is None else stable))
        assert producers.aborted(begin, before) == self.model.aborted(begin, before)

    def replayed(self) -> Producers:
        """What a log that is read from its first batch makes of it."""
        producers = Producers()
        for kind, what, producer, epoch, offset, instant_ms in self.model.log:
            if isinstance(what, Batch):
                producers.appended(what, offset, instant_ms)
            else:
                assert kind == "marker"
                producers.marker(producer, epoch, what, offset, instant_ms)
        producers.truncated(self.start)
        return producers


@pytest.mark.parametrize("seed", range(40))
def test_random_batches_markers_and_cuts_are_judged_as_the_model_judges_them(seed: int) -> None:
    print(f"seed {seed}")
    driver = Driver(seed)
    for _ in range(250):
        driver.step()
        driver.compare(driver.partition.producers)


@pytest.mark.parametrize("seed", range(40, 60))
def test_a_log_that_is_read_again_makes_the_same_producers(seed: int) -> None:
    print(f"seed {seed}")
    driver = Driver(seed)
    for _ in range(250):
        driver.step()
    again, producers = driver.replayed(), driver.partition.producers
    driver.compare(again)
    described = []
    for one in (again, producers):
        one.expire(driver.partition.now_ms)
        described.append(sorted(one.describe(), key=lambda shown: shown["ProducerId"]))
    assert described[0] == described[1]
