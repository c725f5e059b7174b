"""``summary.json`` as other tools read it: every key of DESIGN section 9, its type, and sums that must hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal.reader import open_readonly
from bot.domain.denials import DenialCode
from bot.domain.effects import OpenEpisode
from bot.domain.scale import CASH_UNIT
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

Kind = Callable[[Any], bool]
ETH_CALM_MS = 300_000


def is_decimal(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", value) is not None


def is_time(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value) is not None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_fraction(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(one) for one in value)


def is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def is_null(value: Any) -> bool:
    return value is None


def is_words_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(is_text(key) and is_text(word) for key, word in value.items())


def is_numbers_by_name(value: Any) -> bool:
    return isinstance(value, dict) and all(or_null(is_number)(one) for one in value.values())


def or_null(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


def one_of(*words: str) -> Kind:
    return lambda value: value in words


def any_of(kind: Any) -> Kind:
    """A list of things of one shape."""
    return lambda value: isinstance(value, list) and all(not wrong_in(one, kind, "") for one in value)


LIQUIDATION = {"ts": is_time, "symbol": is_text, "notional": is_decimal, "fee": is_decimal, "kind": is_text}
ACCOUNT = {
    "equity_start": is_decimal, "equity_end": is_decimal, "equity_min": is_decimal,
    "margin_ratio_max": or_null(is_number), "liquidation_distance_min": or_null(is_number),
    "liquidations": any_of(LIQUIDATION), "realised_pnl": is_decimal, "unrealised_pnl": is_decimal,
    "fees": is_decimal, "funding": is_decimal, "recovery_rate": or_null(is_number),
    "max_drawdown": or_null(is_fraction), "sharpe": or_null(is_number), "sortino": or_null(is_number),
    "calmar": or_null(is_number), "why": is_words_by_name,
}
RULE = {
    "fires": is_count, "false_fires": or_null(is_count), "saved": or_null(is_decimal), "cost": or_null(is_decimal)
}
FIRE = {
    "ts": is_time, "rule": is_text, "scope": is_text, "why": is_text, "readings": is_numbers_by_name, "goal": is_text
}
PARENT = {
    "id": is_text, "rules": is_texts, "account": is_text, "symbol": is_text, "side": one_of("buy", "sell"),
    "algo": is_text, "quantity": is_decimal, "filled": is_decimal, "residual": is_decimal,
    "arrival_price": is_decimal, "average_price": or_null(is_decimal), "market_vwap": or_null(is_decimal),
    "shortfall_bps": or_null(is_number), "fees": is_decimal, "participation": or_null(is_fraction),
    "children": is_count, "started": is_time, "ended": or_null(is_time), "end_reason": or_null(is_text),
}
FILL = {
    "ts": is_time, "parent": is_text, "child": is_text, "symbol": is_text, "side": one_of("buy", "sell"),
    "quantity": is_decimal, "price": is_decimal, "fee": is_decimal, "liquidity": one_of("maker", "taker"),
    "modelled": is_bool,
}
BASELINES = {
    "do_nothing": {"equity_end": is_decimal, "liquidations": any_of(LIQUIDATION)},
    "sell_at_once": {"equity_end": is_decimal, "shortfall_bps": or_null(is_number)},
}
RULES = ("margin_guard", "margin_emergency")
SUMMARY = {
    "version": is_text, "config_hash": is_hash,
    "tape": {"events": is_count, "first_ts": is_time, "last_ts": is_time, "modelled": is_texts},
    "timing": {"wall_seconds": is_number, "events_per_second": is_number},
    "accounts": {"main": ACCOUNT}, "rules": dict.fromkeys(RULES, RULE), "fires": any_of(FIRE),
    "parents": any_of(PARENT), "fills": any_of(FILL),
    "denials": lambda found: all(code in DenialCode.__members__ and is_count(n) for code, n in found.items()),
    "baselines": {"main": BASELINES},
}


def wrong_in(value: Any, shape: Any, where: str) -> list[str]:
    """Return what of ``value`` is not as ``shape`` says, by its path."""
    if callable(shape):
        return [] if shape(value) else [f"{where}: {value!r}"]
    if not isinstance(value, Mapping) or value.keys() != shape.keys():
        keys = sorted(value) if isinstance(value, Mapping) else value
        return [f"{where}: has {keys}, must have {sorted(shape)}"]
    return [wrong for key, inner in shape.items() for wrong in wrong_in(value[key], inner, f"{where}.{key}")]


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
