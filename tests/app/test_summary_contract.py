"""``summary.json`` as other tools read it: every key of DESIGN section 9, its type, and sums that must hold."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.domain.effects import OpenEpisode
from bot.domain.scale import CASH_UNIT
from tests.app.contract import (
    BASELINES,
    RULE,
    RULES,
    SUMMARY,
    is_null,
    wrong_in,
)
from tests.app.runs import (
    BTC,
    ETH,
    MINUTE,
    NEVER_FIRES,
    NO_STOPS,
    START,
    STRATEGIES,
    Bar,
    Print,
    crash,
    flat,
    long_of,
    one_object,
    penstock,
    write_candles,
    write_config,
    write_trades,
)

ETH_CALM_MS = 300_000



@dataclass(frozen=True)
class Told:
    """A finished run: its folder, what it printed, and its summary."""

    out: Path
    printed: str
    summary: dict[str, Any]

    @property
    def account(self) -> dict[str, Any]:
        found: dict[str, Any] = self.summary["accounts"]["main"]
        return found

    def number(self, key: str) -> Decimal:
        return Decimal(self.account[key])


def eth_prints() -> list[Print]:
    """A print every 5 s for an hour: calm for five minutes, then from 200 down to 180."""
    prints: list[Print] = []
    for number in range(720):
        ms = number * 5_000
        fallen = max(0, ms - ETH_CALM_MS) / (3_600_000 - ETH_CALM_MS)
        prints.append((ms, round(200 - 20 * fallen, 2), 40.001))
    return prints


def replayed(folder: Path, positions: dict[str, str], usdt: str, *books: str | Path, bars: list[Bar], more: str = ""
             ) -> Told:
    """Replay an account on BTC candles and zipped ETH prints."""
    config = write_config(folder, positions, usdt=usdt, books=books, more=more)
    btc = write_candles(folder / "btc.csv", bars)
    eth = write_trades(folder / "ETHUSDT-aggTrades.zip", eth_prints())
    found = penstock(
        "replay", config, "--tape", f"{BTC}={btc}", "--tape", eth, "--out", folder / "out", "--json"
    )
    assert found.returncode in (0, 5), found.stdout + found.stderr
    return Told(folder / "out", found.stdout, one_object(found.stdout))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Ten times long in BTC and ETH through a crash, guarded by the margin rules that come with the program."""
    positions = {BTC: long_of("1"), ETH: long_of("50")}
    folder = tmp_path_factory.mktemp("told")
    return replayed(folder, positions, "2_000", STRATEGIES / "margin_guard.yaml", bars=tuned(crash()))


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The same account under a rule that never fires, and without a stop."""
    folder, positions = tmp_path_factory.mktemp("dead"), {BTC: long_of("1"), ETH: long_of("50")}
    return replayed(folder, positions, "2_000", NEVER_FIRES, bars=tuned(crash()), more=NO_STOPS)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """An account that holds nothing."""
    return replayed(tmp_path_factory.mktemp("idle"), {}, "2_000", STRATEGIES / "margin_guard.yaml", bars=crash()[:3])


def tuned(bars: list[Bar]) -> list[Bar]:
    """Give every bar a volume of its own, in thousandths, so that no average is right by chance."""
    return [(*bar[:4], 300.001 + 7 * number) for number, bar in enumerate(bars)]


# Shape ---------------------------------------------------------------------------------------------------


def test_summary_of_a_guarded_run_has_every_key_of_the_contract_with_its_type(told: Told) -> None:
    """No key is missing, none is new, and each is what the design says."""
    assert wrong_in(told.summary, SUMMARY, "summary") == []
    assert told.summary["fires"] and told.summary["parents"] and told.summary["fills"]


def test_summary_of_a_liquidated_run_lists_the_stages_and_has_no_sale_to_compare(dead: Told) -> None:
    """Empty is alive: here it is not; and what was never sold has no sell-at-once beside it."""
    shape = {
        **SUMMARY, "rules": {"never": RULE},
        "baselines": {"main": {"do_nothing": BASELINES["do_nothing"], "sell_at_once": is_null}},
    }
    assert wrong_in(dead.summary, shape, "summary") == []
    assert [stage["symbol"] for stage in dead.account["liquidations"]] == [ETH, BTC]
    assert dead.account["liquidations"] == dead.summary["baselines"]["main"]["do_nothing"]["liquidations"]
    assert dead.account["equity_end"] == dead.summary["baselines"]["main"]["do_nothing"]["equity_end"]


def test_summary_of_an_account_without_a_position_says_why_the_distance_is_null(idle: Told) -> None:
    """An infinite distance is null with its reason, and nothing is at stake."""
    assert idle.account["liquidation_distance_min"] is None
    too_short = "too short: 0 whole hours, and 24 are the least"
    assert idle.account["why"] == {
        "liquidation_distance_min": "infinite: no position, or no move liquidates it",
        "recovery_rate": "nothing fired", "sharpe": too_short, "sortino": too_short, "calmar": too_short,
    }
    assert idle.account["margin_ratio_max"] == 0
    assert idle.account["equity_start"] == idle.account["equity_end"] == idle.account["equity_min"] == "2000"
    assert idle.summary["rules"]["margin_guard"] == {"fires": 0, "false_fires": 0, "saved": "0", "cost": "0"}


def test_summary_is_printed_and_written_alike(told: Told) -> None:
    """--json prints what summary.json holds."""
    assert one_object((told.out / "summary.json").read_text(encoding="utf-8")) == told.summary


def test_report_makes_the_same_bytes_again(told: Told) -> None:
    """``report RUN`` needs neither tape nor engine: summary and report come out of the journal as they were."""
    before = {name: (told.out / name).read_bytes() for name in ("summary.json", "report.html")}
    for name in before:
        (told.out / name).unlink()
    found = penstock("report", told.out, "--json")
    assert (found.returncode, found.stdout) == (0, told.printed)
    assert {name: (told.out / name).read_bytes() for name in before} == before


# Sums ----------------------------------------------------------------------------------------------------


def test_tape_of_the_summary_counts_every_event_from_first_to_last(told: Told) -> None:
    """60 bars are 60 x 5 events; the last price is the close of the last bar, a nanosecond before one o'clock."""
    tape = told.summary["tape"]
    assert tape["events"] == 60 * 5 + 720
    assert tape["first_ts"] == "2020-03-12T00:00:00.000000Z"
    assert tape["last_ts"] == "2020-03-12T00:59:59.999999Z"
    assert f"{ETH}: prices of ETHUSDT-aggTrades.zip stand for the perpetual" in tape["modelled"]
    assert not any(ETH in note and "bars are walked" in note for note in tape["modelled"])


