"""Identifiers: the only door to chance. Give `Ids` a seed and a whole run of the server makes the same ids again."""

from __future__ import annotations

import binascii
import functools
import hashlib
import random
import struct
from typing import NamedTuple

_HANDLE = struct.Struct(">3sQQIQ")
_HANDLE_PREFIX = b"\1\1\1"
"""AQEB in base64; AWS's own handles start so too."""
_SEQUENCE_BASE = 18_849_496_460_467_696_128
_SEQUENCE_STEP = 256
_UUIDS = 256
_UUID = b"xxxxxxxx-xxxx-4xxx-Vxxx-xxxxxxxxxxxx"
"""A UUID of version 4: drawn digits, and one that says RFC 9562's variant in two of its bits."""
_UUID_DIGITS = tuple(place for place, letter in enumerate(_UUID) if letter != ord("-"))
_VARIANTS = bytes.maketrans(b"0123456789abcdef", b"89ab" * 4)
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Receipt(NamedTuple):
    """What a receipt handle says: the queue (a number drawn at its creation), the message, and the receive that handed it out."""

    queue: int
    message: int
    receive: int
    received_ms: int


class Ids:
    """A source of ids. Two with the same seed make the same ids in the same order."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)
        self._bits = self._random.getrandbits
        self._sequence = 0
        self._uuids: list[str] = []

    def uuid(self) -> str:
        """Make a version 4 UUID: request ids, message ids, task handles. Many are drawn at once, which takes a fraction of the time."""
        if not self._uuids:
            self._uuids = _write_uuids(self._bits(128 * _UUIDS))
        return self._uuids.pop()

    def number(self) -> int:
        """Draw 64 bits."""
        return self._bits(64)

    def fraction(self) -> float:
        """Draw from [0, 1): jitter."""
        return self._random.random()

    def sequence_number(self) -> str:
        """Make the next 20-digit sequence number: increasing, not consecutive, as Amazon SQS and SNS make them for FIFO."""
        self._sequence += _SEQUENCE_STEP
        return str(_SEQUENCE_BASE + self._sequence)

    def text(self, length: int, alphabet: str = _LETTERS) -> str:
        """Draw `length` characters: secrets, session tokens."""
        return "".join(self._random.choices(alphabet, k=length))


def _write_uuids(bits: int) -> list[str]:
    """Write drawn bits as UUIDs, all of them digit by digit: the first digit of each, then the second of each."""
    digits = bits.to_bytes(16 * _UUIDS).hex().encode()
    uuids = bytearray(_UUID * _UUIDS)
    for number, place in enumerate(_UUID_DIGITS):
        if _UUID[place] == ord("x"):
            uuids[place :: len(_UUID)] = digits[number::32]
        elif _UUID[place] == ord("V"):
            uuids[place :: len(_UUID)] = digits[number::32].translate(_VARIANTS)
    text = uuids.decode()
    return [text[start : start + len(_UUID)] for start in range(0, len(text), len(_UUID))]


def receipt_handle(receipt: tuple[int, int, int, int]) -> str:
    """Write a receipt, or its four numbers, as the opaque text that clients see."""
    return binascii.b2a_base64(_HANDLE.pack(_HANDLE_PREFIX, *receipt), newline=False).decode()


def read_receipt_handle(handle: str) -> tuple[int, int, int, int] | None:
    """Read a handle back to the numbers of its Receipt, or answer None for text that `receipt_handle` cannot have written."""
    try:
        packed = binascii.a2b_base64(handle)
        prefix, queue, message, receive, received_ms = _HANDLE.unpack(packed)
    except (struct.error, ValueError):  # binascii.Error is a ValueError
        return None
    # Base64 can be written in several ways, with spaces in it for instance, of which one is ours.
    if prefix != _HANDLE_PREFIX or binascii.b2a_base64(packed, newline=False) != handle.encode():
        return None
    return queue, message, receive, received_ms


def access_key(prefix: str, account: str, ids: Ids) -> str:
    """Make an access key id that carries its account, as AWS's do: 4 letters, then base32 of the account shifted by 7
    bits, then chance.
    """
    packed = (int(account) << 7) << 32 | (ids.number() & 0xFFFF_FFFF)
    return prefix + "".join(_BASE32[packed >> shift & 31] for shift in range(75, -5, -5))


def access_key_account(key: str) -> str | None:
    """Tell the account in an access key id that `access_key` made, or None."""
    packed = 0
    for letter in key[4:20]:
        digit = _BASE32.find(letter)
        if digit < 0:
            return None
        packed = packed << 5 | digit
    account = packed >> 39
    return f"{account:012d}" if len(key) == 20 and account < 10**12 else None


@functools.lru_cache(maxsize=1024)
def principal_id(account: str) -> str:
    """Make the unique id of an account's IAM user, the same each time: AIDA and 17 letters and digits."""
    digest = int.from_bytes(hashlib.sha256(account.encode()).digest()[:11])
    return "AIDA" + "".join(_BASE32[digest >> shift & 31] for shift in range(0, 85, 5))
