"""Events of the user stream, as JSON.

Source: Binance USDⓈ-M futures API, "User Data Streams": ORDER_TRADE_UPDATE, TRADE_LITE, ALGO_UPDATE, ACCOUNT_UPDATE,
MARGIN_CALL, ACCOUNT_CONFIG_UPDATE, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.domain.account import MarginMode, PositionKey
from paper.desk import balances
from paper.exchange import Exchange
from paper.margin import maintenance_of, unrealised
from paper.state import Account, Holding
from paper.wire.contracts import Contract, Contracts
from paper.wire.positions import POSITION_SIDES, entry_price
from paper.wire.register import Algo, Fill, Order, callback_text
from paper.wire.values import Json, Row, cash, ms

MARGIN_WORDS = {MarginMode.CROSS: "cross", MarginMode.ISOLATED: "isolated"}


def order_event(order: Order, execution: str, fill: Fill | None, *, now: int) -> Row:
    """Return an ORDER_TRADE_UPDATE; ``execution`` is the venue's execution type."""
    terms, contract = order.terms, order.terms.contract
    body: Row = {
        "s": contract.symbol, "c": terms.client_id, "S": terms.side, "o": terms.kind, "f": terms.time_in_force,
        "q": contract.quantity(terms.quantity), "p": contract.price(terms.price), "ap": order.average,
        "sp": contract.price(terms.trigger_price), "x": execution, "X": order.status, "i": order.number,
        "l": contract.quantity(fill.quantity if fill else 0), "z": contract.quantity(order.filled),
        "L": contract.price(fill.price if fill else 0), "n": cash(fill.fee if fill else 0),
        "N": contract.instrument.settle, "T": ms(fill.at if fill else now), "t": fill.number if fill else 0,
        "b": "0", "a": "0", "m": fill.is_maker if fill else False, "R": terms.reduce_only, "wt": terms.working_type,
        "ot": order.original_kind or terms.kind, "ps": terms.position_side, "cp": terms.close_position,
        "rp": cash(fill.profit if fill else 0), "pP": terms.price_protect, "si": 0, "ss": 0, "V": terms.self_trade,
        "pm": "NONE", "gtd": terms.good_till_ms,
        "AP": contract.price(terms.activate_price) if terms.activate_price else "0",
        "cr": callback_text(terms.callback_rate) if terms.callback_rate else "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": ms(now), "T": ms(fill.at if fill else now), "o": body}


def trade_event(order: Order, fill: Fill, *, now: int) -> Row:
    """Return a TRADE_LITE: what of a fill is known first."""
    terms, contract = order.terms, order.terms.contract
    return {
        "e": "TRADE_LITE", "E": ms(now), "T": ms(fill.at), "s": contract.symbol,
        "q": contract.quantity(terms.quantity), "p": contract.price(terms.price), "m": fill.is_maker,
        "c": terms.client_id, "S": terms.side, "L": contract.price(fill.price), "l": contract.quantity(fill.quantity),
        "t": fill.number, "i": order.number,
    }


def algo_event(algo: Algo, *, now: int) -> Row:
    """Return an ALGO_UPDATE."""
    terms, contract, sent = algo.terms, algo.terms.contract, algo.order
    body: Row = {
        "caid": terms.client_id, "aid": algo.number, "at": "CONDITIONAL", "o": terms.kind, "s": contract.symbol,
        "S": terms.side, "ps": terms.position_side, "f": terms.time_in_force,
        "q": contract.quantity(0 if terms.close_position else terms.quantity), "X": algo.status,
        "ai": str(sent.number) if sent else "", "ap": sent.average if sent else contract.price(0),
        "aq": contract.quantity(sent.filled if sent else 0), "act": sent.terms.kind if sent else "0",
        "tp": contract.price(terms.trigger_price), "p": contract.price(terms.price), "V": terms.self_trade,
        "wt": terms.working_type, "pm": "NONE", "cp": terms.close_position, "pP": terms.price_protect,
        "R": terms.reduce_only, "tt": ms(algo.triggered), "gtd": terms.good_till_ms, "rm": "",
    }
    return {"e": "ALGO_UPDATE", "T": ms(now), "E": ms(now), "o": body}


def account_event(
    exchange: Exchange, contracts: Contracts, account: Account, reason: str, keys: Iterable[PositionKey], *,
    changed: dict[str, int], now: int,
) -> Row:
    """Return an ACCOUNT_UPDATE: all balances, and the positions of ``keys``.

    ``changed`` is cash by asset that is neither profit nor commission.
    """
    total = {balance.asset: balance.amount for balance in balances(exchange, account)}
    wallets: Json = [
        {"a": asset, "wb": cash(amount), "cw": cash(account.wallets.get(asset, 0)), "bc": cash(changed.get(asset, 0))}
        for asset, amount in total.items()
    ]
    held = {holding.key: holding for holding in account.holdings}
    rows: Json = [_position(exchange, contracts.all[key.instrument], key, held.get(key)) for key in keys]
    return {"e": "ACCOUNT_UPDATE", "E": ms(now), "T": ms(now), "a": {"m": reason, "B": wallets, "P": rows}}


def margin_call_event(exchange: Exchange, contracts: Contracts, account: Account, *, now: int) -> Row:
    """Return a MARGIN_CALL with everything that is held."""
    rows: Sequence[Json] = [
        {
            "s": contracts.all[holding.key.instrument].symbol, "ps": POSITION_SIDES[holding.key.side],
            "pa": contracts.all[holding.key.instrument].quantity(holding.quantity),
            "mt": MARGIN_WORDS[holding.key.mode].upper().replace("CROSS", "CROSSED"), "iw": cash(holding.margin),
            "mp": contracts.all[holding.key.instrument].price(exchange.mark(holding.key.instrument)),
            "up": cash(unrealised(exchange, holding)), "mm": cash(maintenance_of(exchange, holding)),
        }
        for holding in account.holdings
    ]
    return {"e": "MARGIN_CALL", "E": ms(now), "cw": cash(account.wallets.get(account.asset, 0)), "p": rows}


def config_event(contract: Contract, leverage: int, *, now: int) -> Row:
    """Return an ACCOUNT_CONFIG_UPDATE of a new leverage."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": ms(now), "T": ms(now), "ac": {"s": contract.symbol, "l": leverage}}


def _position(exchange: Exchange, contract: Contract, key: PositionKey, holding: Holding | None) -> Row:
    entry = "0" if holding is None else entry_price(contract, holding)
    return {
        "s": contract.symbol,
        "pa": contract.quantity(0 if holding is None else holding.quantity),
        "ep": entry,
        "bep": entry,
        "cr": cash(0),
        "up": cash(0 if holding is None else unrealised(exchange, holding)),
        "mt": MARGIN_WORDS[key.mode],
        "iw": cash(0 if holding is None else holding.margin),
        "ps": POSITION_SIDES[key.side],
        "ma": contract.instrument.settle,
    }