@pytest.mark.parametrize("which", ["told", "dead", "idle"])
def test_equity_at_the_end_is_the_start_plus_profit_less_costs_exactly(
    which: str, request: pytest.FixtureRequest
) -> None:
    """Positions that begin at the first price have no unrealised profit at the start."""
    run: Told = request.getfixturevalue(which)
    profit = run.number("realised_pnl") + run.number("unrealised_pnl")
    assert run.number("equity_end") == run.number("equity_start") + profit - run.number("fees") - run.number("funding")
    assert run.number("equity_start") == 2000
    assert run.number("equity_min") <= min(run.number("equity_end"), run.number("equity_start"))


def test_parents_are_the_sums_of_their_fills_exactly(told: Told) -> None:
    """Quantity, fees and children of a parent are those of its fills; so is its average to two further digits."""
    assert {fill["parent"] for fill in told.summary["fills"]} <= {parent["id"] for parent in told.summary["parents"]}
    for parent in told.summary["parents"]:
        fills = [fill for fill in told.summary["fills"] if fill["parent"] == parent["id"]]
        filled = sum((Decimal(fill["quantity"]) for fill in fills), Decimal(0))
        value = sum((Decimal(fill["quantity"]) * Decimal(fill["price"]) for fill in fills), Decimal(0))
        assert Decimal(parent["filled"]) == filled
        assert Decimal(parent["fees"]) == sum((Decimal(fill["fee"]) for fill in fills), Decimal(0))
        assert Decimal(parent["quantity"]) == filled + Decimal(parent["residual"])
        assert {(fill["symbol"], fill["side"]) for fill in fills} <= {(parent["symbol"], parent["side"])}
        assert parent["children"] >= len({fill["child"] for fill in fills})
        assert all(fill["child"].startswith(parent["id"]) for fill in fills)
        if fills:
            assert abs(Decimal(parent["average_price"]) - value / filled) <= Decimal("0.00005")
            arrival = Decimal(parent["arrival_price"])
            bps = (arrival - value / filled) / arrival * 10_000          # a sale below its arrival is a cost
            assert parent["shortfall_bps"] == pytest.approx(float(bps), abs=1e-3)


def test_account_fees_are_those_of_all_fills_of_an_account_that_lived(told: Told) -> None:
    """Nobody but our own orders paid anything."""
    assert told.account["liquidations"] == []
    assert told.number("fees") == sum((Decimal(fill["fee"]) for fill in told.summary["fills"]), Decimal(0))


def test_rule_cost_is_shortfall_and_fees_of_what_it_sold(told: Told) -> None:
    """(arrival - price) x quantity of every fill of the rule's parents, and their fees; exact."""
    for name in RULES:
        parents = {parent["id"]: parent for parent in told.summary["parents"] if name in parent["rules"]}
        fills = [fill for fill in told.summary["fills"] if fill["parent"] in parents]
        cost = sum(
            (
                (Decimal(parents[fill["parent"]]["arrival_price"]) - Decimal(fill["price"])) * Decimal(fill["quantity"])
                + Decimal(fill["fee"])
                for fill in fills
            ),
            Decimal(0),
        )
        assert Decimal(told.summary["rules"][name]["cost"]) == cost
        assert told.summary["rules"][name]["fires"] == sum(fire["rule"] == name for fire in told.summary["fires"])


