"""Partner event sources: a partner offers one to an account, the account accepts it by a bus of its name, the partner puts events on it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.support.errors import Seen, error_of
from tests.support.harness import DEFAULT_ACCOUNT, Harness

PARTNER, CUSTOMER, REGION = "999988887777", "111122223333", "eu-west-1"
SOURCE = "aws.partner/example.com/shop/orders"
ARN = f"arn:aws:events:{REGION}::event-source/{SOURCE}"
DAY_S = 86_400
ENTRY = {"Source": SOURCE, "DetailType": "Order placed", "Detail": '{"id": 1}'}
NO_SOURCE = Seen("ResourceNotFoundException", f"Event source {SOURCE} does not exist.", 400)


def wrong_state(state: str) -> Seen:
    message = f"Event source {SOURCE} is in state {state}, which does not allow this operation."
    return Seen("InvalidStateException", message, 400)


@pytest.fixture
def partner(cloud: Harness) -> Any:
    return cloud.client("events", account=PARTNER, region=REGION)


@pytest.fixture
def customer(cloud: Harness) -> Any:
    return cloud.client("events", account=CUSTOMER, region=REGION)


def offer(partner: Any, name: str = SOURCE, account: str = CUSTOMER) -> str:
    return partner.create_partner_event_source(Name=name, Account=account)["EventSourceArn"]


def withdraw(partner: Any, name: str = SOURCE, account: str = CUSTOMER) -> None:
    partner.delete_partner_event_source(Name=name, Account=account)


def accept(customer: Any, name: str = SOURCE) -> str:
    return customer.create_event_bus(Name=name, EventSourceName=name)["EventBusArn"]


def described(customer: Any, name: str = SOURCE) -> dict[str, Any]:
    answer = customer.describe_event_source(Name=name)
    del answer["ResponseMetadata"]
    return answer


def state_of(customer: Any) -> str:
    return described(customer)["State"]


def names(customer: Any, **options: Any) -> list[str]:
    return [source["Name"] for source in customer.list_event_sources(**options)["EventSources"]]


def offered(partner: Any, prefix: str = "aws.partner/example.com/", **options: Any) -> list[str]:
    answer = partner.list_partner_event_sources(NamePrefix=prefix, **options)
    return [source["Name"] for source in answer["PartnerEventSources"]]


def put(partner: Any, *entries: dict[str, Any]) -> dict[str, Any]:
    return partner.put_partner_events(Entries=list(entries or [ENTRY]))


def seconds(instant: datetime) -> float:
    return instant.timestamp()


class Queue:
    """A queue of the customer's to which all events of its partner's bus go."""

    def __init__(self, cloud: Harness, customer: Any) -> None:
        self._cloud = cloud
        self._sqs = cloud.client("sqs", account=CUSTOMER, region=REGION)
        self._url = self._sqs.create_queue(QueueName="all")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{CUSTOMER}:all"
        customer.put_rule(Name="all", EventBusName=SOURCE, EventPattern='{"source":[{"prefix":"aws.partner"}]}')
        customer.put_targets(Rule="all", EventBusName=SOURCE, Targets=[{"Id": "all", "Arn": arn}])

    def take(self) -> list[dict[str, Any]]:
        """Take the events that have come."""
        self._cloud.run(lambda _: None)
        messages = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def queue(cloud: Harness, partner: Any, customer: Any) -> Queue:
    """The source is offered and accepted; this is where its events come out."""
    offer(partner)
    accept(customer)
    return Queue(cloud, customer)


# An offer.


def test_an_offer_answers_an_arn_without_an_account(partner: Any) -> None:
    assert offer(partner) == ARN


def test_the_customer_sees_a_pending_source_and_when_it_will_end(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    shown = described(customer)
    created, expires = seconds(shown.pop("CreationTime")), seconds(shown.pop("ExpirationTime"))
    assert shown == {"Arn": ARN, "CreatedBy": "example.com", "Name": SOURCE, "State": "PENDING"}
    assert (created, expires) == (cloud.now_ms / 1000, cloud.now_ms / 1000 + 14 * DAY_S)


def test_the_customer_s_list_shows_what_a_description_shows(partner: Any, customer: Any) -> None:
    offer(partner)
    assert customer.list_event_sources()["EventSources"] == [described(customer)]


def test_the_partner_sees_its_own_sources_by_name_and_arn(partner: Any) -> None:
    offer(partner)
    shown = partner.describe_partner_event_source(Name=SOURCE)
    assert (shown["Arn"], shown["Name"]) == (ARN, SOURCE)
    answer = partner.list_partner_event_sources(NamePrefix="aws.partner/example.com/shop")
    assert answer["PartnerEventSources"] == [{"Arn": ARN, "Name": SOURCE}]


def test_the_partner_sees_to_whom_a_source_was_offered(partner: Any, customer: Any) -> None:
    offer(partner)
    (account,) = partner.list_partner_event_source_accounts(EventSourceName=SOURCE)["PartnerEventSourceAccounts"]
    seen = described(customer)
    assert account == {
        "Account": CUSTOMER,
        "State": "PENDING",
        "CreationTime": seen["CreationTime"],
        "ExpirationTime": seen["ExpirationTime"],
    }


def test_partner_and_customer_see_only_their_own_side(partner: Any, customer: Any) -> None:
    offer(partner)
    assert (names(partner), offered(customer)) == ([], [])
    assert error_of(partner.describe_event_source, Name=SOURCE) == NO_SOURCE
    assert error_of(customer.describe_partner_event_source, Name=SOURCE) == NO_SOURCE


@pytest.mark.parametrize(("account", "region"), [(DEFAULT_ACCOUNT, REGION), (CUSTOMER, "us-east-1")])
def test_nobody_else_sees_an_offer(cloud: Harness, partner: Any, account: str, region: str) -> None:
    offer(partner)
    assert names(cloud.client("events", account=account, region=region)) == []


@pytest.mark.parametrize(
    ("other_partner", "account"), [(PARTNER, CUSTOMER), (PARTNER, DEFAULT_ACCOUNT), (DEFAULT_ACCOUNT, CUSTOMER)]
)
def test_a_name_is_given_once_only(cloud: Harness, partner: Any, other_partner: str, account: str) -> None:
    offer(partner)
    again = cloud.client("events", account=other_partner, region=REGION)
    seen = error_of(again.create_partner_event_source, Name=SOURCE, Account=account)
    assert seen == Seen("ResourceAlreadyExistsException", f"Event source {SOURCE} already exists.", 400)


def test_a_name_can_be_given_in_each_region(cloud: Harness, partner: Any) -> None:
    offer(partner)
    elsewhere = cloud.client("events", account=PARTNER, region="us-east-1")
    assert offer(elsewhere) == ARN.replace(REGION, "us-east-1")


@pytest.mark.parametrize("name", ["example.com/shop/orders", "aws.partner/example.com", "aws.partner/a/b/"])
def test_a_name_has_a_form(partner: Any, name: str) -> None:
    seen = error_of(partner.create_partner_event_source, Name=name, Account=CUSTOMER)
    message = (
        f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: aws\.partner(/[\.\-_A-Za-z0-9]+){2,}"
    )
    assert seen == Seen("ValidationException", message, 400)


@pytest.mark.parametrize(
    "operation", ["describe_event_source", "activate_event_source", "deactivate_event_source"], ids=str
)
def test_a_source_that_was_never_offered_is_not_found_by_the_customer(customer: Any, operation: str) -> None:
    assert error_of(getattr(customer, operation), Name=SOURCE) == NO_SOURCE


def test_a_source_that_was_never_offered_is_not_found_by_the_partner(partner: Any) -> None:
    assert error_of(partner.describe_partner_event_source, Name=SOURCE) == NO_SOURCE
    assert error_of(partner.list_partner_event_source_accounts, EventSourceName=SOURCE) == NO_SOURCE


def test_a_bus_cannot_be_made_for_a_source_that_does_not_exist(customer: Any) -> None:
    assert error_of(accept, customer=customer) == NO_SOURCE


# Lists.


def test_sources_are_listed_by_name_in_pages(partner: Any, customer: Any) -> None:
    made = [f"aws.partner/example.com/shop/{letter}" for letter in "caedb"]
    for name in made:
        offer(partner, name)
    for operation, key, needed in (
        ("list_event_sources", "EventSources", {}),
        ("list_partner_event_sources", "PartnerEventSources", {"NamePrefix": "aws.partner/example.com/"}),
    ):
        client = customer if key == "EventSources" else partner
        seen, token = [], {}
        sizes = []
        while True:
            answer = getattr(client, operation)(Limit=2, **needed, **token)
            seen += [source["Name"] for source in answer[key]]
            sizes.append(len(answer[key]))
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        assert (seen, sizes) == (sorted(made), [2, 2, 1])


def test_sources_are_listed_by_prefix(partner: Any, customer: Any) -> None:
    others = ["aws.partner/example.com/shop/returns", "aws.partner/other.com/shop/orders"]
    for name in (SOURCE, *others):
        offer(partner, name)
    assert names(customer, NamePrefix="aws.partner/example.com/shop/o") == [SOURCE]
    assert offered(partner, "aws.partner/example.com/shop/o") == [SOURCE]
    assert offered(partner, "aws.partner/other.com/") == [others[1]]
    assert len(names(customer)) == 3


# Acceptance.


def test_a_bus_of_its_name_makes_a_source_active(partner: Any, customer: Any) -> None:
    offer(partner)
    assert accept(customer) == f"arn:aws:events:{REGION}:{CUSTOMER}:event-bus/{SOURCE}"
    assert state_of(customer) == "ACTIVE"


def test_an_active_source_has_no_end(partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    assert "ExpirationTime" not in described(customer)
    (account,) = partner.list_partner_event_source_accounts(EventSourceName=SOURCE)["PartnerEventSourceAccounts"]
    assert (account["State"], "ExpirationTime" in account) == ("ACTIVE", False)


def test_an_account_cannot_accept_the_offer_to_another(cloud: Harness, partner: Any) -> None:
    offer(partner)
    stranger = cloud.client("events", account=DEFAULT_ACCOUNT, region=REGION)
    assert error_of(accept, customer=stranger) == NO_SOURCE


def test_the_bus_of_a_source_must_have_its_name(partner: Any, customer: Any) -> None:
    offer(partner)
    seen = error_of(customer.create_event_bus, Name="orders", EventSourceName=SOURCE)
    assert seen == Seen("ValidationException", "Event bus name must match the name of its event source.", 400)
    assert state_of(customer) == "PENDING"


def test_a_refused_bus_leaves_the_source_pending(partner: Any, customer: Any) -> None:
    offer(partner)
    tags = [{"Key": "aws:a", "Value": "b"}]
    error_of(customer.create_event_bus, Name=SOURCE, EventSourceName=SOURCE, Tags=tags)
    assert state_of(customer) == "PENDING"


def test_a_source_can_be_deactivated_and_activated(partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    customer.deactivate_event_source(Name=SOURCE)
    assert state_of(customer) == "PENDING"
    customer.activate_event_source(Name=SOURCE)
    assert state_of(customer) == "ACTIVE"


def test_only_what_was_accepted_can_be_activated_and_deactivated(partner: Any, customer: Any) -> None:
    offer(partner)
    assert error_of(customer.activate_event_source, Name=SOURCE) == wrong_state("PENDING")
    assert error_of(customer.deactivate_event_source, Name=SOURCE) == wrong_state("PENDING")


def test_an_active_source_cannot_be_activated(partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    assert error_of(customer.activate_event_source, Name=SOURCE) == wrong_state("ACTIVE")


def test_without_its_bus_a_source_waits_to_be_accepted_again(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    cloud.advance(30 * DAY_S)
    customer.delete_event_bus(Name=SOURCE)
    shown = described(customer)
    assert (shown["State"], seconds(shown["ExpirationTime"])) == ("PENDING", cloud.now_ms / 1000 + 14 * DAY_S)
    accept(customer)
    assert state_of(customer) == "ACTIVE"


# The end of a source.


def test_an_offer_that_nobody_accepts_ends_after_two_weeks(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    cloud.advance(14 * DAY_S - 0.001)
    assert (names(customer), offered(partner)) == ([SOURCE], [SOURCE])
    cloud.advance(0.001)
    assert (names(customer), offered(partner)) == ([], [])
    assert error_of(accept, customer=customer) == NO_SOURCE


def test_the_name_of_an_offer_that_ended_is_free(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    cloud.advance(14 * DAY_S)
    offer(partner)
    assert state_of(customer) == "PENDING"


def test_an_accepted_source_does_not_end(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    cloud.advance(13 * DAY_S)
    accept(customer)
    cloud.advance(365 * DAY_S)
    assert (state_of(customer), offered(partner)) == ("ACTIVE", [SOURCE])


def test_a_source_that_stays_deactivated_for_two_weeks_is_deleted(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    cloud.advance(100 * DAY_S)
    customer.deactivate_event_source(Name=SOURCE)
    cloud.advance(14 * DAY_S - 0.001)
    assert state_of(customer) == "PENDING"
    cloud.advance(0.001)
    assert state_of(customer) == "DELETED"
    assert error_of(customer.activate_event_source, Name=SOURCE) == wrong_state("DELETED")


def test_a_withdrawn_offer_is_gone(partner: Any, customer: Any) -> None:
    offer(partner)
    withdraw(partner)
    assert (names(customer), offered(partner)) == ([], [])


def test_the_customer_of_a_withdrawn_source_sees_that_it_is_deleted(partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    withdraw(partner)
    assert (state_of(customer), offered(partner)) == ("DELETED", [])
    assert "ExpirationTime" not in described(customer)
    for operation in (customer.activate_event_source, customer.deactivate_event_source):
        assert error_of(operation, Name=SOURCE) == wrong_state("DELETED")


def test_a_deleted_source_goes_with_its_bus(partner: Any, customer: Any) -> None:
    offer(partner)
    accept(customer)
    withdraw(partner)
    customer.delete_event_bus(Name=SOURCE)
    assert names(customer) == []


@pytest.mark.parametrize(("name", "account"), [(f"{SOURCE}2", CUSTOMER), (SOURCE, DEFAULT_ACCOUNT)])
def test_withdrawing_what_was_not_offered_is_no_error(partner: Any, customer: Any, name: str, account: str) -> None:
    offer(partner)
    withdraw(partner, name, account)
    assert state_of(customer) == "PENDING"


def test_a_partner_cannot_withdraw_what_another_offers(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    withdraw(cloud.client("events", account=DEFAULT_ACCOUNT, region=REGION))
    assert state_of(customer) == "PENDING"


# Events.


def test_a_partner_s_event_comes_on_the_customer_s_bus(partner: Any, queue: Queue) -> None:
    entry = ENTRY | {"Resources": ["a", "b"], "Time": datetime.fromisoformat("2025-05-06T07:08:09.999+00:00")}
    answer = put(partner, entry)
    assert answer["FailedEntryCount"] == 0
    assert queue.take() == [
        {
            "version": "0",
            "id": answer["Entries"][0]["EventId"],
            "detail-type": "Order placed",
            "source": SOURCE,
            "account": CUSTOMER,
            "time": "2025-05-06T07:08:09Z",
            "region": REGION,
            "resources": ["a", "b"],
            "detail": {"id": 1},
        }
    ]


def test_an_event_without_time_and_resources_has_those_of_the_call(cloud: Harness, partner: Any, queue: Queue) -> None:
    cloud.advance(61.5)
    put(partner)
    (event,) = queue.take()
    assert (event["time"], event["resources"]) == ("2026-01-01T00:01:01Z", [])


def test_a_partner_s_event_comes_on_no_other_bus(cloud: Harness, partner: Any, customer: Any, queue: Queue) -> None:
    arn = f"arn:aws:sqs:{REGION}:{CUSTOMER}:all"
    for client in (partner, customer):
        client.put_rule(Name="all", EventPattern='{"source":[{"prefix":""}]}')
        client.put_targets(Rule="all", Targets=[{"Id": "all", "Arn": arn}])
    put(partner)
    assert len(queue.take()) == 1


def test_the_events_of_a_source_that_nobody_accepted_are_dropped(cloud: Harness, partner: Any, customer: Any) -> None:
    offer(partner)
    answer = put(partner)
    accept(customer)
    queue = Queue(cloud, customer)
    assert (answer["FailedEntryCount"], "EventId" in answer["Entries"][0]) == (0, True)
    assert queue.take() == []


def test_the_events_of_a_deactivated_source_are_dropped(partner: Any, customer: Any, queue: Queue) -> None:
    customer.deactivate_event_source(Name=SOURCE)
    put(partner, ENTRY | {"Detail": '{"id": 1}'})
    customer.activate_event_source(Name=SOURCE)
    put(partner, ENTRY | {"Detail": '{"id": 2}'})
    assert [event["detail"]["id"] for event in queue.take()] == [2]


def failure(code: str, message: str) -> dict[str, str]:
    return {"ErrorCode": code, "ErrorMessage": message}


def required(name: str) -> dict[str, str]:
    return failure("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument.")


NOT_AUTHORIZED = failure("NotAuthorizedForSourceException", "Not authorized for the source.")
MALFORMED = failure("MalformedDetail", "Detail is malformed.")
LONG = "Parameter DetailType is not valid. Reason: DetailType must be at most 128 characters long."
BAD_ENTRIES = {
    "no source": ({"Source": None}, required("Source")),
    "no detail type": ({"DetailType": None}, required("DetailType")),
    "an empty detail type": ({"DetailType": ""}, required("DetailType")),
    "no detail": ({"Detail": None}, required("Detail")),
    "an empty detail": ({"Detail": ""}, required("Detail")),
    "a detail type too long": ({"DetailType": "x" * 129}, failure("InvalidArgument", LONG)),
    "a source of nobody": ({"Source": f"{SOURCE}2"}, NOT_AUTHORIZED),
    "a detail that is no JSON": ({"Detail": "{"}, MALFORMED),
    "a detail that is no object": ({"Detail": "[1]"}, MALFORMED),
}


@pytest.mark.parametrize(("changes", "refusal"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_fails_alone(partner: Any, queue: Queue, changes: dict[str, Any], refusal: dict[str, str]) -> None:
    bad = {key: value for key, value in (ENTRY | changes).items() if value is not None}
    answer = put(partner, ENTRY, bad, ENTRY)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1] == refusal
    events = queue.take()
    assert [event["id"] for event in events] == [answer["Entries"][place]["EventId"] for place in (0, 2)]


def test_a_partner_cannot_put_events_of_another_s_source(cloud: Harness, queue: Queue) -> None:
    stranger = cloud.client("events", account=DEFAULT_ACCOUNT, region=REGION)
    assert put(stranger)["Entries"] == [NOT_AUTHORIZED]
    assert queue.take() == []


def test_events_of_a_withdrawn_source_are_refused(partner: Any, queue: Queue) -> None:
    withdraw(partner)
    assert put(partner)["Entries"] == [NOT_AUTHORIZED]
    assert queue.take() == []


def test_20_events_are_put_in_one_call_and_no_21(partner: Any, queue: Queue) -> None:
    assert len(put(partner, *[ENTRY] * 20)["Entries"]) == 20
    seen = error_of(partner.put_partner_events, Entries=[ENTRY] * 21)
    assert seen.code == "ValidationException"
    assert seen.message.endswith(
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 20"
    )
    assert len(queue.take()) + len(queue.take()) == 20


def test_the_entries_of_a_call_have_a_size(partner: Any, queue: Queue) -> None:
    rest = len(SOURCE) + len("Order placed") + len('{"a":""}')
    fits = ENTRY | {"Detail": '{"a":"' + "x" * (1_048_576 - rest) + '"}'}
    assert put(partner, fits)["FailedEntryCount"] == 0
    seen = error_of(partner.put_partner_events, Entries=[fits | {"Detail": fits["Detail"] + " "}])
    message = "Total size of the entries in the request is over the limit."
    assert seen == Seen("ValidationException", message, 400)
