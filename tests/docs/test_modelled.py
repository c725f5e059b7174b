"""The page of what is modelled says the constants that the simulated venue has."""

from __future__ import annotations

from bot.app.paper_config import FeesSpec, PaperSpec
from bot.app.performance import HOURS_MIN, HOURS_PER_YEAR
from bot.domain.scale import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS
from paper.spec import LIQUIDATION_FEE_DEFAULT, MARGIN_CALL_LEVEL, MARGIN_CALL_PAUSE, ImpactSpec
from tests.shared_data import ROOT

DOCS = ROOT / "docs"
MODELLED = (DOCS / "what-is-modelled.md").read_text(encoding="utf-8")
RESCUE = (DOCS / "how-a-rescue-works.md").read_text(encoding="utf-8")


def test_page_of_the_model_has_the_constants_of_the_impact() -> None:
    """A constant that changes without its page fails here."""
    spec = ImpactSpec()
    for row in (
        f"| factor before the impact | {spec.y:g} |",
        f"| half spread, at least | {spec.half_spread_min * 10_000:g} bps |",
        f"| half spread, of the usual move of a minute | {spec.half_spread_of_minute_sigma * 100:g} % |",
        f"| what we took is forgotten by half in | {spec.memory_half_life / NS_PER_MINUTE:g} minutes |",
        f"| a bar is wide from | {spec.wide_bar_factor:g} times the median range of the last 60 |",
        f"| a fill in a wide bar lies away from the last price by | {spec.wide_bar_share * 100:g} % of its range |",
    ):
        assert row in MODELLED


def test_page_of_the_model_has_the_constants_of_the_venue() -> None:
    """Fees, latency, the liquidation's fee and the margin call are what an account gets that says nothing."""
    fees, latency = FeesSpec(), PaperSpec().latency
    assert f"{LIQUIDATION_FEE_DEFAULT * 100:g} % where the symbol's own is not known" in MODELLED
    assert f"at {MARGIN_CALL_LEVEL * 100:g} % of the way, at most once an hour" in MODELLED
    assert MARGIN_CALL_PAUSE == NS_PER_HOUR
    assert f"{latency / NS_PER_MS:g} ms each way" in MODELLED
    assert f"{fees.maker * 10_000:g} bps maker, {fees.taker * 10_000:g} bps taker" in MODELLED


def test_page_of_a_rescue_has_the_definitions_of_the_ratios() -> None:
    """Hours in a year and the shortest run are those of the code; so is the standard error it warns of."""
    assert f"a year has {HOURS_PER_YEAR:,} of them" in RESCUE
    assert f"sqrt({HOURS_PER_YEAR})" in RESCUE
    assert f"fewer than {HOURS_MIN} whole hours" in RESCUE
    assert f"which is {(HOURS_PER_YEAR / HOURS_MIN) ** 0.5:.0f} after a day" in RESCUE
    assert f"and {12 ** 0.5:.1f} after a month" in RESCUE
