"""The driver's order of things, on tapes of five bars or prints that were reckoned by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.baselines import Sale, run_alone
from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.wiring import make_layout, make_venue
from bot.domain.account import PositionKey
from bot.domain.events import FillOrigin, OrderEnded, OrderFilled, Timer
from bot.domain.market import Candle, MarketEvent, Trade
from bot.domain.names import child_name
from bot.domain.order import OrderClass, OrderRequest, Side, TimeInForce
from tests.app.drives import Drive, both, drive, tape
from tests.app.runs import (
    BTC,
    ETH,
    MINUTE,
    NEVER_FIRES,
    SECOND,
    START,
    STOP_NOW,
    Bar,
    Print,
    flat,
    long_of,
    write_candles,
    write_config,
    write_trades,
)

LATENCY = 50_000_000
THIRD = 20 * SECOND
WICKS: list[Bar] = [
    (100, 103, 99, 102, 5), (102, 102.5, 98, 98.5, 7), (98.5, 99, 97, 97.5, 40), (97.5, 97.5, 97.5, 97.5, 0),
    (97.5, 98, 96, 97, 12),
]
# A loss of 4 % of 100 is at 96: the second price of the last bar. The stop fires at 00:04:20.
STOPPED: list[Bar] = [*flat(100, 4), (100, 100, 95.5, 99, 500)]

LOTS = 1_000                         # per coin: the lot is never coarser than Binance's finest


def held(folder: Path, bars: list[Bar], amount: str | None, *books: str, usdt: str = "10") -> Drive:
    """Drive an account that holds ``amount`` BTC through the bars."""
    positions = {} if amount is None else {BTC: long_of(amount)}
    config = write_config(folder, positions, usdt=usdt, books=books or (NEVER_FIRES,), instruments=[BTC])
    return drive(config, tape(write_candles(folder / "bars.csv", bars)))


def printed(folder: Path, prints: list[Print], *books: str, amount: str = "1", usdt: str = "10") -> Drive:
    """Drive a BTC account through trades."""
    config = write_config(folder, {BTC: long_of(amount)}, usdt=usdt, books=books, instruments=[BTC])
    return drive(config, tape(write_trades(folder / "prints.csv", prints)))


@pytest.mark.parametrize(
    ("amount", "first", "second"),
    [("1", 99, 103), ("-1", 103, 99), (None, 99, 103)],
    ids=["long: low first", "short: high first", "flat: low first"],
)
def test_walk_first_bar_goes_against_what_is_held(
    tmp_path: Path, amount: str | None, first: float, second: float
) -> None:
    """A bar is lived through open, adverse extreme, favourable extreme, close, at 0, 20, 40 and its last ns."""
    points = held(tmp_path, WICKS, amount, usdt="1000").points[:4]
    assert [point.price for point in points] == [1000, first * 10, second * 10, 1020]
    assert [point.now - START for point in points] == [0, THIRD, 2 * THIRD, MINUTE - 1]


def test_walk_every_bar_ends_with_its_volume_and_tells_it_no_earlier(tmp_path: Path) -> None:
    """The volume of a bar is known at its close, never at its open."""
    points = held(tmp_path, WICKS, "1", usdt="1000").points
    assert [point.volume // LOTS for point in points] == [0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 12]


def test_walk_after_the_position_is_gone_takes_the_low_first(tmp_path: Path) -> None:
    """The sign is that of the moment when the bar opens: a short that was bought back leaves a flat market."""
    bars: list[Bar] = [*flat(100, 3), (100, 105, 100, 100, 500), (100, 101, 99, 100, 500)]
    run = held(tmp_path, bars, "-1", STOP_NOW, usdt="1000")
    before, after = run.points[12:16], run.points[16:20]
    assert [point.price for point in before] == [100, 105, 100, 100]
    assert [point.price for point in after] == [100, 99, 101, 100]


def test_session_of_two_held_instruments_walks_each_against_its_own_sign(tmp_path: Path) -> None:
    """Long BTC and short ETH: at the same instant the low of the one and the high of the other."""
    config = write_config(tmp_path, {BTC: long_of("1"), ETH: long_of("-1")}, usdt="1000", books=[NEVER_FIRES])
    run = drive(config, *both(write_candles(tmp_path / "b.csv", WICKS), write_candles(tmp_path / "e.csv", WICKS)))
    at_third = [point for point in run.points if point.now == START + THIRD]
    assert [(point.instrument, point.price) for point in at_third] == [(0, 990), (1, 1030)]


# What is known, and when ---------------------------------------------------------------------------------


def test_engine_never_sees_a_price_before_its_stamp_nor_a_whole_bar(tmp_path: Path) -> None:
    """Time only goes forward, a price is known at its stamp, and a bar's high and low are the venue's alone."""
    shown = held(tmp_path, STOPPED, "1", STOP_NOW).engine.shown
    times = [event.now for event in shown]
    assert times == sorted(times)
    prices = [event for event in shown if isinstance(event, MarketEvent)]
    assert len(prices) == 20
    assert all(price.stamp == price.now for price in prices)
    assert not any(isinstance(event, Candle) for event in shown)


@pytest.mark.parametrize("bars_known", [4, 5])
def test_engine_decides_the_same_whatever_comes_later(tmp_path: Path, bars_known: int) -> None:
    """Two tapes that agree up to a bar lead to the same decisions up to its end: nothing looks ahead."""
    bars: list[Bar] = [*flat(100, 3), (100, 100, 95.5, 96, 500), (96, 97, 95.5, 96.5, 500), (96.5, 99, 90.5, 97, 80)]
    other: list[Bar] = [*bars[:bars_known], *((90.5, 104, 80, 100, 9_000),) * (6 - bars_known)]
    end = START + bars_known * MINUTE
    one, two = (held(_made(tmp_path / name), tape_, "1", STOP_NOW) for name, tape_ in (("a", bars), ("b", other)))
    known = [[event for event in run.engine.shown if event.now < end] for run in (one, two)]
    assert known[0] == known[1]
    decided = [[effect for effect in run.seen.effects if getattr(effect, "now", 0) < end] for run in (one, two)]
    assert decided[0] == decided[1] != []


def test_engine_decides_nothing_before_the_venue_told_it_of_the_account(tmp_path: Path) -> None:
    """The first account report is asked for at the first price and is there two latencies later."""
    run = printed(tmp_path, [(0, 100, 1), (99, 90.01, 1), (100, 95, 1), (101, 95.01, 1)], STOP_NOW, usdt="50")
    assert [snapshot.now - START for snapshot in run.snapshots] == [2 * LATENCY]
    assert [snapshot.taken - START for snapshot in run.snapshots] == [LATENCY]
    assert [fire.now - START for fire in run.fires] == [2 * LATENCY]


# Orders and fills ----------------------------------------------------------------------------------------


def test_order_arrives_one_latency_later_and_its_fill_is_known_after_two(tmp_path: Path) -> None:
    """Decided at 00:04:20, filled at the venue 50 ms later, known to us 100 ms later."""
    run = held(tmp_path, STOPPED, "1", STOP_NOW)
    decided = START + 4 * MINUTE + THIRD
    assert [order.now for order in run.orders] == [decided]
    assert [(fill.stamp, fill.now) for fill in run.fills] == [(decided + LATENCY, decided + 2 * LATENCY)]


def test_fill_in_a_wide_bar_lies_half_of_its_range_from_the_last_price(tmp_path: Path) -> None:
    """The last bar is 4.5 wide after bars without range: the fill is at 95.5 - 2.25, whatever the impact is."""
    run = held(tmp_path, [*flat(100, 6), (100, 100, 95.5, 99.01, 500)], "1", STOP_NOW.replace("2%", "5%"))
    assert [fill.price for fill in run.fills] in ([9325], [9324])    # a half cent is rounded against us


def test_price_at_the_instant_of_an_orders_arrival_comes_before_it(tmp_path: Path) -> None:
    """A print at the very nanosecond of the arrival moves the price that the order meets; one later does not."""
    def filled(arrival_ms: int) -> list[OrderFilled]:
        prints: list[Print] = [(0, 100, 1), (200, 95.99, 1), (arrival_ms, 95, 1), (400, 95, 1)]
        return printed(_made(tmp_path / str(arrival_ms)), prints, STOP_NOW).fills

    (at,), (after,) = filled(250), filled(251)
    assert at.stamp == after.stamp == START + 250_000_000
    assert at.price < 9500 < after.price <= 9599


def test_price_at_the_instant_of_an_answer_is_seen_before_the_answer(tmp_path: Path) -> None:
    """The engine learns the price of an instant first and then what the venue says at it."""
    run = printed(tmp_path, [(0, 100, 1), (200, 95.99, 1), (300, 95.5, 1)], STOP_NOW)
    at = [event for event in run.engine.shown if event.now == START + 300_000_000]
    assert isinstance(at[0], Trade)
    assert [type(event) for event in at if isinstance(event, OrderFilled | OrderEnded)] == [OrderFilled, OrderEnded]


def test_stop_of_a_whole_position_sells_it_once_and_leaves_nothing_out(tmp_path: Path) -> None:
    """After the tape nothing is working, and what was sold is what was held."""
    run = held(tmp_path, STOPPED, "1", STOP_NOW)
    assert sum(fill.quantity for fill in run.fills) == 1 * LOTS
    assert run.engine.book.quantity == [0]
    assert run.engine.book.orders == {}


def test_order_sent_at_the_last_price_is_still_filled_after_the_tape(tmp_path: Path) -> None:
    """The tape's last word is the trigger: the fill comes all the same, and the book knows it."""
    run = printed(tmp_path, [(0, 100, 1), (200, 95.99, 1)], STOP_NOW)
    assert [fill.now - START for fill in run.fills] == [300_000_000]
    assert run.engine.book.quantity == [0]


