"""Kill -9 around a person's sale: between word and step, step and commit, orders and their fills."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.kills import die_and_go_on
from bot.adapters.wishes import WishFile
from bot.domain.account import PositionKey
from bot.domain.sale import Sale, SaleTerms, TakeSale
from bot.domain.scale import NS_PER_SECOND
from tests.app.killing import journal_of
from tests.recovery.dying import live
from tests.recovery.judging import outcome
from tests.recovery.scripts import sale

POINTS = 4                           # lives of two seconds, most of them asleep
ASKED = 900                          # of 1,500 thousandths


def say(out: Path) -> None:
    """Write the word before the run begins: its first look finds it, and so does that of every later process."""
    out.mkdir()
    what = Sale("once", PositionKey(0, 0), SaleTerms(24 * NS_PER_SECOND, "taker"), ASKED)
    for _ in range(2):
        WishFile(out).say({
            "verb": "sell", "sale": msgspec.to_builtins(what), "until": None, "account": "main", "reason": "r",
            "by": "ann", "at": datetime.now(UTC).isoformat(),
        })


def test_sale_killed_at_any_instant_is_sold_once_to_the_lot(tmp_path: Path) -> None:
    """Said twice by one name, killed at instants spread over the run: as much is held as where nobody died."""
    script = sale(tmp_path / "script")
    say(tmp_path / "calm")
    instants = live(script, tmp_path / "calm")
    assert instants is not None and instants > 40
    calm = outcome(tmp_path / "calm")
    assert list(calm.traded.values()) == [-ASKED]
    for number in range(POINTS):
        out = tmp_path / f"run{number}"
        say(out)
        last = 3 + number * (instants - 3) // POINTS
        kills, wrong = die_and_go_on(script, out, calm, last=last, again=9 if number == 2 else None)
        assert kills >= 1
        assert wrong is None, f"killed at {last}: {wrong}"
        with journal_of(out) as journal:
            assert len(list(journal.effects_of(TakeSale))) == 1
