"""Who may do what: access control lists as Kafka's StandardAuthorizer reads them. Off unless an authorizer is switched on.

A rule allows or denies a principal at a host one operation on the resources of a name, of a prefix, or all of a kind. One
rule that denies beats all that allow, and where no rule says anything nothing is allowed (allow.everyone.if.no.acl.found is
false). Super users are asked for nothing.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from services.kafka.errors import Error, KafkaError
from services.kafka.limits import ACL_DECISIONS_MAX
from services.kafka.wire import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from services.kafka.state import Cluster

_Kind = TypeVar("_Kind", bound=IntEnum)
_TABLE = "acls"
CLUSTER_NAME = "kafka-cluster"
"""The name of the one resource of the kind CLUSTER."""
ANYTHING = "*"
"""As a literal name every resource of a kind, as a host every host."""
EVERYBODY = "User:*"


class Resource(IntEnum):
    """Kinds of resources (org.apache.kafka.common.resource.ResourceType)."""

    UNKNOWN = 0
    ANY = 1
    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class Operation(IntEnum):
    """What may be done to a resource (org.apache.kafka.common.acl.AclOperation)."""

    UNKNOWN = 0
    ANY = 1
    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14
    TWO_PHASE_COMMIT = 15


class Pattern(IntEnum):
    """How a resource's name is meant (org.apache.kafka.common.resource.PatternType). Rules are LITERAL or PREFIXED."""

    UNKNOWN = 0
    ANY = 1
    MATCH = 2
    """In filters: whatever applies to a resource of this name."""
    LITERAL = 3
    PREFIXED = 4


class Permission(IntEnum):
    """What a rule does (org.apache.kafka.common.acl.AclPermissionType)."""

    UNKNOWN = 0
    ANY = 1
    DENY = 2
    ALLOW = 3


IMPLIED_BY = {
    Operation.DESCRIBE: frozenset(
        {Operation.ALL, Operation.DESCRIBE, Operation.READ, Operation.WRITE, Operation.DELETE, Operation.ALTER}
    ),
    Operation.DESCRIBE_CONFIGS: frozenset({Operation.ALL, Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS}),
}
"""Which operations a rule has to allow, one of them, so that one is allowed. Only of rules that allow."""

SUPPORTED = {
    Resource.TOPIC: (
        Operation.READ,
        Operation.WRITE,
        Operation.CREATE,
        Operation.DELETE,
        Operation.ALTER,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    ),
    Resource.GROUP: (
        Operation.READ,
        Operation.DELETE,
        Operation.DESCRIBE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    ),
    Resource.CLUSTER: (
        Operation.CREATE,
        Operation.ALTER,
        Operation.DESCRIBE,
        Operation.CLUSTER_ACTION,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
        Operation.IDEMPOTENT_WRITE,
    ),
    Resource.TRANSACTIONAL_ID: (Operation.WRITE, Operation.DESCRIBE, Operation.TWO_PHASE_COMMIT),
    Resource.DELEGATION_TOKEN: (Operation.DESCRIBE,),
    Resource.USER: (Operation.CREATE_TOKENS, Operation.DESCRIBE_TOKENS),
}
"""What can be done to a resource (AclEntry.supportedOperations)."""


class Acl(NamedTuple):
    """One rule."""

    resource: Resource
    name: str
    pattern: Pattern
    principal: str
    """`User:name`, or `User:*` for everybody."""
    host: str
    """An address, or `*` for every host."""
    operation: Operation
    permission: Permission

    def covers(self, name: str) -> bool:
        """Tell whether it is about resources of this name."""
        if self.pattern is Pattern.PREFIXED:
            return name.startswith(self.name)
        return self.name in (name, ANYTHING)

    def concerns(self, principal: str, host: str) -> bool:
        """Tell whether it is about this caller."""
        return self.principal in (principal, EVERYBODY) and self.host in (host, ANYTHING)

    def decides(self, operation: Operation) -> bool:
        """Tell whether it is about this operation. What a rule denies implies nothing."""
        if self.permission is Permission.ALLOW and operation in IMPLIED_BY:
            return self.operation in IMPLIED_BY[operation]
        return self.operation in (operation, Operation.ALL)


