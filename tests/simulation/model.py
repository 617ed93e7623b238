"""Queues as one would explain them to a colleague: a list, and loops over it. The cores are held against these.

Where the cores are clever about time (they let it pass when somebody looks), these are exact: what is due happens before what
comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

RECEIVES_TO_THE_BACK = 3
IN_FLIGHT_TOTAL_MS = 12 * 3600 * 1000
WINDOW_MS = 5 * 60 * 1000
NOISY_MESSAGES = 30


@dataclass(eq=False)
class Item:
    """One message in a queue; `hidden` until `due`, because it is delayed (never received) or in flight."""

    number: int
    sent: int
    enqueued: int
    due: int
    hidden: bool
    group: str | None = None
    place: int = 0
    receives: int = 0
    received: int = 0
    before: int = 0
    """Receives in the queues where it was before."""

    @property
    def in_flight(self) -> bool:
        return self.hidden and self.receives > 0


class StandardModel:
    """The oldest first; what comes back takes its old place, from the third receive on the last one."""

    deletes_visible = True

    def __init__(self, retention: int, in_flight_max: int) -> None:
        self.retention, self.in_flight_max = retention, in_flight_max
        self.items: list[Item] = []
        self.numbers = self.places = self.now = 0

    def send(self, now: int, delay: int, *, group: str | None, sent: int, enqueued: int, before: int) -> Item:
        self.settle(now)
        self.numbers += 1
        item = Item(self.numbers, sent, enqueued, now + delay, delay > 0, group, before=before)
        self.items.append(item)
        self.put_last(item)
        return item

    def settle(self, now: int) -> None:
        self.now = now
        for item in sorted(self.items, key=lambda item: (item.due, item.number)):
            if item.hidden and item.due <= now:
                self.show(item)
        for item in [item for item in self.items if item.enqueued + self.retention <= now]:
            self.remove(item)

    def show(self, item: Item) -> None:
        self.left_flight(item)
        item.hidden = False
        if item.receives == 0 or item.receives >= RECEIVES_TO_THE_BACK:
            self.put_last(item)

    def put_last(self, item: Item) -> None:
        self.places += 1
        item.place = self.places

    def next(self) -> Item | None:
        return min((item for item in self.items if not item.hidden), key=lambda item: item.place, default=None)

    def take(self, now: int, count: int, visibility: int, receives_max: int | None) -> tuple[list[Item], list[Item]]:
        self.settle(now)
        got: list[Item] = []
        dead: list[Item] = []
        while len(got) < count and self.in_flight < self.in_flight_max and (item := self.next()) is not None:
            if receives_max is not None and item.receives >= receives_max:
                self.remove(item)
                dead.append(item)
            else:
                item.hidden, item.due, item.received = True, now + visibility, now
                item.receives += 1
                got.append(item)
        self.settle(now)
        return got, dead

    def withdraw(self, now: int, *, refuse: bool) -> Item | None:
        self.settle(now)
        item = self.next()
        if item is not None and not refuse:
            self.remove(item)
        return item

    def find(self, now: int, number: int, receive: int) -> tuple[str, Item | None]:
        self.settle(now)
        item = next((item for item in self.items if item.number == number), None)
        return ("UNKNOWN" if item is None else "STALE" if item.receives != receive else "DONE"), item

    def delete(self, now: int, number: int, receive: int) -> str:
        outcome, item = self.find(now, number, receive)
        if item is None or outcome != "DONE":
            return outcome
        if not item.hidden and not self.deletes_visible:
            return "NOT_IN_FLIGHT"
        self.remove(item)
        return "DONE"

    def change_visibility(self, now: int, number: int, receive: int, timeout: int) -> str:
        outcome, item = self.find(now, number, receive)
        if item is None or outcome != "DONE":
            return outcome
        if not item.hidden:
            return "NOT_IN_FLIGHT"
        if now + timeout - item.received >= IN_FLIGHT_TOTAL_MS:
            return "TOO_LONG"
        item.due = now + timeout
        self.settle(now)
        return "DONE"

    def give_back(self, item: Item, receive: int) -> None:
        if item in self.items and item.in_flight and item.receives == receive:
            self.left_flight(item)
            item.receives -= 1
            item.hidden = False

    def purge(self) -> None:
        self.items.clear()

    def remove(self, item: Item) -> None:
        self.left_flight(item)
        self.items.remove(item)

    def left_flight(self, item: Item) -> None:
        """For whom it matters how long a message was in flight."""

    @property
    def in_flight(self) -> int:
        return sum(item.in_flight for item in self.items)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Visible, in flight, delayed."""
        visible = sum(not item.hidden for item in self.items)
        return visible, self.in_flight, len(self.items) - visible - self.in_flight

    @property
    def next_due(self) -> int | None:
        return min((item.due for item in self.items if item.hidden), default=None)


