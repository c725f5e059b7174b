"""What a watched run says of its parents while it goes on."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from bot.app.progress import LiveView
from bot.app.recorder import RunRecorder
from bot.app.watching import Watching
from bot.domain.copying import replace
from bot.domain.effects import OpenParent, ReviseParent
from bot.domain.scale import NS_PER_MINUTE
from tests.builders import STOP, T0, trade
from tests.engine.driver import long_of


def told(*sizes: int) -> list[str]:
    """The lines about one parent that is opened by a stop and resized to each of ``sizes``, thousandths."""
    trader = long_of(1_000, STOP)
    watching = Watching(
        trader.engine, RunRecorder(trader.engine, NS_PER_MINUTE), LiveView(Console(file=StringIO())),
        (T0, T0 + NS_PER_MINUTE), seconds=None,
    )
    trader.step(trade(1, 7_500))
    (opened,) = trader.found(OpenParent)
    revised = ReviseParent(opened.parent, opened.quantity, opened.keep, opened.obligations, opened.now)
    effects = [opened, *(replace(revised, quantity=size) for size in sizes)]
    watching.recorder.on_effects(effects)
    watching.on_effects(effects)
    return [decision.text for decision in watching.decisions]


def test_parent_that_grows_is_announced_with_its_new_size() -> None:
    """Who reads lines and not the screen knows how much is being sold now, and how much was said before."""
    assert told(1_500) == ["sell 1 BTC by now, arrival 7500", "sell 1.5 BTC in all, not 1, by now"]


def test_parent_that_changes_by_crumbs_is_announced_when_they_add_up_to_a_tenth() -> None:
    """Plans move a little with every fill; only what differs from the last word by a tenth is news."""
    assert told(1_050, 1_099, 1_000)[1:] == []
    assert told(1_050, 1_100, 1_150)[1:] == ["sell 1.1 BTC in all, not 1, by now"]
    assert told(900)[1:] == ["sell 0.9 BTC in all, not 1, by now"]
