"""Settings: a flag, its EVENTYARD_* twin and LocalStack's name; who beats whom; one clear line for a bad value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from emulator.__main__ import command
from emulator.settings import ALIASES, FLAGS, Address, Settings, SettingsError, read_settings

GOOD: dict[str, tuple[str, Any]] = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("4999", 4999),
    "account_id": ("123456789012", "123456789012"),
    "region": ("eu-west-1", "eu-west-1"),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "services": ("sqs,sts", frozenset({"sqs", "sts"})),
    "public_host": ("example.test:80", "example.test:80"),
    "endpoint_strategy": ("path", "path"),
    "sns_cert_url_host": ("sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com"),
    "cors_checks": ("0", False),
    "cors_origins": ("https://a.test, https://b.test", ("https://a.test", "https://b.test")),
    "cooldowns": ("0", False),
    "quotas": ("0", False),
    "data_dir": ("/var/eventyard", Path("/var/eventyard")),
    "kafka_port": ("free", -1),
    "kafka_brokers": ("3", 3),
    "kafka_advertised_host": ("broker.test:19092", "broker.test:19092"),
    "kafka_auto_create_topics": ("0", False),
    "kafka_any_replication": ("1", True),
    "kafka_memory": ("512M", 512 << 20),
    "kafka_security": ("SASL_SSL", "sasl_ssl"),
    "kafka_users": ("alice:secret, bob:a:b", (("alice", "secret"), ("bob", "a:b"))),
    "kafka_tls_cert": ("/etc/cert.pem", Path("/etc/cert.pem")),
    "kafka_tls_key": ("/etc/key.pem", Path("/etc/key.pem")),
    "kafka_authorizer": ("1", True),
    "kafka_super_users": ("alice,bob", ("alice", "bob")),
}
"""For each setting a text that is not its default, and what it means."""

AGAIN = {
    "host": "localhost",
    "port": "1",
    "account_id": "210987654321",
    "region": "cn-north-1",
    "log_level": "error",
    "log_format": "text",
    "services": "sns",
    "public_host": "other.test",
    "endpoint_strategy": "domain",
    "sns_cert_url_host": "sns.eu-west-1.amazonaws.com",
    "cors_checks": "1",
    "cors_origins": "https://c.test",
    "cooldowns": "1",
    "quotas": "1",
    "data_dir": "/tmp/other",
    "kafka_port": "0",
    "kafka_brokers": "2",
    "kafka_advertised_host": "other.test",
    "kafka_auto_create_topics": "1",
    "kafka_any_replication": "0",
    "kafka_memory": "2g",
    "kafka_security": "ssl",
    "kafka_users": "carol:secret",
    "kafka_tls_cert": "/etc/other.pem",
    "kafka_tls_key": "/etc/other.key",
    "kafka_authorizer": "0",
    "kafka_super_users": "carol",
}
"""Another good text for each."""

BAD: dict[str, tuple[str, str]] = {
    "port": ("http", "must be a number"),
    "account_id": ("12345", "must be 12 digits"),
    "region": ("europe", "must be the name of an AWS region, such as eu-west-1"),
    "log_level": ("loud", "must be 'debug', 'info', 'warning' or 'error'"),
    "log_format": ("xml", "must be 'text' or 'json'"),
    "services": (
        "sqs,nonsense",
        "AWS has no service 'nonsense'; name services as the AWS CLI does, such as sqs,sns,events",
    ),
    "public_host": ("http://a/b", "must be a host, with or without a port, such as localhost.localstack.cloud:4566"),
    "endpoint_strategy": ("other", "must be 'dynamic', 'standard', 'domain' or 'path'"),
    "sns_cert_url_host": (
        "https://a/b",
        "must be a host, with or without a port, such as sns.us-east-1.amazonaws.com",
    ),
    "cors_checks": ("maybe", "must be 1 or 0"),
    "cooldowns": ("2", "must be 1 or 0"),
    "quotas": ("many", "must be 1 or 0"),
    "kafka_port": ("many", "must be a number, or free"),
    "kafka_brokers": ("0", "must be greater than or equal to 1"),
    "kafka_advertised_host": ("http://a/b", "must be a host, with or without a port, such as localhost:9092"),
    "kafka_auto_create_topics": ("maybe", "must be 1 or 0"),
    "kafka_any_replication": ("maybe", "must be 1 or 0"),
    "kafka_memory": ("much", "must be a number of bytes, or one with a unit, such as 512M or 2G"),
    "kafka_security": ("tls", "must be 'plaintext', 'ssl', 'sasl_plaintext' or 'sasl_ssl'"),
    "kafka_users": ("alice", "must be names with their passwords, such as alice:secret,bob:other"),
    "kafka_authorizer": ("maybe", "must be 1 or 0"),
}


def flag_of(setting: str) -> str:
    return "--" + setting.replace("_", "-")


def variable_of(setting: str) -> str:
    return f"EVENTYARD_{setting.upper()}"


def refusal(flags: dict[str, str | None], environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings(flags, environ)
    text = str(caught.value)
    assert "\n" not in text
    assert "\r" not in text
    return text


def test_the_defaults_are_those_of_the_manual() -> None:
    settings = read_settings({}, {})
    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 4566)
    assert (settings.account_id, settings.region) == ("000000000000", "us-east-1")
    assert (settings.log_level, settings.log_format) == ("warning", "text")
    assert settings.services is None
    assert (settings.public_host, settings.endpoint_strategy) == ("", "dynamic")
    assert (settings.cors_checks, settings.cors_origins, settings.cooldowns) == (True, (), True)
    assert settings.addresses == (Address("127.0.0.1", 4566),)


def test_the_command_line_has_a_flag_for_each_setting_and_this_file_a_text() -> None:
    options = {name for option in command.params for name in option.opts} - {"--version"}
    assert options == {flag_of(setting) for setting in FLAGS}
    assert set(GOOD) == set(FLAGS)


@pytest.mark.parametrize("setting", GOOD)
def test_a_flag_sets_its_setting(setting: str) -> None:
    text, value = GOOD[setting]
    assert getattr(read_settings({setting: text}, {}), setting) == value
    assert getattr(Settings(), setting) != value


@pytest.mark.parametrize("setting", GOOD)
def test_a_variable_is_the_twin_of_each_flag(setting: str) -> None:
    text, value = GOOD[setting]
    assert getattr(read_settings({}, {variable_of(setting): text}), setting) == value


@pytest.mark.parametrize("setting", GOOD)
def test_a_flag_beats_its_variable(setting: str) -> None:
    flags = {setting: AGAIN[setting]}
    assert read_settings(flags, {variable_of(setting): GOOD[setting][0]}) == read_settings(flags, {})


@pytest.mark.parametrize("setting", GOOD)
def test_an_empty_variable_is_as_good_as_none(setting: str) -> None:
    assert read_settings({}, {variable_of(setting): ""}) == Settings()


def test_variables_of_others_are_passed_over() -> None:
    assert read_settings({}, {"PATH": "/bin", "EVENTYARD_": "x", "EVENTYARD_UNKNOWN": "x", "PORT": "1"}) == Settings()


@pytest.mark.parametrize("setting", BAD)
def test_a_bad_flag_gives_one_line_that_names_it(setting: str) -> None:
    text, reason = BAD[setting]
    assert refusal({setting: text}, {}) == f"{flag_of(setting)}={text}: {reason}"


@pytest.mark.parametrize("setting", BAD)
def test_a_bad_variable_gives_one_line_that_names_it(setting: str) -> None:
    text, reason = BAD[setting]
    assert refusal({}, {variable_of(setting): text}) == f"{variable_of(setting)}={text}: {reason}"


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("port", "-1"),
        ("port", "65536"),
        ("port", "4566.0"),
        ("port", ""),
        ("host", ""),
        ("account_id", "²" * 12),
        ("account_id", "12345678901a"),
        ("region", "us-east"),
        ("region", "US-EAST-1"),
        ("region", "us-east-1 "),
    ],
)
def test_other_bad_values_are_refused_by_name(setting: str, text: str) -> None:
    assert refusal({setting: text}, {}).startswith(f"{flag_of(setting)}={text}: ")


def test_a_bad_value_of_several_lines_still_gives_one() -> None:
    assert refusal({}, {"EVENTYARD_REGION": "eu-west-1\nus-east-1"}).startswith("EVENTYARD_REGION=")


@pytest.mark.parametrize("text", ["1", "true", "TRUE", "yes", "on", " 1 "])
def test_a_yes_is_spelled_in_several_ways(text: str) -> None:
    assert not read_settings({}, {"DISABLE_CORS_CHECKS": text}).cors_checks
    assert read_settings({"cooldowns": text}, {}).cooldowns


@pytest.mark.parametrize("text", ["0", "false", "False", "no", "off"])
def test_a_no_is_spelled_in_several_ways(text: str) -> None:
    assert read_settings({}, {"DISABLE_CORS_CHECKS": text}).cors_checks
    assert not read_settings({"cooldowns": text}, {}).cooldowns


@pytest.mark.parametrize("text", ["warn", "WARN", "Warning", "warning"])
def test_a_log_level_may_be_written_as_others_write_it(text: str) -> None:
    assert read_settings({"log_level": text}, {}).log_level == "warning"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(prot=1)


# Services.


@pytest.mark.parametrize(
    ("text", "services"),
    [
        ("sqs", {"sqs"}),
        (" sqs , sts,", {"sqs", "sts"}),
        ("SQS", {"sqs"}),
        ("sqs:4576,s3:4572", {"sqs", "s3"}),
        ("s3,lambda", {"s3", "lambda"}),
        (",", None),
    ],
)
def test_services_are_listed_as_localstack_lists_them(text: str, services: set[str] | None) -> None:
    """Names that AWS has and we do not emulate are taken: a compose file written for LocalStack must start."""
    found = read_settings({}, {"SERVICES": text}).services
    assert found == services


def test_a_service_that_aws_does_not_have_is_refused() -> None:
    assert refusal({}, {"SERVICES": "sqs,sqss"}).startswith("SERVICES=sqs,sqss: AWS has no service 'sqss'")


# LocalStack's names.

LOCALSTACK: list[tuple[str, str, str, Any]] = [
    ("GATEWAY_LISTEN", "0.0.0.0:4577", "addresses", (Address("0.0.0.0", 4577),)),
    ("DEBUG", "1", "log_level", "debug"),
    ("DEBUG", "0", "log_level", "warning"),
    ("LS_LOG", "trace", "log_level", "debug"),
    ("LS_LOG", "trace-internal", "log_level", "debug"),
    ("LS_LOG", "debug", "log_level", "debug"),
    ("LS_LOG", "INFO", "log_level", "info"),
    ("LS_LOG", "warn", "log_level", "warning"),
    ("LS_LOG", "warning", "log_level", "warning"),
    ("LS_LOG", "error", "log_level", "error"),
    ("LOCALSTACK_HOST", "localhost.localstack.cloud:4566", "public_host", "localhost.localstack.cloud:4566"),
    ("SERVICES", "sqs", "services", frozenset({"sqs"})),
    ("SQS_ENDPOINT_STRATEGY", "standard", "endpoint_strategy", "standard"),
    ("SQS_ENDPOINT_STRATEGY", "domain", "endpoint_strategy", "domain"),
    ("SQS_ENDPOINT_STRATEGY", "path", "endpoint_strategy", "path"),
    ("SQS_ENDPOINT_STRATEGY", "dynamic", "endpoint_strategy", "dynamic"),
    ("SQS_ENDPOINT_STRATEGY", "off", "endpoint_strategy", "dynamic"),
    ("SNS_CERT_URL_HOST", "sns.eu-west-1.amazonaws.com", "sns_cert_url_host", "sns.eu-west-1.amazonaws.com"),
    ("DISABLE_CORS_CHECKS", "1", "cors_checks", False),
    ("EXTRA_CORS_ALLOWED_ORIGINS", "https://a.test,app://b", "cors_origins", ("https://a.test", "app://b")),
]
OTHER = {
    "GATEWAY_LISTEN": "1.2.3.4:5",
    "DEBUG": "1",
    "LS_LOG": "error",
    "LOCALSTACK_HOST": "a.test",
    "SERVICES": "s3",
    "SQS_ENDPOINT_STRATEGY": "domain",
    "SNS_CERT_URL_HOST": "a.test",
    "DISABLE_CORS_CHECKS": "1",
    "EXTRA_CORS_ALLOWED_ORIGINS": "https://a.test",
}


@pytest.mark.parametrize(("name", "text", "setting", "value"), LOCALSTACK)
def test_a_name_of_localstack_means_the_same(name: str, text: str, setting: str, value: Any) -> None:
    assert getattr(read_settings({}, {name: text}), setting) == value


def test_this_file_knows_all_names_of_localstack() -> None:
    assert {name for name, *_ in LOCALSTACK} == {alias.name for alias in ALIASES} == set(OTHER)


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_a_variable_of_eventyard_beats_localstacks_name(alias: Any) -> None:
    text, value = GOOD[alias.setting]
    if alias.setting == "log_level":
        text, value = "info", "info"
    if alias.setting == "cors_checks":
        text, value = "1", True
    settings = read_settings({}, {alias.name: OTHER[alias.name], variable_of(alias.setting): text})
    assert getattr(settings, alias.setting) == value


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_an_empty_name_of_localstack_is_as_good_as_none(alias: Any) -> None:
    assert read_settings({}, {alias.name: ""}) == Settings()


def test_ls_log_is_more_precise_than_debug() -> None:
    assert read_settings({}, {"DEBUG": "1", "LS_LOG": "info"}).log_level == "info"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("GATEWAY_LISTEN", "0.0.0.0:http"),
        ("GATEWAY_LISTEN", "a:b:c"),
        ("GATEWAY_LISTEN", "::1:4566"),
        ("GATEWAY_LISTEN", "localhost:70000"),
        ("GATEWAY_LISTEN", ","),
        ("DEBUG", "perhaps"),
        ("LS_LOG", "loud"),
        ("SQS_ENDPOINT_STRATEGY", "other"),
        ("DISABLE_CORS_CHECKS", "perhaps"),
    ],
)
def test_a_bad_value_under_localstacks_name_gives_one_line_that_names_it(name: str, text: str) -> None:
    assert refusal({}, {name: text}).startswith(f"{name}={text}: ")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("127.0.0.1:4566", [("127.0.0.1", 4566)]),
        ("0.0.0.0", [("0.0.0.0", 4566)]),
        (":4570", [("0.0.0.0", 4570)]),
        ("localhost:0", [("localhost", 0)]),
        ("0.0.0.0:4566,0.0.0.0:443", [("0.0.0.0", 4566), ("0.0.0.0", 443)]),
        (" 127.0.0.1:1 , [::1]:2 ,", [("127.0.0.1", 1), ("::1", 2)]),
        ("[::]:4566", [("::", 4566)]),
        ("[::1]", [("::1", 4566)]),
    ],
)
def test_gateway_listen_names_one_or_several_addresses(text: str, addresses: list[tuple[str, int]]) -> None:
    settings = read_settings({}, {"GATEWAY_LISTEN": text})
    assert list(settings.addresses) == addresses


def test_a_flag_moves_the_first_address_of_gateway_listen() -> None:
    settings = read_settings({"port": "4999"}, {"GATEWAY_LISTEN": "0.0.0.0:4566"})
    assert settings.addresses == (Address("0.0.0.0", 4999),)


def test_an_address_is_written_as_in_a_url() -> None:
    assert str(Address("::1", 4566)) == "[::1]:4566"
    assert str(Address("localhost", 80)) == "localhost:80"
