"""Connections: how EventBridge authorizes itself at the HTTP endpoints of API destinations.

Secrets go in and never come out. A connection of type BASIC or API_KEY is AUTHORIZED at once; one of type OAUTH_CLIENT_CREDENTIALS is
AUTHORIZING until its first token has come, which is asked for when the connection is made or its parameters change
(`oauth.authorize`). A connection for a private API is ACTIVE where another one is AUTHORIZED; Eventyard reaches both the same way.

A local emulator takes authorization endpoints and invocation endpoints with http:// besides https://, on loopback or any other host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict
from urllib.parse import urlsplit

from emulator.arns import make_arn, parse_arn
from emulator.service import operation
from services.events import errors, limits, oauth
from services.events.pages import page
from services.events.state import EventsState

if TYPE_CHECKING:
    import asyncio

    from emulator.app import Emulator
    from services.events.oauth import Refusal, Token
    from services.events.state import EventsContext

OAUTH = "OAUTH_CLIENT_CREDENTIALS"
DEAUTHORIZED = "DEAUTHORIZED"
_KINDS = {"BASIC": "BasicAuthParameters", "API_KEY": "ApiKeyAuthParameters", OAUTH: "OAuthParameters"}
_NEEDED = {
    "BASIC": ("Username", "Password"),
    "API_KEY": ("ApiKeyName", "ApiKeyValue"),
    OAUTH: ("ClientParameters", "AuthorizationEndpoint", "HttpMethod"),
}
_SECRETS = ("Password", "ApiKeyValue", "ClientSecret")
_PARAMETER_LISTS = ("HeaderParameters", "QueryStringParameters", "BodyParameters")
_DIGITS_AND_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True, eq=False)
class Connection:
    """One connection."""

    name: str
    arn: str
    authorization_type: str
    created_ms: int
    modified_ms: int
    auth: dict[str, Any] | None = None
    """AuthParameters, complete, secrets included; None after DeauthorizeConnection. Replaced as a whole, never changed in place."""

    secret_arn: str | None = None
    state: str = "CREATING"
    state_reason: str | None = None
    authorized_ms: int | None = None
    description: str | None = None
    kms_key: str | None = None
    connectivity: dict[str, Any] | None = None
    """InvocationConnectivityParameters as they are shown, of a connection for a private API."""

    token: Token | None = None
    fetching: asyncio.Future[Token | Refusal] | None = None
    """The request for a token that is on its way; all who need one wait for the same."""

    @property
    def usable(self) -> bool:
        """Whether API destinations with this connection are ACTIVE."""
        return self.state in ("AUTHORIZED", "AUTHORIZING", "ACTIVE")

    def authorize(self, now_ms: int) -> None:
        """Note that the credentials are good, or are taken to be."""
        self.state = "AUTHORIZED" if self.connectivity is None else "ACTIVE"
        self.state_reason = None
        self.authorized_ms = now_ms

    def deauthorize(self, reason: str) -> None:
        """Note that the credentials are not good, and why: it is shown in 512 characters."""
        self.state = DEAUTHORIZED
        self.state_reason = reason[:512]
        self.token = None


class NameRequest(TypedDict):
    """What names a connection or an API destination."""

    Name: str


class CreateRequest(NameRequest):
    """CreateConnection."""

    AuthorizationType: str
    AuthParameters: dict[str, Any]
    Description: NotRequired[str]
    InvocationConnectivityParameters: NotRequired[dict[str, Any]]
    KmsKeyIdentifier: NotRequired[str]


class UpdateRequest(NameRequest):
    """UpdateConnection."""

    AuthorizationType: NotRequired[str]
    AuthParameters: NotRequired[dict[str, Any]]
    Description: NotRequired[str]
    InvocationConnectivityParameters: NotRequired[dict[str, Any]]
    KmsKeyIdentifier: NotRequired[str]


class ListRequest(TypedDict):
    """ListConnections."""

    NamePrefix: NotRequired[str]
    ConnectionState: NotRequired[str]
    NextToken: NotRequired[str]
    Limit: NotRequired[int]


@operation("CreateConnection")
def create_connection(ctx: EventsContext, request: CreateRequest) -> dict[str, Any]:
    """Make a connection. Raises ResourceAlreadyExistsException, ValidationException, LimitExceededException."""
    name, kind = request["Name"], request["AuthorizationType"]
    if name in ctx.state.connections:
        raise errors.connection_exists(name)
    auth = _check_auth(kind, request["AuthParameters"])
    if len(ctx.state.connections) >= limits.CONNECTIONS_MAX:
        raise errors.limit_exceeded()
    arn = make_arn("events", ctx.region, ctx.account, f"connection/{name}/{ctx.emulator.ids.uuid()}")
    connection = Connection(name, arn, kind, ctx.now_ms, ctx.now_ms)
    _set_terms(ctx, connection, request)
    _authorize(ctx, connection, auth)
    ctx.state.connections[name] = connection
    return _summary(connection, "CreationTime", "LastModifiedTime")


@operation("UpdateConnection")
def update_connection(ctx: EventsContext, request: UpdateRequest) -> dict[str, Any]:
    """Change a connection; what is not given stays. Authorization parameters, of which some are enough, authorize it anew.

    Raises ResourceNotFoundException, ValidationException.
    """
    connection = find_connection(ctx, request["Name"])
    kind = request.get("AuthorizationType") or connection.authorization_type
    given = request.get("AuthParameters")
    anew = given is not None or "AuthorizationType" in request
    auth = _check_auth(kind, _overlay(connection, kind, given or {})) if anew else None
    connection.authorization_type = kind
    connection.modified_ms = ctx.now_ms
    _set_terms(ctx, connection, request)
    if auth is not None:
        _authorize(ctx, connection, auth)
    return _summary(connection, "CreationTime", "LastModifiedTime", "LastAuthorizedTime")


@operation("DescribeConnection")
def describe_connection(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Show a connection without its secrets. Raises ResourceNotFoundException."""
    connection = find_connection(ctx, request["Name"])
    shown = {
        **_show(connection),
        "Description": connection.description,
        "InvocationConnectivityParameters": connection.connectivity,
        "SecretArn": connection.secret_arn,
        "KmsKeyIdentifier": connection.kms_key,
        "AuthParameters": None if connection.auth is None else _mask(connection.auth),
    }
    return {name: value for name, value in shown.items() if value is not None}


