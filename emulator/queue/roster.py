"""All messages of a queue, by number.

A dict would be simpler, but one of a million entries takes 50 ms to grow, and each entry 100 bytes. Numbers are given in order and
never again, so that pages of a fixed length do: what is added goes to the last one, and a page leaves with its last message. Nothing
dead is kept, so that the first message is found without a search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.queue.message import Message

_BITS = 8
PAGE = 1 << _BITS
"""Messages in a page. One message that stays for long keeps the page of its number, of 2 KiB."""
_MASK = PAGE - 1


class _Page(list["Message | None"]):
    """A page: a place for each number."""

    __slots__ = ("first", "live")

    def __init__(self, empty: int = 0) -> None:
        super().__init__([None] * empty)
        self.live = 0
        self.first = empty
        """No message stands before this place."""


class Roster:
    """Messages by `seq`, in the order of their numbers."""

    __slots__ = ("_first", "_last", "_pages", "_size", "last_seq")

    def __init__(self) -> None:
        self.last_seq = 0
        """The number of the message that came last."""
        self._begin()

    def _begin(self) -> None:
        """Go on after `last_seq`, with nothing."""
        first = self.last_seq + 1
        self._size = 0
        self._last = _Page(first & _MASK)
        self._first = first >> _BITS  # no page stands before it
        self._pages = {self._first: self._last}

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Message]:
        for page in self._pages.values():
            for message in page:
                if message is not None:
                    yield message

    def add(self, message: Message) -> None:
        """Take up a message and give it the next number."""
        message.seq = self.last_seq = seq = self.last_seq + 1
        page = self._last
        if len(page) == PAGE:
            if not page.live:
                del self._pages[(seq >> _BITS) - 1]
            page = self._last = self._pages[seq >> _BITS] = _Page()
        page.append(message)
        page.live += 1
        self._size += 1

    def get(self, seq: int) -> Message | None:
        """Find a message."""
        page = self._pages.get(seq >> _BITS)
        if page is None or seq > self.last_seq:
            return None
        return page[seq & _MASK]

    def first(self) -> Message | None:
        """Look at the message of the lowest number."""
        if not self._size:
            return None
        pages = self._pages
        while (page := pages.get(self._first)) is None or not page.live:
            self._first += 1
        while (message := page[page.first]) is None:
            page.first += 1
        return message

    def remove(self, message: Message) -> None:
        """Let a message go."""
        number = message.seq >> _BITS
        page = self._pages[number]
        page[message.seq & _MASK] = None
        page.live -= 1
        self._size -= 1
        if not page.live and page is not self._last:
            del self._pages[number]

    def clear(self) -> dict[int, _Page]:
        """Drop all messages and hand out what held them."""
        pages = self._pages
        self._begin()
        return pages

    @property
    def places(self) -> int:
        """How many places its pages have, empty ones too."""
        return sum(len(page) for page in self._pages.values())
