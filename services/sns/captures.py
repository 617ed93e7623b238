"""What SNS would have sent to people and devices: kept to be looked at (lookups.py), never sent.

Items are dicts in LocalStack's shapes; a member that an item lacks is shown as null, and one that it has more is shown as well.
- text message: PhoneNumber, TopicArn, SubscriptionArn, MessageId, Message, MessageAttributes, MessageStructure, Subject
- push message: TargetArn, TopicArn, Message, MessageAttributes, MessageStructure, Subject, MessageId
- e-mail: Endpoint, Protocol, TopicArn, SubscriptionArn, MessageId, Type, Subject, Message, Timestamp (LocalStack has none)
"""

from __future__ import annotations

from collections import deque
from typing import Any

from services.sns import limits

Item = dict[str, Any]


class Shelf:
    """What was captured of one kind, the oldest first; bounded, so that the oldest go. `members` are what each item has at least."""

    def __init__(self, owner: str, members: tuple[str, ...]) -> None:
        """Group the items by their member `owner`: a phone number, an endpoint's ARN, an e-mail address."""
        self._owner = owner
        self._members = members
        self._items: deque[Item] = deque(maxlen=limits.CAPTURES_MAX)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item) -> None:
        """Keep an item."""
        self._items.append({**dict.fromkeys(self._members), **item})

    def find(self, owner: str | None = None) -> dict[str, list[Item]]:
        """List the items by owner; those of one owner, who may have none, where one is given."""
        found: dict[str, list[Item]] = {} if owner is None else {owner: []}
        for item in self._items:
            if owner is None or item[self._owner] == owner:
                found.setdefault(item[self._owner], []).append(item)
        return found

    def clear(self, owner: str | None = None) -> None:
        """Forget all items, or those of one owner."""
        kept = [] if owner is None else [item for item in self._items if item[self._owner] != owner]
        self._items.clear()
        self._items.extend(kept)


class Captures:
    """Text messages, push messages and e-mails of one account and region."""

    def __init__(self) -> None:
        common = ("Message", "MessageAttributes", "MessageStructure", "Subject")
        self.sms = Shelf("PhoneNumber", ("PhoneNumber", "TopicArn", "SubscriptionArn", "MessageId", *common))
        self.push = Shelf("TargetArn", ("TargetArn", "TopicArn", *common, "MessageId"))
        letter = ("Endpoint", "Protocol", "TopicArn", "SubscriptionArn", "MessageId")
        self.emails = Shelf("Endpoint", (*letter, "Type", "Subject", "Message", "Timestamp"))

    def add_sms(self, item: Item) -> None:
        """Keep a text message."""
        self.sms.add(item)

    def add_push(self, item: Item) -> None:
        """Keep a push message."""
        self.push.add(item)

    def add_email(self, item: Item) -> None:
        """Keep an e-mail."""
        self.emails.add(item)