@operation("ListConnections")
def list_connections(ctx: EventsContext, request: ListRequest) -> dict[str, Any]:
    """List the caller's connections by name, in pages, by prefix and state where these are given."""
    prefix, state = request.get("NamePrefix", ""), request.get("ConnectionState")
    found = (
        (name, connection)
        for name, connection in ctx.state.connections.items()
        if name.startswith(prefix) and state in (None, connection.state)
    )
    connections, token = page(found, request.get("NextToken"), request.get("Limit"))
    answer: dict[str, Any] = {"Connections": [_show(connection) for connection in connections]}
    return answer if token is None else {**answer, "NextToken": token}


@operation("DeleteConnection")
def delete_connection(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Delete a connection and its secret; API destinations that have it are INACTIVE from now on. Raises ResourceNotFoundException."""
    connection = find_connection(ctx, request["Name"])
    del ctx.state.connections[connection.name]
    connection.state = "DELETING"
    _strip(connection)
    return _summary(connection, "CreationTime", "LastModifiedTime", "LastAuthorizedTime")


@operation("DeauthorizeConnection")
def deauthorize_connection(ctx: EventsContext, request: NameRequest) -> dict[str, Any]:
    """Take all authorization parameters away; UpdateConnection brings new ones. Raises ResourceNotFoundException."""
    connection = find_connection(ctx, request["Name"])
    _strip(connection)
    connection.deauthorize("The authorization parameters were removed by DeauthorizeConnection.")
    connection.modified_ms = ctx.now_ms
    # AWS takes a moment, and answers with the state that the connection has meanwhile.
    answer = _summary(connection, "CreationTime", "LastModifiedTime", "LastAuthorizedTime")
    return {**answer, "ConnectionState": "DEAUTHORIZING"}


def find_connection(ctx: EventsContext, name: str) -> Connection:
    """Find the caller's connection. Raises ResourceNotFoundException."""
    connection = ctx.state.connections.get(name)
    if connection is None:
        raise errors.no_connection(name)
    return connection


def connection_by_arn(emulator: Emulator, text: str) -> Connection | None:
    """Find a connection by its ARN, wherever it is. One of the same name that was made later has another ARN."""
    arn = parse_arn(text)
    state = None if arn is None else emulator.find_state("events", arn.account, arn.region)
    if arn is None or not isinstance(state, EventsState):
        return None
    connection = state.connections.get(arn.resource.removeprefix("connection/").partition("/")[0])
    return connection if connection is not None and connection.arn == text else None


def check_endpoint(text: str, parameter: str) -> str:
    """Check that an endpoint has a host and http:// or https://. Raises ValidationException."""
    try:
        url = urlsplit(text)
        reachable = url.scheme.lower() in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number
        reachable = False
    if not reachable:
        raise errors.not_valid(parameter, "It must be a URL that begins with https:// or http://.")
    return text


# Changing.


def _set_terms(ctx: EventsContext, connection: Connection, request: CreateRequest | UpdateRequest) -> None:
    """Take over what has nothing to do with authorization."""
    if "Description" in request:
        connection.description = request["Description"]
    if "KmsKeyIdentifier" in request:
        connection.kms_key = request["KmsKeyIdentifier"] or None
    if "InvocationConnectivityParameters" in request:
        was_private = connection.connectivity is not None
        connection.connectivity = _associate(ctx, request["InvocationConnectivityParameters"])
        if connection.state in ("AUTHORIZED", "ACTIVE") and was_private != (connection.connectivity is not None):
            connection.state = "AUTHORIZED" if was_private else "ACTIVE"


def _associate(ctx: EventsContext, given: dict[str, Any]) -> dict[str, Any] | None:
    """Name the resource association that EventBridge would make for a private endpoint; an empty ARN means a public one."""
    configuration = given["ResourceParameters"]["ResourceConfigurationArn"]
    if not configuration:
        return None
    if "ResourceAssociationArn" in given["ResourceParameters"]:
        return given  # what there was before
    number = ctx.emulator.ids.text(17, _DIGITS_AND_LETTERS)
    association = make_arn("vpc-lattice", ctx.region, ctx.account, f"servicenetworkresourceassociation/snra-{number}")
    return {"ResourceParameters": {"ResourceConfigurationArn": configuration, "ResourceAssociationArn": association}}


def _authorize(ctx: EventsContext, connection: Connection, auth: dict[str, Any]) -> None:
    """Give a connection its authorization parameters."""
    if "ConnectivityParameters" in auth:
        auth = {**auth, "ConnectivityParameters": _associate(ctx, auth["ConnectivityParameters"])}
        if auth["ConnectivityParameters"] is None:
            del auth["ConnectivityParameters"]
    connection.auth = auth
    connection.token = connection.fetching = None
    if connection.secret_arn is None:
        ids = ctx.emulator.ids
        resource = f"secret:events!connection/{connection.name}/{ids.uuid()}-{ids.text(6, _DIGITS_AND_LETTERS)}"
        connection.secret_arn = make_arn("secretsmanager", ctx.region, ctx.account, resource)
    if connection.authorization_type == OAUTH:
        connection.state, connection.state_reason = "AUTHORIZING", None
        oauth.authorize(ctx.emulator, connection)
    else:
        connection.authorize(ctx.now_ms)


def _strip(connection: Connection) -> None:
    connection.auth = connection.secret_arn = connection.token = connection.fetching = None


def _overlay(connection: Connection, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Lay what UpdateConnection gives over what there is; credentials of another type do not stay."""
    kept = {
        name: value
        for name, value in (connection.auth or {}).items()
        if name not in _KINDS.values() or name == _KINDS[kind]
    }
    result = {**kept, **given}
    member = _KINDS[kind]
    if member in kept and member in given:
        old, new = kept[member], given[member]
        result[member] = {**old, **new}
        if "ClientParameters" in old and "ClientParameters" in new:
            result[member]["ClientParameters"] = {**old["ClientParameters"], **new["ClientParameters"]}
    return result


# Checking.


def _check_auth(kind: str, auth: dict[str, Any]) -> dict[str, Any]:
    """Check that authorization parameters are those of the type, and all of them. Raises ValidationException."""
    for other, member in _KINDS.items():
        if other != kind and auth.get(member) is not None:
            raise errors.not_valid("AuthParameters", f"{member} must not be given for authorization type {kind}.")
    own = auth.get(_KINDS[kind])
    if own is None:
        raise errors.not_valid("AuthParameters", f"{_KINDS[kind]} must be given for authorization type {kind}.")
    _check_members(_KINDS[kind], own, _NEEDED[kind])
    if kind == OAUTH:
        _check_members("ClientParameters", own["ClientParameters"], ("ClientID", "ClientSecret"))
        check_endpoint(own["AuthorizationEndpoint"], "AuthorizationEndpoint")
        _check_parameters(own.get("OAuthHttpParameters"))
    _check_parameters(auth.get("InvocationHttpParameters"))
    return auth


def _check_members(owner: str, members: dict[str, Any], needed: tuple[str, ...]) -> None:
    for name in needed:
        if not members.get(name):
            raise errors.not_valid("AuthParameters", f"{owner} must have {name}.")


def _check_parameters(parameters: dict[str, Any] | None) -> None:
    for kind in _PARAMETER_LISTS:
        for parameter in (parameters or {}).get(kind) or ():
            if not parameter.get("Key"):
                raise errors.not_valid("AuthParameters", f"{kind} must have a Key each.")


# Showing.


def _show(connection: Connection) -> dict[str, Any]:
    """Show what a list shows."""
    shown = {
        "ConnectionArn": connection.arn,
        "Name": connection.name,
        "ConnectionState": connection.state,
        "StateReason": connection.state_reason,
        "AuthorizationType": connection.authorization_type,
        "CreationTime": connection.created_ms,
        "LastModifiedTime": connection.modified_ms,
        "LastAuthorizedTime": connection.authorized_ms,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _summary(connection: Connection, *times: str) -> dict[str, Any]:
    """Show what an operation that changed the connection answers."""
    shown = _show(connection)
    return {name: shown[name] for name in ("ConnectionArn", "ConnectionState", *times) if name in shown}


def _mask(auth: dict[str, Any]) -> dict[str, Any]:
    """Copy authorization parameters without passwords, keys, secrets, and values that are called secret."""
    shown: dict[str, Any] = {}
    for name, value in auth.items():
        if name in _SECRETS:
            continue
        if name in _PARAMETER_LISTS:
            shown[name] = [_mask_parameter(parameter) for parameter in value]
        else:
            shown[name] = _mask(value) if isinstance(value, dict) else value
    return shown


def _mask_parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    secret = bool(parameter.get("IsValueSecret"))
    shown = {"Key": parameter["Key"], "IsValueSecret": secret}
    return shown if secret else {**shown, "Value": parameter.get("Value", "")}
