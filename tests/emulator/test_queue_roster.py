"""The roster of a queue's messages against a dict, and what it keeps of messages that have gone."""

from __future__ import annotations

import random

import pytest

from emulator.queue.message import Message
from emulator.queue.roster import PAGE, Roster


def message() -> Message:
    return Message("", "", "", 0)


def test_numbers_count_from_one() -> None:
    roster = Roster()
    first, second = message(), message()
    roster.add(first)
    roster.add(second)
    assert (first.seq, second.seq, roster.last_seq) == (1, 2, 2)


@pytest.mark.parametrize("seq", [0, 1, 3, PAGE, 10**15, 2**64 - 1])
def test_a_number_that_was_never_given_finds_nothing(seq: int) -> None:
    roster = Roster()
    assert roster.get(seq) is None
    gone, here = message(), message()
    roster.add(gone)
    roster.add(here)
    roster.remove(gone)
    assert roster.get(seq) is None
    assert roster.get(2) is here


@pytest.mark.parametrize("seed", range(20))
def test_it_finds_what_a_dict_finds_in_the_same_order(seed: int) -> None:
    chance = random.Random(seed)
    roster, twin = Roster(), dict[int, Message]()
    for _ in range(3000):
        if chance.random() < 0.002:
            roster.clear()
            twin.clear()
        elif chance.random() < 0.55 or not twin:
            new = message()
            roster.add(new)
            twin[new.seq] = new
        else:
            gone = twin.pop(chance.choice([*twin][:50]))
            roster.remove(gone)
            assert roster.get(gone.seq) is None
        asked = chance.randrange(roster.last_seq + 2)
        assert roster.get(asked) is twin.get(asked)
        assert len(roster) == len(twin)
        assert roster.first() is next(iter(twin.values()), None)
    assert list(roster) == list(twin.values())


@pytest.mark.parametrize("pages", range(5))
def test_pages_leave_with_their_last_message(pages: int) -> None:
    roster = Roster()
    messages = [message() for _ in range(10 * PAGE - 1)]
    for one in messages:
        roster.add(one)
    left = max(0, pages * PAGE - 1)  # there is no number 0
    for one in messages[left:]:
        roster.remove(one)
    assert roster.places == (pages + 1) * PAGE
    assert len(roster) == left


def test_a_page_that_was_emptied_while_it_was_the_last_leaves_with_the_next() -> None:
    roster = Roster()
    for _ in range(20 * PAGE):
        one = message()
        roster.add(one)
        roster.remove(one)
    assert roster.places <= PAGE


def test_what_is_cleared_is_handed_out_and_numbers_go_on() -> None:
    roster = Roster()
    for _ in range(3 * PAGE + 5):
        roster.add(message())
    pages = roster.clear()
    assert sum(one is not None for page in pages.values() for one in page) == 3 * PAGE + 5
    assert (len(roster), roster.get(1), roster.get(3 * PAGE + 5), list(roster)) == (0, None, None, [])
    one = message()
    roster.add(one)
    assert one.seq == 3 * PAGE + 6
    assert roster.get(one.seq) is one
