"""Names to venues and back, and whose order a client id is."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.ccxt.names import code_of, origin_of
from bot.domain.account import PositionKey, PositionSide
from bot.domain.errors import ContractError
from bot.domain.events import FillOrigin
from bot.domain.names import child_name, parent_name
from bot.domain.order import Side

SHAPES = {
    "binanceusdm": r"[.A-Z:/a-z0-9_-]{1,36}",
    "bybit": r"[A-Za-z0-9_-]{1,36}",
    "okx": r"[A-Za-z0-9]{1,32}",
    "deribit": r".{1,64}",
    "gate": r"t-[A-Za-z0-9._-]{1,28}",
    "hyperliquid": r"0x[0-9a-f]{32}",
    "krakenfutures": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "bitget": r".{1,40}",
    "kucoinfutures": r"[A-Za-z0-9_-]{1,40}",
}
KEYS = st.builds(
    PositionKey, st.integers(0, 35), st.integers(0, 36**2 - 1), st.sampled_from(list(PositionSide))
)


@given(
    marker=st.from_regex(r"[a-z][a-z0-9]{1,5}", fullmatch=True), key=KEYS, side=st.sampled_from(list(Side)),
    counter=st.integers(0, 36**6 - 1), child=st.integers(0, 36**3 - 1),
)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_name_of_any_order_fits_each_venue_and_comes_back(
    marker: str, key: PositionKey, side: Side, counter: int, child: int
) -> None:
    """Every venue takes the encoded name, by its own rule, and gives us back the name we meant."""
    name = child_name(parent_name(marker, key, side, counter), child)
    for exchange, shape in SHAPES.items():
        code = code_of(exchange)
        assert re.fullmatch(shape, code.encode(name)), exchange
        assert code.decode(code.encode(name)) == name
    assert origin_of(name, marker=marker, account=key.account) is FillOrigin.OURS
    assert origin_of(name, marker=marker, account=key.account + 1) is FillOrigin.EXTERNAL


@pytest.mark.parametrize("exchange", list(SHAPES))
@pytest.mark.parametrize("identity", ["", "0x" + "f" * 32, str(uuid.UUID(int=7)), "WEB_1", "t-", "ä", "1abc", "x" * 27])
def test_name_of_somebody_elses_order_is_none_of_ours(exchange: str, identity: str) -> None:
    """A foreign id is no name, or at least none of our marker's."""
    name = code_of(exchange).decode(identity)
    assert name is None or origin_of(name, marker="pen", account=0) is not FillOrigin.OURS


def test_name_that_is_too_long_for_128_bits_is_refused() -> None:
    """24 letters fit whatever they are; what does not fit must not be cut off, or two orders share an id."""
    code = code_of("hyperliquid")
    assert code.decode(code.encode("z" * 24)) == "z" * 24
    with pytest.raises(ContractError, match="128 bits"):
        code.encode("z" * 25)


@pytest.mark.parametrize(
    ("words", "origin"),
    [
        (("normal",), FillOrigin.EXTERNAL), (("full_liquidation",), FillOrigin.LIQUIDATION),
        (("x", "adl"), FillOrigin.ADL), (("AdlTrade",), FillOrigin.ADL), (("BustTrade",), FillOrigin.LIQUIDATION),
    ],
)
def test_origin_by_the_venues_words_is_theirs(words: tuple[str, ...], origin: FillOrigin) -> None:
    """OKX and Bybit say in a field of its own what Binance says by the id."""
    assert origin_of("abc", marker="pen", account=0, words=words) is origin
