"""What a configuration says of the venue reaches the venue: fee tiers, latencies, the insurance fund."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.app.loading import load_all
from bot.app.markets import RecordedMarket
from bot.app.running import replay
from bot.app.wiring import make_layout, venue_spec
from bot.domain.errors import InputError
from bot.domain.scale import CASH_UNIT, NS_PER_MS
from paper.spec import FeeTier
from tests.app.runs import BTC, crash, long_of, write_candles, write_config

STOP = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 3%
    do: close
"""
TERMS = (
    "      fees: {maker: 2bps, taker: 5bps, tiers: [{volume: 15_000_000, maker: 1bps, taker: 4bps}]}\n"
    "      report_latency: 80ms\n"
    "      insurance: {USDT: 1_000}\n"
)


def loaded_with(folder: Path, more: str) -> tuple[Path, str]:
    """Write a configuration whose paper section ends with ``more``, and a tape that falls."""
    config = write_config(folder, {BTC: long_of("1")}, usdt="1_000", books=[STOP], instruments=[BTC], more=more)
    return config, f"{BTC}={write_candles(folder / 'btc.csv', crash())}"


def test_venue_has_the_terms_that_the_configuration_gives_it(tmp_path: Path) -> None:
    """Tiers, the way back of reports and the fund, each in the venue's own unit."""
    config, tape = loaded_with(tmp_path, TERMS)
    loaded = load_all(config, {})
    spec = venue_spec(loaded.config, make_layout(loaded.config, RecordedMarket.of(loaded.config, [tape])))
    assert spec.fee_tiers == (FeeTier(15_000_000, 0.0001, 0.0004),)
    assert (spec.latency, spec.report_latency) == (50 * NS_PER_MS, 80 * NS_PER_MS)
    assert spec.insurance == {"USDT": 1_000 * CASH_UNIT}


def test_report_latency_moves_when_we_hear_and_not_when_the_venue_fills(tmp_path: Path) -> None:
    """A slower way back leaves the first fill where it was; the fees of the first tier hold on the first day."""
    told = {}
    for way in ("50ms", "2s"):
        folder = tmp_path / way
        folder.mkdir()
        config, tape = loaded_with(folder, TERMS.replace("80ms", way))
        loaded = load_all(config, {})
        summary = replay(loaded, RecordedMarket.of(loaded.config, [tape]), title=way, out=None).record.summary
        told[way] = json.loads(json.dumps(summary))["fills"][0]
    assert told["50ms"]["price"] == told["2s"]["price"]
    fill = told["50ms"]
    value = float(fill["price"]) * float(fill["quantity"])
    assert float(fill["fee"]) == pytest.approx(value * 0.0005, abs=1e-7)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("      fees: {tiers: [{volume: 5, maker: 0, taker: 0}, {volume: 4, maker: 0, taker: 0}]}\n", "must rise"),
        ("      fees: {tiers: [{volume: 0, maker: 0, taker: 0}]}\n", "volume: must be above 0"),
        ("      fees: {tiers: [{volume: 5, maker: 0, taker: 60%}]}\n", "taker: must lie between"),
        ("      report_latency: 0ms\n", "report_latency: must be above 0"),
        ("      insurance: {USDT: -1}\n", "insurance: must not be below 0"),
    ],
)
def test_terms_that_no_venue_has_are_refused_at_their_place(tmp_path: Path, more: str, said: str) -> None:
    """The line and column of the slip, and what to write instead."""
    config, _ = loaded_with(tmp_path, more)
    with pytest.raises(InputError) as refused:
        load_all(config, {})
    assert str(refused.value).startswith(f"{config}:")
    assert said in str(refused.value)
