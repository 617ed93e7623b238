"""Topics: CreateTopic, DeleteTopic, ListTopics, GetTopicAttributes, SetTopicAttributes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emulator.arns import make_arn
from emulator.service import operation
from services.sns import data_protection, errors, limits, topic_attributes
from services.sns.pages import page
from services.sns.policies import default_policy
from services.sns.roster import forget, sweep
from services.sns.state import Topic, find_topic, seek_topic
from services.sns.tags import check_tags

if TYPE_CHECKING:
    from services.sns.requests import (
        CreateTopicRequest,
        PageRequest,
        SetTopicAttributesRequest,
        TopicRequest,
    )
    from services.sns.state import SnsContext

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}\.fifo")
_IN_CREATE = "Attributes Reason: "


@operation("CreateTopic")
def create_topic(ctx: SnsContext, request: CreateTopicRequest) -> dict[str, Any]:
    """Create a topic, or find the one of this name when all that is given is as it has it.

    Raises InvalidParameter, TopicLimitExceeded, TagLimitExceeded.
    """
    name = request.get("Name")
    if name is None:
        raise errors.missing("name")
    given, tags = request.get("Attributes", {}), check_tags(request.get("Tags", []))
    protection = request.get("DataProtectionPolicy")
    topic = _draft(ctx, name, given)
    values = {key: _check(topic, key, value) for key, value in given.items()}
    parsed = data_protection.parse_protection(protection) if protection else None
    if topic.fifo and parsed is not None:
        raise errors.invalid_parameter("DataProtectionPolicy Reason: not supported for FIFO topics")
    state = ctx.state
    existing = state.topics.get(name)
    if existing is not None:
        _compare(existing, values, tags if request.get("Tags") else None)
        return {"TopicArn": existing.arn}
    full = len(state.topics) >= limits.TOPICS_MAX or (topic.fifo and state.fifo_topics >= limits.FIFO_TOPICS_MAX)
    if full and ctx.emulator.settings.quotas:
        raise errors.topic_limit_exceeded()
    topic.tags = tags
    topic.protection = parsed
    for key, value in values.items():
        topic_attributes.store(ctx.emulator, topic, key, value)
    if not topic.fifo and not state.topics and not ctx.emulator.certificate.made:
        # The first message would have to wait for the key.
        ctx.emulator.tasks.start("make the signing key", ctx.emulator.certificate.prepare())
    state.topics[name] = topic
    state.fifo_topics += topic.fifo
    return {"TopicArn": topic.arn}


def _draft(ctx: SnsContext, name: str, given: dict[str, str]) -> Topic:
    """Make a topic without attributes, of the kind that its name and FifoTopic say in one voice."""
    fifo = given.get("FifoTopic", "").lower() == "true"
    if (_FIFO_NAME if fifo else _NAME).fullmatch(name) is None:
        raise errors.invalid_parameter("Topic Name")
    arn = make_arn("sns", ctx.region, ctx.account, name)
    topic = Topic(name, ctx.account, ctx.region, arn, fifo, ctx.now_ms)
    topic_attributes.apply(topic)
    return topic


def _check(topic: Topic, name: str, value: str) -> str:
    if name not in topic_attributes.CHECKS:
        raise errors.invalid_parameter(f"{_IN_CREATE}Unknown attribute {name}")
    return topic_attributes.check(topic, name, value, _IN_CREATE)


def _compare(topic: Topic, values: dict[str, str], tags: dict[str, str] | None) -> None:
    """Check that an existing topic is as CreateTopic says."""
    defaults = {"Policy": default_policy(topic.arn, topic.account)}
    if topic.fifo:
        defaults["ContentBasedDeduplication"] = "false"
    for name, value in values.items():
        if name not in topic_attributes.FIXED and topic.attributes.get(name, defaults.get(name, "")) != value:
            raise errors.invalid_parameter(f"{_IN_CREATE}Topic already exists with different attributes")
    if tags is not None and tags != topic.tags:
        raise errors.invalid_parameter("Tags Reason: Topic already exists with different tags")


@operation("DeleteTopic")
def delete_topic(ctx: SnsContext, request: TopicRequest) -> None:
    """Delete a topic and its subscriptions; one that is not there is no error. Raises InvalidParameter, InvalidState."""
    topic = seek_topic(ctx, request.get("TopicArn"))
    if topic is None:
        return
    if "ArchivePolicy" in topic.attributes:
        raise errors.archive_is_active(topic.arn)
    state = ctx.state_of(topic.account, topic.region)
    for subscription in list(topic.subscriptions.values()):
        forget(ctx.emulator, subscription, "the topic was deleted")
    del state.topics[topic.name]
    state.fifo_topics -= topic.fifo


@operation("ListTopics")
def list_topics(ctx: SnsContext, request: PageRequest) -> dict[str, Any]:
    """List the topics of the account in the region, 100 at a time, by name."""
    topics = sorted((topic.name, {"TopicArn": topic.arn}) for topic in ctx.state.topics.values())
    shown, token = page(topics, request.get("NextToken"), limits.PAGE_MAX)
    return {"Topics": shown, "NextToken": token}


@operation("GetTopicAttributes")
def get_topic_attributes(ctx: SnsContext, request: TopicRequest) -> dict[str, Any]:
    """Show all attributes of a topic. Raises NotFound, InvalidParameter."""
    topic = find_topic(ctx, request.get("TopicArn"))
    sweep(ctx.emulator, topic, ctx.now_ms)
    return {"Attributes": topic_attributes.show(topic, ctx.now_ms)}


@operation("SetTopicAttributes")
def set_topic_attributes(ctx: SnsContext, request: SetTopicAttributesRequest) -> None:
    """Set one attribute, or unset it with empty text or none. Raises NotFound, InvalidParameter."""
    topic = find_topic(ctx, request.get("TopicArn"))
    name = request.get("AttributeName")
    if name is None:
        raise errors.missing("attributeName")
    if name not in topic_attributes.CHECKS or name in topic_attributes.FIXED:
        raise errors.invalid_parameter("AttributeName")
    sweep(ctx.emulator, topic, ctx.now_ms)
    value = topic_attributes.check(topic, name, request.get("AttributeValue", ""))
    topic_attributes.store(ctx.emulator, topic, name, value)
