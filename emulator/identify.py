"""From an HTTP request to a call: which service and operation, which protocol, whose account, which region.

Service and operation, in this order:
1. `X-Amz-Target: <prefix>.<Operation>` (JSON protocols; the prefix is in AWS's description),
2. `Action=` in the form or the URL (query protocol), of the service that the signature's scope names, else the one
  whose `Version` it is, else the one that the host's first label or the path names, else the only one that has the
  operation.

The account is the access key when that is 12 digits, or what the key carries when our STS made it; else the default
account. The region is the signature's, else the host's, else the default.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from emulator.errors import (
    AwsError,
    invalid_action,
    missing_action,
    operation_not_emulated,
    service_not_emulated,
    service_not_enabled,
    unknown_operation,
)
from emulator.ids import access_key_account

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.http import Request
    from emulator.service import Service
    from emulator.settings import Settings

SESSION_KEY_PREFIX = "LSIA"
"""Access keys that our STS makes start so, and carry their account. Real keys (AKIA, ASIA) mean the default account."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]{1,128})/([^/,\s]{0,64})/([^/,\s]{0,64})/([^/,\s]{0,64})/")
"""Access keys have at most 128 characters (IAM). Without bounds, a header that says `Credential=` again and again would take minutes."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_RPC = re.compile(r"/service/(?P<service>[A-Za-z0-9_]+)/operation/(?P<operation>[A-Za-z0-9_]+)")
"""The path of a call over Smithy RPC v2, which is CBOR and which no service here speaks yet."""
_SCOPES_MAX = 4096
_CALLS_MAX = 4096


class Scope(NamedTuple):
    """What a signature says: access key, region, service; empty where there is none."""

    access_key: str
    account: str
    region: str
    service: str


class Call(NamedTuple):
    """One identified call. `form` is the query protocol's, None for JSON."""

    service: Service
    operation: str
    scope: Scope
    region: str
    form: dict[str, str] | None


class Unidentified(NamedTuple):
    """A request that is no call that we serve: the error, the service as far as it is known, the names to log."""

    error: AwsError
    service: Service | None
    operation: str
    json: bool
    label: str


