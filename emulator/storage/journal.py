"""Small facts that outlive the process: tables of JSON values by key, in one SQLite file, or nowhere.

A put is on its way to the disk when it returns, in the system's page cache: it survives the death of the process, not that of the
machine. It takes some 20 microseconds, so it happens on the event loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from pathlib import Path


class JournalInUseError(Exception):
    """Another process has the file."""


class Journal(Protocol):
    """Tables of JSON values by key."""

    def load(self, table: str) -> dict[str, Any]:
        """Read a whole table, as at the start."""

    def put(self, table: str, key: str, value: Any) -> None:
        """Keep a value under a key."""

    def delete(self, table: str, key: str) -> None:
        """Forget a key; one that is not there is fine."""

    def close(self) -> None:
        """Let go of the file."""

    def erase(self) -> None:
        """Forget everything; the journal goes on, empty."""


class NoJournal:
    """Keeps nothing: without a data directory everything ends with the process."""

    def load(self, table: str) -> dict[str, Any]:  # noqa: ARG002 - the Journal's shape
        """Nothing was kept."""
        return {}

    def put(self, table: str, key: str, value: Any) -> None:
        """Keep nothing."""

    def delete(self, table: str, key: str) -> None:
        """Nothing is there to forget."""

    def close(self) -> None:
        """Nothing to let go of."""

    def erase(self) -> None:
        """Nothing is there to forget."""


class SqliteJournal:
    """One SQLite file in WAL mode, for one process at a time."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or sqlite3.Error when it cannot be opened, JournalInUseError when another process has it open."""
        import sqlite3  # here, because a server without a data directory has no use for it

        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=OFF")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS facts (tab TEXT, key TEXT, value BLOB, PRIMARY KEY (tab, key)) WITHOUT ROWID"
            )
            self._database.execute("DELETE FROM facts WHERE tab = ''")  # a write takes the lock, and keeps it
        except sqlite3.OperationalError as error:
            self._database.close()
            if "locked" in str(error):
                raise JournalInUseError(str(path)) from None
            raise

    def load(self, table: str) -> dict[str, Any]:
        """Read a whole table."""
        rows = self._database.execute("SELECT key, value FROM facts WHERE tab = ?", (table,))
        return {key: orjson.loads(value) for key, value in rows}

    def put(self, table: str, key: str, value: Any) -> None:
        """Keep a value under a key."""
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (table, key, orjson.dumps(value)))

    def delete(self, table: str, key: str) -> None:
        """Forget a key."""
        self._database.execute("DELETE FROM facts WHERE tab = ? AND key = ?", (table, key))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def erase(self) -> None:
        """Forget everything."""
        self._database.execute("DELETE FROM facts")
