"""Subscriptions by regular expression: RE2's syntax, matched in linear time, against names of topics as a whole."""

from __future__ import annotations

import random
import re

import pytest

from services.kafka.groups.re2 import InvalidRegexError, Regex
from tests.support.kafka_acls import DESCRIBE, GROUP, create, creation, guarded, somebody
from tests.support.kafka_broker import KafkaHarness
from tests.support.kafka_classic import make_topic
from tests.support.kafka_consumer import INVALID_REGULAR_EXPRESSION, Consumer, at_once, group_of, settle

PATTERN = "SubscribedTopicRegex"


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("orders", "orders", True),
        ("orders", "orders-1", False),
        ("orders.*", "orders-1", True),
        ("^orders$", "orders", True),
        ("a|b", "b", True),
        ("(a|b)+", "abba", True),
        ("(?:ab){2,3}", "abab", True),
        ("(?:ab){2,3}", "ab", False),
        ("a{2,}", "aaa", True),
        ("a{,2}", "a{,2}", True),
        ("[^a-c.]+", "xyz", True),
        ("[^a-c.]+", "a", False),
        ("[]a]+", "a]", True),
        ("[a-]+", "-a", True),
        ("[[:digit:][:upper:]_]+", "A_1", True),
        (r"\d+\.\w+", "12.x_", True),
        (r"\D+", "12", False),
        (r"[\d.]+", "1.2", True),
        (r"\pL+", "abc", True),
        (r"\P{Lu}+", "aBc", False),
        ("(?i)ORDERS", "orders", True),
        ("(?i:ORD)ERS", "ordERS", True),
        ("(?i:ORD)ERS", "orders", False),
        (r"\Qa.b\E+", "a.bb", True),
        (r"\Qa.b\E", "axb", False),
        (r"\x61\x{62}", "ab", True),
        (r"a\b-\Bb?", "a-", True),
        ("a.*?b", "axxb", True),
        ("(?P<name>a)(?<other>b)", "ab", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_a_pattern_matches_as_in_re2(pattern: str, text: str, matches: bool) -> None:
    assert Regex(pattern).matches(text) is matches


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected )"),
        ("[a", "missing closing ]: `[a`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a++", "invalid nested repetition operator: `++`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("((a{100}){100}){100}", "invalid repeat count: `{100}`"),
        ("a{2,1}", "invalid repeat count: `{2,1}`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?<!a)", "invalid or unsupported Perl syntax: `(?<`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        ("[z-a]", "invalid character class range: `[z-a`"),
        ("[[:foo:]]", "invalid character class range: `[:foo:]`"),
        ("a\\", "trailing backslash at end of expression"),
        ("(?P<x>a)(?P<x>b)", "duplicate capture group name: `x`"),
    ],
)
def test_what_re2_lacks_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(InvalidRegexError) as refused:
        Regex(pattern)
    assert str(refused.value) == words


@pytest.mark.parametrize("pattern", ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)(.*)(.*)(.*)b", "((a?){200}){5}b"])
def test_a_pattern_that_takes_others_for_ever_is_answered_at_once(pattern: str) -> None:
    assert not Regex(pattern).matches("a" * 249)


def test_an_expression_that_grows_too_large_is_refused() -> None:
    with pytest.raises(InvalidRegexError, match="expression too large"):
        Regex("(abcdefghijklmnopqrstuvwxyz){999}")


