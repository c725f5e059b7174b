"""Rules of the portfolio: one trigger over all accounts, which brings every account to its goal."""

from __future__ import annotations

import pytest

from bot.domain.copying import replace
from bot.domain.effects import PORTFOLIO, EndEpisode, MoveTrigger, OpenEpisode, RaiseAlarm, ScopeElement
from bot.domain.errors import InputError
from bot.domain.events import AccountSnapshot, Command, CommandKind, Reloaded, Restarted
from bot.domain.scale import NS_PER_SECOND
from bot.engine.measures.layout import AccountSlot, Layout
from bot.rules.language.typed import Scope
from tests.builders import T0, layout, rules, snapshot, trade
from tests.engine.driver import Trader, engine
from tests.rules.language_builders import condition

LEVERAGE = """
rules:
  both:
    for_each: portfolio
    when: {when}
    do: {{deleverage: {{to: {{leverage: {to}}}}}}}
    execute: {{algo: now}}
"""


def text(when: str = "portfolio.leverage > 5", to: float = 3, more: str = "") -> str:
    return LEVERAGE.format(when=when, to=to) + more


def two_accounts() -> Layout:
    one = layout()
    return Layout(one.instruments, one.tiers, (*one.accounts, AccountSlot("second", "USDT", (0,), 0.0005, 20.0)))


def of_second(fact: AccountSnapshot) -> AccountSnapshot:
    reports = tuple(replace(report, key=replace(report.key, account=1)) for report in fact.positions)
    return replace(fact, account=1, positions=reports)


def started(*texts: str, cash: tuple[float, float]) -> Trader:
    """One coin bought at 8,000 in each account, and so much cash in the one and the other."""
    driver = Trader(engine(*texts, shape=two_accounts()))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(1, usdt=cash[0], btc=1_000, entry=8_000))
    driver.step(of_second(snapshot(2, usdt=cash[1], btc=1_000, entry=8_000)))
    return driver


def fired(driver: Trader) -> list[int]:
    """The accounts that episodes were opened for."""
    return [opened.element.account for opened in driver.found(OpenEpisode)]


@pytest.mark.parametrize(
    ("cash", "accounts"),
    [((1_500, 4_000), [0]), ((4_000, 1_500), [1]), ((1_500, 2_000), [0, 1]), ((1_700, 1_700), [])],
    ids=["first is worst", "second is worst", "both miss the goal", "none is beyond"],
)
def test_portfolio_rule_acts_on_every_account_that_misses_its_goal(
    cash: tuple[float, float], accounts: list[int]
) -> None:
    """The worst account makes it fire; whoever is beyond the goal is brought there, whoever is not is left alone."""
    driver = started(text(), cash=cash)
    assert fired(driver) == accounts
    assert {order.approved.request.key.account for order in driver.orders} == set(accounts)


def test_portfolio_rule_waits_until_every_account_is_known() -> None:
    """What one account does not tell may be the worst: nothing is decided on half a portfolio."""
    driver = Trader(engine(text(), shape=two_accounts()))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(1, usdt=1_500, btc=1_000, entry=8_000))
    assert fired(driver) == []
    driver.step(of_second(snapshot(2, usdt=4_000)))
    assert fired(driver) == [0]


def test_portfolio_rule_has_one_trigger_that_holds_once() -> None:
    """One condition, one hold: it fires for both accounts at the moment it was true for so long."""
    driver = started(text(more="    hold: 10s\n"), cash=(4_000, 4_000))
    driver.step(trade(10, 4_900))
    driver.run_timers(until=19.9)
    assert fired(driver) == []
    driver.run_timers(until=20)
    assert fired(driver) == [0, 1]
    assert {opened.now for opened in driver.found(OpenEpisode)} == {T0 + 20 * NS_PER_SECOND}
    assert {move.element for move in driver.found(MoveTrigger)} == {PORTFOLIO}


def test_portfolio_rule_without_anything_to_do_says_so() -> None:
    """A sum of money may be short though no account is beyond the goal; a person is told that nothing is sold."""
    driver = started(text("portfolio.equity < 9_000 USDT"), cash=(4_000, 4_000))
    assert fired(driver) == []
    assert [alarm.code for alarm in driver.found(RaiseAlarm)] == ["goal_met_already"]