class AclFilter(NamedTuple):
    """Which rules are meant; None and ANY stand for all."""

    resource: Resource
    name: str | None
    pattern: Pattern
    principal: str | None
    host: str | None
    operation: Operation
    permission: Permission

    def matches(self, acl: Acl) -> bool:
        """Tell whether it means a rule (AclBindingFilter.matches)."""
        return (
            self.resource in (Resource.ANY, acl.resource)
            and self._means(acl)
            and self.principal in (None, acl.principal)
            and self.host in (None, acl.host)
            and self.operation in (Operation.ANY, acl.operation)
            and self.permission in (Permission.ANY, acl.permission)
        )

    def _means(self, acl: Acl) -> bool:
        if self.pattern not in (Pattern.ANY, Pattern.MATCH, acl.pattern):
            return False
        if self.name is None:
            return True
        return acl.covers(self.name) if self.pattern is Pattern.MATCH else self.name == acl.name


def read_acl(fields: Mapping[str, Any]) -> Acl:
    """Read a rule out of a CreateAcls request. Raises MalformedError, for which Kafka closes the connection."""
    return Acl(
        _known(Resource, fields["ResourceType"]),
        fields["ResourceName"],
        _known(Pattern, fields["ResourcePatternType"]),
        fields["Principal"],
        fields["Host"],
        _known(Operation, fields["Operation"]),
        _known(Permission, fields["PermissionType"]),
    )


def read_filter(fields: Mapping[str, Any]) -> AclFilter:
    """Read a filter out of a DescribeAcls or a DeleteAcls request. Raises MalformedError."""
    return AclFilter(
        _known(Resource, fields["ResourceTypeFilter"]),
        fields["ResourceNameFilter"],
        _known(Pattern, fields["PatternTypeFilter"]),
        fields["PrincipalFilter"],
        fields["HostFilter"],
        _known(Operation, fields["Operation"]),
        _known(Permission, fields["PermissionType"]),
    )


def _known(kind: type[_Kind], code: int) -> _Kind:
    """Read a code. One from after our time is UNKNOWN; nobody may say UNKNOWN himself."""
    if code == 0:
        raise MalformedError(f"{kind.__name__} is UNKNOWN")
    try:
        return kind(code)
    except ValueError:
        return kind(0)


def check_new(acl: Acl) -> None:
    """Refuse a rule that makes no sense (AclApis.handleCreateAcls, AclControlManager.validateNewAcl). Raises KafkaError INVALID_REQUEST."""
    if acl.resource is Resource.CLUSTER and acl.name != CLUSTER_NAME:
        raise _invalid(f"The only valid name for the CLUSTER resource is {CLUSTER_NAME}")
    if not acl.name:
        raise _invalid("Invalid empty resource name")
    if acl.resource in (Resource.UNKNOWN, Resource.ANY):
        raise _invalid(f"Invalid resourceType {acl.resource.name}")
    if acl.pattern not in (Pattern.LITERAL, Pattern.PREFIXED):
        raise _invalid(f"Invalid patternType {acl.pattern.name}")
    if acl.operation in (Operation.UNKNOWN, Operation.ANY):
        raise _invalid(f"Invalid operation {acl.operation.name}")
    if acl.permission not in (Permission.DENY, Permission.ALLOW):
        raise _invalid(f"Invalid permissionType {acl.permission.name}")
    if ":" not in acl.principal:
        raise _invalid(
            f"Could not parse principal from `{acl.principal}` (no colon is present separating the principal type from the principal name)"
        )


def check_filter(wanted: AclFilter) -> None:
    """Refuse a filter of what is not known here (AclControlManager.validateFilter). Raises KafkaError INVALID_REQUEST."""
    if Resource.UNKNOWN is wanted.resource or Pattern.UNKNOWN is wanted.pattern:
        raise _invalid("Unknown patternFilter.")
    if Operation.UNKNOWN is wanted.operation or Permission.UNKNOWN is wanted.permission:
        raise _invalid("Unknown entryFilter.")


def _invalid(message: str) -> KafkaError:
    return KafkaError(Error.INVALID_REQUEST, message)


