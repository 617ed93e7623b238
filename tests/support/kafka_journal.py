"""A journal in memory that may die: to let the broker crash in the middle of what it does and take up what it had noted."""

from __future__ import annotations

from typing import Any

import orjson


class CrashError(Exception):
    """The process has died here."""


class MemoryJournal:
    """Keeps tables as JSON, so that what is read is not what was put. `puts_left` is how many more puts it lives, None for ever."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, bytes]] = {}
        self.puts_left: int | None = None

    def load(self, table: str) -> dict[str, Any]:
        return {key: orjson.loads(value) for key, value in self._tables.get(table, {}).items()}

    def put(self, table: str, key: str, value: Any) -> None:
        if self.puts_left is not None:
            if self.puts_left == 0:
                self.puts_left = None
                raise CrashError
            self.puts_left -= 1
        self._tables.setdefault(table, {})[key] = orjson.dumps(value)

    def delete(self, table: str, key: str) -> None:
        self._tables.get(table, {}).pop(key, None)

    def close(self) -> None:
        pass

    def erase(self) -> None:
        self._tables.clear()
