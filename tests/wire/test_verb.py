"""The command line of `penstock exchange`: what it refuses before it listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.cli import main
from bot.app.cli_codes import EXIT_GOOD

WORDS = ["exchange", "--key", "k", "--secret", "s", "--json"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--tape", "a.csv", "--generate", "calm"], "either --tape or --generate"),
        (["--pace", "0"], "--pace: must be above 0, was 0"),
        (["--generate", "storm"], "no market that can be generated"),
        (["--tape", "no-such-file.csv"], "no-such-file.csv"),
        (["--symbol", "BTC/USD:BTC"], "binanceusdm lists linear perpetuals only"),
        (["--symbol", "BTCUSDT"], "only perpetuals are simulated"),
        (["--position", "XRP/USDT:USDT=5"], "must be SYMBOL=AMOUNT of one of BTC/USDT:USDT"),
        (["--position", "BTC/USDT:USDT"], "must be SYMBOL=AMOUNT"),
        (["--position", "BTC/USDT:USDT=much"], "is no amount"),
        (["--position", "BTC/USDT:USDT=0.00001"], "at most 3 decimals"),
        (["--balance", "lots"], "--balance lots: is no amount"),
        (["--venue", "elsewhere"], "invalid choice"),
    ],
)
def test_exchange_refuses_what_it_cannot_serve(more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line that says what to do."""
    assert main([*WORDS, *more]) == 2
    assert said in capsys.readouterr().out


def test_exchange_refuses_a_plan_that_names_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before it listens, and with the faults that there are."""
    plan = tmp_path / "plan.json"
    plan.write_text('{"rules": [{"fault": "rain"}]}')
    assert main([*WORDS, "--faults", str(plan)]) == 2
    assert "executed_lost" in capsys.readouterr().out
    assert main([*WORDS, "--faults", str(tmp_path / "none.json")]) != EXIT_GOOD
