"""Logins, TLS and access control lists, as three clients meet them over sockets."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from emulator.certificate import Certificate
from tests.clients.kafka.programs.clients import CLIENTS, WAIT_S, Security, round_trip
from tests.support.server import Server, environment

Fresh = Callable[[str], str]
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
KAFKAS_WORDS = {
    "PLAIN": "Authentication failed: Invalid username or password",
    **{
        name: f"Authentication failed during authentication due to invalid credentials with SASL mechanism {name}"
        for name in MECHANISMS[1:]
    },
}
USERS = ("--kafka-users", "alice:wonder,admin:secret")
ROOT = Path(__file__).parents[3]
FREE = ("--port", "0", "--kafka-port", "free")


@pytest.fixture(scope="module")
def sasl() -> Iterator[Server]:
    """A server with logins and access control lists, whose super user is admin."""
    flags = ("--kafka-authorizer", "1", "--kafka-super-users", "admin")
    with Server(*FREE, *USERS, *flags, "--kafka-security", "sasl_plaintext") as server:
        yield server


@pytest.fixture(scope="module")
def sasl_tls() -> Iterator[Server]:
    """A server with logins over TLS."""
    with Server(*FREE, *USERS, "--kafka-security", "sasl_ssl") as server:
        yield server


@pytest.fixture(scope="module")
def tls() -> Iterator[Server]:
    """A server with TLS and the certificate that it makes for itself."""
    with Server(*FREE, "--kafka-security", "ssl") as server:
        yield server


def ca_of(server: Server, folder: Path) -> str:
    """Fetch what clients have to trust."""
    answer = server.request("GET", "/_eventyard/certificate.pem")
    assert answer.status == 200
    path = folder / "ca.pem"
    path.write_bytes(answer.body)
    return str(path)


def first_error(bootstrap: str, **settings: Any) -> KafkaError:
    """Connect with librdkafka and give the first error that it hears of."""
    errors: list[KafkaError] = []
    producer = Producer({"bootstrap.servers": bootstrap, "error_cb": errors.append, **settings})
    for _ in range(WAIT_S * 10):
        if errors:
            return errors[0]
        producer.poll(0.1)
    raise AssertionError("no error came")


# Logins.


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_user_logs_in(sasl: Server, fresh: Fresh, client: str, mechanism: str) -> None:
    login = Security("SASL_PLAINTEXT", mechanism, "admin", "secret")
    assert round_trip(client, sasl.kafka, fresh("orders"), fresh("group"), [b"v"], login) == [b"v"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_user_logs_in_over_tls(sasl_tls: Server, fresh: Fresh, client: str, mechanism: str, tmp_path: Path) -> None:
    login = Security("SASL_SSL", mechanism, "alice", "wonder", ca_of(sasl_tls, tmp_path))
    assert round_trip(client, sasl_tls.kafka, fresh("orders"), fresh("group"), [b"v"], login) == [b"v"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("nobody", "wonder")])
def test_librdkafka_hears_that_a_password_is_wrong(sasl: Server, user: str, password: str, mechanism: str) -> None:
    login = Security("SASL_PLAINTEXT", mechanism, user, password)
    error = first_error(sasl.kafka, **login.confluent())
    assert error.code() == KafkaError._AUTHENTICATION
    assert KAFKAS_WORDS[mechanism] in error.str()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_kafka_python_does_not_get_in_with_a_wrong_password(sasl: Server, mechanism: str) -> None:
    program = "tests.clients.kafka.programs.kafka_python_login"

    def log_in(password: str) -> str:
        command = [sys.executable, "-m", program, sasl.kafka, mechanism, "alice", password]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=WAIT_S, check=True
        )
        return done.stdout

    before = refused_logins(sasl)
    # It tries until its time is over. It need not see the answer: it throws away what comes in one piece with the connection's end.
    assert log_in("wrong") == "refused\n"
    assert refused_logins(sasl) > before
    assert log_in("wonder") == "logged in\n"


def refused_logins(server: Server) -> int:
    server.turns()
    return sum("could not log in" in line for line in server.err)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_aiokafka_hears_that_a_password_is_wrong(
    sasl: Server, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    login = Security("SASL_PLAINTEXT", mechanism, "alice", "wrong")

    async def start() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=sasl.kafka, **login.aiokafka())
        try:
            await producer.start()
        finally:
            await producer.stop()

    with pytest.raises(KafkaConnectionError):
        asyncio.run(start())
    assert f"SaslAuthenticationFailed: {KAFKAS_WORDS[mechanism]}" in caplog.text


def test_a_client_that_does_not_log_in_gets_nothing(sasl: Server) -> None:
    assert first_error(sasl.kafka).code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)


def test_a_password_that_was_set_while_the_server_runs_holds_at_once(sasl: Server, fresh: Fresh) -> None:
    topic = fresh("orders")
    admin = administrator(sasl)
    wanted = UserScramCredentialUpsertion(
        "bob", ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), b"builder", b"salt"
    )
    admin.alter_user_scram_credentials([wanted])["bob"].result(WAIT_S)
    [described] = [admin.describe_user_scram_credentials(["bob"])["bob"].result(WAIT_S)]
    assert [(info.mechanism.name, info.iterations) for info in described.scram_credential_infos] == [
        ("SCRAM_SHA_512", 4096)
    ]
    grant(admin, rule(topic, AclOperation.ALL, "bob"), rule(topic, AclOperation.READ, "bob", ResourceType.GROUP))
    login = Security("SASL_PLAINTEXT", "SCRAM-SHA-512", "bob", "builder")
    for client in CLIENTS:
        assert round_trip(client, sasl.kafka, topic, f"{topic}-{client}", [b"v"], login)[0] == b"v"


# TLS.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("client", CLIENTS)
def test_the_servers_own_certificate_fits_its_host(
    tls: Server, fresh: Fresh, client: str, host: str, tmp_path: Path
) -> None:
    bootstrap = tls.kafka.replace("127.0.0.1", host)
    trusting = Security("SSL", ca=ca_of(tls, tmp_path))
    assert round_trip(client, bootstrap, fresh("orders"), fresh("group"), [b"v"], trusting) == [b"v"]


def given(folder: Path, *names: str) -> tuple[str, str]:
    """Write a certificate for some hosts and its key, as a user has them."""
    made = Certificate(names[0], int(time.time() * 1000), names)
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.pem)
    key.write_bytes(made.private_pem)
    return str(cert), str(key)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with a certificate of the user's own, and that."""
    cert, key = given(tmp_path_factory.mktemp("own"), "localhost", "127.0.0.1")
    with Server(*FREE, "--kafka-security", "ssl", "--kafka-tls-cert", cert, "--kafka-tls-key", key) as server:
        yield server, cert


