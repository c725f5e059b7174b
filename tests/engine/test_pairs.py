"""Every two bundled rules on one book: a sample of what ``python -m bench.pairs`` runs whole."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from tests.engine.pairs import Verdict, alone, bundled, judged, may_meet, pairs

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


@pytest.mark.parametrize("market", [3, 5])
def test_pair_that_cannot_meet_lives_as_one_of_its_rules_alone(market: int) -> None:
    """What the bench settles without a run comes to the same when it is run: the same fires, ends and orders."""
    solos = {name: alone(name, market) for name in bundled()}
    settled = [pair for pair in pairs() if not may_meet(pair, solos)]
    assert {len(solos[one].fired) + len(solos[other].fired) > 0 for one, other in settled} == {True, False}
    for one, other in settled[::5]:
        acting = one if solos[one].fired else other
        both = judged((one, other), market)
        assert (both.fired, both.ends, both.orders) == (
            solos[acting].fired, solos[acting].ends, solos[acting].orders
        ), f"{one} + {other}"


def test_pair_that_may_meet_is_one_in_which_one_rule_makes_the_other_true() -> None:
    """A rule that fires while the other's condition comes true may meet it; one that is never true may not."""
    fires, stirs, sleeps = (
        Verdict(Counter({"one": 1}), Counter(), 1, stirred={"one", "other"}),
        Verdict(Counter(), Counter(), 0, stirred={"one"}),
        Verdict(Counter({"other": 1}), Counter(), 1, stirred={"other"}),
    )
    assert may_meet(("one", "other"), {"one": fires, "other": stirs})
    assert may_meet(("other", "one"), {"one": fires, "other": sleeps})
    assert not may_meet(("one", "other"), {"one": stirs, "other": stirs})
    assert not may_meet(("one", "other"), {"one": stirs, "other": sleeps})
