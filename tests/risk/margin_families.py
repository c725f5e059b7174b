"""How each published family of margin cases is worked out by our sums, and which are not yet."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bot.domain.account import PositionKey
from bot.domain.scale import CASH_UNIT, to_fixed
from bot.risk.collateral import Asset, counted_value, exchanged_for, margin_status, uni_mmr
from bot.risk.margin import Holding, account_margin, bankruptcy_price, liquidation_price
from bot.risk.tiers import PPM, TierTable, table
from tests.oracles import Adapter, Case
from tests.risk.books import flat_table, instrument
from tests.risk.pools import held, inverse

NOT_YET = {
    "adl": "venue side",
    "insurance": "venue side",
    "aevo_standard": "margin of options",
    "bit_com": "margin of options",
    "bybit_collateral": "haircuts by tier",
    "bybit_isolated": "maintenance on entry value",
    "deribit_pm": "portfolio margin of options",
    "deribit_standard": "margin of options",
    "dydx": "close price of a liquidation order",
    "flipster": "maintenance on entry value",
    "hyperliquid_rules": "liquidation in parts",
    "hyperliquid_tiers": "rates finer than a millionth",
    "okx_discount": "haircuts by tier",
    "okx_pm": "portfolio margin",
    "okx_quick": "margin loans",
    "orderly": "margin by a power of size",
    "orderly_account": "withdrawal rules of that venue",
    "orderly_cross": "margin by a power of size",
    "orderly_maxqty": "margin by a power of size",
    "orderly_mmr": "margin by a power of size",
}


def cash(amount: float) -> int:
    """Cash units of a printed amount."""
    return round(Decimal(str(amount)) * CASH_UNIT)


def exact_holding(
    amount: float, *, entry: float, mark: float, rate: float, cum: float = 0.0, index: int = 0
) -> Holding:
    """A linear position from the numbers of a printed example, with as many digits as they have."""
    price_digits = max(_digits(entry), _digits(mark))
    quantity_digits = _digits(amount)
    perpetual = instrument(index, price_digits=price_digits, quantity_digits=quantity_digits)
    quantity = to_fixed(str(amount), quantity_digits)
    return Holding(
        key=PositionKey(0, index), instrument=perpetual, tiers=flat_table(str(rate), cum=cash(cum)),
        quantity=quantity, mark=to_fixed(str(mark), price_digits),
        entry_value=perpetual.value(price=to_fixed(str(entry), price_digits), quantity=quantity),
    )


def _digits(number: float) -> int:
    exponent = Decimal(str(number)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def printed_price(wallet: float, holdings: list[Holding]) -> float | None:
    """The liquidation price of the first holding, in quote units."""
    price = liquidation_price(cash(wallet), holdings, 0)
    return None if price is None else price / 10 ** holdings[0].instrument.price_digits


def _signed(given: dict[str, Any], size: float) -> float:
    return size if given["side"] == "long" else -size


def _isolated(given: dict[str, Any], *, margin: float, rate: float, cum: float = 0.0) -> dict[str, Any]:
    """An isolated position is an account of its own, whose wallet is its margin."""
    position = exact_holding(
        _signed(given, given["size"]), entry=given["entry"], mark=given["entry"], rate=rate, cum=cum
    )
    return {"liquidation_price": printed_price(margin, [position])}


def binance_official(case: Case) -> dict[str, Any]:
    """Binance's own page: an isolated long, a cross account with a second position, and that account's ratio."""
    given = case["inputs"]
    if "positions" in given:
        return _official_account(given)
    holdings = [exact_holding(
        _signed(given, given["position"]), entry=given["entry"], mark=given["mark"], rate=given["mmr"],
        cum=given["cum"],
    )]
    found: dict[str, Any] = {"other_maintenance_margin": 0.0, "other_upnl": 0.0}
    other = given["other_position"]
    if other:
        holdings.append(exact_holding(
            other["pos"], entry=other["ep"], mark=other["mark"], rate=other["mmr"], cum=other["cum"], index=1
        ))
        found["other_maintenance_margin"] = holdings[1].maintenance / CASH_UNIT
        found["other_upnl"] = holdings[1].unrealised / CASH_UNIT
    return found | {"liquidation_price": printed_price(given["wallet_balance"], holdings)}


def _official_account(given: dict[str, Any]) -> dict[str, Any]:
    holdings = [
        exact_holding(p["pos"], entry=p["ep"], mark=p["mark"], rate=p["mmr"], cum=p["cum"], index=index)
        for index, p in enumerate(given["positions"])
    ]
    totals = account_margin(cash(given["wallet_balance"]), holdings)
    return {
        "maintenance_margin": totals.maintenance / CASH_UNIT,
        "margin_balance": totals.equity / CASH_UNIT,
        "margin_ratio": totals.margin_ratio,
    }


def binance_isolated(case: Case) -> dict[str, Any]:
    """Small isolated positions with a deduction."""
    given = case["inputs"]
    return _isolated(given, margin=given["wallet_balance"], rate=given["mmr"], cum=given["cum"])


def gate_okx_isolated(case: Case) -> dict[str, Any]:
    """The closing fee counts as maintenance: the same sum at a rate higher by the taker's fee."""
    given = case["inputs"]
    margin = given["entry"] * given["size"] / given["leverage"]
    return _isolated(given, margin=margin, rate=round(given["mmr"] + given["taker_fee"], 6))


