"""What a rule was worth: what it saved, and when a fire was false, against the account left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.app.recorder import RunRecorder
from bot.app.worth import rule_worth
from bot.domain.names import child_name
from bot.domain.order import Side
from bot.domain.scale import CASH_UNIT
from tests.app.runs import (
    BTC,
    STOP_NOW,
    Bar,
    flat,
    long_of,
    one_object,
    penstock,
    slide,
    write_candles,
    write_config,
)

STAGE = {"ts": "2020-03-12T00:10:00.000000Z", "symbol": BTC, "notional": "1", "fee": "0", "kind": "full"}


def parent(*rules: str) -> Any:
    """A parent that sold at its arrival price, without fees."""
    opened = SimpleNamespace(key=SimpleNamespace(instrument=0), side=Side.SELL, arrival_price=100)
    return SimpleNamespace(opened=opened, rules=rules, value=0, filled=0, fees=0)


def ended_with(
    equity: Sequence[int], fires: Sequence[tuple[str, int]], sold: Sequence[tuple[str, int, int]],
    parents: dict[str, Any], settle: Sequence[str] = ("USDT", "USDT"),
) -> RunRecorder:
    """A run that has ended: equity by account, (rule, account) of fires, (parent, account, value) of fills."""
    instrument = SimpleNamespace(
        value=lambda *, price, quantity: price * quantity, value_multiplier=1, kind=None
    )
    layout = SimpleNamespace(
        accounts=[SimpleNamespace(name=f"a{number}", settle=money) for number, money in enumerate(settle)],
        instruments=[instrument],
    )
    columns = SimpleNamespace(equity=[amount * CASH_UNIT for amount in equity])
    return cast(RunRecorder, SimpleNamespace(
        engine=SimpleNamespace(layout=layout, columns=columns),
        fires=[SimpleNamespace(rule=rule, element=SimpleNamespace(account=account)) for rule, account in fires],
        fills=[
            SimpleNamespace(
                account=account, key=SimpleNamespace(instrument=0), price=1, quantity=value, name=child_name(name, 0)
            )
            for name, account, value in sold
        ],
        parents=parents,
    ))


def alone(*equity_end: str, liquidations: Sequence[Any] = ()) -> dict[str, dict[str, Any]]:
    """Do-nothing baselines of the accounts, by name."""
    return {
        f"a{number}": {"do_nothing": {"equity_end": end, "liquidations": list(liquidations)}}
        for number, end in enumerate(equity_end)
    }


# False fires ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "left_alone", "is_liquidated", "is_false"),
    [(900, "901", False, True), (900, "900", False, False), (900, "899", False, False), (900, "901", True, False)],
)
def test_fire_is_false_when_the_account_left_alone_lived_and_ended_better(
    ours: int, left_alone: str, is_liquidated: bool, is_false: bool
) -> None:
    """Both at once: equal is not better, and one that the venue liquidated was in danger whatever it ended with."""
    run = ended_with([ours, 0], [("guard", 0), ("guard", 0)], [], {})
    stages = [STAGE] if is_liquidated else []
    found = rule_worth(run, "guard", alone(left_alone, "0", liquidations=stages))
    assert (found["fires"], found["false_fires"]) == (2, 2 if is_false else 0)


def test_false_fires_are_counted_account_by_account() -> None:
    """In one account doing nothing was better, in the other it was not."""
    run = ended_with([900, 900], [("guard", 0), ("guard", 1), ("guard", 1)], [], {})
    assert rule_worth(run, "guard", alone("1000", "100"))["false_fires"] == 1


# Saved ---------------------------------------------------------------------------------------------------


def test_saved_is_shared_by_the_value_that_each_rule_traded() -> None:
    """A gain of 600: the guard sold 20, guard and stop together 20, a resting stop 20; 300, 100 and for none 200."""
    parents = {"p": parent("guard"), "q": parent("guard", "stop")}
    run = ended_with([900, 0], [("guard", 0), ("stop", 0)], [("p", 0, 20), ("q", 0, 20), ("zz", 0, 20)], parents)
    baselines = alone("300", "0")
    assert rule_worth(run, "guard", baselines)["saved"] == "300"
    assert rule_worth(run, "stop", baselines)["saved"] == "100"


def test_saved_is_negative_when_doing_nothing_was_better() -> None:
    """What it cost to be careful is told as plainly as what it saved."""
    run = ended_with([900, 0], [("guard", 0)], [("p", 0, 20)], {"p": parent("guard")})
    assert rule_worth(run, "guard", alone("1000", "0"))["saved"] == "-100"


def test_rule_that_fired_and_sold_nothing_saved_nothing() -> None:
    """Another rule's sales are not its own; nor is a gain without any sale."""
    run = ended_with([900, 0], [("guard", 0), ("late", 0)], [("p", 0, 20)], {"p": parent("guard")})
    assert rule_worth(run, "late", alone("300", "0"))["saved"] == "0"
    assert rule_worth(ended_with([900, 0], [("guard", 0)], [], {}), "guard", alone("300", "0"))["saved"] == "0"


def test_rule_over_accounts_of_two_currencies_has_no_sum() -> None:
    """Dollars and coins do not add up; over one of the two they are told."""
    baselines = alone("300", "0")
    fills, parents = [("p", 0, 20), ("q", 1, 20)], {"p": parent("guard"), "q": parent("guard")}
    both = ended_with([900, 2], [("guard", 0), ("guard", 1)], fills, parents, settle=("USDT", "BTC"))
    found = rule_worth(both, "guard", baselines)
    assert (found["saved"], found["cost"], found["fires"]) == (None, None, 2)
    one = ended_with([900, 2], [("guard", 1)], fills, parents, settle=("USDT", "BTC"))
    assert rule_worth(one, "guard", baselines)["saved"] == "2"


# The program ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "false_fires"), [([*slide(9_500, 10_000, 10), *flat(10_000, 5)], 1), (slide(9_500, 9_000, 15), 0)],
    ids=["it comes back", "it goes on"],
)
def test_stop_is_false_when_the_price_comes_back(tmp_path: Path, after: list[Bar], false_fires: int) -> None:
    """Twice leveraged, nobody is ever in danger: what the price does next says whether the stop was worth it."""
    bars = [*flat(10_000, 5), *slide(10_000, 9_500, 10), *after]
    config = write_config(tmp_path, {BTC: long_of("1")}, usdt="5_000", books=[STOP_NOW], instruments=[BTC])
    run = penstock("replay", config, "--tape", f"{BTC}={write_candles(tmp_path / 'btc.csv', bars)}", "--json")
    summary = one_object(run.stdout)
    rule = summary["rules"]["stop"]
    gain = float(summary["accounts"]["main"]["equity_end"]) - float(
        summary["baselines"]["main"]["do_nothing"]["equity_end"]
    )
    assert (rule["fires"], rule["false_fires"]) == (1, false_fires)
    assert float(rule["saved"]) == pytest.approx(gain)
    assert (gain < 0) == bool(false_fires)
