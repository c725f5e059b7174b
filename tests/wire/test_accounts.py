"""Modes, leverage, isolated margin and what the account pages say: one-way and hedge, cross and isolated."""

from __future__ import annotations

import pytest

from bot.domain.scale import CASH_UNIT
from paper.tiers import brackets_of
from tests.wire.builders import BTC, ETH, Bench, account, instruments, order_params

ORDER = "/fapi/v1/order"
DUAL = "/fapi/v1/positionSide/dual"


def hedged() -> Bench:
    """An account in hedge mode."""
    bench = Bench.make()
    bench.good("POST", DUAL, dualSidePosition="true")
    return bench


def test_position_mode_is_told_and_changed_only_while_flat_without_orders() -> None:
    """-4059 when nothing changes, -4067 with orders, -4068 with a position."""
    bench = Bench.make()
    assert bench.get(DUAL) == {"dualSidePosition": False}
    assert bench.refused("POST", DUAL, dualSidePosition="false") == -4059
    bench.order("BUY", "0.010", "59000")
    assert bench.refused("POST", DUAL, dualSidePosition="true") == -4067
    bench.good("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    bench.order("BUY", "0.010")
    assert bench.refused("POST", DUAL, dualSidePosition="true") == -4068
    bench.order("SELL", "0.010", reduceOnly="true")
    bench.good("POST", DUAL, dualSidePosition="true")
    assert bench.get(DUAL) == {"dualSidePosition": True}


@pytest.mark.parametrize(
    ("changed", "code"),
    [({}, -4061), ({"positionSide": "BOTH"}, -4061), ({"positionSide": "LONG", "reduceOnly": "true"}, -1106),
     ({"positionSide": "LONG", "reduceOnly": "false"}, -1106), ({"positionSide": "UP"}, -4061)],
)
def test_hedge_mode_refuses_orders_without_a_leg_and_reduce_only(changed: dict[str, object], code: int) -> None:
    """A reduce-only order is illegal there: the leg says what closes."""
    assert hedged().refused("POST", ORDER, **order_params("BUY", "0.010", None, **changed)) == code


def test_hedge_mode_holds_two_legs_each_closed_by_its_own_side() -> None:
    """Two rows, signs apart; a sell on the long leg never opens a short."""
    bench = hedged()
    bench.order("BUY", "0.030", positionSide="LONG")
    bench.order("SELL", "0.010", positionSide="SHORT")
    rows = {row["positionSide"]: row["positionAmt"] for row in bench.get("/fapi/v3/positionRisk")}
    assert rows == {"LONG": "0.030", "SHORT": "-0.010"}
    assert bench.refused("POST", ORDER, **order_params("SELL", "0.010", None, positionSide="BOTH")) == -4061
    sold = bench.order("SELL", "0.040", positionSide="LONG")
    assert (sold["executedQty"], sold["status"]) == ("0.030", "EXPIRED")
    assert [row["positionSide"] for row in bench.get("/fapi/v3/positionRisk")] == ["SHORT"]
    sides = [(row["symbol"], row["positionSide"]) for row in bench.get("/fapi/v2/positionRisk")]
    assert sides == [(BTC, "LONG"), (BTC, "SHORT"), (ETH, "LONG"), (ETH, "SHORT")]


def test_margin_mode_and_leverage_are_set_per_symbol_and_told() -> None:
    """symbolConfig says what was set; setting the same again is -4046, too much leverage -4028."""
    bench = Bench.make()
    bench.good("POST", "/fapi/v1/marginType", symbol=ETH, marginType="ISOLATED")
    assert bench.refused("POST", "/fapi/v1/marginType", symbol=ETH, marginType="ISOLATED") == -4046
    assert bench.good("POST", "/fapi/v1/leverage", symbol=ETH, leverage=10) == {
        "symbol": ETH, "leverage": 10, "maxNotionalValue": "150000000",
    }
    assert bench.refused("POST", "/fapi/v1/leverage", symbol=ETH, leverage=126) == -4028
    (row,) = bench.get("/fapi/v1/symbolConfig", symbol=ETH)
    assert (row["marginType"], row["leverage"]) == ("ISOLATED", 10)


def test_isolated_position_has_margin_of_its_own_that_can_be_added_to() -> None:
    """What is moved into it leaves the account's wallet and brings its liquidation further away."""
    bench = Bench.make()
    assert bench.refused("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="100", type=1) == -4049
    bench.good("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED")
    bench.order("BUY", "0.100")
    (before,) = bench.get("/fapi/v3/positionRisk")
    bench.good("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="100", type=1)
    (after,) = bench.get("/fapi/v3/positionRisk")
    assert float(after["isolatedWallet"]) - float(before["isolatedWallet"]) == pytest.approx(100)
    assert 0 < float(after["liquidationPrice"]) < float(before["liquidationPrice"])
    assert bench.refused("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="0", type=1) == -4055
    assert bench.refused("POST", "/fapi/v1/positionMargin", symbol=BTC, amount="1e2", type=1) == -1100


def test_account_totals_add_up() -> None:
    """Margin balance = wallet + profit; available = margin balance - initial margin; per asset as in all."""
    bench = Bench.make()
    bench.order("BUY", "0.100")
    bench.order("BUY", "0.010", "59000")
    bench.trade("61000.0")
    found = {name: float(value) for name, value in bench.get("/fapi/v3/account").items() if isinstance(value, str)}
    assert found["totalMarginBalance"] == pytest.approx(
        found["totalWalletBalance"] + found["totalUnrealizedProfit"], abs=1e-8
    )
    assert found["availableBalance"] == pytest.approx(
        found["totalMarginBalance"] - found["totalInitialMargin"], abs=2e-8
    )
    assert found["totalPositionInitialMargin"] == pytest.approx(6_100 / 20)
    assert found["totalOpenOrderInitialMargin"] == pytest.approx(590 / 20)
    (asset,) = bench.get("/fapi/v3/account")["assets"]
    assert asset["marginBalance"] == bench.get("/fapi/v3/account")["totalMarginBalance"]
    (row,) = bench.get("/fapi/v2/balance")
    assert float(row["availableBalance"]) == found["availableBalance"]


def test_maintenance_margin_takes_the_tiers_deduction() -> None:
    """1,200,000 at 0.65 % less 950, as the venue counts; ccxt's own figure leaves the deduction out."""
    bench = Bench.make(account(balance=200_000))
    bench.order("BUY", "20")
    assert bench.get("/fapi/v3/account")["totalMaintMargin"] == f"{1_200_000 * 0.0065 - 950:.8f}"
    assert bench.get("/fapi/v3/positionRisk")[0]["maintMargin"] == f"{1_200_000 * 0.0065 - 950:.8f}"


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_liquidation_price_is_where_the_venue_acts(side: str) -> None:
    """One tick before it the position stands; at it the venue closes it."""
    bench = Bench.make(account(balance=1_000))
    bench.order(side, "0.200")
    price = bench.get("/fapi/v3/positionRisk")[0]["liquidationPrice"]
    step = 1 if side == "BUY" else -1
    before = f"{(round(float(price) * 100) + step) / 100:.2f}"
    bench.trade(before)
    assert bench.get("/fapi/v3/positionRisk") != []
    bench.trade(price)
    assert bench.get("/fapi/v3/positionRisk") == []


def test_liquidation_price_is_zero_where_nothing_can_liquidate() -> None:
    """More cash than the position is worth, or two legs that cancel out."""
    bench = hedged()
    bench.order("BUY", "0.010", positionSide="LONG")
    assert float(bench.get("/fapi/v3/positionRisk")[0]["liquidationPrice"]) == 0
    bench.order("BUY", "1.000", positionSide="LONG")
    assert float(bench.get("/fapi/v3/positionRisk")[0]["liquidationPrice"]) > 0
    bench.order("SELL", "1.010", positionSide="SHORT")
    assert {float(row["liquidationPrice"]) for row in bench.get("/fapi/v3/positionRisk")} == {0.0}


def test_leverage_brackets_are_the_core_venues() -> None:
    """What is told is what is counted with, cum included."""
    table = brackets_of(instruments()[0])
    (row,) = Bench.make().get("/fapi/v1/leverageBracket", symbol=BTC)
    assert [each["notionalCap"] for each in row["brackets"]] == [cap // CASH_UNIT for cap in table.caps]
    assert [each["cum"] for each in row["brackets"]] == [cum / CASH_UNIT for cum in table.cums]
    assert row["brackets"][1]["notionalFloor"] == row["brackets"][0]["notionalCap"]


def test_income_tells_profit_and_commission_of_each_fill() -> None:
    """Their sum is the change of the wallet."""
    bench = Bench.make()
    bench.order("BUY", "0.100")
    bench.trade("61000.0")
    bench.order("SELL", "0.100")
    rows = bench.get("/fapi/v1/income")
    assert {row["incomeType"] for row in rows} == {"REALIZED_PNL", "COMMISSION"}
    wallet = float(bench.get("/fapi/v3/account")["totalWalletBalance"])
    assert 10_000 + sum(float(row["income"]) for row in rows) == pytest.approx(wallet, abs=1e-7)
    assert all(row["incomeType"] == "COMMISSION" for row in bench.get("/fapi/v1/income", incomeType="COMMISSION"))
