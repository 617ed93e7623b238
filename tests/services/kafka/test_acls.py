"""Access rules: what they allow, what they deny, which of them a filter means; and the index held against a plain scan."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.storage.journal import Journal, NoJournal, SqliteJournal
from services.kafka import acls as module
from services.kafka.acls import Acl, AclFilter, Acls, Operation, Pattern, Permission, Resource

ALLOW, DENY = Permission.ALLOW, Permission.DENY
LITERAL, PREFIXED = Pattern.LITERAL, Pattern.PREFIXED
READ, WRITE, DESCRIBE, ALL = Operation.READ, Operation.WRITE, Operation.DESCRIBE, Operation.ALL
ALICE, HOST = "User:alice", "10.0.0.1"


def acls_of(
    *rules: Acl, enabled: bool = True, super_users: tuple[str, ...] = (), journal: Journal | None = None
) -> Acls:
    """Make the rules of a cluster."""
    settings = SimpleNamespace(kafka_authorizer=enabled, kafka_super_users=super_users)
    cluster: Any = SimpleNamespace(settings=settings, journal=journal or NoJournal())
    made = Acls(cluster)
    for rule in rules:
        made.add(rule)
    return made


def rule(operation: Operation = READ, permission: Permission = ALLOW, **other: Any) -> Acl:
    """Make a rule: alice may read the topic orders, from everywhere."""
    about = {"resource": Resource.TOPIC, "name": "orders", "pattern": LITERAL, "principal": ALICE, "host": "*"} | other
    return Acl(**about, operation=operation, permission=permission)


def allows(acls: Acls, operation: Operation = READ, name: str = "orders", **other: Any) -> bool:
    """Ask whether alice may do it to the topic orders."""
    asked = {"principal": ALICE, "host": HOST, "resource": Resource.TOPIC} | other
    return acls.allows(operation=operation, name=name, **asked)


# What is allowed.


def test_where_no_rule_says_anything_nothing_is_allowed() -> None:
    assert not allows(acls_of())


def test_without_an_authorizer_everything_is_allowed() -> None:
    assert allows(acls_of(enabled=False))


def test_a_rule_allows_just_what_it_names() -> None:
    acls = acls_of(rule())
    assert allows(acls)
    assert not allows(acls, WRITE)
    assert not allows(acls, name="orders2")
    assert not allows(acls, name="order")
    assert not allows(acls, principal="User:bob")
    assert not allows(acls, resource=Resource.GROUP)


@pytest.mark.parametrize(("host", "allowed"), [("*", True), (HOST, True), ("10.0.0.2", False), ("10.0.0", False)])
def test_a_rule_is_for_its_host(host: str, allowed: bool) -> None:
    assert allows(acls_of(rule(host=host))) is allowed


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [("User:*", True), ("User:al*", False), ("User:Alice", False), ("Group:alice", False), ("*", False)],
)
def test_a_rule_is_for_its_principal_or_for_everybody(principal: str, allowed: bool) -> None:
    assert allows(acls_of(rule(principal=principal))) is allowed


@pytest.mark.parametrize(
    ("name", "pattern", "allowed"),
    [
        ("*", LITERAL, True),
        ("o", PREFIXED, True),
        ("orders", PREFIXED, True),
        ("orders-", PREFIXED, False),
        ("rders", PREFIXED, False),
        ("ord", LITERAL, False),
        ("ord*", LITERAL, False),
        ("*", PREFIXED, False),
    ],
)
def test_a_rule_is_for_a_name_for_a_prefix_or_for_all(name: str, pattern: Pattern, allowed: bool) -> None:
    assert allows(acls_of(rule(name=name, pattern=pattern))) is allowed


@pytest.mark.parametrize("operation", [READ, WRITE, DESCRIBE, Operation.ALTER_CONFIGS])
def test_all_allows_every_operation(operation: Operation) -> None:
    assert allows(acls_of(rule(ALL)), operation)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        *((operation, DESCRIBE) for operation in (READ, WRITE, Operation.DELETE, Operation.ALTER)),
        (Operation.ALTER_CONFIGS, Operation.DESCRIBE_CONFIGS),
    ],
    ids=lambda operation: operation.name,
)
def test_what_is_allowed_implies_to_describe_it(given: Operation, asked: Operation) -> None:
    assert allows(acls_of(rule(given)), asked)
    assert not allows(acls_of(rule(asked)), given)


@pytest.mark.parametrize("given", [Operation.CREATE, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS])
def test_other_operations_do_not_imply_to_describe(given: Operation) -> None:
    assert not allows(acls_of(rule(given)), DESCRIBE)


# What is denied.


@pytest.mark.parametrize("denying", [{"name": "*"}, {"name": "o", "pattern": PREFIXED}, {"principal": "User:*"}, {}])
def test_one_rule_that_denies_beats_all_that_allow(denying: dict[str, Any]) -> None:
    allowing = (rule(ALL), rule(), rule(name="*"), rule(name="order", pattern=PREFIXED))
    for order in ((rule(READ, DENY, **denying), *allowing), (*allowing, rule(READ, DENY, **denying))):
        acls = acls_of(*order)
        assert not allows(acls)
        assert allows(acls, WRITE)


def test_what_is_denied_implies_nothing() -> None:
    assert allows(acls_of(rule(ALL), rule(READ, DENY)), DESCRIBE)


def test_all_denies_every_operation() -> None:
    assert not allows(acls_of(rule(), rule(ALL, DENY)))


@pytest.mark.parametrize("setting", ["admin", "User:admin"])
def test_a_super_user_is_asked_for_nothing(setting: str) -> None:
    acls = acls_of(rule(ALL, DENY, principal="User:*"), super_users=(setting,))
    assert allows(acls, principal="User:admin")
    assert not allows(acls)


def test_a_decision_is_forgotten_when_rules_change() -> None:
    acls = acls_of()
    seen = [allows(acls)]
    acls.add(rule())
    seen.append(allows(acls))
    acls.add(rule(READ, DENY))
    seen.append(allows(acls))
    acls.remove([rule(READ, DENY)])
    seen.append(allows(acls))
    acls.remove([rule()])
    seen.append(allows(acls))
    assert seen == [False, True, False, True, False]


def test_decisions_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACL_DECISIONS_MAX", 3)
    acls = acls_of(rule(name="t", pattern=PREFIXED))
    assert all(allows(acls, name=f"t{number}") for number in range(10))
    assert len(acls._decisions) == 1


# Operations as bits.


@pytest.mark.parametrize(
    ("resource", "operations"),
    [
        (Resource.TOPIC, {3, 4, 5, 6, 7, 8, 10, 11}),
        (Resource.GROUP, {3, 6, 8, 10, 11}),
        (Resource.CLUSTER, {5, 7, 8, 9, 10, 11, 12}),
        (Resource.TRANSACTIONAL_ID, {4, 8, 15}),
        (Resource.DELEGATION_TOKEN, {8}),
        (Resource.USER, {13, 14}),
    ],
    ids=lambda value: value.name if isinstance(value, Resource) else "",
)
def test_without_an_authorizer_all_that_can_be_done_is_authorized(resource: Resource, operations: set[int]) -> None:
    bits = acls_of(enabled=False).authorized_operations(ALICE, HOST, resource, "any")
    assert {bit for bit in range(32) if bits >> bit & 1} == operations


def test_authorized_operations_are_those_that_rules_allow() -> None:
    acls = acls_of(rule(READ), rule(Operation.ALTER_CONFIGS), rule(Operation.CREATE, DENY))
    bits = acls.authorized_operations(ALICE, HOST, Resource.TOPIC, "orders")
    assert bits == 1 << READ | 1 << DESCRIBE | 1 << Operation.ALTER_CONFIGS | 1 << Operation.DESCRIBE_CONFIGS
    assert acls.authorized_operations("User:bob", HOST, Resource.TOPIC, "orders") == 0


# Some resource of a kind.


@pytest.mark.parametrize(
    ("rules", "allowed"),
    [
        ((), False),
        ((rule(WRITE),), True),
        ((rule(ALL),), True),
        ((rule(READ),), False),
        ((rule(WRITE, host="10.0.0.2"),), False),
        ((rule(WRITE, principal="User:bob"),), False),
        ((rule(WRITE, resource=Resource.GROUP),), False),
        ((rule(WRITE), rule(WRITE, DENY)), False),
        ((rule(WRITE), rule(ALL, DENY)), False),
        ((rule(WRITE), rule(READ, DENY)), True),
        ((rule(WRITE), rule(WRITE, DENY, name="ord", pattern=PREFIXED)), False),
        ((rule(WRITE), rule(WRITE, DENY, name="orders2")), True),
        ((rule(WRITE, name="*"), rule(WRITE, DENY, name="*")), False),
        ((rule(WRITE, name="*"), rule(WRITE, DENY)), True),
        ((rule(WRITE, name="*"), rule(WRITE, DENY, name="hard", pattern=PREFIXED)), True),
        ((rule(WRITE, name="ord", pattern=PREFIXED), rule(WRITE, DENY)), True),
        ((rule(WRITE, name="ord", pattern=PREFIXED), rule(WRITE, DENY, name="ord")), True),
        ((rule(WRITE, name="ord", pattern=PREFIXED), rule(WRITE, DENY, name="o", pattern=PREFIXED)), False),
        ((rule(WRITE, name="o", pattern=PREFIXED), rule(WRITE, DENY, name="ord", pattern=PREFIXED)), True),
    ],
)
def test_whether_some_topic_may_be_written_to(rules: tuple[Acl, ...], allowed: bool) -> None:
    assert acls_of(*rules).allows_any(ALICE, HOST, WRITE, Resource.TOPIC) is allowed


def test_a_super_user_may_write_to_some_topic_and_so_may_all_without_an_authorizer() -> None:
    denied = rule(ALL, DENY, name="*", principal="User:*")
    assert acls_of(denied, super_users=("alice",)).allows_any(ALICE, HOST, WRITE, Resource.TOPIC)
    assert acls_of(denied, enabled=False).allows_any(ALICE, HOST, WRITE, Resource.TOPIC)


# Filters.

EVERYTHING = AclFilter(Resource.ANY, None, Pattern.ANY, None, None, Operation.ANY, Permission.ANY)
RULES = {
    "literal": rule(),
    "prefixed": rule(name="ord", pattern=PREFIXED),
    "wildcard": rule(name="*"),
    "group": rule(resource=Resource.GROUP),
    "bob": rule(principal="User:bob"),
    "host": rule(host=HOST),
    "write": rule(WRITE),
    "deny": rule(READ, DENY),
}


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ({}, set(RULES)),
        ({"resource": Resource.GROUP}, {"group"}),
        ({"resource": Resource.CLUSTER}, set()),
        ({"resource": Resource.UNKNOWN}, set()),
        ({"pattern": PREFIXED}, {"prefixed"}),
        ({"pattern": Pattern.MATCH}, set(RULES)),
        ({"pattern": Pattern.UNKNOWN}, set()),
        ({"name": "ord"}, {"prefixed"}),
        ({"name": "ord", "pattern": LITERAL}, set()),
        ({"name": "orders"}, set(RULES) - {"prefixed", "wildcard"}),
        ({"name": "orders", "pattern": Pattern.MATCH}, set(RULES)),
        ({"name": "ordinary", "pattern": Pattern.MATCH}, {"prefixed", "wildcard"}),
        ({"name": "*"}, {"wildcard"}),
        ({"name": "*", "pattern": LITERAL}, {"wildcard"}),
        ({"name": "*", "pattern": Pattern.MATCH}, {"wildcard"}),
        ({"principal": "User:bob"}, {"bob"}),
        ({"principal": "User:*"}, set()),
        ({"host": HOST}, {"host"}),
        ({"operation": WRITE}, {"write"}),
        ({"operation": ALL}, set()),
        ({"permission": DENY}, {"deny"}),
    ],
    ids=str,
)
def test_a_filter_means_what_it_says(wanted: dict[str, Any], meant: set[str]) -> None:
    found = acls_of(*RULES.values()).find(EVERYTHING._replace(**wanted))
    assert found == [RULES[name] for name in RULES if name in meant]


# Keeping.


def test_a_rule_is_kept_once() -> None:
    acls = acls_of(rule(), rule())
    assert len(acls) == 1
    assert rule() in acls
    acls.remove([rule(), rule()])
    assert len(acls) == 0
    assert rule() not in acls


def test_rules_outlive_the_process(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "kafka.db")
    acls = acls_of(*RULES.values(), rule(name='odd "name", \n世界'), journal=journal)
    acls.remove([RULES["bob"]])
    again = acls_of(journal=journal)
    assert set(again.find(EVERYTHING)) == set(acls.find(EVERYTHING))
    assert all(isinstance(acl.operation, Operation) and isinstance(acl.pattern, Pattern) for acl in again._acls)
    assert allows(again, WRITE)
    journal.close()


# The slow twin.


def plain_scan(
    rules: list[Acl], principal: str, host: str, operation: Operation, resource: Resource, name: str
) -> bool:
    """StandardAuthorizerData.findResult over all rules, as it reads."""
    verdicts = set()
    for acl in rules:
        if acl.resource != resource or acl.principal not in ("User:*", principal) or acl.host not in ("*", host):
            continue
        if acl.pattern == LITERAL and acl.name not in ("*", name):
            continue
        if acl.pattern == PREFIXED and not name.startswith(acl.name):
            continue
        fitting = {operation, ALL}
        if acl.permission == ALLOW and operation == DESCRIBE:
            fitting |= {READ, WRITE, Operation.DELETE, Operation.ALTER}
        if acl.permission == ALLOW and operation == Operation.DESCRIBE_CONFIGS:
            fitting.add(Operation.ALTER_CONFIGS)
        if acl.operation in fitting:
            verdicts.add(acl.permission)
    return verdicts == {ALLOW}


@pytest.mark.parametrize("seed", range(20))
def test_the_index_decides_as_a_plain_scan_does(seed: int) -> None:
    print(f"seed {seed}")
    draw = random.Random(seed)
    names, principals = ["a", "ab", "abc", "b", "ba", "*", "a*"], ["User:*", "User:a", "User:b"]
    hosts, operations = ["*", "h1", "h2"], [READ, WRITE, DESCRIBE, ALL, Operation.ALTER_CONFIGS, Operation.ALTER]
    kinds = [Resource.TOPIC, Resource.GROUP]
    acls, rules, seen = acls_of(), [], set()
    for _ in range(400):
        acl = Acl(
            draw.choice(kinds),
            draw.choice(names),
            draw.choice([LITERAL, PREFIXED]),
            draw.choice(principals),
            draw.choice(hosts),
            draw.choice(operations),
            draw.choice([ALLOW, ALLOW, ALLOW, DENY]),
        )
        if rules and draw.random() < 0.45:
            gone = draw.choice(rules)
            rules.remove(gone)
            acls.remove([gone])
        elif acl not in rules:
            rules.append(acl)
            acls.add(acl)
        for _ in range(5):
            asked = (
                draw.choice(principals[1:]),
                draw.choice(hosts[1:]),
                draw.choice([*operations, Operation.DESCRIBE_CONFIGS]),
                draw.choice(kinds),
                draw.choice(names),
            )
            seen.add(allowed := plain_scan(rules, *asked))
            assert acls.allows(*asked) is allowed, (asked, rules)
    assert acls.find(EVERYTHING) == rules
    assert seen == {True, False}
