"""STS: GetCallerIdentity, GetSessionToken, AssumeRole, and what is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import Harness
from tests.support.sqs_messages import make_queue, receive
from tests.support.sqs_wire import signed

ACCOUNT, ROLE_ACCOUNT = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ROLE_ACCOUNT}:role/worker"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""Where the clock of the tests starts."""

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
OTHERS = {
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetWebIdentityToken",
}
"""What AWS has beyond the three."""

ROLE_TOO_SHORT = "Member must have length greater than or equal to 20"
ROLE_TOO_LONG = "Member must have length less than or equal to 2048"
NAME_TOO_SHORT = "Member must have length greater than or equal to 2"
NAME_TOO_LONG = "Member must have length less than or equal to 64"
NAME_PATTERN = r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
TOO_BRIEF = "Member must have value greater than or equal to 900"


@pytest.fixture
def sts(cloud: Harness) -> Any:
    """A client of an account other than the default one."""
    return cloud.client("sts", account=ACCOUNT)


def call(cloud: Harness, action: str, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    """Send a form as it is, past what boto3 refuses by itself."""
    return cloud.request(
        body=urlencode({"Action": action, "Version": "2011-06-15", **fields}).encode(),
        headers={
            "content-type": "application/x-www-form-urlencoded",
            **(signed(ACCOUNT, service="sts") if headers is None else headers),
        },
    )


def refusal_of(cloud: Harness, action: str, **fields: Any) -> Seen:
    """Make a call that must fail, and read its error document."""
    answer = call(cloud, action, **fields)
    error = ET.fromstring(answer.body).find(f"{{{NAMESPACE}}}Error")
    assert error is not None
    texts = [error.findtext(f"{{{NAMESPACE}}}{name}") or "" for name in ("Code", "Message")]
    return Seen(texts[0], texts[1], answer.status)


def validation_error(value: object, parameter: str, constraint: str) -> Seen:
    shown = "null" if value is None else f"'{value}'"
    message = f"1 validation error detected: Value {shown} at '{parameter}' failed to satisfy constraint: {constraint}"
    return Seen("ValidationError", message, 400)


def identity_of(sts: Any) -> dict[str, str]:
    answer: dict[str, str] = sts.get_caller_identity()
    return {key: answer[key] for key in ("UserId", "Account", "Arn")}


def as_role(cloud: Harness, service: str, role: str = ROLE, name: str = "session", **options: Any) -> Any:
    """Assume a role and get a client that acts as it."""
    return with_keys(cloud, service, cloud.client("sts").assume_role(RoleArn=role, RoleSessionName=name), **options)


def with_keys(cloud: Harness, service: str, answer: Any, **options: Any) -> Any:
    keys = answer["Credentials"]
    return cloud.client(service, account=keys["AccessKeyId"], aws_session_token=keys["SessionToken"], **options)


# GetCallerIdentity.


@pytest.mark.parametrize(
    ("key", "account"), [(ACCOUNT, ACCOUNT), ("test", "000000000000"), ("AKIAIOSFODNN7EXAMPLE", "000000000000")]
)
def test_a_plain_key_is_the_root_user_of_its_account(cloud: Harness, key: str, account: str) -> None:
    identity = identity_of(cloud.client("sts", account=key))
    assert identity == {"UserId": account, "Account": account, "Arn": f"arn:aws:iam::{account}:root"}


def test_the_default_account_is_that_of_the_settings(cloud_with: Any) -> None:
    assert identity_of(cloud_with(account_id="999988887777").client("sts"))["Account"] == "999988887777"


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")])
def test_an_identity_is_of_its_region_s_partition(cloud: Harness, region: str, partition: str) -> None:
    identity = identity_of(cloud.client("sts", account=ACCOUNT, region=region))
    assert identity["Arn"] == f"arn:{partition}:iam::{ACCOUNT}:root"


def test_a_call_without_a_signature_is_the_default_account_s(cloud: Harness) -> None:
    answer = call(cloud, "GetCallerIdentity", headers={})
    assert answer.status == 200
    assert "<Account>000000000000</Account>" in answer.text


def test_the_answer_is_a_document_of_sts(cloud: Harness) -> None:
    answer = call(cloud, "GetCallerIdentity")
    assert answer.headers["content-type"] == "text/xml"
    root = ET.fromstring(answer.body)
    assert root.tag == f"{{{NAMESPACE}}}GetCallerIdentityResponse"
    assert root.findtext(f"{{{NAMESPACE}}}GetCallerIdentityResult/{{{NAMESPACE}}}Account") == ACCOUNT
    request_id = root.findtext(f"{{{NAMESPACE}}}ResponseMetadata/{{{NAMESPACE}}}RequestId")
    assert request_id == answer.headers["x-amzn-requestid"]


def test_a_call_by_get_is_answered_too(cloud: Harness) -> None:
    answer = cloud.request(
        "GET", "/", query="Action=GetCallerIdentity&Version=2011-06-15", headers=signed(ACCOUNT, service="sts")
    )
    assert answer.status == 200
    assert f"<Account>{ACCOUNT}</Account>" in answer.text


# GetSessionToken.


def test_a_session_token_comes_with_keys_that_expire_in_12_hours(sts: Any) -> None:
    keys = sts.get_session_token()["Credentials"]
    assert keys["Expiration"] == NOW + timedelta(hours=12)
    assert re.fullmatch(r"[A-Z0-9]{20}", keys["AccessKeyId"])
    assert len(keys["SecretAccessKey"]) == 40
    assert keys["SessionToken"]


@pytest.mark.parametrize("duration_s", [900, 3600, 129600])
def test_a_session_lasts_as_long_as_asked_from_15_minutes_to_36_hours(
    cloud: Harness, sts: Any, duration_s: int
) -> None:
    cloud.advance(100)
    expiration = sts.get_session_token(DurationSeconds=duration_s)["Credentials"]["Expiration"]
    assert expiration == NOW + timedelta(seconds=100 + duration_s)


@pytest.mark.parametrize(
    ("duration_s", "constraint"),
    [
        (899, TOO_BRIEF),
        (0, TOO_BRIEF),
        (-1, TOO_BRIEF),
        (129601, "Member must have value less than or equal to 129600"),
    ],
)
def test_a_session_of_another_length_is_refused(cloud: Harness, duration_s: int, constraint: str) -> None:
    error = refusal_of(cloud, "GetSessionToken", DurationSeconds=duration_s)
    assert error == validation_error(duration_s, "durationSeconds", constraint)


def test_session_keys_are_the_same_user_of_the_same_account(cloud: Harness, sts: Any) -> None:
    session = with_keys(cloud, "sts", sts.get_session_token())
    assert identity_of(session) == identity_of(sts)


def test_two_sessions_have_two_pairs_of_keys(sts: Any) -> None:
    first, second = (sts.get_session_token()["Credentials"] for _ in range(2))
    assert first["AccessKeyId"] != second["AccessKeyId"]
    assert first["SecretAccessKey"] != second["SecretAccessKey"]


def test_session_keys_reach_the_account_s_queues(cloud: Harness, sts: Any) -> None:
    url = make_queue(cloud.client(account=ACCOUNT))
    session = with_keys(cloud, "sqs", sts.get_session_token())
    assert session.list_queues()["QueueUrls"] == [url]


# AssumeRole.


def test_an_assumed_role_says_who_it_is(sts: Any) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="build-7")
    user = answer["AssumedRoleUser"]
    assert user["Arn"] == f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/worker/build-7"
    assert re.fullmatch(r"AROA[A-Z0-9]{17}:build-7", user["AssumedRoleId"])
    assert answer["Credentials"]["Expiration"] == NOW + timedelta(hours=1)
    assert "SourceIdentity" not in answer