def hyperliquid(case: Case) -> dict[str, Any]:
    """Real positions of a venue whose rate is half of one over the leverage."""
    given = case["inputs"]
    return _isolated(given, margin=given["isolated_margin"], rate=round(0.5 / given["max_leverage"], 6))


def binance_tiers(case: Case) -> dict[str, Any]:
    """A table's deductions from floors and rates alone, and maintenance at, and one unit past, a bound."""
    given = case["inputs"]
    brackets = _brackets([(row["floor"], row["mmr"]) for row in given["brackets"]], case)
    if "notional" not in given:
        return {"cum": [tier.cum / CASH_UNIT for tier in brackets.tiers]}
    tier = brackets.tiers[brackets.index_of(cash(given["notional"]))]
    return {
        "mmr": tier.rate_ppm / PPM, "cum": tier.cum / CASH_UNIT,
        "maintenance_margin": brackets.maintenance(cash(given["notional"])) / CASH_UNIT,
    }


def bybit_tiers(case: Case) -> dict[str, Any]:
    """The same brackets under another venue's names."""
    given = case["inputs"]
    if "blended" in given:
        return _blended(case)
    brackets = _brackets([(floor, rate) for floor, _, rate in given["tiers"]], case)
    value = cash(given["position_value"])
    tier = brackets.tiers[brackets.index_of(value)]
    maintenance = brackets.maintenance(value)
    return {
        "mmr": tier.rate_ppm / PPM, "mm_deduction": tier.cum / CASH_UNIT,
        "maintenance_margin": maintenance / CASH_UNIT, "effective_rate": maintenance / value,
    }


def _blended(case: Case) -> dict[str, Any]:
    """Two values with the rates on all of each: what the bracket above the first must take."""
    (bound, value), (low, mean) = case["inputs"]["position_value"], case["inputs"]["blended"]
    rate = round((value * mean - bound * low) / (value - bound), 6)
    brackets = _brackets([(0, low), (bound, rate)], case)
    return {
        "implied_marginal_rate_on_excess": rate,
        "maintenance_margin": [brackets.maintenance(cash(notional)) / CASH_UNIT for notional in (bound, value)],
    }


def _brackets(rows: list[tuple[float, float]], case: Case) -> TierTable:
    return table([(int(floor), str(rate), 1) for floor, rate in rows], source=case["source"])


def binance_coinm(case: Case) -> dict[str, Any]:
    """A position of so many coins, in a bracket stated in coins."""
    given = case["inputs"]
    brackets = flat_table(str(given["mmr"]), cum=cash(given["cum"]))
    contract = inverse(face=100)
    position = held(contract, given["position_btc"] * 500, mark=50_000, tiers=brackets)
    return {"maintenance_margin": position.maintenance / CASH_UNIT}


