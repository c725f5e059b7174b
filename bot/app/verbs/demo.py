"""``penstock run`` without a configuration: a leveraged paper account goes through a generated crash."""

from __future__ import annotations

from pathlib import Path

from bot.app.loading import DEFAULT_CONFIG, load_all
from bot.app.markets import GeneratedMarket
from bot.app.running import replay
from bot.app.verbs.output import tell
from bot.app.watching import live_view


def run_demo(seed: int, out: Path, *, as_json: bool) -> int:
    """Run the embedded default in fast time, offline, and print the outcome.

    The environment plays no part: the demonstration is the same wherever it runs.
    """
    loaded = load_all(DEFAULT_CONFIG, {})
    account = next(iter(loaded.config.accounts.values()))
    market = GeneratedMarket.open(seed, account.instruments)
    with live_view(market, is_quiet=as_json, seconds=DEMO_SECONDS) as watching:
        finished = replay(
            loaded, market, title="A crash like that of 12 March 2020", out=out, story_facts=market.story,
            make_observers=watching,
        )
    return tell(finished, as_json=as_json)


DEMO_SECONDS = 8                     # for the calm hours, on a terminal; the rescue is shown at its own pace