def test_a_role_s_path_is_no_part_of_its_session_s_name(sts: Any) -> None:
    role = f"arn:aws:iam::{ROLE_ACCOUNT}:role/team/blue/worker"
    answer = sts.assume_role(RoleArn=role, RoleSessionName="build-7")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/worker/build-7"


def test_a_role_of_china_stays_in_china_s_partition(sts: Any) -> None:
    role = f"arn:aws-cn:iam::{ROLE_ACCOUNT}:role/worker"
    answer = sts.assume_role(RoleArn=role, RoleSessionName="build-7")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws-cn:sts::{ROLE_ACCOUNT}:assumed-role/worker/build-7"


def test_a_source_identity_is_given_back(sts: Any) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="build-7", SourceIdentity="alice")
    assert answer["SourceIdentity"] == "alice"


def test_what_matters_for_permissions_only_is_accepted(sts: Any) -> None:
    answer = sts.assume_role(
        RoleArn=ROLE,
        RoleSessionName="build-7",
        Policy='{"Version":"2012-10-17","Statement":[]}',
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        ExternalId="outside",
        Tags=[{"Key": "team", "Value": "blue"}],
        TransitiveTagKeys=["team"],
        SerialNumber=f"arn:aws:iam::{ACCOUNT}:mfa/alice",
        TokenCode="123456",
    )
    assert answer["AssumedRoleUser"]["Arn"].endswith("/worker/build-7")


@pytest.mark.parametrize("duration_s", [900, 43200])
def test_a_role_is_assumed_for_15_minutes_to_12_hours(sts: Any, duration_s: int) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="build-7", DurationSeconds=duration_s)
    assert answer["Credentials"]["Expiration"] == NOW + timedelta(seconds=duration_s)


