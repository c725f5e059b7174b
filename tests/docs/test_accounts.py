"""The page on kinds of accounts: every configuration on it runs as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.wiring import make_layout, make_venue
from tests.app.runs import NEVER_FIRES, flat, write_candles
from tests.shared_data import ROOT

PAGE = (ROOT / "docs" / "accounts.md").read_text(encoding="utf-8")
BLOCKS = [part.split("```")[0] for part in PAGE.split("```yaml\n")[1:]]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_configuration_of_the_page_opens_an_account(tmp_path: Path, number: int) -> None:
    """Who copies a block from the page has an account that the simulated venue takes."""
    (tmp_path / "rules.yaml").write_text(NEVER_FIRES, encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(BLOCKS[number], encoding="utf-8")
    loaded = load_all(config, {})
    bars = write_candles(tmp_path / "bars.csv", flat(10_000, 3))
    market = RecordedMarket.of(loaded.config, [f"{symbol}={bars}" for symbol in loaded.config.symbols])
    layout = make_layout(loaded.config, market)
    venue = make_venue(loaded.config, layout)
    assert venue.is_started(0) is False


def test_page_shows_every_kind_of_account() -> None:
    """Inverse, isolated, hedged and backed: four blocks."""
    assert len(BLOCKS) == 4
