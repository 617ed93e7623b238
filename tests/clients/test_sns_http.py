"""HTTP subscribers of the real server: a web server in this process that is asked, visits the URLs that it was sent with a plain GET,
checks signatures with the certificate that it fetches, and fails on command. What is retried is retried at once, so nobody waits.
"""

from __future__ import annotations

import base64
import json
import signal
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from emulator.certificate import Certificate
from tests.support.harness import until
from tests.support.http_target import CLOSE, HANG, Command, HttpTarget
from tests.support.server import Server
from tests.support.sns_publish_signatures import HASHES, SIGNED
from tests.support.sns_subscriptions import attributes_of, pending, subscriptions_of
from tests.support.sns_topics import make_topic, set_topic
from tests.support.sqs_flow import Box
from tests.support.sqs_messages import text

Start = Callable[..., Server]
ACCOUNT, REGION = "111122223333", "eu-west-1"
AT_ONCE = json.dumps({"healthyRetryPolicy": {"numRetries": 3, "numNoDelayRetries": 3}})
"""A DeliveryPolicy of three retries without a delay."""
VERSIONS = pytest.mark.parametrize("version", ["1", "2"])
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
SOON_S = 8
"""Far below the 15 s that a delivery waits for an answer, far above what a busy machine needs."""


class Page(NamedTuple):
    """What a visit of a URL brought."""

    status: int
    text: str

    def value(self, name: str) -> str | None:
        """The text of an element of an answer in XML."""
        return ET.fromstring(self.text).findtext(f".//{{http://sns.amazonaws.com/doc/2010-03-31/}}{name}")


def visit(url: str) -> Page:
    """Visit a URL as a browser or a script does: without credentials, and here without a proxy."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as answer:
            return Page(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, error.read().decode())


def verifies(message: dict[str, Any]) -> bool:
    """Tell whether a message's signature is good by the certificate under its SigningCertURL."""
    key = x509.load_pem_x509_certificate(visit(message["SigningCertURL"]).text.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signed = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message)
    signature = base64.b64decode(message["Signature"], validate=True)
    try:
        key.verify(signature, signed.encode(), padding.PKCS1v15(), HASHES[message["SignatureVersion"]])
    except InvalidSignature:
        return False
    return True


def ask(sns: Any, topic: str, url: str, **attributes: str) -> str:
    """Subscribe a URL and give the ARN of the subscription, which is pending."""
    answer = sns.subscribe(
        TopicArn=topic, Protocol=urlsplit(url).scheme, Endpoint=url, Attributes=attributes, ReturnSubscriptionArn=True
    )
    arn: str = answer["SubscriptionArn"]
    return arn


def subscribe(sns: Any, topic: str, target: HttpTarget, **attributes: str) -> str:
    """Subscribe a web server, confirm by a visit of the URL that it was sent, and forget what it was sent so far."""
    arn = ask(sns, topic, target.url("/hook"), **attributes)
    [question] = target.wait()
    assert visit(question.json["SubscribeURL"]).value("SubscriptionArn") == arn
    target.take_all()
    return arn


