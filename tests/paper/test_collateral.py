"""Multi-assets mode: what wallets count for, what a falling asset does, and how debts are paid."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.domain.account import Balance, MarginMode
from bot.domain.copying import replace
from bot.domain.errors import ContractError
from bot.domain.events import AssetsExchanged, CashMoved, LiquidationStage, OrderRejected
from bot.domain.order import Side
from paper.collateral import counted
from paper.spec import AccountStart, AssetMode, Collateral, PositionStart
from tests.paper.builders import Bench, lots, order, perpetual, usd
from tests.paper.pool_storm import inverse
from tests.paper.test_liquidation import DEEP

ETH = perpetual(1, "ETH")
SPEC = replace(DEEP, collateral={"BTC": Collateral(rate=0.95, instrument=0), "USDC": Collateral(rate=0.99)})


def _bench(usdt: str, btc: str, amount: str = "10") -> Bench:
    begin = AccountStart(
        0, "USDT", usd(usdt), (PositionStart(1, lots(amount)),), asset_mode=AssetMode.MULTI,
        balances=(Balance("BTC", usd(btc)),),
    )
    bench = Bench(begin, spec=SPEC, instruments=(perpetual(), ETH))
    bench.price("1000")
    bench.price("100", instrument=1)
    return bench


def _stages(facts: Sequence[object]) -> list[LiquidationStage]:
    return [fact for fact in facts if isinstance(fact, LiquidationStage)]


@pytest.mark.parametrize(("amount", "counts"), [("2", "1900"), ("-2", "-2000"), ("0", "0")])
def test_collateral_counts_positive_amounts_with_a_haircut_and_debts_in_full(amount: str, counts: str) -> None:
    """2 at 1,000 and 95 % count for 1,900; owing 2 counts for all of 2,000."""
    assert counted(usd(amount), price=usd(1000), rate=0.95) == usd(counts)


def test_equity_in_multi_assets_mode_is_all_wallets_after_haircuts() -> None:
    """100 USDT and 0.1 BTC at 1,000: 100 + 95; a position of 1,000 gains 10 per dollar."""
    bench = _bench("100", "0.1")
    assert bench.venue.account_totals(0) == (usd(195), usd(195), usd(4))
    bench.price("101", instrument=1)
    assert bench.venue.account_totals(0)[1] == usd(205)


# 0.1 BTC x 0.95 x p is all that backs 10 ETH at 100, which need 0.4 % of 1,000: 0.095 p = 4 at 42.105


@pytest.mark.parametrize(("price", "liquidated"), [("42.11", False), ("42.10", True)])
def test_falling_collateral_liquidates_a_position_whose_own_market_stands_still(price: str, liquidated: bool) -> None:
    """The formula says 42.105: the venue notices at the first print of the collateral beyond it."""
    bench = _bench("0", "0.1")
    for step in ("600", "300", "100", "60", "45"):
        assert _stages(bench.price(step)) == []
    assert bool(_stages(bench.price(price))) is liquidated


def test_what_is_left_to_owe_after_a_liquidation_is_paid_with_collateral_before_the_fund() -> None:
    """Closed at a loss, the USDT debt takes BTC at 95 % of its price; what BTC cannot pay comes from the fund."""
    bench = _bench("0", "0.1")
    facts = bench.price("89", instrument=1)
    assert len(_stages(facts)) == 1
    moves = [fact for fact in facts if isinstance(fact, AssetsExchanged | CashMoved)]
    assert isinstance(moves[0], AssetsExchanged)
    assert (moves[0].sold.asset, moves[0].bought.asset) == ("BTC", "USDT")
    assert bench.venue._exchange.accounts[0].wallets["USDT"] == 0


def test_debt_is_exchanged_only_beyond_the_venues_limit() -> None:
    """10,000 of debt stand; a cent more is exchanged whole."""
    for debt, exchanged in (("10000", False), ("10000.01", True)):
        bench = _bench(f"-{debt}", "20", "1")
        bench.price("100.01", instrument=1)
        moved = [fact.bought for _, fact in bench.told if isinstance(fact, AssetsExchanged)]
        assert moved == ([Balance("USDT", usd(debt))] if exchanged else [])


def test_multi_assets_mode_refuses_what_it_cannot_count() -> None:
    """Isolated margin, inverse contracts, and contracts that settle in what is discounted."""
    multi = AccountStart(0, "USDT", usd(1), asset_mode=AssetMode.MULTI)
    usdc = replace(perpetual(), settle="USDC")
    for begin, instrument in (
        (replace(multi, mode=MarginMode.ISOLATED), perpetual()),
        (replace(multi, positions=(PositionStart(0, 1),)), inverse()),
        (replace(multi, positions=(PositionStart(0, 1),)), usdc),
    ):
        with pytest.raises(ContractError, match="multi-assets mode"):
            Bench(begin, spec=SPEC, instruments=(instrument,))


def test_order_for_an_inverse_contract_is_refused_in_multi_assets_mode() -> None:
    """-1121: one BTC wallet cannot back a coin-settled contract and count as collateral at the same time."""
    begin = AccountStart(0, "USDT", usd(1_000), asset_mode=AssetMode.MULTI, balances=(Balance("BTC", usd(1)),))
    bench = Bench(begin, spec=SPEC, instruments=(perpetual(), inverse(1)))
    bench.price("50000", instrument=1)
    facts = bench.send(replace(order(Side.BUY, "1", "51000", instrument=1), quantity=1))
    assert [fact.code for fact in facts if isinstance(fact, OrderRejected)] == ["-1121"]
