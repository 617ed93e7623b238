"""SaslAuthenticate: users of the settings and of AlterUserScramCredentials log in, others do not."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.kafka_broker import Client, KafkaHarness
from tests.support.kafka_scram import aiokafka, kafka_python

VERSIONS = pytest.mark.parametrize("version", [0, 1, 2])
SCRAMS = pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
WELCOME = {"ErrorCode": 0, "ErrorMessage": None, "AuthBytes": b"", "SessionLifetimeMs": 0}
INVALID = "Authentication failed during authentication due to invalid credentials with SASL mechanism "
NUMBERS = {"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}


@pytest.fixture
def secured(kafka_with: Callable[..., KafkaHarness]) -> KafkaHarness:
    """A cluster on which clients log in."""
    users = (("alice", "secret"), ("bob:b=,b", "sécret"))
    return kafka_with(kafka_security="sasl_plaintext", kafka_users=users)


def shaken(kafka: KafkaHarness, mechanism: str = "PLAIN") -> Client:
    """Connect and agree on a mechanism."""
    client = kafka.connect()
    assert client.ask("SaslHandshake", {"Mechanism": mechanism})["ErrorCode"] == 0
    return client


def scram(kafka: KafkaHarness, scram_client: Any, mechanism: str) -> tuple[Client, dict[str, Any]]:
    """Log in by SCRAM with somebody else's client, and give the last answer, whose signature the client has checked."""
    client = shaken(kafka, mechanism)
    first = client.ask("SaslAuthenticate", {"AuthBytes": scram_client.first_message()})
    assert (first["ErrorCode"], client.connection.principal) == (0, "User:ANONYMOUS")
    scram_client.process_server_first_message(first["AuthBytes"])
    final = client.ask("SaslAuthenticate", {"AuthBytes": scram_client.final_message()})
    if final["ErrorCode"] == 0:
        scram_client.process_server_final_message(final["AuthBytes"])
    return client, final


def alter(client: Client, name: str, mechanism: str, password: str | None, iterations: int = 8192) -> None:
    """Store a credential, or delete it."""
    change: dict[str, Any] = {"Name": name, "Mechanism": NUMBERS[mechanism]}
    request = {"Deletions": [change], "Upsertions": []}
    if password is not None:
        digest = mechanism.removeprefix("SCRAM-").replace("-", "").lower()
        salted = hashlib.pbkdf2_hmac(digest, password.encode(), b"pepper", iterations)
        change |= {"Iterations": iterations, "Salt": b"pepper", "SaltedPassword": salted}
        request = {"Deletions": [], "Upsertions": [change]}
    [result] = client.ask("AlterUserScramCredentials", request)["Results"]
    assert result["ErrorCode"] == 0, result


# PLAIN.


@VERSIONS
@pytest.mark.parametrize(("name", "password"), [("alice", "secret"), ("bob:b=,b", "sécret")])
def test_a_user_of_the_settings_logs_in_by_plain(secured: KafkaHarness, name: str, password: str, version: int) -> None:
    client = shaken(secured)
    token = f"\0{name}\0{password}".encode()
    assert client.ask("SaslAuthenticate", {"AuthBytes": token}, version=version) == WELCOME
    assert client.connection.principal == f"User:{name}"
    assert client.ask("Metadata")["ErrorCode"] == 0


@VERSIONS
@pytest.mark.parametrize("token", [b"\0alice\0wrong", b"\0nobody\0secret", b"\0alice\0secre"])
def test_a_wrong_password_and_a_wrong_name_are_answered_alike_then_the_connection_ends(
    secured: KafkaHarness, token: bytes, version: int, caplog: pytest.LogCaptureFixture
) -> None:
    client = shaken(secured)
    with caplog.at_level(logging.WARNING, "eventyard.kafka"):
        answer = client.ask("SaslAuthenticate", {"AuthBytes": token}, version=version)
    words = "Authentication failed: Invalid username or password"
    assert answer == {**WELCOME, "ErrorCode": 58, "ErrorMessage": words}
    assert client.transport.closed
    assert caplog.messages == [f"127.0.0.1 could not log in: {words}"]


# SCRAM.


@SCRAMS
def test_a_user_of_the_settings_logs_in_by_scram(secured: KafkaHarness, mechanism: str) -> None:
    client, answer = scram(secured, kafka_python("alice", "secret", mechanism), mechanism)
    assert (answer["ErrorCode"], answer["SessionLifetimeMs"]) == (0, 0)
    assert client.connection.principal == "User:alice"
    assert client.ask("Metadata")["ErrorCode"] == 0


def test_a_name_with_commas_and_equals_signs_logs_in_by_scram(secured: KafkaHarness) -> None:
    other = aiokafka("bob:b=,b", "sécret", "SCRAM-SHA-512")
    client = shaken(secured, "SCRAM-SHA-512")
    first = client.ask("SaslAuthenticate", {"AuthBytes": other.first_message().encode()})
    other.process_server_first_message(first["AuthBytes"].decode())
    final = client.ask("SaslAuthenticate", {"AuthBytes": other.final_message().encode()})
    other.process_server_final_message(final["AuthBytes"].decode())
    assert client.connection.principal == "User:bob:b=,b"


