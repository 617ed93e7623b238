"""What in a text is an e-mail address, a credit card number, an IP address (services/sns/data_identifiers.py)."""

from __future__ import annotations

import ipaddress
import itertools
import json
import random
import string

import pytest

from services.sns.data_identifiers import find, is_card_number

VISA, AMEX, DINERS = "4111111111111111", "378282246310005", "30569309025904"


def found(name: str, text: str) -> list[str]:
    return [text[start:end] for start, end in find(name, text)]


# E-mail addresses.


@pytest.mark.parametrize(
    "address",
    [
        "bob@example.com",
        "b@b.io",
        "Bob.O_Reilly+tag%x-1@mail.example.co.uk",
        "007@x-y.museum",
        "a" * 64 + "@example.com",
        "bob@" + "a" * 63 + ".com",
    ],
)
def test_an_address_is_found_at_any_place_in_a_text(address: str) -> None:
    for text in (address, f"Write to {address}, please", f"<{address}>", f'{{"to":"{address}"}}', f"à{address}é"):
        assert found("EmailAddress", text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "bob",
        "bob@",
        "@example.com",
        "bob@localhost",
        "bob@example.c",
        "bob@example.c0m",
        "bob.@example.com",
        "bob @example.com",
        "bob@-example.com",
        "bob@exa_mple.com",
        "bob@.com",
        "bob@" + "a" * 64 + ".com",
    ],
)
def test_what_looks_like_an_address_and_is_none_is_passed_over(text: str) -> None:
    assert found("EmailAddress", text) == []


def test_a_sentence_s_full_stop_is_not_of_the_address() -> None:
    assert found("EmailAddress", "Ask bob@example.com. Or eve@example.org.") == ["bob@example.com", "eve@example.org"]


def test_dots_that_an_address_cannot_have_are_left_outside() -> None:
    assert found("EmailAddress", "...bob@example.com a..eve@example.org") == ["bob@example.com", "eve@example.org"]


def test_an_address_does_not_reach_into_the_one_before_it() -> None:
    assert found("EmailAddress", "a@b.com@c.com") == ["a@b.com"]
    assert found("EmailAddress", "a@b@c.com") == ["b@c.com"]


# Credit card numbers.


@pytest.mark.parametrize(
    "number",
    [
        VISA,
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        AMEX,
        "6011111111111117",
        DINERS,
        "3530111333300000",
        "6200000000000005",
        "5019717010103742",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "3782 822463 10005",
        "3056 930902 5904",
    ],
)
def test_a_card_number_is_found_in_one_piece_and_in_its_groups(number: str) -> None:
    for text in (number, f"card {number}.", f"[{number}]", f'{{"card":"{number}"}}', f"No:{number},x"):
        assert found("CreditCardNumber", text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "1111111111111117",
        "411111111111",
        "41111111111111111111",
        f"x{VISA}",
        f"{VISA}x",
        "4111  1111 1111 1111",
        "4111 1111-1111 1111",
        "4111_1111_1111_1111",
        "41 11111111111111",
        f"0.{VISA}",
        "1767225600000",
        "٤١١١١١١١١١١١١١١١",
    ],
    ids=[
        "check digit",
        "no such card",
        "12 digits",
        "20 digits",
        "letter before",
        "letter after",
        "two blanks",
        "mixed signs",
        "other sign",
        "odd groups",
        "fraction",
        "milliseconds",
        "other digits",
    ],
)
def test_what_looks_like_a_card_number_and_is_none_is_passed_over(text: str) -> None:
    assert found("CreditCardNumber", text) == []


def test_a_number_before_a_card_number_does_not_hide_it() -> None:
    assert found("CreditCardNumber", "2024 4111 1111 1111 1111") == ["4111 1111 1111 1111"]


def test_a_number_after_a_card_number_does_not_hide_it() -> None:
    assert found("CreditCardNumber", "4111 1111 1111 1111 125") == ["4111 1111 1111 1111"]
    assert found("CreditCardNumber", "4111 1111 1111 1111 1234") == ["4111 1111 1111 1111"]


@pytest.mark.parametrize("number", ["6200000000000000000", "6200 0000 0000 0000 000", "620000 0000000000000"])
def test_a_card_number_of_19_digits_is_found_as_a_whole(number: str) -> None:
    assert found("CreditCardNumber", f"pay with {number} now") == [number]


def test_one_wrong_digit_is_always_noticed() -> None:
    for place in range(1, len(VISA)):
        for digit in set(string.digits) - {VISA[place]}:
            assert not is_card_number(VISA[:place] + digit + VISA[place + 1 :])


