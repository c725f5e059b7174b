"""Runs that nobody watches: the same orders as a replay, over bars that are read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.bar_market import BarMarket
from bot.app.loading import Loaded, load_all
from bot.app.markets import RecordedMarket
from bot.app.quiet_run import never_over, run_quietly
from bot.app.running import replay
from bot.domain.errors import InputError
from bot.domain.market import CandlePoint
from tests.app.runs import (
    BTC,
    ETH,
    MINUTE,
    START,
    STOP_NOW,
    STRATEGIES,
    Print,
    crash,
    flat,
    long_of,
    slide,
    write_candles,
    write_config,
    write_trades,
)


def crashed(folder: Path, *books: Path | str) -> tuple[Loaded, RecordedMarket]:
    """An account on two markets, of which one crashes, and the files of both."""
    positions = {BTC: long_of("1"), ETH: long_of("-2")}
    config = write_config(folder, positions, usdt="1500", books=books)
    loaded = load_all(config, {})
    btc = write_candles(folder / "btc.csv", crash())
    eth = write_candles(folder / "eth.csv", [*flat(200, 30), *slide(200, 220, 30)])
    return loaded, RecordedMarket.of(loaded.config, [f"{BTC}={btc}", f"{ETH}={eth}"])


def test_run_quietly_sends_the_orders_of_a_replay(tmp_path: Path) -> None:
    """Nobody looks on, and nothing else is different: fires, parents, fills and denials are the same."""
    loaded, market = crashed(tmp_path, STRATEGIES / "margin_guard.yaml", STRATEGIES / "stop_loss.yaml")
    quiet = run_quietly(loaded, BarMarket.of(market), is_over=never_over)
    watched = replay(loaded, market, title="", out=None).record.summary
    assert quiet.recorder.fires and quiet.recorder.fills
    assert len(quiet.recorder.fires) == len(watched["fires"])
    assert [fill.name for fill in quiet.recorder.fills] == [fill["child"] for fill in watched["fills"]]
    assert quiet.recorder.denials == watched["denials"]
    assert f"{quiet.equity_end[0] / 1e8:.2f}" == f"{float(watched['accounts']['main']['equity_end']):.2f}"


def test_bar_market_tells_what_the_files_tell(tmp_path: Path) -> None:
    """Long, short and flat, the bars in memory are lived through as those of the files are."""
    _, market = crashed(tmp_path, STRATEGIES / "stop_loss.yaml")
    in_memory = BarMarket.of(market)
    assert in_memory.span == market.span
    for sign in (-1, 0, 1):
        held = {0: sign, 1: sign}.__getitem__
        assert list(in_memory.events(held)) == list(market.events(held))


def test_bar_market_window_holds_the_bars_that_open_in_it(tmp_path: Path) -> None:
    """The first bar of a window opens at its beginning, the one that opens at its end is no longer in it."""
    _, market = crashed(tmp_path, STRATEGIES / "stop_loss.yaml")
    window = BarMarket.of(market).window(START + 3 * MINUTE, START + 5 * MINUTE)
    points = [event for event in window.events(lambda _: 1) if isinstance(event, CandlePoint)]
    assert {(point.now - START) // MINUTE for point in points} == {3, 4}
    assert window.span == (START + 3 * MINUTE, START + 4 * MINUTE)


def test_run_quietly_ends_when_all_is_sold_and_no_order_is_out(tmp_path: Path) -> None:
    """What comes after the last sale changes nothing any more, so it is not lived through."""
    loaded, market = crashed(tmp_path, STOP_NOW)
    bars = BarMarket.of(market)
    short, whole = run_quietly(loaded, bars), run_quietly(loaded, bars, is_over=never_over)
    assert short.recorder.fills == whole.recorder.fills
    assert short.equity_end == whole.equity_end
    assert short.ended < START + 55 * MINUTE
    assert whole.ended > START + 59 * MINUTE


def test_run_quietly_ends_when_the_venue_has_taken_all(tmp_path: Path) -> None:
    """After a liquidation there is nothing left to live for either."""
    config = write_config(
        tmp_path, {BTC: long_of("1")}, usdt="600", books=["rules: {}"], instruments=[BTC],
        more="    protect: {per: none}\n",
    )
    loaded = load_all(config, {})
    market = RecordedMarket.of(loaded.config, [f"{BTC}={write_candles(tmp_path / 'btc.csv', crash())}"])
    run = run_quietly(loaded, BarMarket.of(market))
    assert run.recorder.liquidations
    assert run.ended < START + 40 * MINUTE


def test_bar_market_of_trades_is_refused(tmp_path: Path) -> None:
    """Trades are no bars: a market in memory that left them out would be another one."""
    prints: list[Print] = [(0, 100.0, 1.0), (1_000, 101.0, 1.0)]
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="50", books=["rules: {}"], instruments=[BTC])
    path = write_trades(tmp_path / "BTCUSDT-aggTrades.csv", prints)
    market = RecordedMarket.of(load_all(config, {}).config, [f"{BTC}={path}"])
    with pytest.raises(InputError, match="more than candles"):
        BarMarket.of(market)
