"""What an ``execute:`` block may say: combinations that mean nothing are refused with the cure."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.scale import NS_PER_MINUTE, NS_PER_SECOND
from bot.execution.spec import PATIENCE_MAX, PATIENCE_MIN, Algo, ExecutionSpec, Tactic

HOUR = 60 * NS_PER_MINUTE


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"algo": Algo.VWAP}, "over: vwap needs a length of time"),
        ({"algo": Algo.TWAP}, "over: twap needs a length of time"),
        ({"algo": Algo.TWAP, "over": HOUR, "history": "h.csv"}, "history: has a meaning with `algo: vwap` only"),
        ({"patience": NS_PER_SECOND}, "patience: must be above 0, and has a meaning with `tactic: passive` only"),
        ({"tactic": Tactic.PASSIVE, "patience": 0}, "patience: must be above 0"),
        ({"budget": 0.0}, "budget: must be above 0%"), ({"budget": 1.0}, "budget: must be above 0% and below 100%"),
        ({"algo": Algo.VWAP, "over": HOUR, "slice": 2 * HOUR}, "slice: must be above 0"),
    ],
)
def test_execution_that_means_nothing_is_refused_with_its_cure(said: dict[str, Any], word: str) -> None:
    """Better at load than found out in a sale."""
    with pytest.raises(ValueError, match="^" + word.replace("(", r"\(")):
        ExecutionSpec(**said)


@pytest.mark.parametrize(
    "said",
    [
        {"algo": Algo.VWAP, "over": HOUR}, {"algo": Algo.VWAP, "over": HOUR, "history": "h.csv"},
        {"tactic": Tactic.PASSIVE, "patience": 1}, {"budget": 0.0001}, {"budget": 0.9999},
    ],
)
def test_execution_just_inside_its_limits_is_taken(said: dict[str, Any]) -> None:
    """The other side of each limit."""
    ExecutionSpec(**said)


@pytest.mark.parametrize(
    ("over", "patience"), [(60, PATIENCE_MIN), (300, PATIENCE_MIN), (600, 20 * NS_PER_SECOND), (86_400, PATIENCE_MAX)]
)
def test_patience_that_nobody_states_is_two_slices_within_bounds(over: int, patience: int) -> None:
    """Slices of 5, 5, 10 and 1,440 seconds."""
    spec = ExecutionSpec(algo=Algo.TWAP, over=over * NS_PER_SECOND, tactic=Tactic.PASSIVE)
    assert spec.patience_or_default == patience
