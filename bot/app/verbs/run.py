"""``penstock run CONFIG``: paper accounts by the wall clock, at a pace, or the daemon on a venue.

Both are taken up again after a stop or a kill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.app.cli_codes import EXIT_GOOD
from bot.app.config import Mode
from bot.app.generated import open_prices
from bot.app.loading import Loaded, load_all
from bot.app.paced import run_paced
from bot.app.verbs.output import tell
from bot.app.watching import live_view
from bot.domain.errors import InputError

PACE_MAX = 1e9                       # thirty years of market a second: nobody waits, and ns still fit 64 bits


def run_config(
    config: Path,
    *,
    tapes: Sequence[str],
    generate: str | None,
    pace: float | None,
    out: Path | None,
    environ: Mapping[str, str],
    is_live: bool,
    is_live_priced: bool,
    as_json: bool,
) -> int:
    """Run until the tape ends or a person stops it."""
    loaded = load_all(config, environ)
    if is_live or any(account.mode is not Mode.PAPER for account in loaded.config.accounts.values()):
        if is_live_priced:
            raise InputError("run --live-prices: is for paper accounts; a live account has no others")
        return _run_daemon(loaded, tapes, generate, pace, out, environ, is_live=is_live)
    if is_live_priced:
        return _run_on_live_prices(loaded, tapes, generate, pace, out, environ)
    out = _required(out)
    if pace is not None and not 0 < pace <= PACE_MAX:
        raise InputError(
            f"--pace: must be above 0 and not above {PACE_MAX:g}, was {pace:g}; write 60 for a minute in a second"
        )
    market = open_prices(loaded.config, tapes, generate, where="run")
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


def _run_daemon(
    loaded: Loaded, tapes: Sequence[str], generate: str | None, pace: float | None, out: Path | None,
    environ: Mapping[str, str], *, is_live: bool,
) -> int:
    from bot.app.verbs.live import run_daemon

    if tapes or generate is not None or pace is not None:
        modes = ", ".join(f"{name} is {account.mode.value}" for name, account in loaded.config.accounts.items())
        raise InputError(f"run: --tape, --generate and --pace go with paper accounts, and {modes}; leave them out")
    return run_daemon(loaded, _required(out), environ, is_confirmed=is_live)


def _run_on_live_prices(
    loaded: Loaded, tapes: Sequence[str], generate: str | None, pace: float | None, out: Path | None,
    environ: Mapping[str, str],
) -> int:
    from bot.app.verbs.live import run_paper

    if tapes or generate is not None or pace is not None:
        raise InputError("run --live-prices: takes no --tape, --generate or --pace; leave one or the other out")
    return run_paper(loaded, _required(out), environ)


def _required(out: Path | None) -> Path:
    if out is None:
        raise InputError("run: needs --out DIR for its journal; the same folder takes the run up again")
    return out