class FifoModel(StandardModel):
    """Order within a group, one receive at a time per group; a window in which an id is not accepted again."""

    deletes_visible = False

    def __init__(self, retention: int, in_flight_max: int) -> None:
        super().__init__(retention, in_flight_max)
        self.sent: list[tuple[str, int, str]] = []
        self.draining: str | None = None

    def first_send(self, now: int, key: str) -> str | None:
        return next((name for known, when, name in self.sent if known == key and now - when < WINDOW_MS), None)

    def settle(self, now: int) -> None:
        super().settle(now)
        self.draining = None

    def next(self) -> Item | None:
        for group in dict.fromkeys([self.draining, *(item.group for item in self.items)]):
            if (head := self.head(group)) is not None:
                self.draining = group
                return head
        return None

    def head(self, group: str | None) -> Item | None:
        """What a receive may take from a group: its earliest message, unless that is delayed or another receive holds the group."""
        mine = [item for item in self.items if item.group == group]
        if group != self.draining and any(item.in_flight for item in mine):
            return None
        earliest = next((item for item in mine if not item.in_flight), None)
        return None if earliest is None or earliest.hidden else earliest

    def set_delay(self, now: int, delay: int) -> None:
        self.settle(now)
        for item in self.items:
            if item.receives + item.before == 0:
                item.due = item.sent + delay
                item.hidden = item.due > now


class FairModel(StandardModel):
    """Quiet groups before noisy ones, by looking at everything each time."""

    def __init__(self, retention: int, in_flight_max: int) -> None:
        super().__init__(retention, in_flight_max)
        self.purge()

    def purge(self) -> None:
        super().purge()
        self.noisy: set[str | None] = set()
        self.last_sent: dict[str, int] = {}
        self.started = 0
        self.old: list[tuple[str | None, int]] = []
        self.new: list[tuple[str | None, int]] = []

    def send(self, now: int, delay: int, *, group: str | None, sent: int, enqueued: int, before: int) -> Item:
        item = super().send(now, delay, group=group, sent=sent, enqueued=enqueued, before=before)
        if group is not None:
            self.last_sent[group] = now
        return item

    def left_flight(self, item: Item) -> None:
        if item.in_flight and self.last_sent:
            self.turn_page()
            self.new.append((item.group, self.now - item.received))

    def turn_page(self) -> None:
        """The books of the last 2.5 to 5 minutes have two pages; the older one is torn out."""
        if self.now - self.started >= WINDOW_MS // 2:
            self.old, self.new = (self.new if self.now - self.started < WINDOW_MS else []), []
            self.started = self.now

    def settle(self, now: int) -> None:
        self.calm()
        super().settle(now)
        self.turn_page()
        self.calm()
        if not self.old + self.new and all(item.group is None for item in self.items):
            self.last_sent, self.started = {}, 0  # nobody is known, and no books are kept

    def is_noisy(self, group: str | None) -> bool:
        if group is None or self.now - self.last_sent[group] >= WINDOW_MS:
            return False
        if self.flying(group) >= NOISY_MESSAGES and self.flying(group) * 10 > self.in_flight:
            return True
        mine = [duration for name, duration in self.old + self.new if name == group]
        total = sum(duration for _, duration in self.old + self.new)
        return len(mine) >= NOISY_MESSAGES and sum(mine) * 10 > total

    def next(self) -> Item | None:
        self.calm()
        ready = sorted((item for item in self.items if not item.hidden), key=lambda item: item.place)
        for item in ready:  # the first of a quiet group must still be of one
            if item.group is not None and item.group not in self.noisy:
                if not self.is_noisy(item.group):
                    break
                self.noisy.add(item.group)
        quiet = [item for item in ready if item.group not in self.noisy]
        return quiet[0] if quiet else min(ready, key=lambda item: (self.flying(item.group), item.place), default=None)

    def flying(self, group: str | None) -> int:
        return sum(item.in_flight for item in self.items if item.group == group)

    def calm(self) -> None:
        """A group is quiet again without a backlog, or when nothing was sent to it for five minutes."""
        waiting = {item.group for item in self.items if not item.hidden}
        self.noisy = {name for name in self.noisy & waiting if self.now - self.last_sent[name] < WINDOW_MS}
