"""A person's resting buy below the market, from the configuration through a crash: cancelled in time, or filled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.events import FillOrigin, OpenOrderGone, OrderFilled
from bot.domain.open_order import CancelForeignOrder
from tests.app.killing import Script, folded_twice, journal_of
from tests.app.runs import BTC, NO_STOPS, STRATEGIES, flat, long_of, penstock, slide, write_candles, write_config

ORDERS = f"""      orders:
        - {{symbol: "{BTC}", side: buy, amount: 1, price: 9_000}}
        - {{symbol: "{BTC}", side: sell, amount: 0.2, price: 12_000, reduce_only: true}}
"""


def replayed(folder: Path, *, more: str = "") -> dict[str, Any]:
    """A long of 1 BTC with a guard, and a person's buy that rests at 9,000: the fall goes past it in one step."""
    folder.mkdir()
    config = write_config(
        folder, {BTC: long_of("1")}, usdt="1400", books=[STRATEGIES / "margin_guard.yaml"], instruments=[BTC],
        more=ORDERS + NO_STOPS + more,
    )
    fall = [*flat(10_000.01, 5), *slide(10_000.01, 9_180, 8), *slide(8_980, 8_700, 20)]
    tape = write_candles(folder / "btc.csv", fall)
    found = penstock("replay", config, "--tape", f"{BTC}={tape}", "--out", folder / "out", "--json")
    assert found.stdout, found.stderr
    return {"code": found.returncode, **json.loads(found.stdout)}


def items_of(out: Path) -> list[object]:
    with journal_of(out) as journal:
        return [item for _, item in journal.read()]


@pytest.fixture(scope="module")
def cancelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The run as it is by default."""
    folder = tmp_path_factory.mktemp("cancelled") / "run"
    return folder / "out", replayed(folder)


def bought_outside(items: list[object]) -> int:
    return sum(
        item.quantity for item in items if isinstance(item, OrderFilled) and item.origin is FillOrigin.EXTERNAL
    )


def test_crash_does_not_fill_the_buy_that_the_emergency_cancelled(
    tmp_path: Path, cancelled: tuple[Path, dict[str, Any]]
) -> None:
    """With the opt-out the position doubles in the fall; by default the buy is gone before the price comes by."""
    out, told = cancelled
    items = items_of(out)
    assert bought_outside(items) == 0
    cancels = [item for item in items if isinstance(item, CancelForeignOrder)]
    assert [cancel.order.name for cancel in cancels] == ["outside-1"]
    assert cancels[0].order.venue_id in [item.venue_id for item in items if isinstance(item, OpenOrderGone)]

    left_alone = replayed(tmp_path / "alone", more="    cancel_opening: false\n")
    others = items_of(tmp_path / "alone" / "out")
    assert bought_outside(others) == 1_000
    assert not any(isinstance(item, CancelForeignOrder) for item in others)
    end, alone = (float(each["accounts"]["main"]["equity_end"]) for each in (told, left_alone))
    assert end > alone


def test_cancel_is_explained_with_its_reason(cancelled: tuple[Path, dict[str, Any]]) -> None:
    """Whoever asks why the order went is told: which, when, and which rule."""
    out, _ = cancelled
    text = penstock("explain", out).stdout
    assert "cancelled somebody's buy of 1 of main BTC/USDT:USDT at 9000 (outside-1)" in text.replace("\n    ", " ")
    assert "margin_guard fired" in text
    told = json.loads(penstock("explain", out, "--json").stdout)
    (cancel,) = told["cancelled_orders"]
    assert cancel["order"] == "outside-1"
    assert cancel["side"] == "buy"


def test_record_of_a_cancelled_order_folds_to_the_same_book(cancelled: tuple[Path, dict[str, Any]]) -> None:
    """Facts of others' orders are in the journal like any fact."""
    out, _ = cancelled
    with journal_of(out) as journal:
        assert journal.verify() > 0
        script = Script(out.parent / "config.yaml", (f"{BTC}={out.parent / 'btc.csv'}",), 1.0)
        kept, again = folded_twice(journal, script.layout())
    assert kept == again
