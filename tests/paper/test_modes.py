"""What a client may set, with Binance's codes, and what each setting changes."""

from __future__ import annotations

import pytest

from bot.domain.account import Balance, MarginMode, PositionKey, PositionSide
from bot.domain.copying import replace
from bot.domain.events import AccountFact, AccountSnapshot, OrderAccepted, OrderRejected, SettingAnswered
from bot.domain.order import OrderRequest, Side, TimeInForce
from paper.messages import AddMargin, QueryAccount, SetLeverage, SetMarginMode, SetPositionMode, Setting
from paper.spec import AccountStart, AssetMode, PositionMode, PositionStart
from tests.paper.builders import Bench, cents, lots, order, start, usd

ISOLATED = PositionKey(0, 0, PositionSide.NET, MarginMode.ISOLATED)


def _bench(start_: AccountStart) -> Bench:
    bench = Bench(start_)
    bench.price("100")
    return bench


def _set(bench: Bench, setting: Setting) -> str | None:
    """Ask for a change and return the code of the answer."""
    bench.say(setting)
    answers = [fact for fact in bench.finish() if isinstance(fact, SettingAnswered)]
    assert len(answers) == 1 and answers[0].account == setting.account
    return answers[0].code


def _isolated(balance: str, *positions: PositionStart, leverage: int = 10) -> AccountStart:
    return AccountStart(0, "USDT", usd(balance), positions, leverage=leverage, mode=MarginMode.ISOLATED)


def test_settings_are_answered_one_latency_after_they_arrive() -> None:
    """A change is a request like any other: there and back take two latencies."""
    bench = _bench(start("1000"))
    sent = bench.now
    assert bench.say(SetLeverage(0, 0, 5)) == []
    bench.finish()
    assert bench.told[-1][0] == bench.told[-1][1].now == sent + 2 * bench.spec.latency


def test_margin_mode_is_changed_once_and_only_when_flat_and_without_orders() -> None:
    """-4046 for what is so already, -4047 with an open order, -4048 with a position."""
    bench = _bench(start("1000"))
    assert _set(bench, SetMarginMode(0, 0, MarginMode.CROSS)) == "-4046"
    assert _set(bench, SetMarginMode(0, 0, MarginMode.ISOLATED)) is None
    assert _set(bench, SetMarginMode(0, 0, MarginMode.ISOLATED)) == "-4046"
    assert _set(bench, SetMarginMode(0, 0, MarginMode.CROSS)) is None
    bench.send(order(Side.BUY, "1", "90", time_in_force=TimeInForce.GTC))
    assert _set(bench, SetMarginMode(0, 0, MarginMode.ISOLATED)) == "-4047"
    held = _bench(start("1000", (0, "1", "100")))
    assert _set(held, SetMarginMode(0, 0, MarginMode.ISOLATED)) == "-4048"


def test_position_mode_is_changed_once_and_only_when_flat_and_without_orders() -> None:
    """-4059 for what is so already, -4067 with an open order, -4068 with a position."""
    bench = _bench(start("1000"))
    assert _set(bench, SetPositionMode(0, PositionMode.ONE_WAY)) == "-4059"
    assert _set(bench, SetPositionMode(0, PositionMode.HEDGE)) is None
    assert _set(bench, SetPositionMode(0, PositionMode.ONE_WAY)) is None
    bench.send(order(Side.BUY, "1", "90", time_in_force=TimeInForce.GTC))
    assert _set(bench, SetPositionMode(0, PositionMode.HEDGE)) == "-4067"
    held = _bench(start("1000", (0, "1", "100")))
    assert _set(held, SetPositionMode(0, PositionMode.HEDGE)) == "-4068"


@pytest.mark.parametrize(("leverage", "code"), [(0, "-4028"), (1, None), (125, None), (126, "-4028")])
def test_leverage_lies_between_one_and_what_the_first_bracket_offers(leverage: int, code: str | None) -> None:
    """BTC's first bracket offers 125."""
    assert _set(_bench(start("1000")), SetLeverage(0, 0, leverage)) == code


def test_leverage_of_unknown_symbol_is_refused() -> None:
    """-1121 before anything is looked up."""
    assert _set(_bench(start("1000")), SetLeverage(0, 7, 10)) == "-1121"


def test_leverage_may_not_rise_beyond_the_bracket_that_holds_the_position() -> None:
    """60,000 of notional lie in the second bracket, which offers 100 and not 125; 50,000 fit into the first."""
    large = _bench(start("60000", (0, "600", "100")))
    assert _set(large, SetLeverage(0, 0, 100)) is None
    assert _set(large, SetLeverage(0, 0, 101)) == "-2027"
    assert _set(_bench(start("60000", (0, "500", "100"))), SetLeverage(0, 0, 125)) is None


def test_leverage_may_not_fall_below_what_the_equity_carries() -> None:
    """1,000 carry 10,000 of notional at 10x exactly; at 9x they do not, and nothing is changed."""
    bench = _bench(start("1000", (0, "100", "100")))
    assert _set(bench, SetLeverage(0, 0, 10)) is None
    assert _set(bench, SetLeverage(0, 0, 9)) == "-2028"
    assert bench.venue._exchange.accounts[0].leverage_of(0) == 10


def test_leverage_of_an_open_isolated_position_only_rises() -> None:
    """-4161: its margin was paid in already."""
    bench = _bench(_isolated("1000", PositionStart(0, lots(1))))
    assert _set(bench, SetLeverage(0, 0, 9)) == "-4161"
    assert _set(bench, SetLeverage(0, 0, 11)) is None


