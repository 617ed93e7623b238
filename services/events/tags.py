"""Tags of event buses and rules: TagResource, UntagResource, ListTagsForResource, and what CreateEventBus and PutRule check of their own.

Nothing else of EventBridge has tags. Source: the API pages, and AWS's rules for tags in general.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from emulator.arns import parse_arn
from emulator.service import operation
from services.events import errors, limits
from services.events.state import DEFAULT_BUS, Rule, bus_by_arn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emulator.arns import Arn
    from services.events.state import Bus, EventsContext


class ResourceRequest(TypedDict):
    """ListTagsForResource."""

    ResourceARN: str


class TagResourceRequest(ResourceRequest):
    """TagResource."""

    Tags: list[dict[str, str]]


class UntagResourceRequest(ResourceRequest):
    """UntagResource."""

    TagKeys: list[str]


def check_tags(tags: Sequence[Mapping[str, str]], current: Mapping[str, str] | None = None) -> dict[str, str]:
    """Add tags (`Key` and `Value`) to those that a resource has; a known key gets a new value. Raises ValidationException."""
    new = {tag["Key"]: tag["Value"] for tag in tags}
    if len(new) < len(tags):
        raise errors.duplicate_tags()
    if any(key.lower().startswith("aws:") for key in new):
        raise errors.reserved_tag()
    merged = {**(current or {}), **new}
    if len(merged) > limits.TAGS_MAX:
        raise errors.too_many_tags()
    return merged


@operation("TagResource")
def tag_resource(ctx: EventsContext, request: TagResourceRequest) -> dict[str, Any]:
    """Add tags. Raises ResourceNotFoundException, ManagedRuleException, ValidationException."""
    resource = _changeable(ctx, request["ResourceARN"])
    resource.tags = check_tags(request["Tags"], resource.tags)
    return {}


@operation("UntagResource")
def untag_resource(ctx: EventsContext, request: UntagResourceRequest) -> dict[str, Any]:
    """Take tags away; unknown keys are passed over. Raises ResourceNotFoundException, ManagedRuleException, ValidationException."""
    resource = _changeable(ctx, request["ResourceARN"])
    keys = request["TagKeys"]
    resource.tags = {key: value for key, value in resource.tags.items() if key not in keys}
    return {}


@operation("ListTagsForResource")
def list_tags_for_resource(ctx: EventsContext, request: ResourceRequest) -> dict[str, Any]:
    """List the tags, in the order in which they were added. Raises ResourceNotFoundException, ValidationException."""
    resource = _find(ctx, request["ResourceARN"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in resource.tags.items()]}


def _changeable(ctx: EventsContext, text: str) -> Bus | Rule:
    """Find what is to get other tags. The tags of rules that AWS manages are AWS's, and there is no force here."""
    resource = _find(ctx, text)
    if isinstance(resource, Rule) and resource.managed_by is not None:
        raise errors.managed_rule(resource.name)
    return resource


def _find(ctx: EventsContext, text: str) -> Bus | Rule:
    """Find a bus or rule of this region; a bus's policy can open those of another account, so whose it is does not matter."""
    arn = parse_arn(text)
    if arn is None or arn.service != "events":
        raise errors.not_valid("ResourceARN", "Provided Arn is not in correct format.")
    kind, _, rest = arn.resource.partition("/")
    if kind not in ("event-bus", "rule") or not rest:
        raise errors.no_resource(text)
    # The name of a partner's bus has slashes, that of a rule has none.
    bus_name, _, rule_name = ("", "", "") if kind == "event-bus" else rest.rpartition("/")
    bus_name = rest if kind == "event-bus" else bus_name or DEFAULT_BUS
    bus = _bus(ctx, arn, bus_name)
    if bus is None:
        raise errors.no_bus(bus_name)
    if kind == "event-bus":
        return bus
    rule = bus.rules.get(rule_name)
    if rule is None:
        raise errors.no_rule(rule_name, bus_name)
    return rule


def _bus(ctx: EventsContext, arn: Arn, name: str) -> Bus | None:
    if arn.region != ctx.region:
        return None
    return bus_by_arn(ctx.emulator, arn._replace(resource=f"event-bus/{name}"))
