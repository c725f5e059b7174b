"""What is written of a message is the message."""

from __future__ import annotations

import math
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.journal.codec import KINDS, Message, decode, encode
from bot.domain.copying import replace
from bot.domain.effects import Effect, RaiseAlarm, Reading
from bot.domain.errors import JournalError
from bot.domain.events import AccountFact, CashMoved, Timer
from bot.domain.market import MarketFact, MarkPrice
from tests.adapters.journal_samples import FIRED


@pytest.mark.parametrize("kind", list(KINDS))
@given(data=st.data())
@settings(derandomize=True, deadline=None, max_examples=40)
def test_codec_any_message_comes_back_equal(kind: str, data: st.DataObject) -> None:
    """Whatever the fields hold, infinite ratios and huge integers included, the same message is read back."""
    message: Message = data.draw(st.from_type(KINDS[kind]))
    again = decode(kind, encode(message))
    assert type(again) is type(message)
    assert repr(again) == repr(message)     # unlike ==, it holds for NaN and tells 5 from 5.0
    assert encode(again) == encode(message)


def test_codec_kinds_cover_facts_effects_and_prices() -> None:
    """Every member of the three unions has a kind; two classes of one name would hide each other."""
    members = [*get_args(MarketFact), *get_args(AccountFact), *get_args(Effect)]
    assert sorted(KINDS) == sorted(member.__name__ for member in members)
    assert {"MarkPrice", "OrderFilled", "PlaceOrder"} <= KINDS.keys()


def test_codec_body_is_canonical_json() -> None:
    """Fields in the order of the class, enums by value, no white space: the bytes are part of the contract."""
    assert encode(MarkPrice(1, 2, 3, 4)) == b'{"now":1,"stamp":2,"instrument":3,"price":4,"span":0}'
    assert encode(Timer(now=5)) == b'{"now":5}'
    assert b'"goal":{"kind":"liquidation_distance","target":0.3,"currency":null,"hedge":null}' in encode(FIRED)


@pytest.mark.parametrize(
    ("value", "text"), [(math.inf, b'"inf"'), (-math.inf, b'"-inf"'), (None, b"null"), (0.25, b"0.25")]
)
def test_codec_reading_infinite_or_missing_stays_apart(value: float | None, text: bytes) -> None:
    """An infinite ratio and one that is not available are two things, and stay two."""
    fired = replace(FIRED, readings=(Reading("account.leverage", value, "x"),))
    body = encode(fired)
    assert b'"value":' + text in body
    assert decode("OpenEpisode", body) == fired


def test_codec_reading_not_a_number_comes_back() -> None:
    """NaN should never be there; if it is, the journal says so and does not make it "not available"."""
    body = encode(replace(FIRED, readings=(Reading("account.leverage", math.nan, "x"),)))
    again = decode("OpenEpisode", body)
    assert encode(again) == body
    assert b'"value":"nan"' in body


def test_codec_text_that_utf8_cannot_carry_is_escaped() -> None:
    """A venue may send half a surrogate pair in a message; that must not stop the journal."""
    body = encode(RaiseAlarm(code="X", detail="bad \ud800 text", now=1))
    assert decode("RaiseAlarm", body) == RaiseAlarm(code="X", detail="bad \\ud800 text", now=1)


def test_codec_text_inf_in_a_remark_stays_text() -> None:
    """A remark that reads like a number is not made one."""
    moved = CashMoved(now=1, stamp=1, account=0, asset="inf", amount=2, reason="nan")
    assert decode("CashMoved", encode(moved)) == moved


def test_codec_unknown_kind_says_what_to_do() -> None:
    """A row of a newer version is refused by name, with the version to use."""
    with pytest.raises(JournalError, match=r"unknown, was 'OrderTeleported'.*another version of penstock"):
        decode("OrderTeleported", b"{}")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"now":"x"}', b'{"now":"5"}', b"[1]", b'{"now":1', b'{"now":"\xff"}'])
def test_codec_body_of_another_shape_is_refused(body: bytes) -> None:
    """JSON that is broken, or lacks a field, is our error and never a half-filled message."""
    with pytest.raises(JournalError, match="a row of kind Timer does not read"):
        decode("Timer", body)
