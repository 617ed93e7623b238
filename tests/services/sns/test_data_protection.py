"""Data protection policies: PutDataProtectionPolicy, GetDataProtectionPolicy, and what a policy does to messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.errors import AwsError
from services.sns.data_protection import parse_protection
from services.sns.protection import Arrival, Protection
from tests.support.errors import Seen, error_of

ARN = "arn:aws:sns:us-east-1:000000000000:orders"
ROOT = "arn:aws:iam::000000000000:root"
FRIEND = "111122223333"
EMAIL, CARD, IP = (
    f"arn:aws:dataprotection::aws:data-identifier/{name}" for name in ("EmailAddress", "CreditCardNumber", "IpAddress")
)
NUMBER = "4111111111111111"
DENY: dict[str, Any] = {"Deny": {}}
REDACT: dict[str, Any] = {"Deidentify": {"RedactConfig": {}}}


def mask(character: str = "#") -> dict[str, Any]:
    return {"Deidentify": {"MaskConfig": {"MaskWithCharacter": character}}}


def audit(rate: Any = "99", **more: Any) -> dict[str, Any]:
    return {"Audit": {"SampleRate": rate, **more}}


def statement(operation: Any = DENY, **changes: Any) -> dict[str, Any]:
    """Make a statement with changes; None takes a key out."""
    usual = {"DataDirection": "Inbound", "Principal": ["*"], "DataIdentifier": [EMAIL], "Operation": operation}
    return {key: value for key, value in {**usual, **changes}.items() if value is not None}


def policy(*statements: Any, **more: Any) -> str:
    return json.dumps({"Name": "pii", "Version": "2021-06-01", "Statement": list(statements), **more})


def invalid(reason: str) -> Seen:
    return Seen("InvalidParameter", f"Invalid parameter: DataProtectionPolicy Reason: {reason}", 400)


@pytest.fixture
def sns(cloud: Any) -> Any:
    client = cloud.client("sns")
    client.create_topic(Name="orders")
    return client


def put(sns: Any, text: str, arn: str = ARN) -> None:
    sns.put_data_protection_policy(ResourceArn=arn, DataProtectionPolicy=text)


def put_error(sns: Any, text: str, arn: str = ARN) -> Seen:
    return error_of(put, sns=sns, text=text, arn=arn)


def shown(sns: Any, arn: str = ARN) -> str | None:
    text: str | None = sns.get_data_protection_policy(ResourceArn=arn).get("DataProtectionPolicy")
    return text


# The document.


def test_a_topic_has_no_policy_at_first(sns: Any) -> None:
    assert shown(sns) is None


def test_a_policy_is_shown_as_it_was_written(sns: Any) -> None:
    text = json.dumps(json.loads(policy(statement(), Description="x")), indent=4)
    put(sns, text)
    assert shown(sns) == text


def test_createtopic_takes_a_policy(sns: Any) -> None:
    text = policy(statement())
    arn = sns.create_topic(Name="bills", DataProtectionPolicy=text)["TopicArn"]
    assert shown(sns, arn) == text


def test_a_new_policy_takes_the_place_of_the_old_one(sns: Any) -> None:
    put(sns, policy(statement()))
    put(sns, policy(statement(REDACT)))
    assert shown(sns) == policy(statement(REDACT))


def test_empty_text_takes_the_policy_away(sns: Any) -> None:
    put(sns, policy(statement()))
    put(sns, "")
    assert shown(sns) is None


def test_topics_of_one_name_in_two_regions_have_policies_of_their_own(cloud: Any, sns: Any) -> None:
    there = cloud.client("sns", account=FRIEND, region="eu-central-1")
    arn = there.create_topic(Name="orders")["TopicArn"]
    put(there, policy(statement()), arn)
    assert shown(sns) is None
    assert shown(there, arn) == policy(statement())


LOGS = {"CloudWatchLogs": {"LogGroup": "/aws/vendedlogs/x"}, "Firehose": {"DeliveryStream": "x"}, "S3": {"Bucket": "x"}}


@pytest.mark.parametrize(
    "document",
    [
        json.dumps({"Version": "2021-06-01", "Statement": [statement()]}),
        policy(statement(Sid="one"), statement(Sid="two", DataDirection="Outbound")),
        policy(statement(DataIdentifier=[CARD, IP, "arn:aws:dataprotection::aws:data-identifier/PhoneNumber-US"])),
        policy(statement(Principal=None, NoPrincipal=[ROOT])),
        policy(statement(Principal=[FRIEND, f"arn:aws:iam::{FRIEND}:role/x"])),
        policy(statement(Principal="*")),
        policy(statement(audit("0", FindingsDestination=LOGS, NoFindingsDestination={}))),
        policy(statement(audit(7))),
        policy(statement(mask("-")), statement(REDACT, DataDirection="Outbound")),
        policy(
            statement(DataIdentifier=["EmployeeId"]),
            Configuration={"CustomDataIdentifier": [{"Name": "EmployeeId", "Regex": "E-[0-9]{9}"}]},
        ),
    ],
    ids=["short", "two", "identifiers", "others", "principals", "text", "audit", "number", "mask", "custom"],
)
def test_a_valid_policy_is_accepted(sns: Any, document: str) -> None:
    put(sns, document)
    assert shown(sns) == document


def test_a_policy_has_up_to_30_720_characters(sns: Any) -> None:
    room = 30_720 - len(policy(statement(), Description=""))
    put(sns, policy(statement(), Description="x" * room))
    over = policy(statement(), Description="x" * (room + 1))
    assert put_error(sns, over) == invalid("must be at most 30720 characters long")


EITHER = "a statement must have either Principal or NoPrincipal"
ONE_OF_THREE = "Operation must be one of Audit, Deidentify and Deny"
MASK = "MaskWithCharacter must be one letter, digit or sign"
RATE = "SampleRate must be a number from 0 to 99"
REFUSALS = [
    ("text", "failed to parse JSON"),
    ("[]", "The policy must be a JSON object"),
    (policy(statement(), Name=1), "Name must be text"),
    (policy(statement(), Version="2012-10-17"), "Version must be 2021-06-01"),
    (policy(statement(), Version=None), "Version must be 2021-06-01"),
    (policy(), "Statement must be a list that is not empty"),
    (policy("text"), "A statement must be a JSON object"),
    (policy(statement(DataDirection="Sideways")), "DataDirection must be Inbound or Outbound"),
    (policy(statement(DataDirection=None)), "DataDirection must be Inbound or Outbound"),
    (policy(statement(DataIdentifier=None)), "DataIdentifier must be a list that is not empty"),
    (policy(statement(DataIdentifier=[])), "DataIdentifier must be a list that is not empty"),
    (policy(statement(DataIdentifier=["EmailAddress"])), "EmailAddress is not a data identifier"),
    (policy(statement(DataIdentifier=[EMAIL, "arn:aws:s3:::x"])), "arn:aws:s3:::x is not a data identifier"),
    (policy(statement(Principal=None)), EITHER),
    (policy(statement(NoPrincipal=["*"])), EITHER),
    (policy(statement(Principal=[])), "Principal must be a list that is not empty"),
    (policy(statement(Principal=["bob"])), "bob is not a principal"),
    (policy(statement(Principal={"AWS": "*"})), "Principal must be a list that is not empty"),
    (policy(statement(None)), "Operation must be a JSON object"),
    (policy(statement({})), ONE_OF_THREE),
    (policy(statement({"Forgive": {}})), ONE_OF_THREE),
    (policy(statement({**DENY, **REDACT})), ONE_OF_THREE),
    (policy(statement({"Deny": "yes"})), "Deny must be a JSON object"),
    (policy(statement({"Deidentify": {}})), "Deidentify must have either MaskConfig or RedactConfig"),
    (policy(statement({"Deidentify": {"RedactConfig": {}, "MaskConfig": {}}})), "Deidentify must have either MaskConfig or RedactConfig"),
    (policy(statement({"Deidentify": {"MaskConfig": {}}})), MASK),
    (policy(statement(mask("##"))), MASK),
    (policy(statement(mask('"'))), MASK),
    (policy(statement(mask("é"))), MASK),
    (policy(statement(audit("100"))), RATE),
    (policy(statement(audit("-1"))), RATE),
    (policy(statement(audit("half"))), RATE),
    (policy(statement(audit(None))), RATE),
    (policy(statement(audit(True))), RATE),
    (policy(statement(audit(), DataDirection="Outbound")), "operation Audit needs DataDirection Inbound"),
    (policy(statement(audit()), statement(audit())), "a policy can have only one statement with operation Audit"),
    (
        policy(statement(audit(FindingsDestination={"Pigeon": {}}))),
        "FindingsDestination must be one of CloudWatchLogs, Firehose, S3",
    ),
    (policy(statement(audit(NoFindingsDestination={"S3": {}}))), "Bucket must be text"),
    (
        policy(statement(), Configuration={"CustomDataIdentifier": [{"Name": "a b", "Regex": "x"}]}),
        "a b is not the name of a custom data identifier",
    ),
    (policy(statement(), Configuration={"CustomDataIdentifier": [{"Name": "a"}]}), "Regex must be text"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "reason"), REFUSALS, ids=[text[-60:] for text, _ in REFUSALS])
def test_any_other_document_is_refused_and_the_policy_stays(sns: Any, document: str, reason: str) -> None:
    put(sns, policy(statement()))
    assert put_error(sns, document) == invalid(reason)
    assert shown(sns) == policy(statement())


def test_createtopic_refuses_the_same_documents_and_makes_no_topic(sns: Any) -> None:
    error = error_of(sns.create_topic, Name="bills", DataProtectionPolicy="text")
    assert error == invalid("failed to parse JSON")
    assert sns.list_topics()["Topics"] == [{"TopicArn": ARN}]


def test_fifo_topics_have_no_data_protection(sns: Any) -> None:
    fifo = {"Name": "bills.fifo", "Attributes": {"FifoTopic": "true"}}
    error = invalid("not supported for FIFO topics")
    assert error_of(sns.create_topic, **fifo, DataProtectionPolicy=policy(statement())) == error
    assert put_error(sns, policy(statement()), sns.create_topic(**fifo)["TopicArn"]) == error


def test_a_missing_topic_is_an_error(sns: Any) -> None:
    arn = "arn:aws:sns:us-east-1:000000000000:nobody"
    error = Seen("NotFound", "Topic does not exist", 404)
    assert put_error(sns, policy(statement()), arn) == error
    assert error_of(sns.get_data_protection_policy, ResourceArn=arn) == error


def test_an_arn_of_too_few_parts_is_refused(sns: Any) -> None:
    message = "Invalid parameter: ResourceArn Reason: An ARN must have at least 6 elements, not 1"
    error = Seen("InvalidParameter", message, 400)
    assert put_error(sns, policy(statement()), "orders") == error
    assert error_of(sns.get_data_protection_policy, ResourceArn="orders") == error


def test_the_policy_of_a_topic_is_its_owner_s_business(cloud: Any, sns: Any) -> None:
    stranger = cloud.client("sns", account=FRIEND)
    error = put_error(stranger, policy(statement()))
    assert (error.code, error.status) == ("AuthorizationError", 403)
    assert "SNS:PutDataProtectionPolicy" in error.message
    assert error_of(stranger.get_data_protection_policy, ResourceArn=ARN).code == "AuthorizationError"


# What it does, seen from the inside; tests/services/sns/test_protected_messages.py sees it from outside.


def arrival(principal: str = ROOT, message_id: str = "m1") -> Arrival:
    return Arrival(ARN, message_id, principal, "2026-01-01T00:00:00.123Z")


def protect(*statements: Any) -> Protection:
    return parse_protection(policy(*statements))


def outbound(operation: Any = DENY, **changes: Any) -> dict[str, Any]:
    return statement(operation, **{"DataDirection": "Outbound", **changes})


def test_masking_puts_the_character_in_place_of_every_character() -> None:
    protection = protect(statement(mask("*"), DataIdentifier=[EMAIL, CARD]))
    text = f"To bob@example.com: 4111-1111-1111-1111, {NUMBER[:-1]}2"
    assert protection.inbound(text, arrival()) == f"To {'*' * 15}: {'*' * 19}, {NUMBER[:-1]}2"


def test_redaction_removes_what_it_finds() -> None:
    assert protect(statement(REDACT)).inbound("<bob@example.com>, <eve@example.com>", arrival()) == "<>, <>"


def test_a_message_without_such_data_stays_as_it_is() -> None:
    protection = protect(statement(mask()), statement(DENY, DataIdentifier=[CARD]))
    assert protection.inbound("nothing to see, at all", arrival()) == "nothing to see, at all"


def test_two_statements_each_do_their_part() -> None:
    protection = protect(statement(mask("#")), statement(REDACT, DataIdentifier=[IP]))
    assert protection.inbound("bob@example.com 10.0.0.1!", arrival()) == f"{'#' * 15} !"


def test_of_two_statements_about_one_place_the_first_counts() -> None:
    assert protect(statement(mask("1")), statement(mask("2"))).inbound("bob@example.com", arrival()) == "1" * 15


def test_places_that_overlap_are_masked_as_a_whole() -> None:
    protection = protect(statement(mask("#"), DataIdentifier=[IP, EMAIL]))
    assert protection.inbound("a 1.2.3.4@example.com b", arrival()) == f"a {'#' * 19} b"


def test_masking_leaves_json_readable() -> None:
    text = json.dumps({"text": "first\nbob@example.com\tlast"})
    masked = protect(statement(mask("#"))).inbound(text, arrival())
    assert json.loads(masked) == {"text": f"first\n{'#' * 15}\tlast"}


def test_denial_wins_over_masking() -> None:
    protection = protect(statement(mask()), statement(DENY))
    with pytest.raises(AwsError, match="AuthorizationError"):
        protection.inbound("bob@example.com", arrival())


def test_a_custom_identifier_finds_nothing_even_under_a_name_of_aws_s() -> None:
    configuration = {"CustomDataIdentifier": [{"Name": "EmailAddress", "Regex": "x"}]}
    text = policy(statement(DENY, DataIdentifier=["EmailAddress"]), Configuration=configuration)
    assert parse_protection(text).inbound("bob@example.com", arrival()) == "bob@example.com"


@pytest.mark.parametrize(
    ("names", "concerned"),
    [
        (["*"], True),
        ([f"arn:aws:iam::{FRIEND}:user/eve"], True),
        ([f"arn:aws:iam::{FRIEND}:root"], True),
        ([FRIEND], True),
        ([ROOT, f"arn:aws:iam::{FRIEND}:user/bob"], False),
        (["000000000000"], False),
    ],
    ids=["all", "exactly", "root", "account", "others", "other account"],
)
def test_a_statement_concerns_the_principals_that_it_names(names: list[str], *, concerned: bool) -> None:
    eve = f"arn:aws:iam::{FRIEND}:user/eve"
    for direction in ("Inbound", "Outbound"):
        for key, applies in (("Principal", concerned), ("NoPrincipal", not concerned)):
            chosen = {"Principal": None, key: names, "DataDirection": direction}
            protection = protect(statement(REDACT, **chosen))
            seen = (protection.inbound("<b@b.io>", arrival(eve)), protection.outbound("<b@b.io>", eve))
            changed = ("<>", "<b@b.io>") if direction == "Inbound" else ("<b@b.io>", "<>")
            assert seen == (changed if applies else ("<b@b.io>", "<b@b.io>"))


def test_an_outbound_denial_is_told_from_a_message_that_becomes_empty() -> None:
    protection = protect(outbound(DENY, DataIdentifier=[CARD]), outbound(REDACT))
    assert protection.outbound(NUMBER, ROOT) is None
    assert protection.outbound("bob@example.com", ROOT) == ""
    assert protection.outbound("hello", ROOT) == "hello"


# Audits, seen from the inside.


def ids_of(protection: Protection) -> list[str]:
    return [finding["messageId"] for finding in protection.findings]


def test_a_finding_has_the_form_of_aws_s_log() -> None:
    protection = protect(statement(audit(), DataIdentifier=[CARD, IP, EMAIL]))
    text = f"a@b.io, {NUMBER}, eve@b.io"
    assert protection.inbound(text, arrival(f"arn:aws:iam::{FRIEND}:root")) == text
    assert list(protection.findings) == [
        {
            "messageId": "m1",
            "auditTimestamp": "2026-01-01T00:00:00Z",
            "callerPrincipal": f"arn:aws:iam::{FRIEND}:root",
            "resourceArn": ARN,
            "dataIdentifiers": [
                {"name": "CreditCardNumber", "count": 1, "detections": [{"start": 8, "end": 24}]},
                {"name": "EmailAddress", "count": 2, "detections": [{"start": 0, "end": 6}, {"start": 26, "end": 34}]},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("rate", "audited"),
    [("0", []), ("1", [1, 101]), ("25", [1, 5, 9]), ("50", [1, 3, 5]), ("99", [*range(1, 100), *range(101, 200)])],
)
def test_the_sample_rate_takes_the_first_message_and_then_its_share(rate: str, audited: list[int]) -> None:
    protection = protect(statement(audit(rate)))
    for number in range(1, 201):
        protection.inbound("bob@example.com", arrival(message_id=str(number)))
    assert ids_of(protection)[: len(audited)] == [str(number) for number in audited]
    assert len(protection.findings) == int(rate) * 2


def test_a_message_without_findings_is_recorded_only_where_there_is_a_place_for_it() -> None:
    silent, thorough = protect(statement(audit())), protect(statement(audit(NoFindingsDestination=LOGS)))
    for protection in (silent, thorough):
        protection.inbound("nothing", arrival())
    assert ids_of(silent) == []
    assert [finding["dataIdentifiers"] for finding in thorough.findings] == [[]]


def test_an_audit_sees_the_message_before_it_is_masked() -> None:
    protection = protect(statement(mask()), statement(audit()))
    assert protection.inbound("bob@example.com", arrival()) == "#" * 15
    assert protection.findings[0]["dataIdentifiers"][0]["count"] == 1


def test_a_denied_message_is_not_audited_and_does_not_count() -> None:
    protection = protect(statement(audit("50")), statement(DENY, DataIdentifier=[CARD]))
    with pytest.raises(AwsError):
        protection.inbound(f"{NUMBER} a@b.io", arrival(message_id="0"))
    protection.inbound("a@b.io", arrival(message_id="1"))
    assert ids_of(protection) == ["1"]


def test_an_audit_passes_over_publishers_that_it_does_not_name() -> None:
    protection = protect(statement(audit(), Principal=[FRIEND]))
    protection.inbound("bob@example.com", arrival())
    assert ids_of(protection) == []


def test_findings_and_their_places_are_bounded_and_the_count_is_whole() -> None:
    protection = protect(statement(audit("99")))
    protection.inbound("a@b.io " * 1001, arrival())
    [identifier] = protection.findings[0]["dataIdentifiers"]
    assert (identifier["count"], len(identifier["detections"])) == (1001, 1000)
    for number in range(1100):
        protection.inbound("a@b.io", arrival(message_id=str(number)))
    assert len(protection.findings) == 1000
    assert ids_of(protection)[-1] == "1099"
