"""What a running daemon says of an account: as an object, and as the line that a person reads."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.control.address import publish
from bot.adapters.control.server import ControlServer
from bot.app.daemon.answers import Answers
from bot.app.verbs.status import status_of
from tests import builders
from tests.daemon.house import LOT, house

IDLE = """
rules:
  stop:
    for_each: position
    when: position.loss_ratio > 99%
    do: close
"""
HEALTH = {"failure": None, "journal": None, "undelivered_alarms": 0}


@pytest.mark.parametrize(
    ("btc", "usdt", "why", "shown"),
    [
        (10 * LOT, 2_000, {"liquidation_distance": "none: no price liquidates it"}, "none: no price liquidates it"),
        (10 * LOT, 500, {}, "%"),
        (0, 500, {"liquidation_distance": "nothing held"}, "nothing held"),
    ],
    ids=["more cash than the position is worth", "leveraged", "flat"],
)
def test_status_distance_without_a_number_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    btc: int, usdt: int, why: dict[str, str], shown: str,
) -> None:
    """What no price can liquidate is not an unknown: both the object and the table say which of the two it is."""
    monkeypatch.setenv("COLUMNS", "200")         # so that no cell is wrapped

    async def live() -> dict[str, Any]:
        async with house(tmp_path, IDLE, btc=btc, usdt=usdt) as home:
            answers = Answers(home.driver, lambda: HEALTH)
            server = ControlServer(answers.answer)
            publish(tmp_path, await server.start("config.yaml"))
            await asyncio.to_thread(status_of, tmp_path, as_json=False)
            await server.close()
            main: dict[str, Any] = answers.status()["accounts"]["main"]
            return main

    main = asyncio.run(live())
    printed = capsys.readouterr().out
    assert main["why"] == why
    assert all(main[figure] is None for figure in why)
    assert shown in printed and "unknown" not in printed.partition("market")[0], printed


def test_status_on_a_terminal_of_80_columns_cuts_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is too long for its column goes on in the next line: a market or a reason that is cut says nothing."""
    monkeypatch.setenv("COLUMNS", "80")

    async def live() -> None:
        async with house(tmp_path, IDLE) as home:
            server = ControlServer(Answers(home.driver, lambda: HEALTH).answer)
            publish(tmp_path, await server.start("config.yaml"))
            await asyncio.to_thread(status_of, tmp_path, as_json=False)
            await server.close()

    asyncio.run(live())
    printed = capsys.readouterr().out
    assert "liquidates" in printed and "unprotected" in printed and "\N{HORIZONTAL ELLIPSIS}" not in printed, printed


def test_status_margin_ratio_of_an_account_without_equity_says_why(tmp_path: Path) -> None:
    """The venue says that the cash is gone, and has not liquidated yet: the ratio is no unknown."""
    async def live() -> dict[str, Any]:
        async with house(tmp_path, IDLE) as home:
            broke = builders.snapshot(0, usdt=0, btc=10 * LOT, entry=100)
            home.driver.inbox.tell(replace(broke, taken=home.clock.now()))
            await home.until(lambda: not home.engine.book.accounts[0].wallet)
            main: dict[str, Any] = Answers(home.driver, lambda: HEALTH).status()["accounts"]["main"]
            return main

    main = asyncio.run(live())
    assert main["why"] == {"margin_ratio": "infinite: equity is gone"}
    assert (main["margin_ratio"], main["liquidation_distance"]) == (None, 0.0)