@SCRAMS
@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", "secret")])
def test_scram_with_a_wrong_password_or_name_fails_alike_at_the_proof(
    secured: KafkaHarness, mechanism: str, name: str, password: str
) -> None:
    client, answer = scram(secured, kafka_python(name, password, mechanism), mechanism)
    assert answer == {**WELCOME, "ErrorCode": 58, "ErrorMessage": INVALID + mechanism}
    assert client.transport.closed
    assert client.connection.principal == "User:ANONYMOUS"


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_a_name_has_the_same_salt_each_time_whether_it_is_a_users_or_not(secured: KafkaHarness, name: str) -> None:
    salts = set()
    for _ in range(2):
        client = shaken(secured, "SCRAM-SHA-256")
        first = client.ask("SaslAuthenticate", {"AuthBytes": f"n,,n={name},r=x".encode()})
        nonce, salt, iterations = first["AuthBytes"].decode().split(",")
        salts.add(salt)
        assert (nonce[:3], len(nonce), len(salt), iterations) == ("r=x", 3 + 26, 2 + 24, "i=4096")
    assert len(salts) == 1


def test_nonces_differ() -> None:
    with KafkaHarness(kafka_security="sasl_plaintext") as kafka:
        token = {"AuthBytes": b"n,,n=alice,r=x"}
        nonces = {
            shaken(kafka, "SCRAM-SHA-256").ask("SaslAuthenticate", token)["AuthBytes"].split(b",")[0] for _ in range(5)
        }
    assert len(nonces) == 5


# What clients altered.


@SCRAMS
def test_a_stored_credential_logs_in_by_its_mechanism_only(secured: KafkaHarness, mechanism: str) -> None:
    alter(login(secured), "carol", mechanism, "pass")
    client, answer = scram(secured, kafka_python("carol", "pass", mechanism), mechanism)
    assert (answer["ErrorCode"], client.connection.principal) == (0, "User:carol")
    [other] = set(NUMBERS) - {mechanism}
    assert scram(secured, kafka_python("carol", "pass", other), other)[1]["ErrorCode"] == 58
    assert shaken(secured).ask("SaslAuthenticate", {"AuthBytes": b"\0carol\0pass"})["ErrorCode"] == 58


def login(kafka: KafkaHarness) -> Client:
    """Log in as alice."""
    client = shaken(kafka)
    assert client.ask("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"}) == WELCOME
    return client


def test_a_stored_credential_takes_the_place_of_the_settings(secured: KafkaHarness) -> None:
    alter(login(secured), "alice", "SCRAM-SHA-256", "newer")
    told = [
        scram(secured, kafka_python("alice", password, mechanism), mechanism)[1]["ErrorCode"]
        for mechanism in NUMBERS
        for password in ("secret", "newer")
    ]
    assert told == [58, 0, 0, 58]
    login(secured)  # PLAIN is as it was


def test_a_deleted_credential_does_not_log_in(secured: KafkaHarness) -> None:
    client = login(secured)
    alter(client, "alice", "SCRAM-SHA-256", None)
    assert scram(secured, kafka_python("alice", "secret", "SCRAM-SHA-256"), "SCRAM-SHA-256")[1]["ErrorCode"] == 58
    assert scram(secured, kafka_python("alice", "secret", "SCRAM-SHA-512"), "SCRAM-SHA-512")[1]["ErrorCode"] == 0


def test_changes_outlive_the_process(tmp_path: Any) -> None:
    settings = {"kafka_security": "sasl_plaintext", "kafka_users": (("alice", "secret"),), "data_dir": tmp_path}
    with KafkaHarness(**settings) as kafka:
        client = login(kafka)
        alter(client, "alice", "SCRAM-SHA-256", None)
        alter(client, "carol:1", "SCRAM-SHA-512", "pass")
        alter(client, "dora", "SCRAM-SHA-512", "pass")
        alter(client, "dora", "SCRAM-SHA-512", None)
    with KafkaHarness(**settings) as kafka:
        told = [
            scram(kafka, kafka_python(name, password, mechanism), mechanism)[1]["ErrorCode"]
            for name, password, mechanism in (
                ("alice", "secret", "SCRAM-SHA-256"),
                ("alice", "secret", "SCRAM-SHA-512"),
                ("carol:1", "pass", "SCRAM-SHA-512"),
                ("dora", "pass", "SCRAM-SHA-512"),
            )
        ]
    assert told == [58, 0, 0, 58]


# Out of place.


@VERSIONS
def test_where_nobody_logs_in_a_token_is_out_of_place(client: Client, version: int) -> None:
    answer = client.ask("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"}, version=version)
    words = "SaslAuthenticate request received after successful authentication"
    assert answer == {**WELCOME, "ErrorCode": 34, "ErrorMessage": words}
    assert client.ask("Metadata")["ErrorCode"] == 0


def test_after_the_login_a_token_is_out_of_place(secured: KafkaHarness) -> None:
    client = login(secured)
    assert client.ask("SaslAuthenticate", {"AuthBytes": b"\0alice\0wrong"})["ErrorCode"] == 34
    assert client.connection.principal == "User:alice"
    assert client.ask("Metadata")["ErrorCode"] == 0


def test_a_token_before_the_handshake_ends_the_connection_without_an_answer(secured: KafkaHarness) -> None:
    client = secured.connect()
    client.send("SaslAuthenticate", {"AuthBytes": b"\0alice\0secret"})
    assert (client.transport.closed, bytes(client.transport.written)) == (True, b"")
    assert client.connection.principal == "User:ANONYMOUS"
