"""Candles as the design has them (section 7), on five bars and one account, by hand.

A bar is walked open, adverse extreme, favourable extreme, close, at 0, 1/3, 2/3 and the last nanosecond. The account
has 70, is long 10 from the first price, which is 100, and may trade at 50x. Orders take 50 ms; maker 2 bps, taker
5 bps. The model: half a spread of 10.5 bps, and 4 bps for one coin (4 % a day x the root of 1 in 10,000 a day).

    bar  open high low close   what happens                                              wallet
    1    100  101  99  100     buy 1 at the open: fills 50 ms later at 100 x 1.00145
                               = 100.145, up to 100.15; fee 0.050075                     69.949925
    2    100  102  98  101     low first, since we are long: our bid of 98.50 fills at
                               1/3, fee 0.0197; our offer of 102 at 2/3, fee 0.0204;
                               it sells a twelfth of 1198.65 = 99.8875, profit 2.1125    72.022325
    3    101  101  101 101     nothing
    4    101  103  97  100     a buy to 97.50 sent 10 s after the open finds 101: the
                               low of 97 is not known before 20 s                        72.022325
    5    100  104  92  103     at 1/3, before the high: equity 72.022325 + 11 x 92
                               - 1098.7625 = -14.740175, liquidated at the bankruptcy
                               price (1098.7625 - 72.022325) / 11, up to 93.35; the fee
                               is all that is left, 0.109825                             0
                               our sale sent at 1/3 arrives 50 ms later: nothing to sell
"""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

from bot.adapters.tapes.walk import walk
from bot.domain.copying import replace
from bot.domain.events import AccountFact, FillOrigin, OrderEnded, OrderFilled, OrderRejected
from bot.domain.market import Candle
from bot.domain.order import OrderRequest, OrderStatus, Side, TimeInForce
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from paper.messages import SubmitOrder, Wake
from paper.spec import ImpactSpec, VenueSpec
from paper.venue import PaperVenue
from tests.app.runs import BTC, STOP_NOW, long_of, penstock, write_candles, write_config
from tests.paper.builders import MS, START, cents, lots, order, perpetual, start, usd

BARS = [(100, 101, 99, 100), (100, 102, 98, 101), (101, 101, 101, 101), (101, 103, 97, 100), (100, 104, 92, 103)]
LATENCY = 50 * MS
THIRD = NS_PER_MINUTE // 3
MODEL = ImpactSpec(
    half_spread_min=0.00105,
    half_spread_of_minute_sigma=0.0,
    sigma_year_prior=0.04 * sqrt(365),
    volume_day_prior=1_000_000.0,
    volume_day_min=10_000.0,
)
GTC = TimeInForce.GTC


def _opens(bar: int) -> int:
    return START + (bar - 1) * NS_PER_MINUTE


ORDERS: list[tuple[int, OrderRequest]] = [
    (_opens(1), order(Side.BUY, 1, 101, name="buy")),
    (_opens(1) + 30 * NS_PER_SECOND, order(Side.BUY, 1, "98.50", name="bid", time_in_force=GTC)),
    (_opens(1) + 30 * NS_PER_SECOND, order(Side.SELL, 1, 102, name="offer", time_in_force=GTC, reduce_only=True)),
    (_opens(4) + 10 * NS_PER_SECOND, order(Side.BUY, 1, "97.50", name="early")),
    (_opens(5) + THIRD, order(Side.SELL, 11, 80, name="late", reduce_only=True)),
]


def _live(venue: PaperVenue, sent: list[tuple[int, OrderRequest]]) -> tuple[list[AccountFact], list[int]]:
    """Live through the bars as a driver does; return what was told, and the wallet after each bar."""
    told: list[AccountFact] = []
    wallets: list[int] = []
    orders = list(sent)

    def until(moment: int) -> None:
        while orders and orders[0][0] < moment:
            at, request = orders.pop(0)
            wake(at)
            told.extend(fact for _, fact in venue.handle(at, SubmitOrder(request)))
        wake(moment - 1)

    def wake(moment: int) -> None:
        while (due := venue.next_wake()) is not None and due <= moment:
            told.extend(fact for _, fact in venue.handle(due, Wake()))

    for number, (open_, high, low, close) in enumerate(BARS, 1):
        prices = (cents(open_), cents(high), cents(low), cents(close))
        candle = Candle(_opens(number), NS_PER_MINUTE, 0, *prices, 0)
        until(candle.opened)
        venue.handle(candle.opened, candle)
        told.extend(fact for _, fact in venue.handle(candle.opened, walk(candle, 0)[0]))
        for point in walk(candle, venue.net_quantity(0))[1:]:
            until(point.now)
            told.extend(fact for _, fact in venue.handle(point.now, point))
        wallets.append(venue.account_totals(0)[0])
    return told, wallets


