"""SCRAM's server side: RFC 7677's own example, the clients of kafka-python and aiokafka, and everything that must not log in."""

from __future__ import annotations

import base64

import pytest

from services.kafka.scram import Credential, Exchange, Mechanism, ScramError, credential, credential_of_salted
from tests.support.kafka_scram import aiokafka, kafka_python

SALT = b"0123456789abcdef"
BOTH = pytest.mark.parametrize("mechanism", list(Mechanism), ids=lambda mechanism: mechanism.label)


def exchange(mechanism: Mechanism = Mechanism.SCRAM_SHA_256, password: str = "pencil") -> Exchange:
    """Begin a login with a server that knows one password, whoever asks."""
    kept = credential(mechanism, password, SALT, 4096)
    return Exchange(mechanism, lambda _: kept, "server-nonce")


def final_of(server: Exchange, first: bytes = b"n,,n=user,r=client", password: str = "pencil") -> bytes:
    """Play the client up to its final message."""
    client = kafka_python("user", password, "SCRAM-SHA-256")
    client.nonce = b"client"
    client.auth_message = first.split(b",", 2)[2]
    client.process_server_first_message(server.answer(first))
    return bytes(client.final_message())


# What it says.


def test_the_example_of_rfc_7677() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    kept = credential(Mechanism.SCRAM_SHA_256, "pencil", salt, 4096)
    server = Exchange(Mechanism.SCRAM_SHA_256, lambda _: kept, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert server.answer(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    assert not server.done
    final = (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert server.answer(final) == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert (server.done, server.user) == (True, "user")


@BOTH
def test_kafka_pythons_client_logs_in_and_believes_the_server(mechanism: Mechanism) -> None:
    server, client = exchange(mechanism), kafka_python("alice", "pencil", mechanism.label)
    client.process_server_first_message(server.answer(client.first_message()))
    client.process_server_final_message(server.answer(client.final_message()))
    assert (server.done, server.user) == (True, "alice")


@BOTH
def test_aiokafkas_client_logs_in_and_believes_the_server(mechanism: Mechanism) -> None:
    server, client = exchange(mechanism), aiokafka("a,b=c", "pencil", mechanism.label)
    client.process_server_first_message(server.answer(client.first_message().encode()).decode())
    client.process_server_final_message(server.answer(client.final_message().encode()).decode())
    assert (server.done, server.user) == (True, "a,b=c")


@BOTH
def test_a_password_that_the_client_salted_makes_the_same_credential(mechanism: Mechanism) -> None:
    client = kafka_python("alice", "pencil", mechanism.label)
    client.create_salted_password(SALT, 5000)
    made = credential(mechanism, "pencil", SALT, 5000)
    assert credential_of_salted(mechanism, client.salted_password, SALT, 5000) == made
    assert (made.salt, made.iterations) == (SALT, 5000)


@pytest.mark.parametrize(
    ("mechanism", "label", "number", "size"),
    [(Mechanism.SCRAM_SHA_256, "SCRAM-SHA-256", 1, 32), (Mechanism.SCRAM_SHA_512, "SCRAM-SHA-512", 2, 64)],
)
def test_a_mechanism_has_kafkas_name_and_number(mechanism: Mechanism, label: str, number: int, size: int) -> None:
    made = credential(mechanism, "pencil", SALT, 4096)
    assert (mechanism.label, mechanism.value, len(made.stored_key), len(made.server_key)) == (label, number, size, size)


def test_the_servers_nonce_goes_on_from_the_clients() -> None:
    assert exchange().answer(b"n,,n=user,r=client").startswith(b"r=clientserver-nonce,s=")


def test_the_user_is_looked_up_by_its_plain_name() -> None:
    asked: list[str] = []

    def find(name: str) -> Credential:
        asked.append(name)
        return credential(Mechanism.SCRAM_SHA_256, "pencil", SALT, 4096)

    Exchange(Mechanism.SCRAM_SHA_256, find, "s").answer(b"n,,n=a=2Cb=3Dc=3D2C,r=client")
    assert asked == ["a,b=c=2C"]


def test_extensions_are_part_of_what_is_proved() -> None:
    server = exchange()
    server.answer(final_of(server, b"n,,n=user,r=client,x=1,y=2"))
    assert server.done


def test_a_client_may_ask_to_be_itself() -> None:
    server = exchange()
    server.answer(final_of(server, b"n,a=user,n=user,r=client"))
    assert server.done


# What does not log in.


def test_a_wrong_password_does_not_log_in() -> None:
    server = exchange()
    with pytest.raises(ScramError, match="the proof is wrong") as raised:
        server.answer(final_of(server, password="pencils"))
    assert (server.done, raised.value.words) == (False, "")


def test_a_client_may_not_ask_to_be_somebody_else() -> None:
    with pytest.raises(ScramError) as raised:
        exchange().answer(b"n,a=admin,n=user,r=client")
    assert raised.value.words == (
        "Authentication failed: Client requested an authorization id that is different from username"
    )


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n",
        b"n,,",
        b"n,,n=user",
        b"n,,n=,r=client",
        b"n,,n=user,r=",
        b"n,,n=user,r=a b",
        b"n,,n=us=er,r=client",
        b"n,,n=us=2cer,r=client",
        b"n,,r=client,n=user",
        b"n,,m=mandatory,n=user,r=client",
        b"y,,n=user,r=client",
        b"p=tls-unique,,n=user,r=client",
        b"n,a=,n=user,r=client",
        b"n,,n=user,r=client,extension",
        b"n,,n=user,r=client\n",
        b"n,,n=us\x00er,r=client",
        "n,,n=Zoë,r=client".encode(),
        b"\xff\xfe",
    ],
)
def test_a_first_message_of_another_form_does_not_log_in(message: bytes) -> None:
    with pytest.raises(ScramError):
        exchange().answer(message)


@pytest.mark.parametrize("extension", [b"tokenauth=true", b"x=1,tokenauth=TRUE"])
def test_there_are_no_delegation_tokens(extension: bytes) -> None:
    with pytest.raises(ScramError, match="delegation"):
        exchange().answer(b"n,,n=user,r=client," + extension)


def test_a_client_may_say_that_it_has_no_delegation_token() -> None:
    assert exchange().answer(b"n,,n=user,r=client,tokenauth=false")


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"c=biws",
        b"c=biws,r=clientserver-nonce",
        b"c=biws,r=clientserver-nonce,p=!",
        b"c=biws,r=clientserver-nonce,p=abc",
        b"r=clientserver-nonce,p=AAAA",
        b"n,,n=user,r=client",
    ],
)
def test_a_final_message_of_another_form_does_not_log_in(message: bytes) -> None:
    server = exchange()
    server.answer(b"n,,n=user,r=client")
    with pytest.raises(ScramError, match="another form"):
        server.answer(message)


