"""ARNs of topics: an extension of ours, in the form that Amazon MSK gives them, so that a rule's target or a subscription can name a topic.

`arn:aws:kafka:<region>:<account>:topic/<cluster name>/<cluster uuid>/<topic>`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.arns import make_arn

if TYPE_CHECKING:
    from emulator.arns import Arn
    from services.kafka.state import Cluster

CLUSTER_NAME = "eventyard"


def topic_arn(cluster: Cluster, topic: str) -> str:
    """Write the ARN of a topic; MSK ends a cluster's uuid with a number."""
    settings = cluster.settings
    resource = f"topic/{CLUSTER_NAME}/{cluster.uuid}-1/{topic}"
    return make_arn("kafka", settings.region, settings.account_id, resource)


def topic_of(arn: Arn) -> str | None:
    """Read the topic's name out of an ARN. There is one cluster here, so its name, uuid, account and region may be any."""
    parts = arn.resource.split("/")
    return parts[3] if len(parts) == 4 and parts[0] == "topic" else None
