"""Partner event sources. The partner's side: CreatePartnerEventSource, DeletePartnerEventSource, DescribePartnerEventSource,
ListPartnerEventSources, ListPartnerEventSourceAccounts, PutPartnerEvents. The customer's: ActivateEventSource, DeactivateEventSource,
DescribeEventSource, ListEventSources; who accepts a source makes a bus of its name (CreateEventBus).

Here any account may be a partner, and one source is one object in the states of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import make_arn
from emulator.service import operation
from services.events import dispatch, errors, limits
from services.events.entries import check_members, not_authorized, put_each, read_detail
from services.events.event import make_event, time_text
from services.events.pages import page
from services.events.state import EventsState, home

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.clock import Clock
    from services.events.entries import Entry
    from services.events.state import EventsContext

PENDING, ACTIVE, DELETED = "PENDING", "ACTIVE", "DELETED"


@dataclass(slots=True, eq=False)
class PartnerSource:
    """One partner event source. It expires by being looked at, so that one that waits costs no timer."""

    name: str
    """`aws.partner/<partner>/<namespace>/<name>`"""

    arn: str
    account: str
    """To whom it was offered."""

    region: str
    created_ms: int
    clock: Clock
    expires_ms: int
    """When it ends if it is pending then."""

    matched: bool = False
    """Whether it was accepted: the customer has a bus of its name."""

    last_state: str = PENDING
    """What was last done to it; `state` knows of the time as well."""

    @property
    def state(self) -> str:
        """Tell whether events get through (ACTIVE), wait for the customer's consent (PENDING), or there will be none any more (DELETED)."""
        if self.last_state == PENDING and self.clock.now_ms() >= self.expires_ms:
            return DELETED
        return self.last_state

    @property
    def gone(self) -> bool:
        """Whether it has ended and nobody is to see it any more: a customer who has a bus of it sees that it is DELETED."""
        return self.state == DELETED and not self.matched

    def accept(self) -> None:
        """Match it with a bus that is being made. Raises ResourceNotFoundException, InvalidStateException."""
        if self.gone:
            raise errors.no_event_source(self.name)
        if self.matched or self.state != PENDING:
            raise errors.event_source_state(self.name, self.state)
        self.matched, self.last_state = True, ACTIVE

    def release(self) -> None:
        """Part it from its bus, which was deleted; it can be accepted again."""
        if self.matched:
            self.matched = False
            if self.state != DELETED:
                self.wait()

    def wait(self) -> None:
        """Make it pending, for two weeks at most."""
        self.last_state, self.expires_ms = PENDING, self.clock.now_ms() + limits.EVENT_SOURCE_PENDING_MAX_MS


class NameRequest(TypedDict):
    """Any request about one source."""

    Name: str


class PartnerSourceRequest(NameRequest):
    """CreatePartnerEventSource, DeletePartnerEventSource. The account is the customer's."""

    Account: str


class PageRequest(TypedDict, total=False):
    """Any list."""

    NextToken: str
    Limit: int


class ListSourcesRequest(PageRequest, total=False):
    """ListPartnerEventSources, ListEventSources."""

    NamePrefix: str


class ListAccountsRequest(PageRequest, total=False):
    """ListPartnerEventSourceAccounts."""

    EventSourceName: str


class PutPartnerEventsRequest(TypedDict):
    """PutPartnerEvents. The Source of an entry is the name of a source of the caller's."""

    Entries: list[Entry]


def _live(sources: dict[str, PartnerSource]) -> dict[str, PartnerSource]:
    """Drop the sources that are gone."""
    for name in [name for name, source in sources.items() if source.gone]:
        del sources[name]
    return sources


def _find(sources: dict[str, PartnerSource], name: str) -> PartnerSource:
    """Find a source by name. Raises ResourceNotFoundException."""
    source = _live(sources).get(name)
    if source is None:
        raise errors.no_event_source(name)
    return source


def _with_prefix(sources: dict[str, PartnerSource], prefix: str) -> Iterable[PartnerSource]:
    return (source for source in _live(sources).values() if source.name.startswith(prefix))


# The partner's side.


@operation("CreatePartnerEventSource")
def create_partner_event_source(ctx: EventsContext, request: PartnerSourceRequest) -> dict[str, Any]:
    """Offer events to an account. A name is for one account only, whoever has given it. Raises ResourceAlreadyExistsException."""
    name, account = request["Name"], request["Account"]
    if any(_has(state.partner_sources, name) for state in _states(ctx)):
        raise errors.event_source_exists(name)
    source = PartnerSource(
        name=name,
        arn=make_arn("events", ctx.region, "", f"event-source/{name}"),
        account=account,
        region=ctx.region,
        created_ms=ctx.now_ms,
        clock=ctx.emulator.clock,
        expires_ms=ctx.now_ms + limits.EVENT_SOURCE_PENDING_MAX_MS,
    )
    ctx.state.partner_sources[name] = source
    ctx.state_of(account, ctx.region).event_sources[name] = source
    return {"EventSourceArn": source.arn}


def _states(ctx: EventsContext) -> list[EventsState]:
    """List the states of all accounts in the caller's region."""
    states = ctx.emulator.storage.states("events")
    return [state for state in states if isinstance(state, EventsState) and state.region == ctx.region]


def _has(sources: dict[str, PartnerSource], name: str) -> bool:
    source = sources.get(name)
    return source is not None and source.state != DELETED


