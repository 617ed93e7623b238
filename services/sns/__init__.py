"""Amazon SNS: all 42 operations over the query protocol.

Where to find what: topics.py, subscriptions.py, publish.py, permissions.py, tags.py, data_protection.py, applications.py, endpoints.py,
sms.py, sandbox.py hold the operations; topic_attributes.py, subscription_attributes.py, delivery_policy.py, policies.py and
protocols.py the rules of what may be set; payload.py what a message may be. A published message goes publish.py -> routes.py (who
wants it; filters.py) -> fanout.py (one function per protocol; http_deliver.py) -> the router; message.py writes it, signing.py signs
it. roster.py keeps the books of subscriptions, confirmations.py asks endpoints, archives.py archives and replays, deliver.py takes
what comes through the router, lookups.py shows what was captured, explain.py says why a filter policy lets a message through or not.
AWS's words are in errors.py, its numbers in limits.py.

What is not emulated: refusals by policy (also a queue's), throttling, KMS, delivery status logs, metrics, prices and spending limits.
"""

from emulator.service import Service
from services.sns import (
    applications,
    data_protection,
    endpoints,
    lookups,
    names,
    permissions,
    publish,
    sandbox,
    sms,
    subscriptions,
    tags,
    topics,
)
from services.sns.deliver import deliver
from services.sns.explain import explain_subscriptions
from services.sns.state import SnsState

SERVICE = Service(
    name="sns",
    modules=(
        topics,
        subscriptions,
        publish,
        permissions,
        tags,
        data_protection,
        applications,
        endpoints,
        sms,
        sandbox,
    ),
    new_state=SnsState,
    protocols=("query",),
    hosts=("sns",),
    amend=names.amend,
    routes={lookups.PATH: lookups.look_up},
    deliver=deliver,
    explain=explain_subscriptions,
)
