"""The setting behind ``account.margin_call``: from the file to the column that the engine reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.config import Config
from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.wiring import make_layout
from bot.domain.errors import InputError
from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.settings.load import load_text
from tests.app.runs import BTC, NEVER_FIRES, flat, write_candles, write_config

TEXT = """
accounts:
  main:
    instruments: ["BTC/USDT:USDT"]
    margin_call_grace: {grace}
strategies: [rules.yaml]
"""


@pytest.mark.parametrize(("written", "expected"), [("90s", 90 * NS_PER_SECOND), ("5m", 5 * NS_PER_MINUTE)])
def test_margin_call_grace_is_read_as_a_duration(written: str, expected: int) -> None:
    """What is written is what an account has."""
    config = load_text(TEXT.replace("{grace}", written), "penstock.yaml", Config, {})
    assert config.accounts["main"].margin_call_grace == expected


@pytest.mark.parametrize(
    ("written", "wanted"), [("0s", "must be above 0"), ("5", "write the unit"), ("-1s", "zero or")]
)
def test_margin_call_grace_that_is_no_time_is_refused_at_its_place(written: str, wanted: str) -> None:
    """A call that never stands is a rule that never fires; the place is the value's."""
    with pytest.raises(InputError, match=f"penstock.yaml:5:24: accounts.main.margin_call_grace.*{wanted}"):
        load_text(TEXT.replace("{grace}", written), "penstock.yaml", Config, {})


def test_margin_call_grace_of_the_file_is_the_engines(tmp_path: Path) -> None:
    """The layout that the engine is made from carries it, by account."""
    config = write_config(tmp_path, {}, usdt="1000", books=[NEVER_FIRES], instruments=[BTC])
    tape = write_candles(tmp_path / "BTCUSDT.csv", flat(100, 2))
    text = config.read_text(encoding="utf-8")
    mode = "    mode: paper\n"
    config.write_text(text.replace(mode, f"{mode}    margin_call_grace: 90s\n"), encoding="utf-8")
    loaded = load_all(config, {})
    market = RecordedMarket.open([f"{BTC}={tape}"], loaded.config.symbols)
    assert [slot.margin_call_grace for slot in make_layout(loaded.config, market).accounts] == [90 * NS_PER_SECOND]
