"""``penstock replay CONFIG --tape ...``, or ``--generate KIND``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.app.far_entries import far_entries
from bot.app.generated import open_prices
from bot.app.gone_at_once import gone_at_once
from bot.app.loading import load_all
from bot.app.running import replay
from bot.app.verbs.output import tell
from bot.app.watching import live_view


def replay_config(
    config: Path,
    *,
    tapes: Sequence[str],
    generate: str | None,
    out: Path | None,
    environ: Mapping[str, str],
    as_json: bool,
) -> int:
    """Replay the configuration's accounts over the tapes, or a generated market, and print the outcome."""
    loaded = load_all(config, environ)
    market = open_prices(loaded.config, tapes, generate, where="replay")
    with live_view(market, is_quiet=as_json) as watching:
        finished = replay(loaded, market, title=f"Replay of {config.name}", out=out, make_observers=watching)
    code = tell(finished, as_json=as_json)
    if not as_json:
        for note in (*far_entries(loaded.config, finished.record), *gone_at_once(loaded.config, finished.record)):
            print(f"note: {note}", file=sys.stderr)
    return code