def test_timer_wakes_the_engine_between_prices(tmp_path: Path) -> None:
    """A hold of 5 s ends 5 s after the price that began it, though no price comes for 20 s."""
    run = held(tmp_path, STOPPED, "1", STOP_NOW.replace("do: close", "hold: 5s\n    do: close"))
    fired = START + 4 * MINUTE + THIRD + 5 * SECOND
    assert [fire.now for fire in run.fires] == [fired]
    assert fired in [event.now for event in run.engine.shown if isinstance(event, Timer)]


# Liquidation ---------------------------------------------------------------------------------------------


def test_liquidation_comes_before_our_reaction_to_the_same_price(tmp_path: Path) -> None:
    """A price that trips the rule and is beyond the liquidation price: the venue was first, nothing of ours fills."""
    bars: list[Bar] = [*flat(100, 4), (100, 100, 90, 95, 500)]
    run = held(tmp_path, bars, "1", STOP_NOW)
    assert [stage.now for stage in run.liquidations] == [START + 4 * MINUTE + THIRD + LATENCY]
    assert [fill.origin for fill in run.fills] == [FillOrigin.LIQUIDATION]
    assert run.engine.book.quantity == [0]


@pytest.mark.parametrize(("low", "liquidated"), [(90.37, True), (90.38, False)])
def test_liquidation_of_a_ten_times_long_happens_where_the_sum_says(
    tmp_path: Path, low: float, liquidated: bool
) -> None:
    """1 BTC at 100 with 10 USDT and 0.4 % maintenance: 10 + (p - 100) = 0.004 p at p = 90.3614..."""
    bars: list[Bar] = [*flat(100, 4), (100, 100, low - 0.01, 95, 500)]
    assert bool(held(tmp_path, bars, "1").liquidations) is liquidated


