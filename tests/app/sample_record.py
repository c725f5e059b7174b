"""A run to draw: a day on which BTC falls by half and ETH by more, with a guard that sells in time.

The figures hang together (fills add up to parents, thresholds move with volatility), but nobody computed
them with the engine: they are for the eye and for the words.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.app.record import (
    DO_NOTHING,
    SELL_AT_ONCE,
    AccountSeries,
    AlarmCount,
    CostSources,
    ParentPath,
    RunRecord,
    StopPath,
)

START = datetime(2020, 3, 12, 6, 0, tzinfo=UTC)
STEP = timedelta(seconds=20)
POINTS = 2880                        # 16 hours
START_EQUITY = 1450.0
GUARD, EMERGENCY, LIQUIDATED = 800, 2362, 899
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
NS = 1_000_000_000


def at(place: float) -> datetime:
    return START + STEP * place


def iso(place: float) -> str:
    return at(place).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ns(place: float) -> int:
    return int(at(place).timestamp()) * NS


def price_path(start: float, end: float, seed: float) -> list[float]:
    """A quiet morning, a fall in two waves, a bounce; rough by sums of sines, the same every time."""
    path = []
    for place in range(POINTS):
        x = place / POINTS
        fallen = 0.62 / (1 + math.exp(-(x - 0.33) * 60)) + 0.38 / (1 + math.exp(-(x - 0.82) * 90))
        rough = sum(math.sin(seed + place / (3.1 * 2.3**k)) * 0.0012 * 1.7**k for k in range(5))
        path.append((start + (end - start) * fallen) * (1 + rough * (0.3 + fallen)))
    return path


def held(full: float, sales: list[tuple[int, float]]) -> list[float]:
    line, rest = [], full
    due = dict(sales)
    for place in range(POINTS):
        rest -= due.get(place, 0.0)
        line.append(round(rest, 6))
    return line


def sample_fills() -> list[dict[str, Any]]:
    btc, eth = price_path(7900, 3850, 0.4), price_path(195, 86, 2.0)
    fills = []
    for parent, symbol, marks, first, children, total in (
        ("p7a00sn000001", BTC, btc, 802, 14, 1.35), ("p7a01sn000002", ETH, eth, 802, 14, 12.6),
        ("p7a00sn000003", BTC, btc, EMERGENCY + 1, 3, 0.15),
    ):
        for child in range(children):
            place = first + 2 * child
            size = round(total / children, 6)
            fill_price = marks[place] * 0.9984
            fills.append({
                "ts": iso(place), "parent": parent, "child": f"{parent}{child:03d}", "symbol": symbol, "side": "sell",
                "quantity": f"{size}", "price": f"{fill_price:.2f}", "fee": f"{size * fill_price * 5e-4:.4f}",
                "liquidity": "taker", "modelled": True,
            })
    return fills


def sample_series() -> AccountSeries:
    fills = sample_fills()
    marks = {BTC: price_path(7900, 3850, 0.4), ETH: price_path(195, 86, 2.0)}
    quantities = {}
    for symbol, full in ((BTC, 1.5), (ETH, 14.0)):
        sales = [
            (round((datetime.fromisoformat(fill["ts"]) - START) / STEP), float(fill["quantity"]))
            for fill in fills if fill["symbol"] == symbol
        ]
        quantities[symbol] = held(full, sales)
    equity, distance, ratios, guard, emergency = [], [], [], [], []
    cash = START_EQUITY
    for place in range(POINTS):
        if place:
            cash += sum(quantities[s][place - 1] * (marks[s][place] - marks[s][place - 1]) for s in marks)
        notional = sum(abs(quantities[s][place]) * marks[s][place] for s in marks)
        equity.append(cash)
        far = max((cash - 0.005 * notional) / notional, 0.0)
        distance.append(far)
        ratios.append(0.005 * notional / cash if cash > 0 else None)
        rough = 0.008 + 0.006 * math.exp(-(((place - 950) / 260) ** 2))
        guard.append(min(max(6 * rough, 0.05), 0.08))
        emergency.append(min(max(3 * rough, 0.025), 0.04))
    return AccountSeries(
        ts=[ns(place) for place in range(POINTS)], equity=equity, distance=distance, margin_ratio=ratios,
        marks=marks, quantities=quantities, thresholds={"margin_guard": guard, "margin_emergency": emergency},
    )


def sample_fires() -> list[dict[str, Any]]:
    return [
        {"ts": iso(GUARD), "rule": "margin_guard", "scope": "main",
         "why": "account.liquidation_distance 7.75 % < clamp(6 * account.sigma(15m) 1.34 %, 5 %, 8 %) = 8 %",
         "readings": {"account.liquidation_distance": 0.0775, "account.sigma(15m)": 0.0134},
         "goal": "liquidation distance 30 %"},
        {"ts": iso(EMERGENCY), "rule": "margin_emergency", "scope": "main",
         "why": "account.liquidation_distance 3.12 % < clamp(3 * account.sigma(15m) 1.31 %, 2.5 %, 4 %) = 3.93 %",
         "readings": {"account.liquidation_distance": 0.0312, "account.sigma(15m)": 0.0131},
         "goal": "liquidation distance 10 %"},
        {"ts": iso(EMERGENCY + 4), "rule": "stop_loss", "scope": "main BTC/USDT:USDT",
         "why": "position.loss_ratio 48.2 % > 8 %", "readings": None, "goal": "flat"},
    ]


def sample_parents() -> list[dict[str, Any]]:
    marks = {BTC: price_path(7900, 3850, 0.4), ETH: price_path(195, 86, 2.0)}

    def parent(
        name: str, algo: str, quantity: str, span: tuple[int, int], reason: str, rules: list[str]
    ) -> dict[str, Any]:
        fills = [fill for fill in sample_fills() if fill["parent"] == name]
        filled = sum(float(fill["quantity"]) for fill in fills)
        average = sum(float(fill["quantity"]) * float(fill["price"]) for fill in fills) / filled
        symbol = fills[0]["symbol"]
        arrival = marks[symbol][span[0]]
        return {
            "id": name, "rules": rules, "account": "main", "symbol": symbol, "side": "sell", "algo": algo,
            "quantity": quantity, "filled": f"{filled:.6f}", "residual": "0", "arrival_price": f"{arrival:.2f}",
            "average_price": f"{average:.8f}", "market_vwap": None, "shortfall_bps": (1 - average / arrival) * 10_000,
            "fees": f"{sum(float(fill['fee']) for fill in fills):.4f}", "participation": 0.012,
            "children": len(fills), "started": iso(span[0]), "ended": iso(span[1]), "end_reason": reason,
        }

    return [
        parent("p7a00sn000001", "twap", "1.41", (GUARD, 830), "goal_met", ["margin_guard"]),
        parent("p7a01sn000002", "twap", "12.6", (GUARD, 832), "filled", ["margin_guard"]),
        parent("p7a00sn000003", "now", "0.15", (EMERGENCY, EMERGENCY + 6), "superseded",
               ["margin_emergency", "stop_loss"]),
    ]


def sample_summary() -> dict[str, Any]:
    series = sample_series()
    end = series.equity[-1]
    assert end is not None
    stages = [
        {"ts": iso(LIQUIDATED), "symbol": BTC, "notional": "9214.5", "fee": "46.07", "kind": "liquidation"},
        {"ts": iso(LIQUIDATED + 1), "symbol": ETH, "notional": "2210.1", "fee": "11.05", "kind": "liquidation"},
    ]
    return {
        "version": "0.1.0", "config_hash": "9f2c41d7aa00517be3b4c0",
        "timing": {"wall_seconds": 7.1, "events_per_second": 141_200},
        "tape": {
            "events": 1_002_313, "first_ts": iso(0), "last_ts": iso(POINTS - 1),
            "modelled": ["fills", "mark = last trade"],
        },
        "accounts": {"main": {
            "equity_start": "1450", "equity_end": f"{end:.8f}", "equity_min": "492.53",
            "margin_ratio_max": 0.138, "liquidation_distance_min": 0.0312, "liquidations": [],
            "realised_pnl": "-1012.5",
            "unrealised_pnl": "-88.1", "fees": "6.93", "funding": "-1.12", "recovery_rate": 0.71,
            "max_drawdown": 0.66,
            "sharpe": None, "sortino": None, "calmar": None,
        }},
        "rules": {
            "margin_guard": {"fires": 1, "false_fires": 0, "saved": "388.1", "cost": "31.2"},
            "margin_emergency": {"fires": 1, "false_fires": 0, "saved": None, "cost": None},
            "stop_loss": {"fires": 1, "false_fires": 0, "saved": None, "cost": None},
        },
        "fires": sample_fires(), "parents": sample_parents(), "fills": sample_fills(),
        "denials": {"RATE_EXCEEDED": 2, "NOTIONAL_BELOW_MIN": 1},
        "baselines": {"main": {
            "do_nothing": {"equity_end": "0", "liquidations": stages},
            "sell_at_once": {"equity_end": "1094.2", "shortfall_bps": 121.4},
        }},
    }


def sample_record() -> RunRecord:
    series = sample_series()
    full = {BTC: 1.5, ETH: 14.0}
    nothing, at_once = [], []
    for place in range(POINTS):
        worth = 1450 + sum(full[s] * ((series.marks[s][place] or 0) - (series.marks[s][0] or 0)) for s in full)
        nothing.append((ns(place), worth if place < LIQUIDATED else 0.0))
        at_once.append((ns(place), worth if place < GUARD + 1 else 1094.2))
    return RunRecord(
        title="Generated crash, after 12 March 2020", summary=sample_summary(), series={"main": series},
        baseline_series={"main": {DO_NOTHING: nothing, SELL_AT_ONCE: at_once}},
        story_facts=["The market is generated (seed 7), after 12 March 2020: BTC 7,900 to 3,782, worst hour -25 %."],
        parent_paths=sample_paths(),
        stops=[StopPath("main", BTC, [(ns(1), 6_400.0), (ns(GUARD), 6_100.0), (ns(900), None)], 2, [], 0.0, None)],
        alarms=[AlarmCount("feed_stale", 3, ns(10), ns(90), f"{BTC}: no price for 5 s")],
    )


def sample_paths() -> dict[str, ParentPath]:
    """Straight lines of what was due, the fills of the summary, and a cost that adds up to 12."""
    paths = {}
    for row in sample_parents():
        fills = [fill for fill in sample_fills() if fill["parent"] == row["id"]]
        started, ended = (int(datetime.fromisoformat(row[key]).timestamp()) * NS for key in ("started", "ended"))
        sold, filled = 0.0, []
        for fill in fills:
            sold += float(fill["quantity"])
            filled.append((int(datetime.fromisoformat(fill["ts"]).timestamp()) * NS, sold))
        paths[row["id"]] = ParentPath(
            due=[(started, 0.0), (ended, float(row["quantity"]))], filled=filled,
            costs=CostSources(delay=1.0, market=-5.0, spread=4.0, impact=10.0, fees=2.0),
        )
    return paths


def quiet_record() -> RunRecord:
    """The same account on a day on which nothing fires and nothing is sold."""
    count = 400
    ts = [ns(place) for place in range(count)]
    marks = [7900 + 20 * math.sin(place / 40) for place in range(count)]
    equity = [1450 + 1.5 * (mark - 7900) for mark in marks]
    series = AccountSeries(
        ts=ts, equity=equity, distance=[0.12] * count, margin_ratio=[0.05] * count, marks={BTC: marks},
        quantities={BTC: [1.5] * count}, thresholds={"margin_guard": [0.05] * count},
    )
    summary = sample_summary()
    figures = summary["accounts"]["main"] | {"equity_end": "1450.2", "fees": "0", "liquidation_distance_min": 0.119}
    summary |= {
        "accounts": {"main": figures}, "fires": [], "parents": [], "fills": [], "denials": {},
        "rules": {"margin_guard": {"fires": 0, "false_fires": 0, "saved": None, "cost": None}},
        "baselines": {"main": {"do_nothing": {"equity_end": "1450.2", "liquidations": []}, "sell_at_once": None}},
        "tape": summary["tape"] | {"last_ts": iso(count)},
    }
    nothing = list(zip(ts, equity, strict=True))
    return replace(sample_record(), title="A calm day", summary=summary, series={"main": series},
                   baseline_series={"main": {DO_NOTHING: nothing}}, parent_paths={}, stops=[], alarms=[])
