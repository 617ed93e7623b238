"""Amazon EventBridge: all 57 operations of the `events` model, over AWS JSON 1.1.

Where to find what: buses.py, permissions.py, rules.py, targets.py, put_events.py, archives.py, replays.py, connections.py, destinations.py,
partners.py, endpoints.py, tags.py hold the operations. An event goes put_events.py -> dispatch.py (which rules match) -> delivery.py (one
target after the other, on the terms of its retry policy) -> the router; api_call.py, oauth.py and outgoing.py are API destinations;
schedules.py fires rules by the clock; deliver.py takes what another bus sends; explain.py says why a rule does not match; lookups.py shows
log groups and the next firings. AWS's words are in errors.py, its numbers in limits.py. What a pattern means is emulator/pattern's.

What is not emulated: refusals by policy, throttling, KMS, CloudWatch metrics and logs of buses, schema discovery, VPC connectivity,
failover of global endpoints, events about the states of connections. Services that Eventyard does not run cannot be reached: what goes
there is shown as an undeliverable delivery with its final input, retried and dead-lettered.
"""

from emulator.service import Service
from services.events import (
    archives,
    buses,
    connections,
    destinations,
    endpoints,
    lookups,
    partners,
    permissions,
    put_events,
    replays,
    rules,
    tags,
    targets,
)
from services.events.deliver import deliver
from services.events.explain import explain_rules
from services.events.state import EventsState

SERVICE = Service(
    name="events",
    modules=(
        buses,
        permissions,
        rules,
        targets,
        put_events,
        archives,
        replays,
        connections,
        destinations,
        partners,
        endpoints,
        tags,
    ),
    new_state=EventsState,
    namespace="com.amazonaws.events",
    hosts=("events",),
    constrained=True,
    routes={lookups.PATH: lookups.look_up},
    deliver=deliver,
    explain=explain_rules,
)