# Which tapes ---------------------------------------------------------------------------------------------


def test_account_of_trades_in_a_zip_is_driven_like_the_plain_file(tmp_path: Path) -> None:
    """A zip of aggTrades, as the venue hands it out, needs no unpacking."""
    prints: list[Print] = [(0, 100, 1), (200, 95.99, 1), (400, 95, 1)]
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="10", books=[STOP_NOW], instruments=[BTC])
    plain = drive(config, tape(write_trades(tmp_path / "p.csv", prints)))
    packed = drive(config, tape(write_trades(tmp_path / "p.zip", prints)))
    assert packed.engine.shown == plain.engine.shown
    assert packed.seen.effects == plain.seen.effects != []


def test_market_of_a_spot_file_says_what_stands_for_what(tmp_path: Path) -> None:
    """SYMBOL=PATH lets a spot tape stand for a perpetual, and the notes say so for every assumption."""
    market = RecordedMarket.open([tape(write_candles(tmp_path / "BTCUSDT_spot.csv", WICKS))], [BTC])
    assert market.modelled == (
        f"{BTC}: prices of BTCUSDT_spot.csv stand for the perpetual",
        f"{BTC}: mark = last price, there is no mark tape",
        f"{BTC}: fills by half spread and square-root impact, there is no book tape",
        f"{BTC}: bars are walked open, adverse extreme, favourable extreme, close",
        "funding: none, there is no funding tape",
    )