def test_five_bars_are_lived_through_as_counted_by_hand() -> None:
    """Every fill at its instant and price, the wallet after every bar, and the liquidation before our reaction."""
    spec = VenueSpec(latency=LATENCY, impact=MODEL)
    told, wallets = _live(PaperVenue(spec, (perpetual(),), [replace(start(70, (0, 10, None)), leverage=50)]), ORDERS)
    fills = [
        (fact.name, fact.stamp, fact.price, fact.quantity, fact.fee, fact.modelled)
        for fact in told if isinstance(fact, OrderFilled) and fact.origin is FillOrigin.OURS
    ]
    assert fills == [
        ("buy", _opens(1) + LATENCY, cents("100.15"), lots(1), usd("0.050075"), True),
        ("bid", _opens(2) + THIRD, cents("98.50"), lots(1), usd("0.0197"), True),
        ("offer", _opens(2) + 2 * THIRD, cents(102), lots(1), usd("0.0204"), True),
    ]
    (closed,) = [fact for fact in told if isinstance(fact, OrderFilled) and fact.origin is FillOrigin.LIQUIDATION]
    assert (closed.stamp, closed.price, closed.quantity) == (_opens(5) + THIRD, cents("93.35"), lots(11))
    assert closed.fee == usd("0.109825")
    assert [usd(each) for each in ("69.949925", "72.022325", "72.022325", "72.022325", 0)] == wallets
    ended = {fact.name: fact.status for fact in told if isinstance(fact, OrderEnded)}
    assert ended["early"] is OrderStatus.EXPIRED
    (refused,) = [fact for fact in told if isinstance(fact, OrderRejected)]
    assert (refused.name, refused.code) == ("late", "-2022")


def test_same_bars_for_a_short_reach_the_high_first() -> None:
    """Short 10 from 100: in the second bar an offer of 102 fills at 1/3, and the bid of 98.50 at 2/3."""
    spec = VenueSpec(latency=LATENCY, impact=MODEL)
    sent = [(at, replace(request, reduce_only=False)) for at, request in ORDERS if request.name in ("bid", "offer")]
    told, _ = _live(PaperVenue(spec, (perpetual(),), [start(200, (0, -10, None))]), sent)
    fills = [(fact.name, fact.stamp) for fact in told if isinstance(fact, OrderFilled)]
    assert fills == [("offer", _opens(2) + THIRD), ("bid", _opens(2) + 2 * THIRD)]


def test_engine_lives_through_the_same_points_as_the_venue(tmp_path: Path) -> None:
    """The fourth of five bars falls to 9,550 and rises to 10,300: a stop at 4 % fires at its 1/3 and sells there.

    Long 1 from 10,000: the low is a loss of 4.5 %, seen at 3 min 20 s. The order arrives 50 ms later and meets the
    low, less the modelled spread; neither the open before nor the high after it has any part in it.
    """
    bars = [(10_000, 10_100, 9_900, 10_000), (10_000, 10_200, 9_800, 10_100), (10_100, 10_100, 10_100, 10_100)]
    bars += [(10_100, 10_300, 9_550, 10_000), (10_000, 10_400, 9_200, 10_300)]
    tape = write_candles(tmp_path / "BTCUSDT.csv", [(*bar, 500.0) for bar in bars])
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="5_000", books=[STOP_NOW], instruments=[BTC])
    done = penstock("replay", config, "--tape", f"{BTC}={tape}", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [fire["ts"] for fire in summary["fires"]] == ["2020-03-12T00:03:20.000000Z"]
    (fill,) = summary["fills"]
    assert fill["ts"].startswith("2020-03-12T00:03:20.") and fill["modelled"]
    assert 9_550 * 0.98 <= float(fill["price"]) < 9_550