def test_recovery_rate_is_equity_kept_over_equity_at_the_first_fire(told: Told) -> None:
    """The journal has the equity at the fire; what is kept is the equity at the end."""
    with open_readonly(told.out / "journal.sqlite") as journal:
        fires = [item for _, item in journal.read() if isinstance(item, OpenEpisode)]
    kept = told.number("equity_end") / (Decimal(fires[0].equity) / CASH_UNIT)
    assert told.account["recovery_rate"] == pytest.approx(float(kept), rel=1e-12)
    assert [fire["rule"] for fire in told.summary["fires"]] == [fire.rule for fire in fires]


def test_rules_share_what_the_account_ended_with_above_doing_nothing(told: Told) -> None:
    """Each by the value that it traded, a parent of two rules in halves; nothing was false where nobody survives."""
    gain = told.number("equity_end") - Decimal(told.summary["baselines"]["main"]["do_nothing"]["equity_end"])
    traded = dict.fromkeys(RULES, Decimal(0))
    total = Decimal(0)
    of = {parent["id"]: parent["rules"] for parent in told.summary["parents"]}
    for fill in told.summary["fills"]:
        value = Decimal(fill["quantity"]) * Decimal(fill["price"])
        total += value
        for name in of.get(fill["parent"], ()):
            traded[name] += value / len(of[fill["parent"]])
    assert gain > 0
    for name in RULES:
        found = told.summary["rules"][name]
        assert found["false_fires"] == 0
        assert abs(Decimal(found["saved"]) - gain * traded[name] / total) <= Decimal("1e-8")


def test_drawdown_reaches_the_lowest_equity_even_between_two_points(told: Told) -> None:
    """A bar's low lies between two samples; the deepest drawdown is no less than the fall to the lowest equity."""
    assert told.account["max_drawdown"] >= float(1 - told.number("equity_min") / told.number("equity_start")) - 1e-12


def test_market_vwap_and_participation_are_those_of_the_bars_while_the_parent_was_open(told: Told) -> None:
    """Volume of a bar counts at its close, and only what others traded: bars whose close lies in the interval."""
    bars = tuned(crash())
    checked = 0
    for parent in told.summary["parents"]:
        if parent["symbol"] != BTC or parent["ended"] is None:
            continue
        inside = [
            bar for number, bar in enumerate(bars)
            if parent["started"] <= _iso(START + (number + 1) * MINUTE - 1) <= parent["ended"]
        ]
        volume = sum((Decimal(f"{bar[4]:.3f}") for bar in inside), Decimal(0))
        turnover = sum((Decimal(f"{bar[3]:.2f}") * Decimal(f"{bar[4]:.3f}") for bar in inside), Decimal(0))
        assert abs(Decimal(parent["market_vwap"]) - turnover / volume) <= Decimal("0.00005")
        filled = Decimal(parent["filled"])
        assert parent["participation"] == pytest.approx(float(filled / (filled + volume)), rel=1e-9)
        checked += 1
    assert checked


def test_baselines_show_what_the_rules_were_for(told: Told) -> None:
    """Doing nothing is liquidated on this tape and ends with less; selling at once has its price."""
    found = told.summary["baselines"]["main"]
    assert [stage["symbol"] for stage in found["do_nothing"]["liquidations"]] == [ETH, BTC]
    assert Decimal(found["do_nothing"]["equity_end"]) < told.number("equity_end")
    assert found["sell_at_once"]["shortfall_bps"] > 0


def test_moments_are_in_order(told: Told) -> None:
    """Fires, parents and fills are told in the order in which they happened, each within the tape."""
    tape = told.summary["tape"]
    for times in (
        [fire["ts"] for fire in told.summary["fires"]],
        [fill["ts"] for fill in told.summary["fills"]],
        [parent["started"] for parent in told.summary["parents"]],
    ):
        assert times == sorted(times)
        assert tape["first_ts"] <= times[0] and times[-1] <= tape["last_ts"]
    assert all(parent["ended"] is None or parent["started"] <= parent["ended"] for parent in told.summary["parents"])


def test_flat_market_moves_nothing(tmp_path: Path) -> None:
    """In an hour without a move nothing fires, nothing is paid, and both baselines agree."""
    run = replayed(tmp_path, {BTC: long_of("1")}, "2_000", STRATEGIES / "margin_guard.yaml", bars=flat(10_000.01, 60))
    assert run.summary["fires"] == run.summary["parents"] == run.summary["fills"] == []
    assert run.account["equity_end"] == "2000"
    assert run.account["recovery_rate"] is None
    assert run.account["max_drawdown"] == 0
    assert run.summary["baselines"]["main"] == {
        "do_nothing": {"equity_end": "2000", "liquidations": []}, "sell_at_once": None
    }


def _iso(ns: int) -> str:
    seconds, rest = divmod(ns, 10**9)
    minutes, second = divmod(seconds - START // 10**9, 60)
    return f"2020-03-12T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{rest // 1000:06d}Z"