def test_onlooker_is_asked_once_more_at_the_end_with_everything_counted(tmp_path: Path) -> None:
    """Five bars are twenty points and five whole bars for the venue; the last look is after all of them."""
    quiet = held(_made(tmp_path / "quiet"), WICKS, "1", usdt="1000").seen
    ended = START + 5 * MINUTE - 1
    assert quiet.ended == [(ended, ended, 25)]


def test_onlooker_sees_at_the_end_what_was_filled_after_the_tape(tmp_path: Path) -> None:
    """An order sent at the last price is answered 100 ms later: the last look comes after that answer."""
    seen = printed(tmp_path, [(0, 100, 1), (200, 95.99, 1)], STOP_NOW).seen
    assert seen.ended == [(START + 300_000_000, START + 200_000_000, 2)]


# The baselines, which run the venue without an engine --------------------------------------------------


def sold_alone(folder: Path, prints: list[Print], at_ms: int) -> list[tuple[int, int]]:
    """Return (stamp after the start, price) of 1 BTC sold at once at ``at_ms`` by the baseline."""
    config = load_all(write_config(folder, {BTC: long_of("1")}, usdt="50", books=[NEVER_FIRES], instruments=[BTC]), {})
    market = RecordedMarket.open([tape(write_trades(folder / "prints.csv", prints))], [BTC])
    layout = make_layout(config.config, market)
    request = OrderRequest(
        child_name("atonce000", 0), PositionKey(0, 0), Side.SELL, 1_000, 1, TimeInForce.IOC, True, OrderClass.OPERATOR
    )
    sale = Sale(START + at_ms * 10**6, request)
    found = run_alone(market, make_venue(config.config, layout), layout, MINUTE, [sale])
    return [(fill.stamp - START, fill.price) for fill in found.fills]


def test_sale_at_once_meets_the_price_of_its_arrival_as_an_order_of_ours_does(tmp_path: Path) -> None:
    """Both ways of selling obey one order of things, or the comparison would favour one of them."""
    prints: list[Print] = [(0, 100, 1), (200, 96.01, 1), (250, 95, 1), (400, 95, 1)]
    ((stamp, price),) = sold_alone(tmp_path, prints, 200)
    assert stamp == 250_000_000
    assert price < 9500


def test_sale_at_once_at_the_last_price_is_filled_after_the_tape(tmp_path: Path) -> None:
    """A fire at the tape's end has a comparison, too."""
    assert [stamp for stamp, _ in sold_alone(tmp_path, [(0, 100, 1), (200, 96.01, 1)], 200)] == [250_000_000]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_amount_finer_than_the_tapes_whole_volumes_is_held(tmp_path: Path) -> None:
    """A tape of whole volumes says nothing of the lot: 1.5 coins are held and sold like any other amount."""
    run = held(tmp_path, STOPPED, "1.5", STOP_NOW)
    assert sum(fill.quantity for fill in run.fills) == 1_500
