"""``penstock doctor CONFIG``: asks the venue everything that a daemon asks at its start, and sends no order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.app.cli_codes import EXIT_GOOD
from bot.app.config import Mode
from bot.app.daemon.clock import WallClock
from bot.app.daemon.live_connection import CLOCK_AHEAD_MAX, LiveConnection
from bot.app.loading import load_all
from bot.domain.errors import InputError
from bot.domain.instrument import TradingState
from bot.domain.scale import NS_PER_MS, to_text


def doctor(config: Path, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print what was found; raises InputError and CredentialError for what a daemon would not start with."""
    loaded = load_all(config, environ)
    paper = [name for name, spec in loaded.config.accounts.items() if spec.mode is Mode.PAPER]
    if paper:
        raise InputError(
            f"accounts.{paper[0]}.mode: is paper, which has no venue to be asked; `penstock check` looks the "
            "configuration over"
        )
    found = asyncio.run(_ask(config, environ))
    print(json.dumps(found) if as_json else "\n".join(_lines(found)))
    return EXIT_GOOD


async def _ask(config: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    connection = await LiveConnection.open(load_all(config, environ), WallClock())
    try:
        layout = connection.layout
        offset = connection.clock_offset
        return {
            "clock": None if offset is None else {
                "ahead_ms": offset.ahead / NS_PER_MS, "round_trip_ms": offset.round_trip / NS_PER_MS,
                "is_good": abs(offset.ahead) <= CLOCK_AHEAD_MAX,
            },
            "quotas": [
                {"limit": quota.limit, "unit": quota.unit.name.lower(), "seconds": quota.span / 1e9}
                for quota in connection.quotas
            ],
            "markets": [
                {
                    "symbol": instrument.symbol, "state": state.value,
                    "tick": to_text(instrument.filters.tick, instrument.price_digits),
                    "lot": to_text(instrument.filters.lot, instrument.quantity_digits),
                    "brackets": len(layout.tiers[instrument.index].tiers),
                }
                for instrument, state in zip(layout.instruments, connection.states, strict=True)
            ],
            "accounts": [
                {
                    "name": slot.name, "lacks": list(connection.lacks[slot.name]),
                    "position_mode": "hedge" if len(slot.sides) > 1 else "one_way",
                    "instruments": [
                        {
                            "symbol": layout.instruments[index].symbol, "margin_mode": slot.mode_of(index).value,
                            "leverage": slot.leverage_of(index),
                        }
                        for index in slot.instruments
                    ],
                }
                for slot in layout.accounts
            ],
        }
    finally:
        await connection.close()


def _lines(found: dict[str, Any]) -> list[str]:
    clock = found["clock"]
    lines = ["keys: taken; none may withdraw, where that could be asked"]
    if clock is not None:
        verdict = "good" if clock["is_good"] else "OFF: mend this machine's clock"
        lines.append(
            f"clock: the venue's is {clock['ahead_ms']:+.1f} ms ahead, {clock['round_trip_ms']:.1f} ms there and back; "
            f"{verdict}"
        )
    for market in found["markets"]:
        halted = "" if market["state"] == TradingState.TRADING.value else f", NOT TRADING: {market['state']}"
        lines.append(
            f"{market['symbol']}: tick {market['tick']}, lot {market['lot']}, {market['brackets']} brackets{halted}"
        )
    for account in found["accounts"]:
        lines.append(f"{account['name']}: {account['position_mode'].replace('_', '-')} mode")
        lines += [
            f"  {each['symbol']}: {each['margin_mode']}, leverage {each['leverage']:g}"
            for each in account["instruments"]
        ]
        lines += [f"  lacks: {lack}" for lack in account["lacks"]]
    return lines
