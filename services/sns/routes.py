"""Who of a topic's subscribers gets a message. Filter policies are compiled when they are set; a message's cost grows with the
subscribers that want it, not with those that exist.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.pattern.index import Index
from services.sns import filters

if TYPE_CHECKING:
    from services.sns.message import Notification
    from services.sns.state import Subscription


class Routes:
    """The confirmed subscriptions of one topic, by what their filter policies look at."""

    def __init__(self) -> None:
        self._all: dict[Subscription, None] = {}
        self._by_attributes: Index[Subscription] = Index()
        self._by_body: dict[str, Index[Subscription]] = {}
        """By protocol, since a message may have a text for each."""

    def add(self, subscription: Subscription) -> None:
        """Let a subscription have messages, by the filter policy that it has now."""
        self.discard(subscription)
        if subscription.pattern is None:
            self._all[subscription] = None
        elif subscription.scope == "MessageBody":
            self._by_body.setdefault(subscription.protocol, Index()).add(subscription, subscription.pattern)
        else:
            self._by_attributes.add(subscription, subscription.pattern)

    def discard(self, subscription: Subscription) -> None:
        """Take a subscription out."""
        self._all.pop(subscription, None)
        self._by_attributes.discard(subscription)
        for index in self._by_body.values():
            index.discard(subscription)

    def select(self, notification: Notification) -> list[Subscription]:
        """List who gets a message."""
        chosen = list(self._all)
        if self._by_attributes:
            seen = filters.attribute_fields(notification.attributes)
            matching = self._by_attributes.match(seen.fields)
            if seen.broken:
                matching = [each for each in matching if each.pattern and not each.pattern.paths & seen.broken]
            chosen += matching
        for protocol, index in self._by_body.items():
            if index:
                fields = filters.body_fields(notification.text(protocol), index.interest)
                if fields is not None:
                    chosen += index.match(fields)
        return chosen