class Acls:
    """The rules of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._journal = cluster.journal
        self.enabled = cluster.settings.kafka_authorizer
        """Whether there is an authorizer; without one everybody may do everything, and no rules are taken."""
        self._super_users = frozenset(
            f"User:{name.removeprefix('User:')}" for name in cluster.settings.kafka_super_users
        )
        self._acls: dict[Acl, None] = {}
        """In the order in which they were made."""
        self._named: dict[tuple[Resource, str], list[Acl]] = {}
        """By the whole name."""
        self._prefixed: dict[tuple[Resource, str], list[Acl]] = {}
        """By the prefix."""
        self._decisions: dict[tuple[str, str, Operation, Resource, str], bool] = {}
        for kept in cluster.journal.load(_TABLE).values():
            self._enter(_read(kept))

    # Decisions.

    def allows(self, principal: str, host: str, operation: Operation, resource: Resource, name: str) -> bool:
        """Tell whether a caller may do this. Costs one look-up once it was asked before; a change of rules forgets that."""
        asked = (principal, host, operation, resource, name)
        found = self._decisions.get(asked)
        if found is None:
            if len(self._decisions) >= ACL_DECISIONS_MAX:
                self._decisions.clear()
            found = self._decisions[asked] = self._decide(principal, host, operation, resource, name)
        return found

    def _decide(self, principal: str, host: str, operation: Operation, resource: Resource, name: str) -> bool:
        if not self.enabled or principal in self._super_users:
            return True
        allowed = False
        for acl in self._about(resource, name):
            if acl.concerns(principal, host) and acl.decides(operation):
                if acl.permission is Permission.DENY:
                    return False
                allowed = True
        return allowed

    def _about(self, resource: Resource, name: str) -> Iterator[Acl]:
        """Yield the rules about a resource; costs as much as its name is long, whatever else there is."""
        yield from self._named.get((resource, name), ())
        if name != ANYTHING:
            yield from self._named.get((resource, ANYTHING), ())
        if self._prefixed:
            for end in range(1, len(name) + 1):
                yield from self._prefixed.get((resource, name[:end]), ())

    def allows_any(self, principal: str, host: str, operation: Operation, resource: Resource) -> bool:
        """Tell whether there can be a resource of this kind on which a caller may do this (Authorizer.authorizeByResourceType).

        Idempotent producers without a right of their own on the cluster need to be allowed to write to some topic.
        """
        if self.allows(principal, host, operation, resource, "hardcode"):  # the name that Kafka asks for
            return True
        rules = [
            acl
            for acl in self._acls
            if acl.resource is resource
            and acl.concerns(principal, host)
            and acl.operation in (operation, Operation.ALL)  # nothing is implied here
        ]
        denied = {(acl.pattern, acl.name) for acl in rules if acl.permission is Permission.DENY}
        if (Pattern.LITERAL, ANYTHING) in denied:
            return False
        return any(acl.permission is Permission.ALLOW and not _outdone(acl, denied) for acl in rules)

    def authorized_operations(self, principal: str, host: str, resource: Resource, name: str) -> int:
        """Tell all that a caller may do to a resource, as bits; all that can be done where there is no authorizer."""
        return sum(
            1 << operation
            for operation in SUPPORTED[resource]
            if self.allows(principal, host, operation, resource, name)
        )

    # Rules.

    def __len__(self) -> int:
        return len(self._acls)

    def __contains__(self, acl: object) -> bool:
        return acl in self._acls

    def find(self, wanted: AclFilter) -> list[Acl]:
        """Find the rules that a filter means, in the order in which they were made."""
        return [acl for acl in self._acls if wanted.matches(acl)]

    def add(self, acl: Acl) -> None:
        """Make a rule that has been checked; one that is there already stays as it is."""
        if acl not in self._acls:
            self._enter(acl)
            self._decisions.clear()
            self._journal.put(_TABLE, _key(acl), list(acl))

    def remove(self, acls: Iterable[Acl]) -> None:
        """Take rules away; those that are not there are fine."""
        for acl in acls:
            if acl in self._acls:
                del self._acls[acl]
                index = self._index(acl)
                place = (acl.resource, acl.name)
                index[place].remove(acl)
                if not index[place]:
                    del index[place]
                self._journal.delete(_TABLE, _key(acl))
        self._decisions.clear()

    def _index(self, acl: Acl) -> dict[tuple[Resource, str], list[Acl]]:
        return self._prefixed if acl.pattern is Pattern.PREFIXED else self._named

    def _enter(self, acl: Acl) -> None:
        self._acls[acl] = None
        self._index(acl).setdefault((acl.resource, acl.name), []).append(acl)


def _outdone(acl: Acl, denied: set[tuple[Pattern, str]]) -> bool:
    """Tell whether what a rule allows is all denied by others: by its own name, or by a prefix of it."""
    if acl.pattern is Pattern.LITERAL:
        if acl.name == ANYTHING:
            return False
        if (Pattern.LITERAL, acl.name) in denied:
            return True
    return any((Pattern.PREFIXED, acl.name[:end]) in denied for end in range(1, len(acl.name) + 1))


def _key(acl: Acl) -> str:
    return orjson.dumps(list(acl)).decode()


def _read(kept: list[Any]) -> Acl:
    resource, name, pattern, principal, host, operation, permission = kept
    return Acl(
        Resource(resource), name, Pattern(pattern), principal, host, Operation(operation), Permission(permission)
    )
