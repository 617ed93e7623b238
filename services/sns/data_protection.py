"""Data protection policies: PutDataProtectionPolicy, GetDataProtectionPolicy, and the reading of their documents.

    {"Name", "Description", "Version": "2021-06-01", "Configuration": {"CustomDataIdentifier": [{"Name", "Regex"}]}, "Statement": [
       {"Sid", "DataDirection": "Inbound" | "Outbound", "Principal" or "NoPrincipal": ["*" or ARNs], "DataIdentifier": [ARNs],
        "Operation": {"Audit": {"SampleRate": "0".."99", "FindingsDestination", "NoFindingsDestination"}}
                   | {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}} | {"RedactConfig": {}}} | {"Deny": {}}}]}

Every data identifier of AWS's is accepted and kept, and so are custom ones; EmailAddress, CreditCardNumber and IpAddress find something
in messages (data_identifiers.py), the others find nothing. Findings of audits are not sent to their destinations, which are other
services: `/_aws/sns/audit-findings` shows them. Source: developer guide, "Message data protection"; standard topics only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import orjson

from emulator.service import operation
from services.sns import errors, limits
from services.sns.protection import Audit, Deny, Mask, Principals, Protection, Statement
from services.sns.state import find_topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.sns.state import SnsContext, Topic

T = TypeVar("T")
_VERSION = "2021-06-01"
_IDENTIFIER = re.compile(r"arn:aws[a-z-]*:dataprotection:[a-z0-9-]*:aws:data-identifier/([A-Za-z0-9_-]+)")
_CUSTOM_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_ROOT = re.compile(r"arn:[^:]+:iam::([0-9]{12}):root")
_MASK = re.compile(r"[A-Za-z0-9!#$%&()*+,./:;<=>?@\[\]^_`|~-]")
_DESTINATIONS: Mapping[str, str] = {"CloudWatchLogs": "LogGroup", "Firehose": "DeliveryStream", "S3": "Bucket"}
"""Where findings may go, and the member that names the place."""


class DataProtectionRequest(TypedDict, total=False):
    """GetDataProtectionPolicy."""

    ResourceArn: str


class PutDataProtectionRequest(DataProtectionRequest, total=False):
    """PutDataProtectionPolicy."""

    DataProtectionPolicy: str


@operation("PutDataProtectionPolicy")
def put_data_protection_policy(ctx: SnsContext, request: PutDataProtectionRequest) -> None:
    """Give a topic a data protection policy; empty text takes it away.

    Raises ValidationError, InvalidParameter, NotFound, AuthorizationError.
    """
    topic = _own_topic(ctx, request, "PutDataProtectionPolicy")
    text = request.get("DataProtectionPolicy")
    if text is None:
        raise errors.missing("dataProtectionPolicy")
    if topic.fifo:
        raise errors.bad_data_protection("not supported for FIFO topics")
    protection = parse_protection(text) if text else None
    if protection is not None and topic.protection is not None:
        protection.findings = topic.protection.findings
    topic.protection = protection


@operation("GetDataProtectionPolicy")
def get_data_protection_policy(ctx: SnsContext, request: DataProtectionRequest) -> dict[str, Any]:
    """Show a topic's data protection policy as it was given; nothing where there is none.

    Raises ValidationError, InvalidParameter, NotFound, AuthorizationError.
    """
    topic = _own_topic(ctx, request, "GetDataProtectionPolicy")
    return {} if topic.protection is None else {"DataProtectionPolicy": topic.protection.text}


def _own_topic(ctx: SnsContext, request: DataProtectionRequest, action: str) -> Topic:
    topic = find_topic(ctx, request.get("ResourceArn"), "ResourceArn")
    if topic.account != ctx.account:
        raise errors.not_the_owner(action, ctx.account, topic.arn)
    return topic


def parse_protection(text: str) -> Protection:
    """Read a data protection policy. Raises InvalidParameter."""
    if len(text) > limits.PROTECTION_MAX_CHARS:
        raise errors.bad_data_protection(f"must be at most {limits.PROTECTION_MAX_CHARS} characters long")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise errors.bad_data_protection("failed to parse JSON") from None
    _typed(document, dict, "The policy")
    for name in ("Name", "Description"):
        _typed(document.get(name, ""), str, name)
    if document.get("Version") != _VERSION:
        raise errors.bad_data_protection(f"Version must be {_VERSION}")
    custom = _custom_identifiers(document.get("Configuration", {}))
    documents = _list(document.get("Statement"), "Statement")
    statements = tuple(_statement(one, custom) for one in documents)
    if sum(isinstance(statement.operation, Audit) for statement in statements) > limits.AUDIT_STATEMENTS_MAX:
        raise errors.bad_data_protection("a policy can have only one statement with operation Audit")
    return Protection(text, statements)


def _custom_identifiers(configuration: object) -> frozenset[str]:
    """Read the names of the policy's own data identifiers."""
    names = set()
    for one in _typed(configuration, dict, "Configuration").get("CustomDataIdentifier", []):
        name = _typed(one, dict, "CustomDataIdentifier").get("Name")
        if not isinstance(name, str) or _CUSTOM_NAME.fullmatch(name) is None or name in names:
            raise errors.bad_data_protection(f"{name} is not the name of a custom data identifier")
        _typed(one.get("Regex"), str, "Regex")
        names.add(name)
    return frozenset(names)


