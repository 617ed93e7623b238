"""Pages with opaque tokens: every item once, in order, whatever is added or removed between two pages."""

from __future__ import annotations

import base64
import random

import pytest

from emulator.errors import AwsError
from services.sns.pages import page


def pairs(*keys: str) -> list[tuple[str, str]]:
    """Make sorted items whose values are their keys in capitals."""
    return [(key, key.upper()) for key in sorted(keys)]


def numbered(count: int) -> list[tuple[str, str]]:
    return pairs(*(f"key-{number:05}" for number in range(count)))


def refusal(token: str, **options: str) -> tuple[str, str, int]:
    with pytest.raises(AwsError) as caught:
        page(pairs("a", "b"), token, 1, **options)
    return caught.value.code, caught.value.message, caught.value.status


def token_after(key: str) -> str:
    """Get the token of a page that ends with a key."""
    _, token = page([(key, ""), (key + "x", "")], None, 1)
    assert token is not None
    return token


def test_a_list_that_fits_on_one_page_has_no_token() -> None:
    assert page(pairs("a", "b"), None, 2) == (["A", "B"], None)


def test_nothing_is_one_empty_page() -> None:
    assert page([], None, 100) == ([], None)


def test_a_full_page_with_more_behind_it_has_a_token() -> None:
    items, token = page(pairs("a", "b", "c"), None, 2)
    assert items == ["A", "B"]
    assert page(pairs("a", "b", "c"), token, 2) == (["C"], None)


def test_an_empty_token_means_the_start() -> None:
    assert page(pairs("a", "b"), "", 1)[0] == ["A"]


@pytest.mark.parametrize(("count", "sizes"), [(100, [100]), (101, [100, 1]), (200, [100, 100]), (250, [100, 100, 50])])
def test_pages_hold_all_items_once_and_in_order(count: int, sizes: list[int]) -> None:
    items, token = page(numbered(count), None, 100)
    found = [items]
    while token is not None:
        items, token = page(numbered(count), token, 100)
        found.append(items)
    assert [len(each) for each in found] == sizes
    assert [item for each in found for item in each] == [value for _, value in numbered(count)]


def test_a_token_does_not_show_the_key() -> None:
    token = token_after("arn:aws:sns:us-east-1:000000000000:orders")
    assert "orders" not in token


@pytest.mark.parametrize("key", ["a", "+15550100", "arn:aws:sns:us-east-1:000000000000:app/GCM/x", "ü", "🦊", "a b\n"])
def test_any_key_survives_its_token(key: str) -> None:
    items = [(key, "first"), (key + "x", "second")]
    assert page(items, token_after(key), 5) == (["second"], None)


def test_what_is_removed_between_two_pages_loses_nothing_else() -> None:
    _, token = page(pairs("a", "b", "c", "d"), None, 2)
    assert page(pairs("c", "d"), token, 2) == (["C", "D"], None)


def test_the_last_item_of_a_page_may_be_removed_before_the_next() -> None:
    _, token = page(pairs("a", "b", "c", "d"), None, 2)
    assert page(pairs("a", "c", "d"), token, 2) == (["C", "D"], None)


def test_what_is_added_before_the_next_page_repeats_nothing() -> None:
    _, token = page(pairs("b", "c", "d"), None, 2)
    assert page(pairs("a", "b", "bb", "c", "d", "e"), token, 2) == (["D", "E"], None)


def test_a_token_is_good_when_everything_behind_it_is_gone() -> None:
    _, token = page(pairs("a", "b", "c"), None, 2)
    assert page(pairs("a", "b"), token, 2) == ([], None)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "bad token",
        "!!!!",
        "abcd",
        "aaaaaaaa",
        "ü",
        base64.b64encode(b"a").decode(),
        base64.b64encode(b"\x01sns:\xff\xfe").decode(),
        token_after("a")[:-1],
        token_after("a") + "=",
        token_after("a") + "\n",
        " " + token_after("a"),
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    assert refusal(token) == ("InvalidParameter", "Invalid parameter: NextToken", 400)


def test_a_refusal_names_the_parameter() -> None:
    assert refusal("x", parameter="nextToken") == ("InvalidParameter", "Invalid parameter: nextToken", 400)


@pytest.mark.parametrize("seed", range(20))
def test_what_stays_through_all_pages_is_shown_exactly_once_and_in_order(seed: int) -> None:
    chance = random.Random(seed)
    keys = {str(chance.randrange(1000)) for _ in range(60)}
    always = set(keys)
    ever = set(keys)
    shown: list[str] = []
    token = None
    while True:
        found, token = page([(key, key) for key in sorted(keys)], token, chance.randrange(1, 9))
        shown += found
        if token is None:
            break
        gone = set(chance.sample(sorted(keys), min(3, len(keys))))
        keys = (keys - gone) | {str(chance.randrange(1000)) for _ in range(3)}
        always &= keys
        ever |= keys
    print(f"seed {seed}")
    assert shown == sorted(set(shown))
    assert always <= set(shown) <= ever
