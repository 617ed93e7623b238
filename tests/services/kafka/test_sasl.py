"""One connection's login, without a connection: which token may follow which, and what Kafka says when it fails."""

from __future__ import annotations

import pytest

from services.kafka.errors import Error
from services.kafka.sasl import MECHANISMS, Login
from services.kafka.scram import Credential, Mechanism, credential
from tests.support.kafka_scram import kafka_python

SCRAMS = [mechanism.label for mechanism in Mechanism]
WRONG = {
    "PLAIN": "Authentication failed: Invalid username or password",
    "SCRAM-SHA-256": "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256",
    "SCRAM-SHA-512": "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512",
}


class Alice:
    """Knows one user, whose password is "secret"."""

    def password_is(self, name: str, password: str) -> bool:
        return (name, password) == ("alice", "secret")

    def credential(self, mechanism: Mechanism, name: str) -> Credential:
        return credential(mechanism, "secret" if name == "alice" else "anything else", b"salt", 4096)

    def nonce(self) -> str:
        return "drawn"


def login(mechanism: str = "PLAIN", version: int = 1) -> Login:
    """Begin a login."""
    made = Login(Alice())
    assert made.handshake(mechanism, version) is Error.NONE
    return made


def failure(made: Login, token: bytes) -> tuple[Error, str]:
    """Give a token that must fail, and what the client is told."""
    reply, error = made.token(token)
    assert reply is None
    assert error is not None
    assert not made.done
    return error.error, error.message


# The handshake.


def test_three_mechanisms_are_on() -> None:
    assert MECHANISMS == ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_handshake_begins_a_login(mechanism: str) -> None:
    made = Login(Alice())
    assert (made.begun, made.done, made.raw, made.principal) == (False, False, False, "User:ANONYMOUS")
    assert made.handshake(mechanism, 1) is Error.NONE
    assert (made.begun, made.done, made.raw, made.principal) == (True, False, False, "User:ANONYMOUS")


@pytest.mark.parametrize("mechanism", ["", "GSSAPI", "OAUTHBEARER", "plain", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"])
def test_another_mechanism_is_not_supported(mechanism: str) -> None:
    made = Login(Alice())
    assert made.handshake(mechanism, 1) is Error.UNSUPPORTED_SASL_MECHANISM
    assert not made.begun


def test_after_a_handshake_that_failed_there_is_no_second() -> None:
    made = Login(Alice())
    made.handshake("GSSAPI", 1)
    assert made.handshake("PLAIN", 1) is Error.ILLEGAL_SASL_STATE


def test_a_second_handshake_ends_the_login() -> None:
    made = login()
    assert made.handshake("PLAIN", 1) is Error.ILLEGAL_SASL_STATE
    assert failure(made, b"\0alice\0secret")[0] is Error.ILLEGAL_SASL_STATE


def test_a_token_before_the_handshake_is_out_of_order() -> None:
    assert failure(Login(Alice()), b"\0alice\0secret")[0] is Error.ILLEGAL_SASL_STATE


def test_after_version_0_tokens_are_bare_until_the_login_is_done() -> None:
    made = login(version=0)
    assert made.raw
    made.token(b"\0alice\0secret")
    assert not made.raw


# PLAIN.


@pytest.mark.parametrize("token", [b"\0alice\0secret", b"alice\0alice\0secret"])
def test_a_password_logs_in_by_plain(token: bytes) -> None:
    made = login()
    assert made.token(token) == (b"", None)
    assert (made.done, made.principal) == (True, "User:alice")


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (b"\0alice\0wrong", WRONG["PLAIN"]),
        (b"\0nobody\0secret", WRONG["PLAIN"]),
        (b"\0alice\0secret\xff", WRONG["PLAIN"]),
        (b"bob\0alice\0wrong", WRONG["PLAIN"]),
        (b"\0\0secret", "Authentication failed: username not specified"),
        (b"\0alice\0", "Authentication failed: password not specified"),
        (b"", "Invalid SASL/PLAIN response: expected 3 tokens, got 1"),
        (b"alice\0secret", "Invalid SASL/PLAIN response: expected 3 tokens, got 2"),
        (b"\0alice\0secret\0", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"),
        (b"\0alice\0a\0b\0c\0d", "Invalid SASL/PLAIN response: expected 3 tokens, got 4"),
        (
            b"bob\0alice\0secret",
            "Authentication failed: Client requested an authorization id that is different from username",
        ),
    ],
)
def test_what_kafka_says_when_plain_fails(token: bytes, words: str) -> None:
    assert failure(login(), token) == (Error.SASL_AUTHENTICATION_FAILED, words)


# SCRAM.


@pytest.mark.parametrize("mechanism", SCRAMS)
def test_a_password_logs_in_by_scram(mechanism: str) -> None:
    made, client = login(mechanism), kafka_python("alice", "secret", mechanism)
    reply, error = made.token(client.first_message())
    assert (error, made.done) == (None, False)
    client.process_server_first_message(reply)
    reply, error = made.token(client.final_message())
    client.process_server_final_message(reply)
    assert (error, made.done, made.principal) == (None, True, "User:alice")


@pytest.mark.parametrize("mechanism", SCRAMS)
@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", "secret")])
def test_a_wrong_password_and_a_wrong_name_are_told_alike_by_scram(mechanism: str, name: str, password: str) -> None:
    made, client = login(mechanism), kafka_python(name, password, mechanism)
    reply, error = made.token(client.first_message())
    assert error is None
    client.process_server_first_message(reply)
    assert failure(made, client.final_message()) == (Error.SASL_AUTHENTICATION_FAILED, WRONG[mechanism])
    assert made.principal == "User:ANONYMOUS"


@pytest.mark.parametrize("mechanism", SCRAMS)
def test_garbage_fails_as_a_wrong_password_does(mechanism: str) -> None:
    assert failure(login(mechanism), b"garbage") == (Error.SASL_AUTHENTICATION_FAILED, WRONG[mechanism])


def test_scram_tells_who_wants_to_be_another_user() -> None:
    words = "Authentication failed: Client requested an authorization id that is different from username"
    told = failure(login("SCRAM-SHA-256"), b"n,a=bob,n=alice,r=x")
    assert told == (Error.SASL_AUTHENTICATION_FAILED, words)


# Afterwards.


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_login_that_failed_stays_failed(mechanism: str) -> None:
    made = login(mechanism)
    failure(made, b"\0alice\0wrong")
    assert failure(made, b"\0alice\0secret")[0] is Error.ILLEGAL_SASL_STATE


def test_nobody_logs_in_twice() -> None:
    made = login()
    made.token(b"\0alice\0secret")
    reply, error = made.token(b"\0alice\0secret")
    assert reply is None
    assert error is not None
    assert error.error is Error.ILLEGAL_SASL_STATE
    assert made.handshake("PLAIN", 1) is Error.ILLEGAL_SASL_STATE
    assert (made.done, made.principal) == (True, "User:alice")


def test_a_token_that_is_too_large_is_not_looked_at() -> None:
    token = b"\0alice\0" + b"x" * (512 * 1024)
    words = "Failing SASL authentication due to invalid receive size"
    assert failure(login(), token) == (Error.SASL_AUTHENTICATION_FAILED, words)