def _statement(document: object, custom: frozenset[str]) -> Statement:
    fields = _typed(document, dict, "A statement")
    _typed(fields.get("Sid", ""), str, "Sid")
    direction = fields.get("DataDirection")
    if direction not in ("Inbound", "Outbound"):
        raise errors.bad_data_protection("DataDirection must be Inbound or Outbound")
    names = (_identifier(item, custom) for item in _list(fields.get("DataIdentifier"), "DataIdentifier"))
    identifiers = tuple(dict.fromkeys(names))
    work = _operation(fields.get("Operation"))
    if isinstance(work, Audit) and direction == "Outbound":
        raise errors.bad_data_protection("operation Audit needs DataDirection Inbound")
    return Statement(direction == "Inbound", _principals(fields), identifiers, work)


def _identifier(item: object, custom: frozenset[str]) -> str:
    """Read the ARN of a data identifier, or the name of a custom one, which finds nothing even if AWS's has that name."""
    if isinstance(item, str) and item in custom:
        return f"custom/{item}"
    found = _IDENTIFIER.fullmatch(item) if isinstance(item, str) else None
    if found is None:
        raise errors.bad_data_protection(f"{item} is not a data identifier")
    return found[1]


def _principals(fields: Mapping[str, Any]) -> Principals:
    if ("Principal" in fields) == ("NoPrincipal" in fields):
        raise errors.bad_data_protection("a statement must have either Principal or NoPrincipal")
    others = "NoPrincipal" in fields
    value = fields["NoPrincipal" if others else "Principal"]
    names = _list([value] if isinstance(value, str) else value, "Principal")
    accounts = set()
    for name in names:
        root = _ROOT.fullmatch(name) if isinstance(name, str) else None
        if root is not None:
            accounts.add(root[1])
        elif isinstance(name, str) and _ACCOUNT.fullmatch(name):
            accounts.add(name)
        elif name != "*" and not (isinstance(name, str) and name.startswith("arn:") and name.count(":") >= 5):
            raise errors.bad_data_protection(f"{name} is not a principal")
    return Principals(frozenset(names), frozenset(accounts), others)


def _operation(document: object) -> Audit | Mask | Deny:
    fields = _typed(document, dict, "Operation")
    if len(fields) != 1 or not fields.keys() <= {"Audit", "Deidentify", "Deny"}:
        raise errors.bad_data_protection("Operation must be one of Audit, Deidentify and Deny")
    [(kind, value)] = fields.items()
    config = _typed(value, dict, kind)
    if kind == "Audit":
        return _audit(config)
    return _mask(config) if kind == "Deidentify" else Deny()


def _audit(config: Mapping[str, Any]) -> Audit:
    rate = config.get("SampleRate")
    shown = str(rate) if type(rate) is int else rate
    if not isinstance(shown, str) or not re.fullmatch(r"[0-9]{1,2}", shown):
        raise errors.bad_data_protection(f"SampleRate must be a number from 0 to {limits.AUDIT_RATE_MAX}")
    for member in ("FindingsDestination", "NoFindingsDestination"):
        for kind, place in _typed(config.get(member, {}), dict, member).items():
            if kind not in _DESTINATIONS:
                raise errors.bad_data_protection(f"{member} must be one of {', '.join(_DESTINATIONS)}")
            _typed(_typed(place, dict, kind).get(_DESTINATIONS[kind]), str, _DESTINATIONS[kind])
    return Audit(int(shown), empty_findings=bool(config.get("NoFindingsDestination")))


def _mask(config: Mapping[str, Any]) -> Mask:
    if len(config) != 1 or not config.keys() <= {"MaskConfig", "RedactConfig"}:
        raise errors.bad_data_protection("Deidentify must have either MaskConfig or RedactConfig")
    [(kind, value)] = config.items()
    fields = _typed(value, dict, kind)
    if kind == "RedactConfig":
        return Mask("")
    character = fields.get("MaskWithCharacter")
    if not isinstance(character, str) or _MASK.fullmatch(character) is None:
        raise errors.bad_data_protection("MaskWithCharacter must be one letter, digit or sign")
    return Mask(character)


def _typed(value: Any, kind: type[T], what: str) -> T:
    if not isinstance(value, kind):
        wanted = "text" if kind is str else "a JSON object"
        raise errors.bad_data_protection(f"{what} must be {wanted}")
    return value


def _list(value: object, what: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise errors.bad_data_protection(f"{what} must be a list that is not empty")
    return value
