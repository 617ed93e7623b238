"""API destinations beside a real HTTP server that takes every method: a connection, a destination, a rule, and events for them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.harness import Harness, until
from tests.support.http_target import HttpTarget, _Handler

ACCOUNT = "111122223333"
REGION = "ap-south-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/caller"
BASIC = {"BasicAuthParameters": {"Username": "ann", "Password": "s3cret"}}
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Api-Key", "ApiKeyValue": "k3y"}}
TYPES = {"BASIC": BASIC, "API_KEY": API_KEY}


def oauth(endpoint: str, method: str = "POST", **http: list[dict[str, Any]]) -> dict[str, Any]:
    """Make AuthParameters of type OAUTH_CLIENT_CREDENTIALS; `http` is OAuthHttpParameters."""
    parameters: dict[str, Any] = {
        "ClientParameters": {"ClientID": "client-1", "ClientSecret": "s3cret"},
        "AuthorizationEndpoint": endpoint,
        "HttpMethod": method,
    }
    return {"OAuthParameters": {**parameters, "OAuthHttpParameters": http} if http else parameters}


def fields(secret: bool = False, **values: str) -> list[dict[str, Any]]:
    """Make a list of a connection's parameters; `_` in a name stands for `-`."""
    return [{"Key": name.replace("_", "-"), "Value": value, "IsValueSecret": secret} for name, value in values.items()]


class _AnyMethod(_Handler):
    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _Handler.do_POST  # noqa: N815


class ApiTarget(HttpTarget):
    """A server that fails on command, for all methods."""

    def __init__(self, cloud: Harness) -> None:
        super().__init__(lambda: cloud.now_ms)
        self._server.RequestHandlerClass = _AnyMethod


class Caller:
    """What calls a server: a connection, an API destination and a rule whose target it is, all made with the first words of each test."""

    def __init__(self, cloud: Harness, target: ApiTarget) -> None:
        self.cloud, self.target = cloud, target
        self.events = cloud.client("events", account=ACCOUNT, region=REGION)
        self.sqs = cloud.client("sqs", account=ACCOUNT, region=REGION)

    def connect(self, kind: str = "API_KEY", auth: dict[str, Any] | None = None, **invocation: Any) -> str:
        """Create the connection; `invocation` is its InvocationHttpParameters."""
        parameters = dict(TYPES[kind] if auth is None else auth)
        if invocation:
            parameters["InvocationHttpParameters"] = invocation
        answer = self.events.create_connection(Name="partner", AuthorizationType=kind, AuthParameters=parameters)
        arn: str = answer["ConnectionArn"]
        return arn

    def aim(self, connection_arn: str, path: str = "/in", method: str = "POST", **more: Any) -> str:
        """Create the API destination."""
        answer = self.events.create_api_destination(
            Name="orders",
            ConnectionArn=connection_arn,
            InvocationEndpoint=self.target.url(path),
            HttpMethod=method,
            **more,
        )
        arn: str = answer["ApiDestinationArn"]
        return arn

    def rule(self, destination_arn: str, **spec: Any) -> None:
        """Create the rule; `spec` is more of the target."""
        self.events.put_rule(Name="all", EventPattern=json.dumps({"source": ["shop"]}))
        entry = {"Id": "api", "Arn": destination_arn, "RoleArn": ROLE, **spec}
        assert self.events.put_targets(Rule="all", Targets=[entry])["FailedEntryCount"] == 0

    def ready(self, path: str = "/in", method: str = "POST", **spec: Any) -> None:
        """Create all of it, with an API key."""
        self.rule(self.aim(self.connect(), path, method), **spec)

    def put(self, detail: Any = None) -> None:
        """Put one event."""
        entry = {"Source": "shop", "DetailType": "order", "Detail": json.dumps(detail or {})}
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def dead_letters(self) -> str:
        """Create a queue for dead letters; its ARN."""
        self.queue_url: str = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"

    def letter(self) -> dict[str, str]:
        """Take the one dead letter; its attributes."""
        (message,) = self.sqs.receive_message(QueueUrl=self.queue_url, MessageAttributeNames=["All"])["Messages"]
        return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}

    def state(self) -> tuple[str, str]:
        """The states of the connection and of the API destination."""
        connection = self.events.describe_connection(Name="partner")["ConnectionState"]
        return connection, self.events.describe_api_destination(Name="orders")["ApiDestinationState"]

    def settled(self) -> str:
        """Wait until the connection's first token has come, or not; its state."""
        until(lambda: self.describe()["ConnectionState"] != "AUTHORIZING")
        state: str = self.describe()["ConnectionState"]
        return state

    def describe(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.events.describe_connection(Name="partner")
        return shown