@pytest.mark.parametrize(
    ("prefix", "known"),
    [
        ("2220", False),
        ("2221", True),
        ("2720", True),
        ("2721", False),
        ("50", False),
        ("51", True),
        ("55", True),
        ("56", False),
        ("3527", False),
        ("3528", True),
        ("3589", True),
        ("3590", False),
        ("305", True),
        ("306", False),
        ("6011", True),
        ("6012", False),
        ("643", False),
        ("644", True),
        ("65", True),
        ("1800", True),
        ("9", False),
    ],
)
def test_a_card_number_begins_as_some_issuer_s_do(prefix: str, *, known: bool) -> None:
    stem = prefix.ljust(15, "0")
    assert any(is_card_number(f"{stem}{digit}") for digit in range(10)) is known


# IP addresses.


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::1",
        "2001:db8::1",
        "fe80::",
        "2001:db8:0:1:2:3:4:5",
        "::ffff:10.0.0.1",
    ],
)
def test_an_ip_address_of_either_version_is_found(address: str) -> None:
    for text in (
        address,
        f"from {address}.",
        f"({address})",
        f'{{"ip":"{address}"}}',
        f"{address}/24",
        f"to={address},x",
    ):
        assert found("IpAddress", text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "v1.2.3.4",
        "1.2.3.4x",
        "1.2.3.",
        "::",
        ":",
        ".:.:",
        "1:2",
        "x::y",
        "12:30:45",
        "00:1a:2b:3c:4d:5e",
        "1::2::3",
        "std::dec",
        "12345::1",
        "1:2:3:4:5:6:7:8:9",
    ],
)
def test_what_looks_like_an_ip_address_and_is_none_is_passed_over(text: str) -> None:
    assert found("IpAddress", text) == []


def test_ports_and_labels_are_left_outside() -> None:
    assert found("IpAddress", "10.0.0.1:8080") == ["10.0.0.1"]
    assert found("IpAddress", "ip:2001:db8::1: gone") == ["2001:db8::1"]


def test_addresses_of_both_versions_come_in_the_order_of_the_text() -> None:
    assert found("IpAddress", "10.0.0.1 ::1 10.0.0.2 ::ffff:10.0.0.3") == [
        "10.0.0.1",
        "::1",
        "10.0.0.2",
        "::ffff:10.0.0.3",
    ]


@pytest.mark.parametrize("seed", range(5))
def test_random_addresses_are_found_as_python_writes_them(seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(200):
        written = str(ipaddress.IPv4Address(chance.getrandbits(32)))
        assert found("IpAddress", f"a {written} b") == [written]
        written = str(
            ipaddress.IPv6Address(chance.getrandbits(128) & chance.getrandbits(128) & ~(chance.getrandbits(64) << 32))
        )
        assert found("IpAddress", f"a {written} b") == [written]


# All of them.


def test_places_are_counted_in_characters() -> None:
    assert find("EmailAddress", "世界 🦊 bob@example.com") == [(5, 20)]


@pytest.mark.parametrize(
    ("name", "value"), [("EmailAddress", "bob@example.com"), ("CreditCardNumber", VISA), ("IpAddress", "10.0.0.1")]
)
@pytest.mark.parametrize("before", ["\n", "\t", "ä", "\\", "\\n", '"', "\u2028"], ids=repr)
def test_an_escape_of_json_is_neither_part_of_a_place_nor_hides_it(name: str, value: str, before: str) -> None:
    expected = value if before != "\\n" else {"EmailAddress": f"n{value}"}.get(name)
    text = json.dumps({"text": f"a{before}{value}{before}b"})
    assert found(name, text) == ([] if expected is None else [expected])


@pytest.mark.parametrize("name", ["Name", "PhoneNumber-US", "emailaddress", "custom/EmailAddress", ""])
def test_any_other_identifier_finds_nothing(name: str) -> None:
    assert found(name, f"bob@example.com {VISA} 10.0.0.1") == []


@pytest.mark.parametrize("name", ["EmailAddress", "CreditCardNumber", "IpAddress"])
@pytest.mark.parametrize("seed", range(5))
def test_places_in_random_text_are_in_order_and_do_not_overlap(name: str, seed: int) -> None:
    print("seed", seed)
    chance = random.Random(seed)
    parts = ("a", "b.", "@", "x.com", " ", "-", "4111", "1111", VISA, ":", "::", "10", ".", "1.2.3.4", "\\n", "\\", "é")
    for _ in range(300):
        text = "".join(chance.choices(parts, k=chance.randrange(40)))
        places = find(name, text)
        assert all(start < end for start, end in places)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(places))


@pytest.mark.parametrize("name", ["EmailAddress", "CreditCardNumber", "IpAddress"])
@pytest.mark.parametrize(
    "part",
    [
        "a",
        "1",
        "a@",
        "@",
        "@a-",
        "4111 ",
        "1.",
        "1:",
        ":.",
        "a.a@",
        "\\u00e4",
        "-" * 60 + "@" + "a-" * 30,
        "a" * 64 + "@",
    ],
)
def test_a_large_text_of_near_misses_is_searched_without_piling_up_work(name: str, part: str) -> None:
    # With a pattern of quadratic cost one of these would take minutes, and the test run would show it.
    assert find(name, part * (262_144 // len(part))) == []
