"""What a person reads of a goal: in the summary, in `check`, wherever a fire is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.summary import goal_text
from bot.domain.effects import Goal, GoalKind
from tests.app.runs import BTC, ETH, long_of, write_config
from tests.builders import STRATEGIES


@pytest.mark.parametrize(
    ("goal", "text"),
    [
        (Goal(GoalKind.FLAT), "flat"),
        (Goal(GoalKind.REDUCE, 0.5), "reduce 50%"),
        (Goal(GoalKind.LEVERAGE, 4.0), "leverage 4"),
        (Goal(GoalKind.LIQUIDATION_DISTANCE, 0.3), "liquidation_distance 30%"),
        (Goal(GoalKind.GROSS_NOTIONAL, 200_000.0, "USDT"), "gross_notional 200,000 USDT"),
        (Goal(GoalKind.NET_NOTIONAL, 12.5, "BTC"), "net_notional 12.50 BTC"),
    ],
)
def test_goal_text_is_what_a_person_says(goal: Goal, text: str) -> None:
    """Shares in percent, multiples bare, amounts with their currency."""
    assert goal_text(goal) == text


def test_check_says_at_which_prices_a_book_comes_to_its_caps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """20 BTC at 8,000 less 250 ETH at 200 are 210,000 gross and 110,000 net: caps of 250,000 and 125,000 lie above."""
    config = write_config(
        tmp_path, {BTC: long_of("20", "8000"), ETH: long_of("-250", "200")}, usdt="100000",
        books=[STRATEGIES / "exposure_caps.yaml"],
    )
    assert main(["check", str(config)]) == 0
    text = capsys.readouterr().out
    assert "then gross_notional 200,000 USDT, twap" in text
    assert f"when gross_notional 250,000, main: {BTC} at 9,523.81 (+19.0 %), {ETH} at 238.095 (+19.0 %)" in text
    assert f"when net_notional 125,000, main: {BTC} at 9,090.91 (+13.6 %), {ETH} at 227.273 (+13.6 %)" in text
    assert f"do net_notional 100,000, main: {BTC} at its entry already" in text

    assert main(["check", str(config), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {level["measure"] for level in found["levels"]} == {"account.leverage"}, "no bracket says what a cap means"


def test_check_warns_of_an_account_that_starts_above_its_cap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """32 BTC at 8,000 are 256,000: the gross cap and the net cap would both fire at once."""
    config = write_config(
        tmp_path, {BTC: long_of("32", "8000")}, usdt="100000", books=[STRATEGIES / "exposure_caps.yaml"]
    )
    assert main(["check", str(config)]) == 0
    text = capsys.readouterr().out
    assert "starts inside gross_cap" in text
    assert "starts inside net_cap" in text
    assert "starts inside leverage_cap" not in text
