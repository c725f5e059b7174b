"""A replay over trades and an order book: the rule reads the book that the venue fills against."""

from __future__ import annotations

from pathlib import Path

from bot.domain.events import Liquidity
from bot.domain.market import BookUpdate
from bot.domain.order import TimeInForce
from tests.app.drives import drive
from tests.app.runs import BTC, START_MS, long_of, write_config, write_trades

THIN = """
rules:
  thin:
    for_each: position
    when: market.depth(50bps) < 100_000 USDT
    do: close
    execute: {algo: now, collar: 1%}
"""
Levels = list[tuple[str, float, float]]
START: Levels = [("bid", 9_999.0, 8.0), ("bid", 9_990.0, 9.0), ("ask", 10_001.0, 12.0), ("ask", 10_010.0, 9.0)]


def write_book(path: Path, *steps: tuple[int, Levels]) -> Path:
    """Write Tardis' incremental_book_L2: a snapshot, then changes, each at ms after the start."""
    lines = ["exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount"]
    for number, (ms, levels) in enumerate(steps):
        stamp = (START_MS + ms) * 1_000
        flag = "true" if number == 0 else "false"
        lines += [
            f"binance-futures,BTCUSDT,{stamp},{stamp},{flag},{side},{price:.2f},{amount:.3f}"
            for side, price, amount in levels
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rule_on_depth_fires_when_the_book_thins_and_is_filled_from_its_levels(tmp_path: Path) -> None:
    """Bids of 17 BTC are enough, of 7 not; what is sold then takes the bids that are left, at their prices."""
    config = write_config(tmp_path, {BTC: long_of("3")}, usdt="9000", instruments=[BTC], books=[THIN])
    trades = write_trades(tmp_path / "trades.csv", [(ms, 10_000.0, 1.0) for ms in range(0, 10_000, 500)])
    book = write_book(
        tmp_path / "book.csv", (100, START), (5_100, [("bid", 9_999.0, 2.0), ("bid", 9_990.0, 5.0)])
    )
    seen = drive(config, f"{BTC}@trades={trades}", f"{BTC}@book={book}")
    assert [event.is_snapshot for event in seen.engine.shown if isinstance(event, BookUpdate)][:1] == [True]
    (fire,) = seen.fires
    assert (fire.now // 1_000_000 - START_MS) == 5_100
    unit = 10 ** seen.engine.layout.instruments[0].price_digits
    lots = 10 ** seen.engine.layout.instruments[0].quantity_digits
    assert [(fill.price / unit, fill.quantity / lots, fill.modelled) for fill in seen.fills] == [
        (9_999.0, 2.0, False), (9_990.0, 1.0, False),
    ]


PATIENT = THIN.replace(
    "{algo: now, collar: 1%}", "{algo: twap, over: 20s, slice: 5s, tactic: passive, order_class: cost, collar: 1%}"
)


def test_passive_sale_rests_at_the_ask_and_is_filled_as_maker_by_those_who_buy(tmp_path: Path) -> None:
    """Slices wait at the best ask until buyers come; nothing is paid for the spread, and all is sold."""
    config = write_config(tmp_path, {BTC: long_of("3")}, usdt="9000", instruments=[BTC], books=[PATIENT])
    prints = [(ms, 10_000.0, 1.0) for ms in range(0, 9_000, 500)]
    prints += [(ms, 10_002.0, 5.0) for ms in range(9_000, 60_000, 500)]
    trades = write_trades(tmp_path / "trades.csv", prints)
    thin = [("bid", 9_999.0, 2.0), ("bid", 9_990.0, 5.0)]
    again = [(ms, [("bid", 9_998.0, 1.0 + ms / 1e5)]) for ms in range(6_000, 60_000, 1_000)]
    book = write_book(tmp_path / "book.csv", (100, START), (5_100, thin), *again)
    seen = drive(config, f"{BTC}@trades={trades}", f"{BTC}@book={book}")
    unit = 10 ** seen.engine.layout.instruments[0].price_digits
    lots = 10 ** seen.engine.layout.instruments[0].quantity_digits
    assert sum(fill.quantity for fill in seen.fills) == 3 * lots
    assert {fill.liquidity for fill in seen.fills} == {Liquidity.MAKER}
    assert {fill.price / unit for fill in seen.fills} == {10_001.0}
    assert {order.approved.request.time_in_force for order in seen.orders} == {TimeInForce.POST_ONLY}
