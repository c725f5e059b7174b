"""What we sign ourselves is, byte for byte, what ccxt would have sent."""

from __future__ import annotations

import hashlib
from typing import Any

import ccxt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.signing import Signer, hex_sha256, plain_query

NOW_MS = 1_700_000_000_000

PARAMETERS = st.dictionaries(
    st.sampled_from(["symbol", "quantity", "price", "newClientOrderId", "recvWindow", "a=b"]),
    st.one_of(
        st.text("ABCxyz019._~-", max_size=6), st.text(max_size=4), st.booleans(), st.none(),
        st.integers(-9, 10**13), st.floats(allow_nan=False), st.sampled_from(["a=b", "a&b", "&x=y", "a b", "é", "+"]),
    ),
    max_size=5,
)


@given(parameters=PARAMETERS)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_query_of_ours_is_the_one_that_ccxt_would_sign(parameters: dict[str, object]) -> None:
    """The venue checks the signature of these very bytes: where ours says a query at all, it is ccxt's."""
    query = plain_query(parameters)
    assert query is None or query == ccxt.Exchange.urlencode(parameters)


@given(request=st.binary(max_size=200), secret=st.binary(max_size=80))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_signature_of_ours_is_the_one_that_ccxt_would_make(request: bytes, secret: bytes) -> None:
    """One call in place of a dozen, and the same letters: the venue would refuse any other."""
    assert hex_sha256(request, secret) == ccxt.Exchange.hmac(request, secret, hashlib.sha256)


def test_query_of_an_order_needs_no_care_of_ccxts() -> None:
    """The parameters of an order are plain text, or the short way were not one."""
    order: dict[str, object] = {
        "timestamp": 1_700_000_000_000, "symbol": "BTCUSDT", "price": "59301.5", "reduceOnly": "true",
    }
    assert plain_query(order) == "timestamp=1700000000000&symbol=BTCUSDT&price=59301.5&reduceOnly=true"
    assert plain_query(order | {"reduceOnly": True}) is None


class Clocked(ccxt.binanceusdm):  # type: ignore[misc]  # ccxt's classes are untyped
    """ccxt's own client, at one moment; counts what it is asked to sign."""

    def milliseconds(self) -> int:
        return NOW_MS

    def sign(self, *request: Any) -> dict[str, Any]:
        self.asked = getattr(self, "asked", 0) + 1
        signed: dict[str, Any] = super().sign(*request)
        return signed


def client(**changed: Any) -> Clocked:
    return Clocked({"apiKey": "key", "secret": "secret", "options": {"timeDifference": 250}, **changed})


ORDER = {
    "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "IOC", "quantity": "0.010", "price": "59301.5",
    "reduceOnly": "true", "newClientOrderId": "psaaalb000001", "recvWindow": "5000",
}
STOP = {
    "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "59000",
    "closePosition": "true", "clientAlgoId": "psaaalb000002", "recvWindow": "5000",
}


@pytest.mark.parametrize(("path", "parameters"), [("order", ORDER), ("algoOrder", STOP)])
@pytest.mark.parametrize("secret", ["secret", "s" * 64, "s" * 200])
def test_order_is_signed_as_ccxt_signs_it(path: str, parameters: dict[str, object], secret: str) -> None:
    """Address, headers and body: the venue sees no difference, and ccxt was not asked."""
    exchange = client(secret=secret)
    ours = Signer(exchange).signed(path, "fapiPrivate", "POST", dict(parameters))
    assert getattr(exchange, "asked", 0) == 0
    theirs = exchange.sign(path, ["fapiPrivate"], "POST", dict(parameters))
    assert (ours.url, dict(ours.headers), ours.body) == (theirs["url"], theirs["headers"], theirs["body"])


def without(name: str) -> dict[str, object]:
    return {other: value for other, value in ORDER.items() if other != name}


@pytest.mark.parametrize(
    ("parameters", "changed"),
    [
        (without("newClientOrderId"), {}),
        (without("recvWindow"), {}),
        ({**ORDER, "price": "1+1"}, {}),
        ({**ORDER, "reduceOnly": True}, {}),
        (ORDER, {"apiKey": ""}),
        (ORDER, {"secret": ""}),
        (ORDER, {"secret": "-----BEGIN PRIVATE KEY-----"}),
    ],
)
def test_what_is_not_plain_is_left_to_ccxt(parameters: dict[str, object], changed: dict[str, Any]) -> None:
    """It quotes, names, takes other kinds of keys, and refuses in its own words."""
    exchange = client(**changed)
    try:
        Signer(exchange).signed("order", "fapiPrivate", "POST", dict(parameters))
    except Exception as error:  # noqa: BLE001  # what it thinks of such a key is its own matter
        assert not isinstance(error, KeyError)
    assert exchange.asked == 1


def test_other_secret_is_taken_at_once() -> None:
    """Nothing is kept of a key that was replaced."""
    exchange = client()
    signer = Signer(exchange)
    first = signer.signed("order", "fapiPrivate", "POST", dict(ORDER)).body
    exchange.secret = "another"
    assert signer.signed("order", "fapiPrivate", "POST", dict(ORDER)).body != first
    exchange.secret = "secret"
    assert signer.signed("order", "fapiPrivate", "POST", dict(ORDER)).body == first