@pytest.mark.parametrize("name", ["ab", "x" * 64, "a+b=c,d.e@f-g_h"])
def test_a_session_s_name_has_2_to_64_letters_digits_and_some_signs(sts: Any, name: str) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName=name)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/worker/{name}"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"RoleArn": "short"}, validation_error("short", "roleArn", ROLE_TOO_SHORT)),
        ({"RoleArn": ROLE + "x" * 2048}, validation_error(ROLE + "x" * 2048, "roleArn", ROLE_TOO_LONG)),
        ({"RoleSessionName": "x"}, validation_error("x", "roleSessionName", NAME_TOO_SHORT)),
        ({"RoleSessionName": ""}, validation_error("", "roleSessionName", NAME_TOO_SHORT)),
        ({"RoleSessionName": "x" * 65}, validation_error("x" * 65, "roleSessionName", NAME_TOO_LONG)),
        ({"RoleSessionName": "a b"}, validation_error("a b", "roleSessionName", NAME_PATTERN)),
        ({"RoleSessionName": "a/b"}, validation_error("a/b", "roleSessionName", NAME_PATTERN)),
        ({"RoleSessionName": "größe"}, validation_error("größe", "roleSessionName", NAME_PATTERN)),
        ({"DurationSeconds": 899}, validation_error(899, "durationSeconds", TOO_BRIEF)),
        (
            {"DurationSeconds": 43201},
            validation_error(43201, "durationSeconds", "Member must have value less than or equal to 43200"),
        ),
    ],
    ids=[
        "short role",
        "long role",
        "name of 1",
        "empty name",
        "name of 65",
        "space in name",
        "slash in name",
        "umlaut in name",
        "too brief",
        "too long",
    ],
)
def test_a_wrong_parameter_of_assumerole_is_refused(cloud: Harness, fields: dict[str, Any], error: Seen) -> None:
    good = {"RoleArn": ROLE, "RoleSessionName": "build-7"}
    assert refusal_of(cloud, "AssumeRole", **{**good, **fields}) == error


@pytest.mark.parametrize(("missing", "parameter"), [("RoleArn", "roleArn"), ("RoleSessionName", "roleSessionName")])
def test_a_missing_parameter_of_assumerole_is_named(cloud: Harness, missing: str, parameter: str) -> None:
    fields = {"RoleArn": ROLE, "RoleSessionName": "build-7"}
    del fields[missing]
    error = refusal_of(cloud, "AssumeRole", **fields)
    assert error == validation_error(None, parameter, "Member must not be null")


@pytest.mark.parametrize(
    "arn",
    [
        "this-is-a-role-but-no-arn",
        f"arn:aws:sqs:us-east-1:{ACCOUNT}:role/worker",
        f"arn:aws:iam::{ACCOUNT}:user/worker",
        f"arn:aws:iam::{ACCOUNT}:worker",
        f"arn:aws:iam::{ACCOUNT}:role/",
        f"arn:aws:iam::{ACCOUNT}:role/team/",
        "arn:aws:iam::12345678901:role/worker",
        "arn:aws:iam::٠١٢٣٤٥٦٧٨٩٠١:role/worker",
        "arn:aws:iam:::role/worker-of-nobody",
    ],
)
def test_an_arn_that_is_no_role_s_is_invalid(sts: Any, arn: str) -> None:
    error = error_of(sts.assume_role, RoleArn=arn, RoleSessionName="build-7")
    assert error == Seen("ValidationError", f"{arn} is invalid", 400)


# Acting as a role.


def test_keys_of_a_role_are_the_role_s_session(cloud: Harness, sts: Any) -> None:
    answer = sts.assume_role(RoleArn=ROLE, RoleSessionName="build-7")
    assert identity_of(with_keys(cloud, "sts", answer)) == {
        "UserId": answer["AssumedRoleUser"]["AssumedRoleId"],
        "Account": ROLE_ACCOUNT,
        "Arn": f"arn:aws:sts::{ROLE_ACCOUNT}:assumed-role/worker/build-7",
    }


def test_keys_of_a_role_are_known_in_every_region(cloud: Harness) -> None:
    answer = cloud.client("sts", region="eu-west-1").assume_role(RoleArn=ROLE, RoleSessionName="build-7")
    session = with_keys(cloud, "sts", answer, region="ap-southeast-2")
    assert identity_of(session)["Arn"].endswith("assumed-role/worker/build-7")


def test_two_sessions_of_a_role_are_told_apart(cloud: Harness) -> None:
    first, second = as_role(cloud, "sts", name="first"), as_role(cloud, "sts", name="second")
    assert identity_of(first)["Arn"].endswith("/first")
    assert identity_of(second)["Arn"].endswith("/second")