def deliveries(server: Server, **choice: str) -> dict[str, Any]:
    """Ask which deliveries wait and which have failed."""
    answer = server.request("GET", f"/_eventyard/deliveries?{urlencode(choice)}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    shown: dict[str, Any] = json.loads(answer.body)
    return shown


def the_failed(server: Server, arn: str) -> dict[str, Any]:
    """Wait for the one delivery to a subscription that fails for good."""
    until(lambda: deliveries(server, subscriber=arn)["failed"])
    [one] = deliveries(server, subscriber=arn)["failed"]
    return dict(one)


@pytest.fixture
def target() -> Iterator[HttpTarget]:
    """A web server that says 200 to everything."""
    with HttpTarget() as one:
        yield one


@pytest.fixture
def sns(server: Server) -> Iterator[Any]:
    """A boto3 client of an account and a region that are not the default ones: the URLs must do without credentials."""
    client = server.client("sns", account=ACCOUNT, region=REGION)
    yield client
    client.close()


@pytest.fixture
def topic(sns: Any) -> str:
    """A standard topic."""
    return make_topic(sns)


# To be asked, to say yes, to be told.


def test_a_subscriber_is_asked_confirms_by_visiting_the_url_and_is_notified(
    sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = ask(sns, topic, target.url("/hook"))
    [question] = target.wait()
    assert (question.path, question.header("x-amz-sns-message-type")) == ("/hook", "SubscriptionConfirmation")
    assert (question.json["TopicArn"], pending(sns, arn)) == (topic, True)

    page = visit(question.json["SubscribeURL"])
    assert (page.status, page.value("SubscriptionArn"), pending(sns, arn)) == (200, arn, False)
    assert attributes_of(sns, arn)["ConfirmationWasAuthenticated"] == "false"

    sent = sns.publish(TopicArn=topic, Message="grüße 🎉", Subject="hello")
    notification = target.wait(2)[1]
    assert notification.header("x-amz-sns-message-type") == "Notification"
    assert notification.header("x-amz-sns-subscription-arn") == arn
    assert notification.header("content-type") == "text/plain; charset=UTF-8"
    told = notification.json
    assert (told["Message"], told["Subject"], told["MessageId"]) == ("grüße 🎉", "hello", sent["MessageId"])


def test_what_is_published_before_the_confirmation_is_not_delivered(sns: Any, topic: str, target: HttpTarget) -> None:
    ask(sns, topic, target.url())
    [question] = target.wait()
    sns.publish(TopicArn=topic, Message="early")
    visit(question.json["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="in time")
    assert target.wait(2)[1].json["Message"] == "in time"


def test_a_subscriber_may_visit_the_url_before_it_answers_the_question(sns: Any, topic: str) -> None:
    pages: list[Page] = []

    class Confirming(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            pages.append(visit(question["SubscribeURL"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Confirming) as web:
        once = threading.Thread(target=web.handle_request)
        once.start()
        arn = ask(sns, topic, f"http://127.0.0.1:{web.server_port}/")
        once.join(30)
    assert [page.value("SubscriptionArn") for page in pages] == [arn]
    assert pending(sns, arn) is False


def test_a_url_with_a_wrong_token_is_refused(sns: Any, topic: str, target: HttpTarget) -> None:
    arn = ask(sns, topic, target.url())
    [question] = target.wait()
    page = visit(question.json["SubscribeURL"].replace("Token=", "Token=0"))
    assert (page.status, page.value("Code")) == (400, "InvalidParameter")
    assert page.value("Message") == "Invalid parameter: Token"
    assert pending(sns, arn) is True


def test_a_filter_policy_and_a_text_of_its_own_hold_for_http_too(sns: Any, topic: str, target: HttpTarget) -> None:
    subscribe(sns, topic, target, FilterPolicy='{"kind": ["mail"]}')
    for kind in ("order", "mail"):
        document = json.dumps({"default": f"{kind} for all", "http": f"{kind} for you"})
        attributes = {"kind": text(kind)}
        sns.publish(TopicArn=topic, Message=document, MessageStructure="json", MessageAttributes=attributes)
    [notification] = target.wait()
    assert notification.json["Message"] == "mail for you"


def test_raw_delivery_is_the_bare_message_in_the_content_type_that_was_asked_for(
    sns: Any, topic: str, target: HttpTarget
) -> None:
    policy = json.dumps({"requestPolicy": {"headerContentType": "application/json"}})
    subscribe(sns, topic, target, RawMessageDelivery="true", DeliveryPolicy=policy)
    sns.publish(TopicArn=topic, Message='{"ä": 1}', MessageAttributes={"kind": text("mail")})
    [notification] = target.wait()
    assert notification.text == '{"ä": 1}'
    assert notification.header("x-amz-sns-rawdelivery") == "true"
    assert notification.header("content-type") == "application/json"


def test_an_https_server_may_have_a_certificate_of_its_own_making(sns: Any, topic: str, tmp_path: Path) -> None:
    certificate = Certificate("nobody.example", int(time.time() * 1000))
    pem = tmp_path / "server.pem"
    pem.write_bytes(certificate.private_pem + certificate.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with HttpTarget(tls=context) as target:
        arn = subscribe(sns, topic, target)
        assert attributes_of(sns, arn)["Endpoint"] == target.url("/hook")
        sns.publish(TopicArn=topic, Message="in private")
        [notification] = target.wait()
        assert notification.json["Message"] == "in private"


# Signatures.


@VERSIONS
def test_all_that_a_subscriber_gets_is_signed(sns: Any, topic: str, target: HttpTarget, version: str) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    ask(sns, topic, target.url())
    [question] = target.wait()
    visit(question.json["SubscribeURL"])
    sns.publish(TopicArn=topic, Message="grüße 🎉\n", Subject="hello", MessageAttributes={"kind": text("mail")})
    sns.publish(TopicArn=topic, Message="no subject")
    visit(target.wait(3)[1].json["UnsubscribeURL"])
    messages = [request.json for request in target.wait(4)]
    kinds = ["SubscriptionConfirmation", "Notification", "Notification", "UnsubscribeConfirmation"]
    assert [message["Type"] for message in messages] == kinds
    assert [message["SignatureVersion"] for message in messages] == [version] * 4
    assert [verifies(message) for message in messages] == [True] * 4


@VERSIONS
def test_a_message_that_was_changed_on_the_way_does_not_verify(
    sns: Any, topic: str, target: HttpTarget, version: str
) -> None:
    set_topic(sns, topic, "SignatureVersion", version)
    subscribe(sns, topic, target)
    sns.publish(TopicArn=topic, Message="pay 10", Subject="order")
    [notification] = target.wait()
    assert verifies(notification.json)
    assert not verifies(notification.json | {"Message": "pay 1000"})
    assert not verifies(notification.json | {"Subject": "other"})


def test_the_certificate_of_another_run_is_not_there(sns: Any, topic: str, target: HttpTarget) -> None:
    ask(sns, topic, target.url())
    [question] = target.wait()
    url = question.json["SigningCertURL"]
    assert visit(url).status == 200
    assert visit(url.replace("SimpleNotificationService-", "SimpleNotificationService-0")).status == 404


# Failures.


@pytest.mark.parametrize("failure", [500, 503, 429, CLOSE], ids=["500", "503", "429", "hung up"])
def test_a_server_that_fails_twice_gets_the_same_message_a_third_time_at_once(
    server: Server, sns: Any, topic: str, target: HttpTarget, failure: Command
) -> None:
    arn = subscribe(sns, topic, target, DeliveryPolicy=AT_ONCE)
    target.answer(failure, failure)
    sent = sns.publish(TopicArn=topic, Message="again")
    requests = target.wait(3)
    assert {request.body for request in requests} == {requests[0].body}
    assert {request.header("x-amz-sns-message-id") for request in requests} == {sent["MessageId"]}
    until(lambda: not deliveries(server, subscriber=arn)["pending"])
    assert deliveries(server, subscriber=arn)["failed"] == []


def test_when_no_retry_is_left_the_message_goes_to_the_dead_letter_queue_and_into_the_record(
    server: Server, sns: Any, topic: str, target: HttpTarget
) -> None:
    dead = Box(server.client("sqs", account=ACCOUNT, region=REGION), "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead.arn})
    arn = subscribe(sns, topic, target, DeliveryPolicy=AT_ONCE, RedrivePolicy=redrive)
    target.always = 500
    sns.publish(TopicArn=topic, Message="lost")
    reason = f"{target.url('/hook')} answered with status 500"

    message = dead.receive_one(WaitTimeSeconds=20, MessageAttributeNames=["All"])
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert message["Body"] == target.wait(4)[0].text
    assert (attributes["ErrorCode"], attributes["ErrorMessage"]) == ("500", reason)

    failed = the_failed(server, arn)
    assert (failed["state"], failed["attempts"], failed["dead_letter_arn"]) == ("dead-lettered", 4, dead.arn)
    assert (failed["source"], failed["target"]) == (topic, target.url("/hook"))
    assert failed["last_error"] == {"code": "500", "message": reason}


def test_a_client_error_is_not_retried(server: Server, sns: Any, topic: str, target: HttpTarget) -> None:
    arn = subscribe(sns, topic, target, DeliveryPolicy=AT_ONCE)
    target.answer(404)
    sns.publish(TopicArn=topic, Message="nowhere")
    failed = the_failed(server, arn)
    assert (failed["state"], failed["attempts"], failed["last_error"]["code"]) == ("failed", 1, "404")
    assert len(target.requests) == 1


def test_deliveries_shows_what_waits_for_a_retry_until_the_subscription_is_deleted(
    server: Server, sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(sns, topic, target)
    target.answer(503)
    sent = sns.publish(TopicArn=topic, Message="later")
    until(lambda: [one["state"] for one in deliveries(server, subscriber=arn)["pending"]] == ["retrying"])
    [waiting] = deliveries(server, subscriber=arn)["pending"]
    assert (waiting["message_id"], waiting["attempts"]) == (sent["MessageId"], 1)
    assert waiting["last_error"] == {"code": "503", "message": f"{target.url('/hook')} answered with status 503"}
    delay = datetime.fromisoformat(waiting["next_attempt"]) - datetime.fromisoformat(waiting["created"])
    assert delay >= timedelta(seconds=20)

    sns.unsubscribe(SubscriptionArn=arn)
    assert deliveries(server, subscriber=arn)["pending"] == []
    assert the_failed(server, arn)["state"] == "abandoned"
    assert server.request("DELETE", "/_eventyard/deliveries").status == 204
    assert deliveries(server)["failed"] == []


def test_a_subscriber_that_hangs_holds_up_neither_the_publisher_nor_the_others(
    server: Server, sns: Any, topic: str, target: HttpTarget
) -> None:
    with HttpTarget() as healthy:
        stuck = subscribe(sns, topic, target)
        subscribe(sns, topic, healthy)
        target.always = HANG
        for n in range(20):
            sns.publish(TopicArn=topic, Message=str(n))
        assert sorted(int(request.json["Message"]) for request in healthy.wait(20)) == list(range(20))
    until(lambda: deliveries(server, subscriber=stuck)["counts"]["in_flight"] > 0)
    assert len(deliveries(server, subscriber=stuck)["pending"]) == 20


# The end of a subscription, and its return.


def test_the_unsubscribe_url_ends_a_subscription_and_the_url_that_is_sent_then_restores_it(
    sns: Any, topic: str, target: HttpTarget
) -> None:
    arn = subscribe(sns, topic, target)
    sns.publish(TopicArn=topic, Message="first")
    assert visit(target.wait()[0].json["UnsubscribeURL"]).status == 200
    farewell = target.wait(2)[1]
    assert farewell.header("x-amz-sns-message-type") == "UnsubscribeConfirmation"
    assert farewell.json["Message"].startswith(f"You have chosen to deactivate subscription {arn}.\n")
    assert subscriptions_of(sns, topic) == []

    sns.publish(TopicArn=topic, Message="while away")
    assert visit(farewell.json["SubscribeURL"]).value("SubscriptionArn") == arn
    sns.publish(TopicArn=topic, Message="back")
    assert target.wait(3)[2].json["Message"] == "back"


def test_the_unsubscribe_url_is_refused_where_the_confirmation_asked_for_a_signature(
    sns: Any, topic: str, target: HttpTarget
) -> None:
    ask(sns, topic, target.url())
    token = target.wait()[0].json["Token"]
    sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    sns.publish(TopicArn=topic, Message="x")
    page = visit(target.wait(2)[1].json["UnsubscribeURL"])
    assert (page.status, page.value("Code")) == (403, "AuthorizationError")
    assert len(subscriptions_of(sns, topic)) == 1


# Hosts in URLs.


def test_behind_a_public_host_the_urls_name_it_and_can_be_visited(start: Start, target: HttpTarget) -> None:
    server = start("--public-host", "127.0.0.1")
    sns = server.client("sns")
    topic = make_topic(sns)
    ask(sns, topic, target.url())
    question = target.wait()[0].json
    assert visit(question["SubscribeURL"]).status == 200
    sns.publish(TopicArn=topic, Message="x")
    notification = target.wait(2)[1].json
    urls = [question["SubscribeURL"], question["SigningCertURL"]]
    urls += [notification["SigningCertURL"], notification["UnsubscribeURL"]]
    assert {urlsplit(url)[:2] for url in urls} == {("http", f"127.0.0.1:{server.port}")}
    assert verifies(notification)
    assert visit(notification["UnsubscribeURL"]).status == 200
    assert subscriptions_of(sns, topic) == []


def test_the_names_of_localstack_choose_the_hosts_that_are_shown(start: Start, target: HttpTarget) -> None:
    hosts = {"LOCALSTACK_HOST": "events.test:8443", "SNS_CERT_URL_HOST": "sns.eu-west-1.amazonaws.com"}
    server = start(variables=hosts)
    sns = server.client("sns")
    topic = make_topic(sns)
    ask(sns, topic, target.url())
    question = target.wait()[0].json
    certificate = urlsplit(question["SigningCertURL"])
    assert question["SubscribeURL"].startswith("http://events.test:8443/?Action=ConfirmSubscription&")
    assert certificate[:2] == ("https", "sns.eu-west-1.amazonaws.com")
    assert verifies(question | {"SigningCertURL": f"{server.url}{certificate.path}"})


def test_urls_name_the_host_by_which_the_caller_found_the_server(server: Server, target: HttpTarget) -> None:
    endpoint = f"http://127.0.0.1:{server.port}"
    sns = server.client("sns", endpoint=endpoint)
    topic = make_topic(sns)
    subscribe(sns, topic, target)
    sns.publish(TopicArn=topic, Message="x")
    assert target.wait()[0].json["UnsubscribeURL"].startswith(f"{endpoint}/?Action=Unsubscribe&")


# The end of the server.


def stop(server: Server, number: signal.Signals = signal.SIGTERM) -> None:
    """Stop a server as it should: soon, with exit code 0, without a word of complaint."""
    begun = time.monotonic()
    assert server.stop(number) == 0
    assert time.monotonic() - begun < SOON_S
    assert server.err == []


@SIGNALS
def test_a_signal_ends_a_server_whose_deliveries_hang(start: Start, target: HttpTarget, number: signal.Signals) -> None:
    server = start()
    sns = server.client("sns")
    topic = make_topic(sns)
    subscribe(sns, topic, target)
    target.always = HANG
    for _ in range(20):
        sns.publish(TopicArn=topic, Message="x")
    until(lambda: len(target.requests) == 16)  # as many as one subscriber gets at a time; the others wait for them
    stop(server, number)
    until(lambda: target.connections == 0)


def test_a_question_that_hangs_does_not_hold_the_stop_up(start: Start, target: HttpTarget) -> None:
    server = start()
    target.always = HANG
    sns = server.client("sns")
    ask(sns, make_topic(sns), target.url())
    target.wait()
    stop(server)


def test_a_signal_may_come_while_the_first_delivery_is_still_being_prepared(start: Start, target: HttpTarget) -> None:
    server = start()
    sns = server.client("sns")
    ask(sns, make_topic(sns), target.url())
    stop(server)


def test_a_tls_handshake_that_nobody_answers_does_not_hold_the_stop_up(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = start()
        sns = server.client("sns")
        ask(sns, make_topic(sns), f"https://127.0.0.1:{silent.getsockname()[1]}/")
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            stop(server)


def test_retries_that_are_due_later_do_not_hold_the_stop_up(start: Start, target: HttpTarget) -> None:
    server = start()
    sns = server.client("sns")
    topic = make_topic(sns)
    arn = subscribe(sns, topic, target)
    target.always = 500
    for _ in range(3):
        sns.publish(TopicArn=topic, Message="x")
    until(lambda: [one["attempts"] for one in deliveries(server, subscriber=arn)["pending"]] == [1, 1, 1])
    stop(server)
