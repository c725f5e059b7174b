"""Replays of inverse, isolated, hedged and backed accounts, end to end, against the venue's own sums.

The venue counts margin in its own code, so wherever both stand at the same fills their totals must agree.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import pytest

from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.running import replay
from bot.domain.account import PositionSide
from bot.domain.instrument import InstrumentKind
from bot.domain.order import Side
from paper.state import VenueState
from tests.app.books import CASES, write_book
from tests.app.drives import Drive, Onlooker, drive
from tests.app.killing import Script, finish, folded_twice, journal_of, kill_over_and_over, orders_of, venue_of
from tests.app.runs import NEVER_FIRES, STOP_NOW, STRATEGIES, one_object
from tests.shared_data import shared

GUARD = STRATEGIES / "margin_guard.yaml"
BEGINS_MS = 1_584_007_200_000        # 2020-03-12 10:00 UTC
SLOW_STOP = STOP_NOW.replace("{algo: now, collar: 2%}", "{algo: twap, over: 10m, collar: 2%}")


@dataclass
class Judge(Onlooker):
    """Holds the engine's totals against the venue's at every bar's point at which nothing is under way."""

    compared: int = 0

    def on_moment(self, now: int, consumed: int) -> int:
        session = self.session
        if session is not None and session.engine.columns.known[0] and not session.answers:
            columns = session.engine.columns
            _, equity, maintenance = session.venue.account_totals(0)
            assert columns.equity[0] == equity
            # The venue rounds what must be held up and we round it down, position by position.
            assert 0 <= maintenance - columns.maintenance(0) <= 2
            book = session.engine.book
            for report in session.venue.positions(0):
                position = book.layout.position(report.key)
                assert (book.quantity[position], book.entry_value[position]) == (report.quantity, report.entry_value)
                assert book.margin[position] == (report.isolated_margin or 0)
            self.compared += 1
        return super().on_moment(now, consumed)


Driven = Callable[..., Drive]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """Drive a case to its end under the judge, once for every rule book, and hold its cash together."""

    @cache
    def driven(case: str, *books: str | Path) -> Drive:
        config, tape = write_book(tmp_path_factory.mktemp("book"), case, *books)
        judge = Judge()
        done = drive(config, tape, seen=judge)
        assert judge.compared > 150
        assert_conserved(done)
        return done

    return driven


def assert_conserved(done: Drive) -> None:
    """What the accounts hold and what went elsewhere is what they began with, asset by asset."""
    state = msgspec.json.decode(done.session.venue.snapshot(), type=VenueState)
    begun = {balance.asset: balance.amount for balance in done.snapshots[0].balances}
    (account,) = state.accounts
    found = dict.fromkeys(begun, 0)
    for asset, amount in account.wallets.items():
        found[asset] += amount
    for holding in account.holdings:
        instrument = done.engine.layout.instruments[holding.key.instrument]
        sign = -1 if instrument.kind is InstrumentKind.INVERSE else 1
        found[instrument.settle] += holding.margin - sign * holding.entry_value
    for asset, ledger in state.ledgers.items():
        found[asset] += ledger.fees + ledger.funding + ledger.insurance + ledger.counterparty + ledger.exchanged
    assert found == begun


@pytest.mark.parametrize("case", CASES)
def test_account_of_every_kind_left_alone_is_liquidated(judged: Driven, case: str) -> None:
    """The fall takes each of them, so that whoever survives it below was saved by its rule."""
    done = judged(case, NEVER_FIRES)
    assert done.liquidations
    assert done.orders == []


@pytest.mark.parametrize("case", CASES)
def test_margin_guard_over_an_account_of_every_kind_acts_before_the_venue(judged: Driven, case: str) -> None:
    """The bundled guard deleverages inverse, isolated, hedged and backed books; none is liquidated."""
    done = judged(case, GUARD)
    assert done.liquidations == []
    assert done.fires[0].rule == "margin_guard"
    assert done.fills
    worst = done.engine.columns.extremes[0]
    assert worst.distance is not None and worst.distance > 0.01


@pytest.mark.parametrize("case", CASES)
def test_stop_loss_over_an_account_of_every_kind_closes_what_loses(judged: Driven, case: str) -> None:
    """A stop closes the losing position whole, by orders that only reduce; the other leg is left alone."""
    done = judged(case, STOP_NOW)
    assert done.liquidations == []
    held = dict(zip(done.engine.layout.keys, done.engine.book.quantity, strict=True))
    for key, quantity in held.items():
        assert quantity == (-500 if key.side is PositionSide.SHORT else 0)
    assert {order.approved.request.reduce_only for order in done.orders} == {True}