def test_portfolio_rule_until_clear_keeps_to_its_goal_until_the_portfolio_is_clear() -> None:
    """Its episodes end by the one trigger, not by one of an account that there is not."""
    more = "    until: clear\n    clear: portfolio.leverage < 2\n"
    driver = started(text(more=more), cash=(1_500, 9_000))
    driver.fill_all(3, price=8_000)
    driver.step(trade(4, 8_001))
    assert driver.engine.book.episodes and not driver.found(EndEpisode)
    driver.step(trade(5, 16_000))
    assert [ended.reason for ended in driver.found(EndEpisode)] == ["cleared"]


def test_portfolio_latch_is_told_for_the_portfolio_and_rearmed_through_any_account() -> None:
    """There is one rule to re-arm, whatever account its operator thinks of."""
    driver = started(text(more="    max_fires: 1\n"), cash=(1_500, 9_000))
    driver.fill_all(3, price=8_000)
    book = driver.engine.book
    assert book.fires_of("both", PORTFOLIO).count == 1
    assert book.fires_of("both", ScopeElement(1)).count == 0
    driver.step(Command(T0 + 4 * NS_PER_SECOND, 1, CommandKind.REARM, "it is well", rule="both", by="ann"))
    assert book.fires_of("both", PORTFOLIO).count == 0


def test_portfolio_rule_after_a_restart_inside_a_breach_waits_for_no_hold() -> None:
    """As everywhere: whoever comes back to a fire does not count to ten first."""
    driver = Trader(engine(text(more="    hold: 10s\n"), shape=two_accounts()))
    driver.step(Restarted(T0, "test"))
    driver.step(trade(0, 8_000))
    driver.step(snapshot(1, usdt=1_500, btc=1_000, entry=8_000))
    driver.step(of_second(snapshot(2, usdt=4_000)))
    assert fired(driver) == [0]


def test_portfolio_rule_taken_away_by_a_reload_leaves_no_trigger() -> None:
    """A trigger without a rule must not wait for one of the same name that looks at something else."""
    driver = started(text(more="    hold: 10s\n"), cash=(1_500, 4_000))
    assert driver.engine.book.triggers["both", PORTFOLIO].state.value == "pending"
    other = text(more="    hold: 10s\n").replace("for_each: portfolio", "for_each: account")
    driver.engine.replace_rules(rules(other), limits=driver.engine.desk.limits, survival=driver.engine.desk.survival)
    driver.step(Reloaded(T0 + 3 * NS_PER_SECOND, "hash"))
    assert driver.engine.book.triggers["both", PORTFOLIO].state.value == "inactive"


@pytest.mark.parametrize(("lowest", "states"), [(4_900, ["pending", "firing"]), (5_100, [])])
def test_window_over_the_portfolio_remembers_its_worst(lowest: float, states: list[str]) -> None:
    """The largest leverage of any account within the window counts, also when it has passed."""
    driver = started(text("max(portfolio.leverage, 10s) > 5", more="    hold: 1s\n"), cash=(4_000, 4_000))
    driver.step(trade(3, lowest))
    driver.step(trade(6, 8_000))
    driver.run_timers(until=11)
    assert not driver.found(MoveTrigger), "the window is not covered yet"
    driver.step(trade(12.5, 8_001))
    driver.run_timers(until=14)
    assert [move.state.value for move in driver.found(MoveTrigger)] == states


@pytest.mark.parametrize("measure", ["account.leverage", "position.side", "market.age"])
def test_portfolio_rule_reads_nothing_of_one_account_position_or_market(measure: str) -> None:
    """There is no one account to read it of; the message names the scope that has one."""
    with pytest.raises(InputError, match="a rule for each portfolio"):
        condition(f"{measure} > 1", Scope.PORTFOLIO)


@pytest.mark.parametrize("remedy", ["close", "{reduce: {share: 50%}}"])
def test_portfolio_rule_does_not_close_a_position(remedy: str) -> None:
    """Which position would that be."""
    with pytest.raises(InputError, match="for_each: position"):
        rules(text().replace("{deleverage: {to: {leverage: 3}}}", remedy))