class Directory:
    """Finds the service and the operation of a request. `enabled` are those that run, `known` all that we have."""

    def __init__(self, enabled: Iterable[Service], known: Iterable[Service], settings: Settings) -> None:
        enabled, known = list(enabled), list(known)
        self._disabled = {service.name for service in known} - {service.name for service in enabled}
        # What listens on ports of its own only is not called over HTTP.
        self._services = {service.name: service for service in enabled if service.protocols}
        self._known = {service.name: service for service in known if service.protocols}
        self._by_prefix: dict[str, Service] = {}
        self._by_version: dict[str, Service] = {}
        self._by_host: dict[str, Service] = {}
        for service in self._services.values():
            for label in (service.name, *service.hosts):
                self._by_host[label] = service
            if service.model.target_prefix is not None:
                self._by_prefix[service.model.target_prefix] = service
            if "query" in service.protocols:
                self._by_version[service.model.api_version] = service
        self._targets = {
            f"{service.model.target_prefix}.{operation}".encode(): (service, operation)
            for service in self._services.values()
            if "json" in service.protocols
            for operation in service.operations
        }
        self._settings = settings
        self._scopes: dict[bytes, Scope] = {}
        self._calls: dict[bytes, Call] = {}
        """Those that were made over JSON, by target and what the signature says of the scope: clients repeat themselves."""
        self._served = ", ".join(sorted(self._services))
        self._no_scope = Scope("", settings.account_id, "", "")

    @property
    def disabled(self) -> list[str]:
        """Name the services that we have and that do not run."""
        return sorted(self._disabled)

    def scope(self, request: Request) -> Scope:
        """Read the signature's scope, from the header or from a presigned URL."""
        header = request.headers.get(b"authorization", b"")
        if not header and b"X-Amz-Credential=" in request.query:
            header = unquote_to_bytes(request.query).replace(b"X-Amz-Credential=", b"Credential=")
        end = header.find(b"/aws4_request")
        key = header[:end] if end > 0 else header
        scope = self._scopes.get(key)
        if scope is None:
            if len(self._scopes) >= _SCOPES_MAX:
                self._scopes.clear()
            scope = self._scopes[key] = self._read_scope(header.decode("latin-1"))
        return scope

    def _read_scope(self, header: str) -> Scope:
        found = _CREDENTIAL.search(header)
        if found is None:
            return self._no_scope
        access_key, _, region, service = found.groups()
        return Scope(access_key, self._account(access_key), region, service)

    def _account(self, access_key: str) -> str:
        if len(access_key) == 12 and access_key.isascii() and access_key.isdigit():
            return access_key
        if access_key.startswith(SESSION_KEY_PREFIX):
            return access_key_account(access_key) or self._settings.account_id
        return self._settings.account_id

    def region(self, scope: Scope, request: Request) -> str:
        """Tell the region of a request."""
        return scope.region or host_region(request.header(b"host")) or self._settings.region

    def identify(self, request: Request) -> Call | Unidentified | None:
        """Find what a request calls; None for a request that is no AWS call at all."""
        target = request.headers.get(b"x-amz-target")
        if target is not None:
            return self._json_call(request, target)
        scope = self.scope(request)
        if b"smithy-protocol" in request.headers and (rpc := _RPC.fullmatch(request.path)) is not None:
            # Newer services of AWS share a signing name with an older one (`eventbridgev2` signs as `events`): this is not for it.
            error = operation_not_emulated(rpc["service"], rpc["operation"])
            return Unidentified(error, None, rpc["operation"], json=True, label=rpc["service"])
        try:
            form = request.form()
        except AwsError as error:
            return Unidentified(
                error, self._services.get(scope.service), "", json=False, label=scope.service or "unknown"
            )
        return self._query_call(request, scope, form)

    def _json_call(self, request: Request, target: bytes) -> Call | Unidentified:
        authorization = request.headers.get(b"authorization", b"")
        end = authorization.find(b"/aws4_request")
        key = target + authorization[:end] if end > 0 else b""
        known = self._calls.get(key)
        if known is not None:
            return known
        scope = self.scope(request)
        found = self._targets.get(target)
        if found is None:
            return self._unknown_target(scope, target.decode("latin-1"))
        call = Call(*found, scope, self.region(scope, request), None)
        if key and scope.region:  # else the host name tells the region
            if len(self._calls) >= _CALLS_MAX:
                self._calls.clear()
            self._calls[key] = call
        return call

    def _unknown_target(self, scope: Scope, target: str) -> Unidentified:
        """Say why a target that is none of ours cannot be called."""
        prefix, _, operation = target.rpartition(".")
        service = self._by_prefix.get(prefix)
        if service is None:
            return self._not_served(scope.service or prefix.partition("_")[0] or "unknown", operation, json=True)
        error = self._refusal(service, operation, "json") or invalid_action(operation)
        return Unidentified(error, service, operation, json=True, label=service.name)

    def _query_call(self, request: Request, scope: Scope, form: dict[str, str]) -> Call | Unidentified | None:
        action = form.get("Action", "")
        service = self._query_service(request, scope, form, action)
        if service is None:
            if not action and not scope.service:
                return None
            if not scope.service:
                return Unidentified(invalid_action(action), None, action, json=False, label="unknown")
            return self._not_served(scope.service, action, json=_speaks_json(request, None))
        path = service.path_parameters(request.path) if service.path_parameters is not None else None
        if not action:
            if path is None and not scope.service:
                return None
            error = missing_action() if path is None else unknown_operation()
            return Unidentified(error, service, "", json=_speaks_json(request, service), label=service.name)
        error_or_none = self._refusal(service, action, "query")
        if error_or_none is None and path is not None and action in service.root_only:
            error_or_none = invalid_action(action)
        if error_or_none is not None:
            return Unidentified(error_or_none, service, action, json=False, label=service.name)
        return Call(service, action, scope, self.region(scope, request), {**(path or {}), **form})

    def _query_service(self, request: Request, scope: Scope, form: dict[str, str], action: str) -> Service | None:
        if scope.service:
            return self._services.get(scope.service)
        if (service := self._by_version.get(form.get("Version", ""))) is not None:
            return service
        labels = request.header(b"host").lower().split(".")
        for label in labels[:2]:
            if (service := self._by_host.get(label)) is not None:
                return service
        for service in self._services.values():
            if service.path_parameters is not None and service.path_parameters(request.path) is not None:
                return service
        having = [
            service
            for service in self._services.values()
            if "query" in service.protocols and action in service.model.operations
        ]
        return having[0] if len(having) == 1 else None

    def _refusal(self, service: Service, operation: str, protocol: str) -> AwsError | None:
        """Say why an operation cannot be called, or None when it can."""
        if operation not in service.model.operations or protocol not in service.protocols:
            return invalid_action(operation)
        if operation not in service.operations:
            return operation_not_emulated(service.name, operation)
        return None

    def _not_served(self, name: str, operation: str, *, json: bool) -> Unidentified:
        service = self._services.get(name)
        if service is not None:  # it runs, but nobody calls it so
            return Unidentified(invalid_action(operation), service, operation, json=json, label=name)
        error = service_not_enabled(name) if name in self._known else service_not_emulated(name, self._served)
        return Unidentified(error, None, operation, json=json, label=name)


def _speaks_json(request: Request, service: Service | None) -> bool:
    """Tell in which protocol to refuse a request that names no operation."""
    return "json" in request.header(b"content-type") and (service is None or "json" in service.protocols)


def host_region(host: str) -> str:
    """Find the region in a host name (`sqs.eu-west-1.localhost:4566`, `eu-west-1.queue.amazonaws.com`); empty where
    there is none.
    """
    for label in host.lower().split(".")[:2]:
        if _REGION.fullmatch(label):
            return label
    return ""
