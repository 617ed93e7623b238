"""Amazon SNS."""

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
)
