"""A sale from the command line to the engine's door: what can be meant, when it is heard, and what a restart hears."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.adapters.journal.sqlite import SqliteJournal
from bot.adapters.wishes import WishFile
from bot.app.charter import CHARTER_SERIES, AccountWords, Charter, InstrumentWords
from bot.app.cli import main
from bot.app.running import JOURNAL_NAME
from bot.app.verbs import sell as verb
from bot.app.wishes import Wishes
from bot.domain.account import PositionKey, PositionSide
from bot.domain.effects import RaiseAlarm
from bot.domain.events import Command, CommandKind
from bot.domain.sale import RefuseSale, Sale, SaleTerms, TakeSale
from bot.domain.scale import NS_PER_SECOND
from tests.builders import BTC, ETH, KEY, T0, snapshot, trade
from tests.daemon.house import run_head
from tests.engine.driver import Trader, engine

S = NS_PER_SECOND
HEDGED = (PositionKey(1, 1, PositionSide.LONG), PositionKey(1, 1, PositionSide.SHORT))
CHARTER = Charter(
    accounts=(AccountWords("main", "USDT"), AccountWords("hedge", "USDT")),
    instruments=(InstrumentWords(BTC, 2, 3, 1), InstrumentWords(ETH, 2, 3, 1)),
    rules={}, collar_max=0.08, keys=(PositionKey(0, 0), *HEDGED),
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a run that goes on, and hears nothing."""
    monkeypatch.setattr(verb, "PATIENCE", 0.0)
    with SqliteJournal.create(tmp_path / JOURNAL_NAME, run_head()) as journal:
        journal.put_series(CHARTER_SERIES, msgspec.json.encode(CHARTER))
        journal.commit()
        yield tmp_path


def say(run: Path, *words: str) -> int:
    return main(["sell", str(run), *words, "--reason", "a test", "--by", "ann", "--json"])


def said(run: Path) -> list[dict[str, Any]]:
    return WishFile(run).read(0)[0]


def line(name: str = "one", *, seconds_ago: float = 0, **more: Any) -> dict[str, Any]:
    """A wish as the verb writes it: half a coin of a coin."""
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    sale = Sale(name, KEY, SaleTerms(0, "taker"), 500)
    whole = {
        "verb": "sell", "sale": msgspec.to_builtins(sale), "until": None, "account": "main", "reason": "r", "by": "ann",
        "at": at.isoformat(),
    }
    return {**whole, **more}


def taking_back(name: str) -> dict[str, Any]:
    return {**line(), "verb": "end_sale", "name": name}


class Heard:
    """An engine as a session keeps it, and the commands that reach it."""

    def __init__(self, folder: Path, *, is_ready: bool = True) -> None:
        self.driver = Trader(engine("rules: {}"))
        self.commands: list[Command] = []
        self.driver.step(trade(0, 8_000))
        if is_ready:
            self.adopt()
        self.file = WishFile(folder)
        self.wishes = Wishes(self.file, self)

    @property
    def engine(self) -> Any:
        return self.driver.engine

    def adopt(self) -> None:
        self.driver.step(snapshot(0, usdt=10_000, btc=1_000, entry=8_000))

    def command(self, command: Command) -> None:
        self.commands.append(command)
        self.driver.step(command)

    def names(self, kind: type[TakeSale | RefuseSale] = TakeSale) -> list[str]:
        return [each.sale.name for each in self.driver.found(kind)]


# What the verb writes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "quantity", "share"), [("0.5", 500, None), ("all", None, 1.0), ("25%", None, 0.25), ("100%", None, 1.0)]
)
def test_sell_writes_whole_numbers_and_a_name_that_says_what_is_sold(
    run: Path, amount: str, quantity: int | None, share: float | None
) -> None:
    """The engine is given no text to understand."""
    assert say(run, "--symbol", BTC, "--amount", amount, "--over", "10m", "--collar", "1%") == 0
    (wish,) = said(run)
    sale = msgspec.convert(wish["sale"], Sale)
    assert sale == Sale(f"{BTC} {amount}", KEY, SaleTerms(600 * S, "taker", None, 0.01), quantity, share)
    assert (wish["verb"], wish["account"], wish["by"]) == ("sell", "main", "ann")


def test_sell_of_cash_is_written_in_the_accounts_smallest_unit(run: Path) -> None:
    """No position is named: the engine finds the cuts."""
    assert say(run, "--cash", "5_000.5 USDT", "--account", "hedge", "--keep-distance", "15%", "--over", "1h") == 0
    (wish,) = said(run)
    sale = msgspec.convert(wish["sale"], Sale)
    expected = Sale("cash 5_000.5 USDT", None, SaleTerms(3_600 * S, "taker"), cash=500_050_000_000, distance=0.15)
    assert (sale, wish["account"]) == (expected, "hedge")


