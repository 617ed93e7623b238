"""Identifiers: the only door to chance. Give `Ids` a seed and a whole run of the server makes the same ids again."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import random
import struct
from typing import NamedTuple

_HANDLE = struct.Struct(">QQIQ")
_HANDLE_PREFIX = "AQEB"
_SEQUENCE_BASE = 18_849_496_460_467_696_128
_SEQUENCE_STEP = 256
_UUIDS = 64
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
        """Make a version 4 UUID: request ids, message ids, task handles. They are drawn many at a time, which takes a third of the time."""
        if not self._uuids:
            digits = self._bits(128 * _UUIDS).to_bytes(16 * _UUIDS).hex()
            self._uuids = [_uuid(digits[place : place + 32]) for place in range(0, 32 * _UUIDS, 32)]
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


def _uuid(digits: str) -> str:
    """Write 32 hexadecimal digits as a UUID of version 4 and of RFC 9562's variant."""
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def receipt_handle(receipt: Receipt) -> str:
    """Write a receipt as the opaque text that clients see; AWS's own also starts with AQEB."""
    return _HANDLE_PREFIX + base64.b64encode(_HANDLE.pack(*receipt)).decode()


def read_receipt_handle(handle: str) -> Receipt | None:
    """Read a handle back, or answer None for text that `receipt_handle` cannot have written."""
    if not handle.startswith(_HANDLE_PREFIX):
        return None
    try:
        packed = base64.b64decode(handle[len(_HANDLE_PREFIX) :], validate=True)
        receipt = Receipt(*_HANDLE.unpack(packed))
    except (binascii.Error, struct.error, ValueError):
        return None
    return receipt if receipt_handle(receipt) == handle else None


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
