"""What the recorder keeps of cash that came and went, so that it is neither profit nor loss."""

from __future__ import annotations

import msgspec
import pytest

from bot.app.performance import CashFlow, max_drawdown, unit_values
from bot.app.recorder import RunRecorder
from bot.domain.effects import OpenEpisode
from bot.domain.events import AccountFact, CashMoved
from bot.domain.scale import CASH_UNIT, NS_PER_MINUTE, NS_PER_SECOND
from tests.builders import GUARD, T0, snapshot, trade
from tests.engine.driver import engine


def moved(seconds: int, usdt: int, asset: str = "USDT") -> CashMoved:
    """A deposit, or a withdrawal when negative."""
    now = T0 + seconds * NS_PER_SECOND
    return CashMoved(now, now, 0, asset, usdt * CASH_UNIT, "transfer")


def tell(recorder: RunRecorder, fact: AccountFact) -> None:
    """Give the engine a fact and show it to the recorder, in the session's order."""
    recorder.engine.step(fact)
    recorder.on_fact(fact)


@pytest.fixture
def recorder() -> RunRecorder:
    """1 BTC at 8,000 on 2,000 USDT, looked at twice: as it was told, and a second later."""
    made = RunRecorder(engine(GUARD), NS_PER_MINUTE)
    made.engine.step(trade(0, 8_000.0))
    tell(made, snapshot(1, usdt=2_000.0, btc=1_000, entry=8_000.0))
    made.on_moment(T0 + 2 * NS_PER_SECOND, 1)
    return made


def test_deposit_hides_no_drawdown_and_is_no_profit(recorder: RunRecorder) -> None:
    """A tenth is lost, then as much is paid in as is left: the unit stands at nine tenths, at twice the equity."""
    recorder.engine.step(trade(3, 7_800.0))
    recorder.on_moment(T0 + 3 * NS_PER_SECOND, 2)
    tell(recorder, moved(4, 1_800))
    recorder.on_moment(T0 + 5 * NS_PER_SECOND, 2)
    lines = recorder.lines[0]
    assert lines.equity == [2_000.0, 2_000.0, 1_800.0, 3_600.0]
    values = unit_values(lines.ts, lines.equity, lines.flows)
    assert [value for _, value in values] == pytest.approx([2_000, 2_000, 1_800, 1_800], rel=1e-12)
    assert max_drawdown(values) == pytest.approx(0.1, rel=1e-12)


def test_first_point_is_of_the_account_before_any_rule(recorder: RunRecorder) -> None:
    """A hedge that is there a minute later is not what the account began with."""
    lines = recorder.lines[0]
    assert lines.ts == [T0 + NS_PER_SECOND, T0 + 2 * NS_PER_SECOND]
    assert recorder.equity_start == {0: round(lines.equity[0] * CASH_UNIT)}
    tell(recorder, snapshot(3, usdt=1_500.0, btc=1_000, entry=8_000.0))
    assert len(lines.ts) == 2                # another snapshot is no other beginning


def test_fire_is_a_point_of_the_series(recorder: RunRecorder) -> None:
    """A wick that comes and goes within the minute is drawn where the rule met it."""
    recorder.engine.step(trade(9, 8_000.0))
    effects, _ = recorder.engine.step(trade(10, 6_400.0))
    assert any(isinstance(effect, OpenEpisode) for effect in effects)
    recorder.on_effects(effects)
    lines = recorder.lines[0]
    assert lines.ts[-2:] == [T0 + 2 * NS_PER_SECOND, T0 + 10 * NS_PER_SECOND]
    assert lines.equity[-1] == pytest.approx(400.0)


def test_fire_that_the_journal_tells_again_is_no_point(recorder: RunRecorder) -> None:
    """After a restart the engine stands where the run ended; it cannot say what an account was worth at a fire."""
    effects, _ = recorder.engine.step(trade(10, 6_400.0))
    recorder.engine.step(trade(30, 7_000.0))
    recorder.on_effects(effects)
    assert recorder.fires and recorder.lines[0].ts[-1] == T0 + 2 * NS_PER_SECOND


def test_withdrawal_is_kept_with_the_equity_before_and_after(recorder: RunRecorder) -> None:
    """500 of 2,000 leave."""
    tell(recorder, moved(3, -500))
    assert recorder.lines[0].flows == [
        CashFlow(T0 + 3 * NS_PER_SECOND, 2_000 * CASH_UNIT, 1_500 * CASH_UNIT)
    ]


def test_cash_in_another_currency_is_no_flow_of_the_settlement_currency(recorder: RunRecorder) -> None:
    """What BNB is worth in USDT is not said."""
    tell(recorder, moved(3, 5, "BNB"))
    assert recorder.lines[0].flows == []


def test_flows_outlive_a_restart(recorder: RunRecorder) -> None:
    """The memory brings them back; one of an earlier version, which has none, is read as well."""
    tell(recorder, moved(3, -500))
    memory = recorder.memory()
    again = RunRecorder(engine(GUARD), NS_PER_MINUTE)
    again.recall(memory)
    assert again.lines[0].flows == recorder.lines[0].flows != []
    older = msgspec.msgpack.decode(memory)
    del older["lines"][0]["flows"]
    again.recall(msgspec.msgpack.encode(older))
    assert again.lines[0].flows == []


def test_flow_that_the_journal_tells_again_counts_once(recorder: RunRecorder) -> None:
    """After a restart all facts are shown anew: one is in the memory, and a point was taken since the other."""
    first, second = moved(3, -500), moved(5, 200)
    tell(recorder, first)
    recorder.on_moment(T0 + 4 * NS_PER_SECOND, 2)
    tell(recorder, second)
    kept = list(recorder.lines[0].flows)
    recorder.recall(recorder.memory())
    for fact in (first, second):
        recorder.on_fact(fact)
    assert recorder.lines[0].flows == kept
    assert len(kept) == 2
    recorder.lines[0].flows.clear()
    recorder.on_fact(first)
    assert recorder.lines[0].flows == []