def test_sell_of_one_leg_is_of_the_account_that_has_it(run: Path) -> None:
    """In hedge mode the leg is named; the account follows from it."""
    assert say(run, "--symbol", f"{ETH} short", "--amount", "1", "--until", "2020-03-12T00:10:00Z") == 0
    (wish,) = said(run)
    assert (wish["sale"]["key"]["side"], wish["account"], wish["until"]) == ("short", "hedge", T0 + 600 * S)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--symbol", BTC), "needs --symbol and --amount, or --cash"),
        (("--symbol", BTC, "--amount", "1", "--cash", "1 USDT"), "needs --symbol and --amount, or --cash"),
        (("--cash", "1 USDT"), "--cash is of one account, was None"),
        (("--cash", "1 USDT", "--account", "other"), "--cash is of one account, was 'other'"),
        (("--cash", "1 BTC", "--account", "main"), "must be above 0 and in USDT, was 1 BTC"),
        (("--cash", "0 USDT", "--account", "main"), "must be above 0 and in USDT"),
        (("--cash", "0.000000001 USDT", "--account", "main"), "has more than 8 decimals"),
        (("--cash", "5000", "--account", "main"), "is not an amount of money"),
        (("--cash", "1 USDT", "--account", "main", "--keep-distance", "100%"), "must be above 0% and below 100%"),
        (("--symbol", BTC, "--amount", "1", "--name", "one #2"), "without ' #', was 'one #2'"),
        (("--symbol", "DOGE/USDT:USDT", "--amount", "1"), "is no position of this run"),
        (("--symbol", ETH, "--amount", "1"), "may be several positions"),
        (("--symbol", BTC, "--amount", "1", "--account", "other"), "--account is unknown, was 'other'"),
        (("--symbol", BTC, "--amount", "1", "--account", "hedge"), "is no position of this run"),
        (("--symbol", BTC, "--amount", "half"), "not a finite decimal, was 'half'"),
        (("--symbol", BTC, "--amount", "nan"), "not a finite decimal"),
        (("--symbol", BTC, "--amount", "0.0005"), "has more than 3 decimals"),
        (("--symbol", BTC, "--amount", "0"), "must be above 0"),
        (("--symbol", BTC, "--amount=-1"), "must be above 0"),
        (("--symbol", BTC, "--amount", "0%"), "must be above 0% and at most 100%"),
        (("--symbol", BTC, "--amount", "101%"), "must be above 0% and at most 100%"),
        (("--symbol", BTC, "--amount", "1", "--over", "ten"), "--over is not a length of time"),
        (("--symbol", BTC, "--amount", "1", "--until", "soon"), "--until is no moment, was 'soon'"),
        (("--symbol", BTC, "--amount", "1", "--participation", "100%"), "must be above 0% and below 100%"),
        (("--symbol", BTC, "--amount", "1", "--name", "x" * 61), "a name is one line of 1 to 60 characters"),
        (("--symbol", BTC, "--amount", "1", "--name", " "), "a name is one line of 1 to 60 characters"),
        (("--cancel", "nobody"), "no sale of that name was taken"),
    ],
)
def test_sell_that_cannot_be_meant_is_refused_where_it_is_said(
    run: Path, words: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The person who says it is told, and nothing is written."""
    assert say(run, *words) == 2
    assert error in json.loads(capsys.readouterr().out)["error"]
    assert said(run) == []


def test_sell_that_is_not_answered_in_time_says_so_and_stays_said(run: Path, capsys: pytest.CaptureFixture[str]
                                                                  ) -> None:
    """Whoever waits is told how to ask; the word lies there."""
    assert say(run, "--symbol", BTC, "--amount", "1") == 0
    assert json.loads(capsys.readouterr().out)["state"] == "unanswered"
    assert len(said(run)) == 1


def test_sell_to_a_folder_where_nothing_goes_on_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody hears now must not be sold tomorrow."""
    assert say(tmp_path, "--symbol", BTC, "--amount", "1") == 2
    assert "no run is going on there" in json.loads(capsys.readouterr().out)["error"]
    assert not WishFile(tmp_path).path.exists()


# When it is heard -------------------------------------------------------------------------------------------


def test_sale_is_heard_once_and_twice_said_sold_once(tmp_path: Path) -> None:
    """Two lines of one name, by two people in the same moment."""
    heard = Heard(tmp_path)
    heard.wishes.start()
    for _ in range(2):
        heard.file.say(line())
    heard.wishes.look(T0)
    heard.wishes.look(T0)
    assert heard.names() == ["one"]
    assert [command.kind for command in heard.commands] == [CommandKind.SELL] * 2


def test_sale_waits_for_the_venues_word_on_its_account(tmp_path: Path) -> None:
    """Right after a start nobody knows what is held: it is neither refused nor guessed."""
    heard = Heard(tmp_path, is_ready=False)
    heard.file.say(line())
    heard.wishes.start()
    heard.wishes.look(T0)
    assert heard.commands == []
    heard.adopt()
    heard.wishes.look(T0)
    assert heard.names() == ["one"]


def test_sale_that_has_waited_a_minute_for_the_venues_word_is_refused(tmp_path: Path) -> None:
    """A venue that says nothing is none to sell at; the person hears of it."""
    heard = Heard(tmp_path, is_ready=False)
    heard.file.say(line(seconds_ago=61))
    heard.wishes.start()
    heard.wishes.look(T0)
    assert heard.names(RefuseSale) == ["one"]


@pytest.mark.parametrize(("seconds_ago", "is_taken"), [(590, True), (610, False)])
def test_sale_of_an_earlier_process_is_heard_for_ten_minutes(
    tmp_path: Path, seconds_ago: float, is_taken: bool
) -> None:
    """A process that died took the word with it; ten minutes later somebody has looked elsewhere."""
    heard = Heard(tmp_path)
    heard.file.say(line(seconds_ago=seconds_ago))
    heard.wishes.start()
    heard.wishes.look(T0)
    assert heard.names(TakeSale if is_taken else RefuseSale) == ["one"]


def test_cash_wish_is_heard_for_its_account(tmp_path: Path) -> None:
    """It names no position; 9,500 of 10,000 ask for a cut."""
    heard = Heard(tmp_path)
    sale = Sale("cash", None, SaleTerms(0, "taker"), cash=9_500 * 10**8)
    heard.file.say(line(sale=msgspec.to_builtins(sale)))
    heard.wishes.look(T0)
    assert heard.names() == ["cash"]


def test_start_hears_what_was_not_answered_and_nothing_else(tmp_path: Path) -> None:
    """Not a sale that the book knows, no quote, no override, nothing of yesterday, no line that nobody can read."""
    heard = Heard(tmp_path)
    heard.file.say(line("known"))
    heard.wishes.look(T0)
    for each in (
        line("quoted", verb="quote_sale"), line("yesterday", seconds_ago=90_000), line("broken", at="now"), {"verb": 7},
        {"verb": "rearm", "account": "*", "reason": "r", "by": "b", "rule": "stop", "scope": None}, line("new"),
        taking_back("known"), taking_back("gone"),
    ):
        heard.file.say(each)
    again = Wishes(heard.file, heard)
    again.start()
    heard.commands.clear()
    again.look(T0)
    kinds = [(command.kind, command.sale.name if command.sale else command.rule) for command in heard.commands]
    assert kinds == [
        (CommandKind.SELL, "new"), (CommandKind.END_SALE, "known"), (CommandKind.END_SALE, "gone"),
    ]


def test_start_does_not_take_back_again_what_is_over(tmp_path: Path) -> None:
    """A sale that was ended is not ended at every start."""
    heard = Heard(tmp_path)
    for each in (line(), taking_back("one")):
        heard.file.say(each)
    heard.wishes.look(T0)
    again = Wishes(heard.file, heard)
    again.start()
    assert again.waiting == []


def test_sale_by_a_moment_has_what_is_left_until_then(tmp_path: Path) -> None:
    """Ten minutes from the market's now; a moment that is past is refused."""
    heard = Heard(tmp_path)
    heard.file.say(line("later", until=T0 + 600 * S))
    heard.file.say(line("past", until=T0 - 1))
    heard.wishes.look(T0)
    assert [command.sale.terms.over for command in heard.commands if command.sale] == [600 * S, -1]
    assert (heard.names(), heard.names(RefuseSale)) == (["later"], ["past"])


@pytest.mark.parametrize(
    "wish",
    [
        line(account="other"),
        line(sale={"name": "one"}),
        line(sale=msgspec.to_builtins(Sale("one", PositionKey(0, 7), SaleTerms(0, "taker"), 1))),
        line(at="yesterday"),
        {"verb": "sell"},
    ],
)
def test_sale_that_nobody_understands_is_told_and_stops_no_other(tmp_path: Path, wish: dict[str, Any]) -> None:
    """It is said in the operator's log, and the next line is heard."""
    heard = Heard(tmp_path)
    heard.file.say(wish)
    heard.file.say(line("next"))
    heard.wishes.look(T0)
    heard.wishes.look(T0)
    assert heard.names() == ["next"]
    assert "sale_taken" in [alarm.code for alarm in heard.driver.found(RaiseAlarm)]