def test_a_role_works_in_its_own_account(cloud: Harness) -> None:
    role = as_role(cloud, "sqs")
    url = make_queue(role)
    assert url == f"http://localhost:4566/{ROLE_ACCOUNT}/orders"
    owner = cloud.client(account=ROLE_ACCOUNT)
    owner.send_message(QueueUrl=url, MessageBody="for the role")
    assert [message["Body"] for message in receive(role, url)] == ["for the role"]
    role.tag_queue(QueueUrl=url, Tags={"team": "blue"})
    assert owner.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue"}


def test_a_role_is_a_stranger_in_the_account_that_assumed_it(cloud: Harness) -> None:
    caller = cloud.client(account=ACCOUNT)
    url = make_queue(caller)
    keys = cloud.client("sts", account=ACCOUNT).assume_role(RoleArn=ROLE, RoleSessionName="build-7")
    role = with_keys(cloud, "sqs", keys)
    assert "QueueUrls" not in role.list_queues()
    error = error_of(role.delete_queue, QueueUrl=url)
    assert (error.code, error.status) == ("AccessDenied", 403)
    assert caller.list_queues()["QueueUrls"] == [url]


def test_a_role_may_assume_the_next_one(cloud: Harness) -> None:
    first = as_role(cloud, "sts")
    answer = first.assume_role(RoleArn="arn:aws:iam::777788889999:role/next", RoleSessionName="hop")
    assert identity_of(with_keys(cloud, "sts", answer))["Arn"] == "arn:aws:sts::777788889999:assumed-role/next/hop"


def test_a_session_token_of_a_role_is_the_role_still(cloud: Harness) -> None:
    role = as_role(cloud, "sts")
    assert identity_of(with_keys(cloud, "sts", role.get_session_token())) == identity_of(role)


@pytest.mark.parametrize("account", ["000000000000", "000000000001", "999999999999"])
def test_keys_carry_every_account_there_is(cloud: Harness, account: str) -> None:
    role = f"arn:aws:iam::{account}:role/worker"
    assert identity_of(as_role(cloud, "sts", role=role))["Account"] == account


def test_keys_of_a_role_still_mean_its_account_after_a_reset(cloud: Harness) -> None:
    session = as_role(cloud, "sts")
    cloud.run(lambda emulator: emulator.reset())
    assert identity_of(session) == {
        "UserId": ROLE_ACCOUNT,
        "Account": ROLE_ACCOUNT,
        "Arn": f"arn:aws:iam::{ROLE_ACCOUNT}:root",
    }


# What STS does not do here.


def test_the_other_operations_are_all_that_aws_has_beyond_the_three(sts: Any) -> None:
    three = {"AssumeRole", "GetCallerIdentity", "GetSessionToken"}
    assert set(sts.meta.service_model.operation_names) == OTHERS | three


@pytest.mark.parametrize("operation", sorted(OTHERS))
def test_another_operation_of_sts_is_named_as_not_emulated(cloud: Harness, operation: str) -> None:
    message = f"The operation {operation} of service sts is not emulated by Eventyard."
    assert refusal_of(cloud, operation) == Seen("NotImplemented", message, 501)


def test_boto3_sees_that_an_operation_is_not_emulated(sts: Any) -> None:
    message = "The operation GetAccessKeyInfo of service sts is not emulated by Eventyard."
    error = error_of(sts.get_access_key_info, AccessKeyId="AKIAIOSFODNN7EXAMPLE")
    assert error == Seen("NotImplemented", message, 501)


def test_an_operation_that_sdks_do_not_sign_is_still_known_as_one_of_sts(sts: Any) -> None:
    message = "The operation AssumeRoleWithWebIdentity of service sts is not emulated by Eventyard."
    error = error_of(
        sts.assume_role_with_web_identity, RoleArn=ROLE, RoleSessionName="build-7", WebIdentityToken="token"
    )
    assert error == Seen("NotImplemented", message, 501)


@pytest.mark.parametrize("operation", ["Fly", "getCallerIdentity", "SendMessage"])
def test_an_operation_that_aws_does_not_have_is_an_invalid_action(cloud: Harness, operation: str) -> None:
    message = f"The action {operation} is not valid for this endpoint."
    assert refusal_of(cloud, operation) == Seen("InvalidAction", message, 400)


def test_sts_does_not_speak_json(cloud: Harness) -> None:
    answer = cloud.request(
        body=b"{}",
        headers={
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": "AWSSecurityTokenServiceV20110615.GetCallerIdentity",
            **signed(ACCOUNT, service="sts"),
        },
    )
    assert answer.status == 400
    assert json.loads(answer.body) == {
        "__type": "com.amazon.coral.service#UnknownOperationException",
        "message": "The action GetCallerIdentity is not valid for this endpoint.",
    }