def test_order_beyond_the_bracket_of_its_leverage_is_refused() -> None:
    """At 125x no more than 50,000 may be held: the lot beyond is refused with -2027, however rich the account."""
    bench = _bench(start("1000000"))
    assert _set(bench, SetLeverage(0, 0, 125)) is None
    facts = bench.send(order(Side.BUY, "500.001", "100", name="a", time_in_force=TimeInForce.POST_ONLY))
    assert [fact.code for fact in facts if isinstance(fact, OrderRejected)] == ["-2027"]
    facts = bench.send(order(Side.BUY, "500", "99.9", name="b", time_in_force=TimeInForce.GTC))
    assert any(isinstance(fact, OrderAccepted) for fact in facts)


def test_isolated_position_takes_its_initial_margin_out_of_the_wallet() -> None:
    """10 BTC at 100 with 10x: 100 go into the position, 900 stay; the balance that is told contains both."""
    bench = _bench(_isolated("1000", PositionStart(0, lots(10))))
    (report,) = bench.venue.positions(0)
    assert report.isolated_margin == usd(100)
    assert bench.venue._exchange.accounts[0].wallets == {"USDT": usd(900)}
    bench.say(QueryAccount(0))
    (snapshot,) = [fact for fact in bench.finish() if isinstance(fact, AccountSnapshot)]
    assert snapshot.balances == (Balance("USDT", usd(1000)),)
    assert bench.venue.account_totals(0)[:2] == (usd(1000), usd(1000))


@pytest.mark.parametrize(
    ("amount", "code"),
    [("900", None), ("900.00000001", "-4050"), ("0", "-4055"), ("-0.00000001", "-4051"), ("-100", "-4051")],
)
def test_isolated_margin_is_added_out_of_what_is_free(amount: str, code: str | None) -> None:
    """900 are free; the 100 that 10x asks for cannot be taken out again."""
    bench = _bench(_isolated("1000", PositionStart(0, lots(10))))
    assert _set(bench, AddMargin(0, ISOLATED, usd(amount))) == code
    (report,) = bench.venue.positions(0)
    assert report.isolated_margin == usd(100) + (usd(amount) if code is None else 0)


def test_isolated_margin_that_was_added_can_be_taken_back_but_not_the_loss() -> None:
    """Of 300, 100 are initial margin and 50 are lost at 95: 155 (95 are still asked for) and no more come back."""
    bench = _bench(_isolated("1000", PositionStart(0, lots(10))))
    assert _set(bench, AddMargin(0, ISOLATED, usd(200))) is None
    bench.price("95")
    assert _set(bench, AddMargin(0, ISOLATED, -usd("155.00000001"))) == "-4051"
    assert _set(bench, AddMargin(0, ISOLATED, -usd(155))) is None


def test_margin_is_added_to_isolated_positions_only() -> None:
    """-4049 for a cross key, -4054 where nothing is held."""
    bench = _bench(start("1000", (0, "1", "100")))
    assert _set(bench, AddMargin(0, PositionKey(0, 0), usd(1))) == "-4049"
    assert _set(bench, AddMargin(0, ISOLATED, usd(1))) == "-4054"


def test_isolated_mode_is_refused_in_multi_assets_mode() -> None:
    """-4168: there all wallets stand behind all positions."""
    bench = _bench(AccountStart(0, "USDT", usd(1), asset_mode=AssetMode.MULTI))
    assert _set(bench, SetMarginMode(0, 0, MarginMode.ISOLATED)) == "-4168"


def _codes(facts: list[AccountFact]) -> list[str]:
    return [fact.code for fact in facts if isinstance(fact, OrderRejected)]


def test_orders_of_a_mode_that_the_account_is_not_in_are_refused() -> None:
    """-4061: a leg in one-way mode, the net position in hedge mode, isolated where it is cross."""
    one_way = _bench(start("1000"))
    hedged = _bench(AccountStart(0, "USDT", usd(1000), position_mode=PositionMode.HEDGE))
    request = order(Side.BUY, "1", "101")
    for bench, key in (
        (one_way, PositionKey(0, 0, PositionSide.LONG)),
        (one_way, ISOLATED),
        (hedged, PositionKey(0, 0)),
    ):
        assert _codes(bench.send(_of(request, key))) == ["-4061"]


def _of(request: OrderRequest, key: PositionKey) -> OrderRequest:
    return replace(request, key=key)


def test_legs_are_held_side_by_side_and_closed_by_their_own_orders() -> None:
    """Buying the short leg of 3 closes at most 3, and never touches the long leg of 5."""
    bench = _bench(
        AccountStart(
            0, "USDT", usd(1000), (
                PositionStart(0, lots(5), cents(100), PositionSide.LONG),
                PositionStart(0, lots(-3), cents(100), PositionSide.SHORT),
            ), position_mode=PositionMode.HEDGE,
        )
    )
    short = PositionKey(0, 0, PositionSide.SHORT)
    bench.send(_of(order(Side.BUY, "4", "110"), short))
    held = {report.key.side: report.quantity for report in bench.venue.positions(0)}
    assert held == {PositionSide.LONG: lots(5)}
    assert _codes(bench.send(_of(order(Side.BUY, "1", "110", name="b"), short))) == ["-2022"]