@operation("DeletePartnerEventSource")
def delete_partner_event_source(ctx: EventsContext, request: PartnerSourceRequest) -> None:
    """End a source. A customer who has accepted it sees that it is DELETED; one that is not there is no error."""
    source = ctx.state.partner_sources.get(request["Name"])
    if source is None or source.account != request["Account"]:
        return
    source.last_state = DELETED
    del ctx.state.partner_sources[source.name]
    customer = ctx.find_state(source.account, source.region)
    if customer is not None:
        _live(customer.event_sources)


@operation("DescribePartnerEventSource")
def describe_partner_event_source(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Show a source that the caller offers. Raises ResourceNotFoundException."""
    source = _find(ctx.state.partner_sources, request["Name"])
    return {"Arn": source.arn, "Name": source.name}


@operation("ListPartnerEventSources")
def list_partner_event_sources(ctx: EventsContext, request: ListSourcesRequest) -> dict[str, Any]:
    """List the sources that the caller offers, by name."""
    found = _with_prefix(ctx.state.partner_sources, request["NamePrefix"])
    items = ((source.name, {"Arn": source.arn, "Name": source.name}) for source in found)
    shown, token = page(items, request.get("NextToken"), request.get("Limit"))
    return {"PartnerEventSources": shown, "NextToken": token}


@operation("ListPartnerEventSourceAccounts")
def list_partner_event_source_accounts(ctx: EventsContext, request: ListAccountsRequest) -> dict[str, Any]:
    """Tell to whom a source was offered, and what became of that. Raises ResourceNotFoundException."""
    source = _find(ctx.state.partner_sources, request["EventSourceName"])
    item = {"Account": source.account, **_life(source)}
    shown, token = page([(source.account, item)], request.get("NextToken"), request.get("Limit"))
    return {"PartnerEventSourceAccounts": shown, "NextToken": token}


def _life(source: PartnerSource) -> dict[str, Any]:
    """Describe when a source was made, what it is now, and, of one that is pending, when it will end."""
    life: dict[str, Any] = {"CreationTime": source.created_ms, "State": source.state}
    if source.state == PENDING:
        life["ExpirationTime"] = source.expires_ms
    return life


@operation("PutPartnerEvents")
def put_partner_events(ctx: EventsContext, request: PutPartnerEventsRequest) -> dict[str, Any]:
    """Put up to 20 events on the buses of those who have accepted their sources; those of a source that is pending are dropped.

    An entry that is not good fails alone. Raises ValidationException.
    """
    return put_each(request["Entries"], lambda entry: _put(ctx, entry))


def _put(ctx: EventsContext, entry: Entry) -> str:
    """Check an entry and put its event on its bus; the event's id."""
    check_members(entry)
    source = _live(ctx.state.partner_sources).get(entry["Source"])
    if source is None:
        raise not_authorized()
    detail = read_detail(entry)
    event_id = ctx.emulator.ids.uuid()
    if source.state == ACTIVE:
        _send(ctx, source, entry, event_id, detail)
    return event_id


def _send(ctx: EventsContext, source: PartnerSource, entry: Entry, event_id: str, detail: dict[str, Any]) -> None:
    """Put an event on the customer's bus. Its account is the customer's, and X-Ray does not trace it."""
    bus = home(ctx.emulator, source.account, source.region).buses.get(source.name)
    if bus is None:
        return
    time_ms = entry.get("Time", ctx.now_ms) // 1000 * 1000
    event = make_event(
        event_id=event_id,
        source=source.name,
        detail_type=entry["DetailType"],
        detail=detail,
        account=source.account,
        region=source.region,
        time_ms=time_ms,
        time_text=time_text(time_ms),
        resources=entry.get("Resources", []),
        received_ms=ctx.now_ms,
    )
    dispatch.accept(ctx.emulator, bus, event)


# The customer's side.


@operation("ActivateEventSource")
def activate_event_source(ctx: EventsContext, request: NameRequest) -> None:
    """Let the events of a deactivated source through again. Raises ResourceNotFoundException, InvalidStateException."""
    source = _find(ctx.state.event_sources, request["Name"])
    if source.state != PENDING or not source.matched:
        raise errors.event_source_state(source.name, source.state)
    source.last_state = ACTIVE


@operation("DeactivateEventSource")
def deactivate_event_source(ctx: EventsContext, request: NameRequest) -> None:
    """Keep the events of a source out; after two weeks it is deleted. Raises ResourceNotFoundException, InvalidStateException."""
    source = _find(ctx.state.event_sources, request["Name"])
    if source.state != ACTIVE:
        raise errors.event_source_state(source.name, source.state)
    source.wait()


@operation("DescribeEventSource")
def describe_event_source(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Show a source that is offered to the caller. Raises ResourceNotFoundException."""
    return _show(_find(ctx.state.event_sources, request["Name"]))


@operation("ListEventSources")
def list_event_sources(ctx: EventsContext, request: ListSourcesRequest) -> dict[str, Any]:
    """List the sources that are offered to the caller, by name."""
    found = _with_prefix(ctx.state.event_sources, request.get("NamePrefix", ""))
    shown, token = page(
        ((source.name, _show(source)) for source in found), request.get("NextToken"), request.get("Limit")
    )
    return {"EventSources": shown, "NextToken": token}


def _show(source: PartnerSource) -> dict[str, Any]:
    """Describe a source as its customer sees it; the second part of a name is the partner's."""
    return {"Arn": source.arn, "CreatedBy": source.name.split("/")[1], "Name": source.name, **_life(source)}
