"""The log as one would explain it to a colleague: a list of tuples, and loops over it. The real one is held against this."""

from __future__ import annotations

Tuple = tuple[int, int, int, bytes]
"""Offset, count, time, data."""


class LogModel:
    """Each method answers what the one of the same name of `Log` must answer."""

    def __init__(self) -> None:
        self.entries: list[Tuple] = []
        self.start = self.end = 0

    def append(self, data: bytes, time_ms: int, count: int) -> int:
        offset = self.end
        self.entries.append((offset, count, time_ms, data))
        self.end += count
        return offset

    def read(self, offset: int, entries_max: int, bytes_max: int) -> list[Tuple]:
        got: list[Tuple] = []
        for entry in self.entries:
            if entry[0] + entry[1] > offset:
                size = sum(len(data) for *_, data in [*got, entry])
                if got and (len(got) >= entries_max or size > bytes_max):
                    break
                got.append(entry)
        return got

    def offset_at(self, time_ms: int) -> int:
        for offset, _, time, _ in self.entries:
            if time >= time_ms:
                return max(offset, self.start)
        return self.end

    def next_older(self, offset: int, time_ms: int) -> int:
        for base, count, time, _ in self.entries:
            if base + count > offset and time < time_ms:
                return max(base, offset, self.start)
        return self.end

    def expire(self, before_ms: int) -> int:
        dropped = 0
        while self.entries and self.entries[0][2] < before_ms:
            offset, count, _, _ = self.entries[0]
            dropped += self.truncate_before(offset + count)
        return dropped

    def truncate_before(self, offset: int) -> int:
        start = max(self.start, min(offset, self.end))
        dropped, self.start = start - self.start, start
        self.entries = [entry for entry in self.entries if entry[0] + entry[1] > start]
        return dropped

    def clear(self) -> None:
        self.entries, self.start = [], self.end
