"""Tags of topics: TagResource, UntagResource, ListTagsForResource, and what CreateTopic checks of its own.

Source: the API pages, "Amazon SNS topic tagging", and AWS's rules for tags in general.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

from emulator.service import operation
from services.sns import errors, limits
from services.sns.state import seek_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.sns.requests import Tag
    from services.sns.state import SnsContext, Topic

_TEXT = re.compile(r"(?:[\w.:/=+@-]|[^\S\t\n\v\f\r\x1c-\x1f\x85])*")
"""Letters, digits, signs and Unicode's separators, which are Python's white space without the control characters."""


class ResourceRequest(TypedDict, total=False):
    """ListTagsForResource."""

    ResourceArn: str


class TagResourceRequest(ResourceRequest, total=False):
    """TagResource."""

    Tags: list[Tag]


class UntagResourceRequest(ResourceRequest, total=False):
    """UntagResource."""

    TagKeys: list[str]


def check_tags(tags: Sequence[Tag], current: Mapping[str, str] | None = None) -> dict[str, str]:
    """Add tags to those that a topic has; a known key gets a new value, a missing value is empty.

    Raises ValidationError, InvalidParameter, TagLimitExceeded.
    """
    new: dict[str, str] = {}
    for number, tag in enumerate(tags, 1):
        place = f"tags.{number}.member"
        key, value = tag.get("Key"), tag.get("Value", "")
        if key is None:
            raise errors.missing(f"{place}.key")
        _check_key(key, f"{place}.key")
        _check_text(value, f"{place}.value", limits.TAG_VALUE_MAX_CHARS)
        new[key] = value
    if len(new) < len(tags):
        raise errors.duplicate_tags()
    merged = {**(current or {}), **new}
    if len(merged) > limits.TAGS_MAX:
        raise errors.tag_limit_exceeded()
    return merged


def _check_key(key: str, member: str) -> None:
    if not key:
        raise errors.validation_error(key, member, "Member must have length greater than or equal to 1")
    _check_text(key, member, limits.TAG_KEY_MAX_CHARS)
    if key.lower().startswith("aws:"):
        raise errors.reserved_tag()


def _check_text(text: str, member: str, chars_max: int) -> None:
    if len(text) > chars_max:
        raise errors.validation_error(text, member, f"Member must have length less than or equal to {chars_max}")
    if not _TEXT.fullmatch(text):
        raise errors.bad_tag_text(member.rpartition(".")[2])


@operation("TagResource")
def tag_resource(ctx: SnsContext, request: TagResourceRequest) -> dict[str, Any]:
    """Add tags. Raises ValidationError, InvalidParameter, ResourceNotFound, TagLimitExceeded, AuthorizationError."""
    topic = _own_topic(ctx, request.get("ResourceArn"), "TagResource")
    tags = request.get("Tags")
    if tags is None:
        raise errors.missing("tags")
    topic.tags = check_tags(tags, topic.tags)
    return {}


@operation("UntagResource")
def untag_resource(ctx: SnsContext, request: UntagResourceRequest) -> dict[str, Any]:
    """Take tags away; unknown keys are passed over. Raises ValidationError, ResourceNotFound, AuthorizationError."""
    topic = _own_topic(ctx, request.get("ResourceArn"), "UntagResource")
    keys = request.get("TagKeys")
    if keys is None:
        raise errors.missing("tagKeys")
    topic.tags = {key: value for key, value in topic.tags.items() if key not in keys}
    return {}


@operation("ListTagsForResource")
def list_tags_for_resource(ctx: SnsContext, request: ResourceRequest) -> dict[str, Any]:
    """List the tags, in the order in which they were added. Raises ValidationError, ResourceNotFound, AuthorizationError."""
    topic = _own_topic(ctx, request.get("ResourceArn"), "ListTagsForResource")
    return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}


def _own_topic(ctx: SnsContext, arn: str | None, action: str) -> Topic:
    """Find a topic of the caller's. No policy of a topic can open its tags to another account (policies.ALLOWED_ACTIONS)."""
    topic = seek_topic(ctx, arn, "ResourceArn")
    if topic is None:
        raise errors.resource_not_found()
    if topic.account != ctx.account:
        raise errors.not_the_owner(action, ctx.account, topic.arn)
    return topic