def okx_inverse(case: Case) -> dict[str, Any]:
    """An isolated position margined in the coin."""
    given = case["inputs"]
    contract = inverse(face=given["face_usd"])
    position = held(
        contract, round(_signed(given, given["contracts"])), mark=given["entry"],
        tiers=flat_table(str(given["mmr"])),
    )
    price = liquidation_price(cash(given["margin_coin"]), [position], 0)
    return {"liquidation_price": None if price is None else price / 10**contract.price_digits}


def bybit_account(case: Case) -> dict[str, Any]:
    """Rates of an account: one means liquidation, at Bybit as elsewhere."""
    given = case["inputs"]
    balance = given["margin_balance"] - given["haircut_loss"] + given["order_loss"]
    position = exact_holding(1.0, entry=given["total_mm"] * 10, mark=given["total_mm"] * 10, rate=0.1)
    totals = account_margin(cash(balance), [position])
    return {
        "mm_rate": totals.margin_ratio, "im_rate": given["total_im"] / balance,
        "liquidate": totals.equity <= totals.maintenance,
    }


def binance_pm(case: Case) -> dict[str, Any]:
    """uniMMR and what it permits; an asset's contribution with the haircut on what is positive only."""
    given = case["inputs"]
    if "asset" in given:
        asset = Asset("COIN", cash(given["asset"]) - cash(given["loan"]), cash(given["index"]),
                      round(given["collateral_rate"] * PPM))
        return {"equity": counted_value(asset, asset.amount) / CASH_UNIT}
    ratio = uni_mmr(cash(given["equity"]), cash(given["maintenance"]))
    return {"uniMMR": ratio, "status": margin_status(ratio).value}


def binance_multiasset(case: Case) -> dict[str, Any]:
    """Assets after their haircut, and what an auto-exchange of a shortage sells."""
    given = case["inputs"]
    worth = {
        f"{name}_value": counted_value(
            Asset(name, cash(given[name]), rate_ppm=round(given[f"{name}_rate"] * PPM)), cash(given[name])
        ) / CASH_UNIT
        for name in ("bnb", "ada")
    }
    sold = exchanged_for(cash(given["deficit"]), rate_ppm=round(given["btc_rate"] * PPM))
    return worth | {"btc_sold_usd": sold / CASH_UNIT}


def haircut(case: Case) -> dict[str, Any]:
    """Coins at their price, less the haircut."""
    given = case["inputs"]
    asset = Asset("COIN", cash(given["qty"]), cash(given["price"]), round((1 - given["haircut"]) * PPM))
    return {"collateral": counted_value(asset, asset.amount) / CASH_UNIT}


def bankruptcy(case: Case) -> dict[str, Any]:
    """The price at which the margin that a leverage takes is gone, linear and inverse."""
    given = case["inputs"]
    # so large that a cash unit's rounding of the margin is nothing beside the printed digits
    sizes = {"linear": (instrument(), 3 * 10**12), "inverse": (inverse(face=100), 3 * 10**12)}
    found = {}
    for name, (of, size) in sizes.items():
        position = held(of, round(_signed(given, size)), mark=given["entry"], tiers=flat_table("0.004"))
        margin = -(-abs(position.value) // given["leverage"])
        price = bankruptcy_price(margin, [position], 0)
        found[name] = None if price is None else price / 10**of.price_digits
    return found


ADAPTERS: dict[str, Adapter] = {
    adapter.__name__: adapter
    for adapter in (
        bankruptcy, binance_coinm, binance_isolated, binance_multiasset, binance_official, binance_pm, binance_tiers,
        bybit_account, bybit_tiers, gate_okx_isolated, haircut, hyperliquid, okx_inverse,
    )
}

# Printed beside a case, but facts of a venue's page that no sum of ours yields.
NOT_OURS = {"binance_coinm": ("cum_chain",), "binance_multiasset": ("auto_exchange_threshold_usd",)}
