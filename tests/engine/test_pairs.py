"""Every two bundled rules on one book: a sample of what ``python -m bench.pairs`` runs whole."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from tests.engine.pairs import Verdict, judged, pairs

STRIDE = 7                           # a prime, so that neighbours in the list go through different markets
PARTS = 2
SAMPLE = pairs()[::3]                # the rest, and the other markets, are for the bench


@cache
def sample(part: int) -> list[Verdict]:
    """Each pair of one part of the sample in one market of its own."""
    return [judged(pair, STRIDE * place % 200) for place, pair in enumerate(SAMPLE) if place % PARTS == part]


@pytest.mark.parametrize("part", range(PARTS))
def test_pair_of_bundled_rules_undoes_nothing_and_meets_its_goals_or_says_why(part: int) -> None:
    """Positions only shrink, no deeper than the deepest plan; no hedge is sold; what stays undone has a reason."""
    assert len(sample(part)) == len(SAMPLE[part::PARTS])


def test_sample_of_pairs_makes_rules_fire_together_and_sell() -> None:
    """A market in which nothing fires proves nothing."""
    verdicts = [verdict for part in range(PARTS) for verdict in sample(part)]
    fired: Counter[str] = sum((verdict.fired for verdict in verdicts), Counter())
    assert len(fired) >= 6
    assert any(len(verdict.fired) == 2 for verdict in verdicts)
    assert sum(verdict.orders for verdict in verdicts) > 100