@pytest.mark.parametrize("seed", range(20))
def test_patterns_match_as_pythons_do(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    pieces = ["a", "b", ".", "-", "|", "(", ")", "*", "+", "?", "[ab]", "[^a]", r"\w", r"\.", "^", "$", r"\b", "(?:"]
    for _ in range(1000):
        pattern = "".join(chance.choices(pieces, k=chance.randint(1, 9)))
        try:
            ours, theirs = Regex(pattern), re.compile(pattern)
        except (InvalidRegexError, re.error):
            continue  # they differ in what they take: `a++`, `^*`
        for _ in range(5):
            text = "".join(chance.choices("ab.-", k=chance.randint(0, 6)))
            assert ours.matches(text) is (theirs.fullmatch(text) is not None), (pattern, text)


def test_topics_that_match_are_assigned(kafka: KafkaHarness) -> None:
    topic_id = make_topic(kafka, "orders-eu", 2)
    make_topic(kafka, "payments")
    member = Consumer(kafka, "a", SubscribedTopicNames=None, **{PATTERN: "orders-.*"})
    member.join()
    assert (member.epoch, member.owned) == (1, {(topic_id, 0), (topic_id, 1)})


def test_a_topic_that_matches_and_comes_later_is_assigned(kafka: KafkaHarness) -> None:
    at_once(kafka)
    member = Consumer(kafka, "a", SubscribedTopicNames=None, **{PATTERN: "orders-.*"})
    member.join()
    topic_id = make_topic(kafka, "orders-us", 1)
    assert member.beat()["MemberEpoch"] == 2
    assert member.owned == {(topic_id, 0)}


def test_names_and_a_regular_expression_add_up(kafka: KafkaHarness) -> None:
    topics = {make_topic(kafka, name, 1) for name in ("orders-eu", "payments")}
    member = Consumer(kafka, "a", "payments", **{PATTERN: "orders-.*"})
    member.join()
    assert {topic for topic, _ in member.owned} == topics


def test_an_empty_expression_ends_the_subscription(kafka: KafkaHarness) -> None:
    at_once(kafka)
    make_topic(kafka, "orders-eu", 2)
    member = Consumer(kafka, "a", SubscribedTopicNames=[], **{PATTERN: "orders-.*"})
    member.join()
    member.beat(SubscribedTopicRegex="")
    settle(member)
    assert (member.owned, group_of(kafka).is_subscribed_to("orders-eu")) == (set(), False)


def test_an_expression_that_is_wrong_is_refused_with_re2s_words(kafka: KafkaHarness) -> None:
    member = Consumer(kafka, "a", SubscribedTopicNames=None, **{PATTERN: "(orders"})
    answer = member.join()
    assert (answer["ErrorCode"], answer["ErrorMessage"]) == (
        INVALID_REGULAR_EXPRESSION,
        "SubscribedTopicRegex `(orders` is not a valid regular expression: missing closing ): `(orders`.",
    )


def test_a_wrong_expression_of_a_member_leaves_its_old_one(kafka: KafkaHarness) -> None:
    make_topic(kafka, "orders-eu", 2)
    member = Consumer(kafka, "a", SubscribedTopicNames=None, **{PATTERN: "orders-.*"})
    member.join()
    assert member.beat(SubscribedTopicRegex="(")["ErrorCode"] == INVALID_REGULAR_EXPRESSION
    assert (member.beat()["MemberEpoch"], len(member.owned)) == (1, 2)


def test_topics_that_the_caller_may_not_describe_do_not_match() -> None:
    with guarded() as kafka:
        make_topic(kafka, "orders-eu", 1)
        seen = make_topic(kafka, "orders-us", 1)
        create(kafka.connect(), creation("billing", ResourceType=GROUP), creation("orders-us", Operation=DESCRIBE))
        member = Consumer(kafka, "a", SubscribedTopicNames=None, client=somebody(kafka), **{PATTERN: ".*"})
        member.join()
        assert member.owned == {(seen, 0)}


def test_who_may_describe_more_is_seen_after_ten_minutes() -> None:
    with guarded() as kafka:
        at_once(kafka)
        seen = make_topic(kafka, "orders-eu", 1)
        create(kafka.connect(), creation("billing", ResourceType=GROUP))
        member = Consumer(kafka, "a", SubscribedTopicNames=None, client=somebody(kafka), **{PATTERN: ".*"})
        member.join()
        create(kafka.connect(), creation("orders-eu", Operation=DESCRIBE))
        for _ in range(20):
            kafka.advance(30)
            member.beat()
        assert member.owned == set()
        kafka.advance(1)
        member.beat()
        assert member.owned == {(seen, 0)}
