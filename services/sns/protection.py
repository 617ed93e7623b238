"""A topic's data protection policy at work: what is audited, masked or denied, of what is published and of what is delivered.

Several statements can apply to one message: one that denies wins; places that two statements would change are changed as the first
of them says. Which message is audited is no matter of chance here: the audit of `SampleRate` 25 takes the first message that it
sees, then every fourth, so that tests can count on it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.arns import parse_arn
from services.sns import errors, limits
from services.sns.data_identifiers import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Found = Mapping[str, Sequence[tuple[int, int]]]
    """The places in a text, by data identifier."""


class Arrival(NamedTuple):
    """One publish."""

    topic_arn: str
    message_id: str
    principal_arn: str
    """Who publishes."""

    timestamp: str
    """ISO 8601."""


class Principals(NamedTuple):
    """Whom a statement concerns: those named here, or, for NoPrincipal, everybody else."""

    names: frozenset[str]
    """`*` and ARNs."""

    accounts: frozenset[str]
    """All users and roles of an account, by its id or the ARN of its root."""

    others: bool

    def include(self, arn: str) -> bool:
        """Tell whether the statement concerns a user, a role or an account's root."""
        parsed = parse_arn(arn)
        account = None if parsed is None else parsed.account
        return ("*" in self.names or arn in self.names or account in self.accounts) is not self.others


class Audit(NamedTuple):
    """Operation Audit."""

    rate: int
    """Percent of the messages."""

    empty_findings: bool
    """Whether messages in which nothing was found are recorded, too: there is a NoFindingsDestination."""


class Mask(NamedTuple):
    """Operation Deidentify."""

    character: str
    """Put in place of each character found; empty text removes them."""


class Deny(NamedTuple):
    """Operation Deny."""


class Statement(NamedTuple):
    """One statement."""

    inbound: bool
    principals: Principals
    identifiers: tuple[str, ...]
    """By their last part, such as EmailAddress."""

    operation: Audit | Mask | Deny


@dataclass(slots=True, eq=False)
class Protection:
    """A data protection policy, compiled."""

    text: str
    """As it was given."""

    statements: tuple[Statement, ...]
    findings: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=limits.FINDINGS_MAX))
    """What audits found, the oldest first, as AWS writes it to the log."""

    _seen: int = 0
    """Messages that the audit statement concerned."""

    _last: tuple[str, str, str | None] = ("", "", "")
    """The last message, principal and answer of `outbound`."""

    def inbound(self, message: str, arrival: Arrival) -> str:
        """Give a published message as subscribers may have it, and audit it. Raises AuthorizationError where it is denied."""
        concerned = self._concerned(arrival.principal_arn, inbound=True)
        if not concerned:
            return message
        found = _search(message, concerned)
        denied = _denied(concerned, found)
        if denied:
            raise errors.sensitive_data(arrival.principal_arn, arrival.topic_arn, ", ".join(denied))
        for statement in concerned:
            if isinstance(statement.operation, Audit):
                self._audit(statement.operation, {name: found[name] for name in statement.identifiers}, arrival)
        return _masked(message, concerned, found)

    def mask(self, text: str, principal_arn: str) -> str:
        """Give one of the texts of a message that `inbound` let pass, as subscribers may have it."""
        concerned = self._concerned(principal_arn, inbound=True)
        return _masked(text, concerned, _search(text, concerned))

    def outbound(self, message: str, principal_arn: str) -> str | None:
        """Give a message as the subscriber `principal_arn` may have it, or None where its delivery is denied.

        The subscribers of one message mostly have one principal, so the last answer is kept for the next.
        """
        if self._last[:2] != (message, principal_arn):
            self._last = (message, principal_arn, self._outbound(message, principal_arn))
        return self._last[2]

    def _outbound(self, message: str, principal_arn: str) -> str | None:
        concerned = self._concerned(principal_arn, inbound=False)
        if not concerned:
            return message
        found = _search(message, concerned)
        return None if _denied(concerned, found) else _masked(message, concerned, found)

    def _concerned(self, principal_arn: str, *, inbound: bool) -> list[Statement]:
        return [
            statement
            for statement in self.statements
            if statement.inbound is inbound and statement.principals.include(principal_arn)
        ]

    def _audit(self, audit: Audit, found: Found, arrival: Arrival) -> None:
        before, self._seen = self._seen, self._seen + 1
        if _share(self._seen, audit.rate) == _share(before, audit.rate):
            return
        if audit.empty_findings or any(found.values()):
            self.findings.append(_finding(found, arrival))


def _share(messages: int, rate: int) -> int:
    """Tell how many of the first `messages` are audited: `rate` percent, rounded up."""
    return -(-messages * rate // 100)


def _search(text: str, statements: Iterable[Statement]) -> dict[str, list[tuple[int, int]]]:
    names = dict.fromkeys(name for statement in statements for name in statement.identifiers)
    return {name: find(name, text) for name in names}


def _denied(statements: Iterable[Statement], found: Found) -> list[str]:
    """Name the data identifiers for which a message is denied."""
    names = (
        name for statement in statements if isinstance(statement.operation, Deny) for name in statement.identifiers
    )
    return [name for name in dict.fromkeys(names) if found[name]]


def _masked(text: str, statements: Iterable[Statement], found: Found) -> str:
    places = sorted(
        (start, rank, end, statement.operation.character)
        for rank, statement in enumerate(statements)
        if isinstance(statement.operation, Mask)
        for name in statement.identifiers
        for start, end in found[name]
    )
    parts, last = [], 0
    for start, _, end, character in places:
        if end > last:
            parts += [text[last:start], character * (end - max(start, last))]
            last = end
    return "".join([*parts, text[last:]])


def _finding(found: Found, arrival: Arrival) -> dict[str, Any]:
    """Write a finding in the form of AWS's log: positions count characters from 0, the end is not included."""
    return {
        "messageId": arrival.message_id,
        "auditTimestamp": f"{arrival.timestamp[:19]}Z",
        "callerPrincipal": arrival.principal_arn,
        "resourceArn": arrival.topic_arn,
        "dataIdentifiers": [
            {
                "name": name,
                "count": len(spans),
                "detections": [{"start": start, "end": end} for start, end in spans[: limits.DETECTIONS_MAX]],
            }
            for name, spans in found.items()
            if spans
        ],
    }
