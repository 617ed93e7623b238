"""Identifiers: seedable, well formed, and readable again where they carry something."""

from __future__ import annotations

import base64
import itertools
import random
import re
import uuid

import pytest

from emulator.ids import (
    Ids,
    Receipt,
    access_key,
    access_key_account,
    principal_id,
    read_receipt_handle,
    receipt_handle,
)

ACCOUNTS = ["000000000000", "000000000001", "123456789012", "999999999999"]


def drawn(ids: Ids) -> list[object]:
    return [ids.uuid(), ids.number(), ids.sequence_number(), ids.text(40), access_key("LSIA", "123456789012", ids)]


def test_two_sources_with_one_seed_make_the_same_ids() -> None:
    assert [drawn(Ids(7)) for _ in range(3)] == [drawn(Ids(7)) for _ in range(3)]


def test_two_sources_with_different_seeds_or_none_differ() -> None:
    assert Ids(1).uuid() != Ids(2).uuid()
    assert Ids().uuid() != Ids().uuid()


def test_uuids_are_of_version_4_and_differ() -> None:
    ids = Ids(1)
    made = [ids.uuid() for _ in range(5000)]
    assert len(set(made)) == len(made)
    for text in made:
        read = uuid.UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)


def test_every_other_bit_of_a_uuid_is_drawn() -> None:
    """Six bits say version and variant; each of the other 122 is sometimes 0 and sometimes 1."""
    ids = Ids(1)
    ones, zeros = 0, 0
    for _ in range(200):
        number = uuid.UUID(ids.uuid()).int
        ones |= number
        zeros |= ~number & (1 << 128) - 1
    assert (ones & zeros).bit_count() == 122


def test_sequence_numbers_have_20_digits_and_grow_with_gaps() -> None:
    ids = Ids(1)
    made = [ids.sequence_number() for _ in range(1000)]
    assert all(re.fullmatch(r"[0-9]{20}", number) for number in made)
    steps = [int(after) - int(before) for before, after in itertools.pairwise(made)]
    assert min(steps) > 1
    assert sorted(made) == made


def test_text_is_of_the_length_and_the_alphabet_that_was_asked_for() -> None:
    ids = Ids(1)
    assert re.fullmatch(r"[A-Za-z0-9+/]{356}", ids.text(356))
    assert set(ids.text(100, "ab")) == {"a", "b"}
    assert ids.text(0) == ""


# Receipt handles.


@pytest.mark.parametrize(
    "receipt",
    [
        Receipt(0, 0, 0, 0),
        Receipt(1, 2, 3, 1_767_225_600_000),
        Receipt(2**64 - 1, 2**64 - 1, 2**32 - 1, 2**64 - 1),
    ],
)
def test_a_receipt_handle_can_be_read_back(receipt: Receipt) -> None:
    handle = receipt_handle(receipt)
    assert handle.startswith("AQEB")
    assert len(handle) <= 1024
    assert read_receipt_handle(handle) == receipt


def test_random_receipt_handles_can_be_read_back_and_differ() -> None:
    seed = 20260101
    chance = random.Random(seed)
    receipts = {
        Receipt(chance.getrandbits(64), chance.getrandbits(64), chance.getrandbits(32), chance.getrandbits(48))
        for _ in range(2000)
    }
    handles = {receipt_handle(receipt) for receipt in receipts}
    assert len(handles) == len(receipts)
    assert {read_receipt_handle(handle) for handle in handles} == receipts, f"seed {seed}"


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "AQEB",
        "garbage",
        "AQEB====",
        "AQEBé",
        "AQEB\ud800",
        "AQEB" + "A" * 37,
        "AQEB" + "A" * 36,
        "AQEB" + "A" * 44,
        "AQEB" + " " * 40,
        "a" * 2000,
        "\0",
    ],
)
def test_garbage_is_no_receipt_handle(garbage: str) -> None:
    assert read_receipt_handle(garbage) is None


def test_a_receipt_handle_with_a_letter_changed_reads_as_another_or_as_none() -> None:
    """Never as the same: what is read back must be what the handle says, letter by letter."""
    seed = 20260102
    chance = random.Random(seed)
    handle = receipt_handle(Receipt(2**60, 5, 1, 1_767_225_600_000))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ \n"
    for _ in range(3000):
        place = chance.randrange(len(handle))
        changed = handle[:place] + chance.choice(letters) + handle[place + chance.choice((0, 1)) :]
        read = read_receipt_handle(changed)
        if read is not None:
            assert receipt_handle(read) == changed, f"seed {seed}"


def test_random_bytes_are_no_receipt_handle_unless_they_have_its_length() -> None:
    seed = 20260103
    chance = random.Random(seed)
    for _ in range(500):
        packed = chance.randbytes(chance.choice([length for length in range(60) if length != 28]))
        assert read_receipt_handle("AQEB" + base64.b64encode(packed).decode()) is None, f"seed {seed}"


# Accounts in keys.


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_access_key_carries_its_account(account: str) -> None:
    ids = Ids(1)
    keys = [access_key("LSIA", account, ids) for _ in range(50)]
    assert len(set(keys)) == len(keys)
    for key in keys:
        assert re.fullmatch(r"LSIA[A-Z2-7]{16}", key)
        assert access_key_account(key) == account


@pytest.mark.parametrize("key", ["", "LSIA", "test", "LSIA" + "a" * 16, "LSIA" + "A" * 15, "LSIA" + "A" * 17])
def test_a_text_that_is_no_access_key_carries_no_account(key: str) -> None:
    assert access_key_account(key) is None


def test_an_access_key_beyond_the_last_account_carries_none() -> None:
    assert access_key_account("LSIA" + "7" * 16) is None


def test_a_principal_id_is_that_of_an_iam_user_and_the_same_each_time() -> None:
    made = [principal_id(account) for account in ACCOUNTS]
    assert all(re.fullmatch(r"AIDA[A-Z2-7]{17}", identity) for identity in made)
    assert len(set(made)) == len(ACCOUNTS)
    assert made == [principal_id(account) for account in ACCOUNTS]
