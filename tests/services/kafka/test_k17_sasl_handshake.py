"""SaslHandshake and the door before the login: what a client may ask before it has said who it is."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests.support.kafka_broker import Client, KafkaHarness

MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
CLIENT = {"ClientSoftwareName": "test", "ClientSoftwareVersion": "1"}


@pytest.fixture
def secured(kafka_with: Callable[..., KafkaHarness]) -> KafkaHarness:
    """A cluster on which clients log in."""
    return kafka_with(kafka_security="sasl_plaintext", kafka_users=(("alice", "secret"),))


def raw(client: Client, token: bytes) -> bytes:
    """Send a bare token and give what comes back."""
    client.transport.written.clear()
    client.feed(struct.pack(">i", len(token)) + token)
    return bytes(client.transport.written)


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_mechanism_that_is_on_is_agreed_to(secured: KafkaHarness, mechanism: str, version: int) -> None:
    client = secured.connect()
    answer = client.ask("SaslHandshake", {"Mechanism": mechanism}, version=version)
    assert answer == {"ErrorCode": 0, "Mechanisms": MECHANISMS}
    assert not client.transport.closed


@pytest.mark.parametrize("version", [0, 1])
def test_another_mechanism_is_answered_with_those_that_are_on_and_the_connection_ends(
    secured: KafkaHarness, version: int
) -> None:
    client = secured.connect()
    answer = client.ask("SaslHandshake", {"Mechanism": "GSSAPI"}, version=version)
    assert answer == {"ErrorCode": 33, "Mechanisms": MECHANISMS}
    assert client.transport.closed


def test_a_second_handshake_ends_the_connection(secured: KafkaHarness) -> None:
    client = secured.connect()
    client.ask("SaslHandshake", {"Mechanism": "PLAIN"})
    assert client.ask("SaslHandshake", {"Mechanism": "PLAIN"}) == {"ErrorCode": 34, "Mechanisms": []}
    assert client.transport.closed


def test_where_nobody_logs_in_a_handshake_is_out_of_place(client: Client) -> None:
    assert client.ask("SaslHandshake", {"Mechanism": "PLAIN"}) == {"ErrorCode": 34, "Mechanisms": []}
    assert client.ask("Metadata")["ErrorCode"] == 0


def test_after_the_login_a_handshake_is_out_of_place(secured: KafkaHarness) -> None:
    client = secured.connect()
    client.ask("SaslHandshake", {"Mechanism": "PLAIN"})
    client.ask("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"})
    assert client.ask("SaslHandshake", {"Mechanism": "PLAIN"}) == {"ErrorCode": 34, "Mechanisms": []}
    assert client.ask("Metadata")["ErrorCode"] == 0


# Before the login.


def test_versions_may_be_asked_for_before_the_login(secured: KafkaHarness) -> None:
    client = secured.connect()
    assert client.ask("ApiVersions", CLIENT)["ErrorCode"] == 0
    assert client.ask("SaslHandshake", {"Mechanism": "PLAIN"})["ErrorCode"] == 0


@pytest.mark.parametrize("name", ["Metadata", "Produce", "Fetch", "DescribeAcls", "AlterUserScramCredentials"])
def test_anything_else_before_the_login_ends_the_connection(secured: KafkaHarness, name: str) -> None:
    client = secured.connect()
    client.send(name)
    assert (client.transport.closed, bytes(client.transport.written)) == (True, b"")


def test_between_handshake_and_login_nothing_else_is_answered(secured: KafkaHarness) -> None:
    client = secured.connect()
    client.ask("SaslHandshake", {"Mechanism": "PLAIN"})
    client.send("Metadata")
    assert (client.transport.closed, bytes(client.transport.written)) == (True, b"")


# Version 0: bare tokens.


def test_after_version_0_a_bare_token_logs_in(secured: KafkaHarness) -> None:
    client = secured.connect()
    client.ask("SaslHandshake", {"Mechanism": "PLAIN"}, version=0)
    assert raw(client, b"\0alice\0secret") == b"\0\0\0\0"
    client.transport.written.clear()
    assert client.ask("Metadata")["ErrorCode"] == 0
    assert client.connection.principal == "User:alice"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_bare_token_that_fails_ends_the_connection_without_a_word(secured: KafkaHarness, mechanism: str) -> None:
    client = secured.connect()
    client.ask("SaslHandshake", {"Mechanism": mechanism}, version=0)
    assert raw(client, b"\0alice\0wrong") == b""
    assert client.transport.closed
    assert client.connection.principal == "User:ANONYMOUS"
