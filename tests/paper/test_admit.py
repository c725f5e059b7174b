"""Accounts that begin while the venue runs."""

from __future__ import annotations

import pytest

from bot.domain.account import PositionKey
from bot.domain.errors import ContractError
from bot.domain.events import LiquidationStage
from bot.domain.market import Trade
from bot.domain.scale import CASH_UNIT, NS_PER_SECOND
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.venue import PaperVenue
from tests.paper.builders import perpetual

START = 1_000 * NS_PER_SECOND
HALF = 500                           # of one BTC, at three digits


def price_at(venue: PaperVenue, seconds: int, price: int) -> list[object]:
    at = START + seconds * NS_PER_SECOND
    return [fact for _, fact in venue.handle(at, Trade(at, at, 0, price, 1, 0))]


def test_admit_after_the_first_price_enters_at_the_present_one() -> None:
    """An account that begins later holds its position at the price of then, or at the one it names."""
    venue = PaperVenue(VenueSpec(), (perpetual(),), [])
    price_at(venue, 0, 1_000_000)
    price_at(venue, 1, 900_000)
    venue.admit(AccountStart(0, "USDT", 1_000 * CASH_UNIT, (PositionStart(0, HALF),)))
    venue.admit(AccountStart(1, "USDT", 1_000 * CASH_UNIT, (PositionStart(0, HALF, 1_000_000),)))
    assert venue.is_started(0)
    assert venue.account_totals(0)[1] == 1_000 * CASH_UNIT
    assert venue.account_totals(1)[1] == 500 * CASH_UNIT
    assert venue.positions(1)[0].key == PositionKey(1, 0)


def test_admit_before_any_price_waits_for_the_first() -> None:
    """Without a price there is nothing to enter at yet."""
    venue = PaperVenue(VenueSpec(), (perpetual(),), [])
    venue.admit(AccountStart(0, "USDT", 1_000 * CASH_UNIT, (PositionStart(0, HALF),)))
    assert not venue.is_started(0)
    price_at(venue, 0, 1_000_000)
    assert venue.positions(0)[0].entry_value == 5_000 * CASH_UNIT


def test_admit_narrows_how_far_prices_move_unnoticed() -> None:
    """The next price that a new account cannot bear liquidates it, though nobody held anything before."""
    venue = PaperVenue(VenueSpec(), (perpetual(),), [])
    price_at(venue, 0, 1_000_000)
    venue.admit(AccountStart(0, "USDT", 500 * CASH_UNIT, (PositionStart(0, HALF),)))
    assert not any(isinstance(fact, LiquidationStage) for fact in price_at(venue, 1, 905_000))
    assert any(isinstance(fact, LiquidationStage) for fact in price_at(venue, 2, 895_000))


def test_admit_of_an_index_that_is_taken_is_refused() -> None:
    """Two accounts of one index could not be told apart."""
    venue = PaperVenue(VenueSpec(), (perpetual(),), [AccountStart(0, "USDT", CASH_UNIT)])
    with pytest.raises(ContractError, match="account 0 already"):
        venue.admit(AccountStart(0, "USDT", CASH_UNIT))
