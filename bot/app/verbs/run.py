"""``penstock run CONFIG``: paper accounts by the wall clock, at a pace, taken up again after a stop or a kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.app.cli_codes import EXIT_GOOD
from bot.app.config import Mode
from bot.app.loading import Loaded, load_all
from bot.app.markets import GeneratedMarket, MarketSource, RecordedMarket
from bot.app.paced import run_paced
from bot.app.verbs.output import tell
from bot.app.watching import live_view
from bot.domain.errors import InputError, Unsupported

PACE_MAX = 1e9                       # thirty years of market a second: nobody waits, and ns still fit 64 bits


def run_config(
    config: Path,
    *,
    tapes: Sequence[str],
    seed: int | None,
    pace: float | None,
    out: Path | None,
    environ: Mapping[str, str],
    as_json: bool,
) -> int:
    """Run until the tape ends or a person stops it."""
    loaded = load_all(config, environ)
    for name, account in loaded.config.accounts.items():
        if account.mode is not Mode.PAPER:
            raise Unsupported(
                f"accounts.{name}.mode: {account.mode.value} is not there yet; this version runs paper accounts"
            )
    if pace is not None and not 0 < pace <= PACE_MAX:
        raise InputError(f"--pace: must be above 0 and not above {PACE_MAX:g}, was {pace:g}")
    if out is None:
        raise InputError("run: needs --out DIR for its journal; the same folder takes the run up again")
    market = _market(loaded, tapes, seed)
    with live_view(market, is_quiet=as_json) as watching:
        finished = run_paced(
            loaded, market, pace=1.0 if pace is None else pace, title=f"Run of {config.name}", out=out,
            environ=environ, make_observers=watching,
        )
    if finished is None:
        if not as_json:
            print(f"stopped; the same command takes the run in {out} up again")
        return EXIT_GOOD
    return tell(finished, as_json=as_json)


def _market(loaded: Loaded, tapes: Sequence[str], seed: int | None) -> MarketSource:
    if (seed is None) == (not tapes):
        raise InputError("run: a paper account needs prices; give either --tape or --generate SEED")
    config = loaded.config
    return RecordedMarket.of(config, tapes) if seed is None else GeneratedMarket.open(seed, config.symbols)
