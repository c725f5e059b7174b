"""Where resting stops stood over a run, followed by what was sent and what the venue said."""

from __future__ import annotations

from bot.app.stop_paths import LEVELS_MAX, StopPaths
from bot.domain.effects import CancelOrder, PlaceStop
from bot.domain.events import FillOrigin, Liquidity, OrderEnded, OrderFilled, OrderRejected, OrderTriggered
from bot.domain.order import Approved, OrderClass, OrderRequest, OrderStatus, Side, TimeInForce
from tests.builders import BTC, KEY, layout


def stop(name: str, price: int, now: int) -> PlaceStop:
    """A stop for 2 BTC, its trigger in cents."""
    request = OrderRequest(
        name, KEY, Side.SELL, 2_000, None, TimeInForce.GTC, True, OrderClass.STOP, trigger_price=price
    )
    return PlaceStop(Approved(request, now, 0), 0, None, now)


def sold(name: str, now: int, quantity: int, price: int) -> OrderFilled:
    return OrderFilled(
        now, now, 0, name, f"t{now}", KEY, Side.SELL, price, quantity, 0, Liquidity.TAKER, FillOrigin.OURS, True
    )


def test_path_follows_the_newest_stop_while_one_replaces_the_other() -> None:
    """Two overlap: the level is that of the newer; taking the older back changes nothing, taking the last does."""
    paths = StopPaths(layout())
    paths.on_effects([stop("a", 640_000, 1), stop("b", 630_000, 5), CancelOrder(0, "a", 6)])
    paths.on_fact(OrderEnded(7, 0, "a", OrderStatus.CANCELED, 0))
    (path,) = paths.paths()
    assert (path.account, path.symbol, path.placed) == ("main", BTC, 2)
    assert path.levels == [(1, 6_400.0), (5, 6_300.0)]
    paths.on_effects([CancelOrder(0, "b", 9)])
    assert paths.paths()[0].levels[-1] == (9, None)


def test_path_whose_newer_stop_is_refused_falls_back_to_the_older() -> None:
    """The venue refused the replacement; what rested still rests."""
    paths = StopPaths(layout())
    paths.on_effects([stop("a", 640_000, 1), stop("b", 630_000, 5)])
    paths.on_fact(OrderRejected(6, 0, "b", "-2021", "would trigger at once"))
    assert paths.paths()[0].levels == [(1, 6_400.0), (5, 6_300.0), (6, 6_400.0)]


def test_path_of_a_triggered_stop_keeps_what_it_sold() -> None:
    """Set off at 8, sold 0.5 at 6,380 and 1.5 at 6,340: 6,350 on average; then nothing rests."""
    paths = StopPaths(layout())
    paths.on_effects([stop("a", 640_000, 1)])
    paths.on_fact(OrderTriggered(8, 0, "a"))
    paths.on_fact(sold("a", 9, 500, 638_000))
    paths.on_fact(sold("a", 10, 1_500, 634_000))
    (path,) = paths.paths()
    assert (list(path.triggered), path.filled, path.average) == ([8], 2.0, 6_350.0)
    assert path.levels == [(1, 6_400.0), (9, None)]


def test_orders_that_are_no_stops_leave_no_path() -> None:
    """A child's fill and cancel say nothing of stops."""
    paths = StopPaths(layout())
    paths.on_effects([CancelOrder(0, "child", 1)])
    paths.on_fact(sold("child", 2, 100, 640_000))
    assert paths.paths() == []


def test_path_of_a_run_of_months_is_thinned_and_keeps_its_ends() -> None:
    """A stop that moves every ten seconds does not fill the memory: the first and the latest levels stay."""
    paths = StopPaths(layout())
    for now in range(3 * LEVELS_MAX):
        paths.on_effects([stop(f"s{now}", 600_000 + now, now), CancelOrder(0, f"s{now - 1}", now)])
    levels = paths.paths()[0].levels
    assert LEVELS_MAX / 2 < len(levels) <= LEVELS_MAX
    assert (levels[0], levels[-1]) == ((0, 6_000.0), (3 * LEVELS_MAX - 1, 6_000.0 + (3 * LEVELS_MAX - 1) / 100))