@pytest.mark.parametrize("proof", [b"", b"AAAA", base64.b64encode(bytes(31)), base64.b64encode(bytes(33))])
def test_a_proof_of_another_length_does_not_log_in(proof: bytes) -> None:
    server = exchange()
    server.answer(b"n,,n=user,r=client")
    with pytest.raises(ScramError, match="another length"):
        server.answer(b"c=biws,r=clientserver-nonce,p=" + proof)


@pytest.mark.parametrize("nonce", [b"client", b"server-nonce", b"clientserver-nonc", b"clientserver-nonce2"])
def test_a_final_message_with_another_nonce_does_not_log_in(nonce: bytes) -> None:
    server = exchange()
    final = final_of(server)
    with pytest.raises(ScramError, match="another nonce"):
        server.answer(final.replace(b"clientserver-nonce", nonce))
    assert not server.done


def test_what_proved_one_login_does_not_prove_the_next() -> None:
    first = exchange()
    final = final_of(first)
    first.answer(final)
    kept = credential(Mechanism.SCRAM_SHA_256, "pencil", SALT, 4096)
    second = Exchange(Mechanism.SCRAM_SHA_256, lambda _: kept, "other-nonce")
    second.answer(b"n,,n=user,r=client")
    with pytest.raises(ScramError, match="the proof is wrong"):
        second.answer(final.replace(b"server-nonce", b"other-nonce"))


def test_nothing_follows_a_login() -> None:
    server = exchange()
    final = final_of(server)
    server.answer(final)
    with pytest.raises(ScramError):
        server.answer(final)