@pytest.mark.parametrize("client", CLIENTS)
def test_a_certificate_of_the_users_own_is_shown(own: tuple[Server, str], fresh: Fresh, client: str) -> None:
    server, cert = own
    trusting = Security("SSL", ca=cert)
    assert round_trip(client, server.kafka, fresh("orders"), fresh("group"), [b"v"], trusting) == [b"v"]


def test_a_certificate_of_another_host_is_not_believed(tmp_path: Path) -> None:
    cert, key = given(tmp_path, "elsewhere.test")
    with Server(*FREE, "--kafka-security", "ssl", "--kafka-tls-cert", cert, "--kafka-tls-key", key) as server:
        error = first_error(server.kafka, **Security("SSL", ca=cert).confluent())
    assert error.code() == KafkaError._SSL


def test_a_certificate_that_nobody_trusts_is_not_believed(tls: Server, tmp_path: Path) -> None:
    other, _ = given(tmp_path, "localhost", "127.0.0.1")
    assert "certificate verify failed" in first_error(tls.kafka, **Security("SSL", ca=other).confluent()).str()


def test_a_plain_client_on_the_tls_port_does_not_hurt_others(tls: Server, fresh: Fresh, tmp_path: Path) -> None:
    assert first_error(tls.kafka).code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)
    trusting = Security("SSL", ca=ca_of(tls, tmp_path))
    assert round_trip("confluent", tls.kafka, fresh("orders"), fresh("group"), [b"v"], trusting) == [b"v"]


def test_a_tls_client_on_the_plain_port_does_not_hurt_others(server: Server, fresh: Fresh, tmp_path: Path) -> None:
    ca, _ = given(tmp_path, "localhost", "127.0.0.1")
    assert first_error(server.kafka, **Security("SSL", ca=ca).confluent()).code() in (
        KafkaError._SSL,
        KafkaError._TRANSPORT,
    )
    assert round_trip("confluent", server.kafka, fresh("orders"), fresh("group"), [b"v"]) == [b"v"]
    assert "Traceback" not in server.output