def test_deleveraging_an_isolated_position_closes_it_whole(judged: Driven) -> None:
    """A cut gives its share of the margin back, so only closing brings the account away from liquidation."""
    done = judged("isolated long", GUARD)
    assert done.engine.book.quantity == [0]
    assert done.engine.book.margin == [0]


def test_deleveraging_a_hedged_book_sells_of_the_heavier_leg_only(judged: Driven) -> None:
    """The short leg is what holds the book up: it is not sold, and no leg turns over."""
    done = judged("hedged", GUARD)
    assert {(fill.key.side, fill.side) for fill in done.fills} == {(PositionSide.LONG, Side.SELL)}
    long, short = done.engine.book.quantity
    assert short == -500
    assert 0 < long < 1_500


@pytest.mark.parametrize("case", ["inverse long", "hedged and isolated", "backed by a coin"])
def test_journal_of_an_account_of_every_kind_refolds_to_the_same_book(tmp_path: Path, case: str) -> None:
    """Margins, legs and other currencies are facts like any other: the record alone gives the book back."""
    config, tape = write_book(tmp_path, case, GUARD)
    loaded = load_all(config, {})
    market = RecordedMarket.of(loaded.config, [tape])
    replay(loaded, market, title="test", out=tmp_path / "out")
    kept, again = folded_twice(journal_of(tmp_path / "out"), Script(config, (tape,), 1).layout())
    assert kept == again
    accounts = one_object((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert accounts["accounts"]["main"]["liquidations"] == []
    assert accounts["baselines"]["main"]["do_nothing"]["liquidations"] != []


def test_run_of_hedged_isolated_legs_killed_midway_sells_what_an_undisturbed_one_sells(tmp_path: Path) -> None:
    """SIGKILL while the long leg is being closed: the same legs are held in the end, with the same margins."""
    config, tape = write_book(tmp_path, "hedged and isolated", SLOW_STOP)
    script = Script(config, (tape,), pace=1_200)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(script, whole)
    kill_over_and_over(script, broken, times=1, longest=0.6, seed=5)
    finish(script, broken)
    calm, killed = venue_of(whole), venue_of(broken)
    assert [(each.key, each.quantity) for each in killed.accounts[0].holdings] == [
        (each.key, each.quantity) for each in calm.accounts[0].holdings
    ]
    assert [each.key.side for each in calm.accounts[0].holdings] == [PositionSide.SHORT]
    assert sum(order.filled for order in orders_of(killed)) == sum(order.filled for order in orders_of(calm)) == 1_500
    kept, again = folded_twice(journal_of(broken), script.layout())
    assert kept == again


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rules", [GUARD, STOP_NOW], ids=["guard", "stop"])
def test_every_order_of_every_kind_of_account_only_reduces_its_own_leg(judged: Driven, case: str, rules: Path) -> None:
    """Fill by fill, what our orders did to the leg that they name brought it towards nothing, and never past it."""
    done = judged(case, rules)
    held = {report.key: report.quantity for report in done.snapshots[0].positions}
    for fill in done.fills:
        before, signed = held[fill.key], fill.quantity * fill.side.sign
        assert before * signed < 0 and fill.quantity <= abs(before)
        held[fill.key] = before + signed
    assert {key: quantity for key, quantity in held.items() if quantity} == {
        key: quantity for key, quantity in zip(done.engine.layout.keys, done.engine.book.quantity, strict=True)
        if quantity
    }


@pytest.mark.parametrize("case", ["inverse long", "isolated long", "hedged", "backed by a coin"])
def test_account_of_every_kind_on_the_recorded_day_of_the_crash_is_saved_by_the_guard(
    tmp_path: Path, case: str
) -> None:
    """12 March 2020, 10:00 to 11:30 UTC, minute bars of BTC/USDT: left alone each is liquidated, guarded none is."""
    recorded = shared("data/candles/spot_binance_1m/2020-03_black-thursday_BTCUSDT_1m.csv.gz")
    with gzip.open(recorded, "rt", encoding="utf-8") as file:
        head, *bars = file.read().splitlines()
    fall = [bar for bar in bars if BEGINS_MS <= int(bar.partition(",")[0]) < BEGINS_MS + 90 * 60_000]
    (tmp_path / "crash.csv").write_text("\n".join([head, *fall]) + "\n", encoding="utf-8")
    left_alone, guarded = (
        drive(write_book(tmp_path, case, rules)[0], f"{CASES[case].symbol}={tmp_path / 'crash.csv'}", seen=Judge())
        for rules in (NEVER_FIRES, GUARD)
    )
    assert left_alone.liquidations and not guarded.liquidations
    assert guarded.engine.columns.equity[0] > left_alone.engine.columns.equity[0]
