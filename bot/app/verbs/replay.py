"""``penstock replay CONFIG --tape ...``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.running import replay
from bot.app.verbs.output import tell
from bot.app.watching import live_view
from bot.domain.errors import InputError


def replay_config(
    config: Path, tapes: Sequence[str], out: Path | None, environ: Mapping[str, str], *, as_json: bool
) -> int:
    """Replay the configuration's accounts over the tapes and print the outcome."""
    loaded = load_all(config, environ)
    symbols = list(
        dict.fromkeys(symbol for account in loaded.config.accounts.values() for symbol in account.instruments)
    )
    market = RecordedMarket.open(tapes, symbols)
    with_tape = {tape.instrument.symbol for tape in market.tapes}
    for name, account in loaded.config.accounts.items():
        for symbol in account.paper.positions:
            if symbol not in with_tape:
                raise InputError(
                    f"replay: account {name} holds {symbol}, and no --tape has its prices; add --tape {symbol}=PATH"
                )
    with live_view(market, is_quiet=as_json) as watching:
        finished = replay(loaded, market, title=f"Replay of {config.name}", out=out, make_observers=watching)
    return tell(finished, as_json=as_json)