# Access control lists.

ALICE = Security("SASL_PLAINTEXT", "SCRAM-SHA-256", "alice", "wonder")


def administrator(server: Server) -> AdminClient:
    login = Security("SASL_PLAINTEXT", "PLAIN", "admin", "secret")
    return AdminClient({"bootstrap.servers": server.kafka, **login.confluent()})


def rule(
    name: str,
    operation: AclOperation,
    user: str = "alice",
    resource: ResourceType = ResourceType.TOPIC,
    permission: AclPermissionType = AclPermissionType.ALLOW,
) -> AclBinding:
    """A rule on all resources whose names begin so."""
    return AclBinding(resource, name, ResourcePatternType.PREFIXED, f"User:{user}", "*", operation, permission)


def grant(admin: AdminClient, *rules: AclBinding) -> None:
    for made in admin.create_acls(list(rules)).values():
        made.result(WAIT_S)


def refusal(server: Server, topic: str, **settings: Any) -> int:
    """Write as alice, and give the code of the delivery report."""
    codes: list[int] = []
    producer = Producer({"bootstrap.servers": server.kafka, **ALICE.confluent(), **settings})
    producer.produce(topic, b"v", on_delivery=lambda error, _: codes.append(error.code() if error else 0))
    assert producer.flush(WAIT_S) == 0
    return codes[0]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_user_may_do_what_a_rule_allows(sasl: Server, fresh: Fresh, client: str) -> None:
    topic = fresh("granted")
    rules = (rule(topic, AclOperation.ALL), rule(topic, AclOperation.READ, resource=ResourceType.GROUP))
    grant(administrator(sasl), *rules)
    assert round_trip(client, sasl.kafka, topic, f"{topic}-group", [b"v"], ALICE) == [b"v"]


def test_a_user_may_do_nothing_without_a_rule(sasl: Server, fresh: Fresh) -> None:
    topic = fresh("secret")
    administrator(sasl).list_topics(timeout=WAIT_S)
    assert refusal(sasl, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    grant(administrator(sasl), rule(topic, AclOperation.ALL))
    assert refusal(sasl, topic) == 0


def test_a_rule_that_denies_beats_one_that_allows(sasl: Server, fresh: Fresh) -> None:
    topic = fresh("mixed")
    admin = administrator(sasl)
    denial = rule(topic, AclOperation.WRITE, permission=AclPermissionType.DENY)
    grant(admin, rule(topic, AclOperation.ALL), denial)
    assert refusal(sasl, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    wanted = AclBindingFilter(
        denial.restype,
        denial.name,
        denial.resource_pattern_type,
        denial.principal,
        denial.host,
        denial.operation,
        denial.permission_type,
    )
    assert admin.describe_acls(wanted).result(WAIT_S) == [denial]
    [deleted] = admin.delete_acls([wanted]).values()
    assert deleted.result(WAIT_S) == [denial]
    assert refusal(sasl, topic) == 0


def test_a_transactional_id_needs_a_rule_of_its_own(sasl: Server, fresh: Fresh) -> None:
    name = fresh("tx")
    settings = {"bootstrap.servers": sasl.kafka, "transactional.id": name, **ALICE.confluent()}
    with pytest.raises(KafkaException) as refused:
        Producer(settings).init_transactions(WAIT_S)
    assert refused.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    grant(administrator(sasl), rule(name, AclOperation.WRITE, resource=ResourceType.TRANSACTIONAL_ID))
    Producer(settings).init_transactions(WAIT_S)


def test_a_topic_that_a_user_may_not_see_is_not_listed(sasl: Server, fresh: Fresh) -> None:
    hidden, shown = fresh("hidden"), fresh("shown")
    admin = administrator(sasl)
    grant(admin, rule(shown, AclOperation.DESCRIBE))
    for topic in (hidden, shown):
        round_trip(
            "confluent", sasl.kafka, topic, topic, [b"v"], Security("SASL_PLAINTEXT", "PLAIN", "admin", "secret")
        )
    found = AdminClient({"bootstrap.servers": sasl.kafka, **ALICE.confluent()}).list_topics(timeout=WAIT_S).topics
    assert shown in found
    assert hidden not in found
