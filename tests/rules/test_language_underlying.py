"""An underlying is named in a condition, and its net delta is counted in it."""

from __future__ import annotations

import re

import pytest

from bot.rules.language.errors import LanguageError
from bot.rules.language.measures import Subject
from bot.rules.language.typed import Scope
from tests.rules.language_builders import BTC, condition

ETH = "ETH/USDT:USDT"


def test_net_delta_of_a_named_underlying_is_an_amount_of_it() -> None:
    """BTC's delta is compared with BTC and ETH's with ETH, whatever else the account trades."""
    found = condition(
        'abs(underlying("BTC").net_delta) > 0.5 BTC and underlying("ETH").net_delta < 2 ETH', Scope.ACCOUNT, (BTC, ETH)
    )
    assert [str(ref) for ref in found.readings] == ['underlying("BTC").net_delta', 'underlying("ETH").net_delta']
    assert [read.dimension.unit for read in found.reads] == ["BTC", "ETH"]


def test_window_over_a_net_delta_is_kept_for_each_account() -> None:
    """An account's delta is its own, so is the longest that it stood somewhere."""
    found = condition('min(abs(underlying("BTC").net_delta), 5m) > 0.5 BTC', Scope.ACCOUNT, (BTC, ETH))
    (window,) = [ref for ref in found.readings if ref.derived is not None]
    assert window.subject is Subject.ACCOUNT


WRONG = {
    "not named": ("underlying.net_delta > 5 BTC", Scope.ACCOUNT, r'is not named; write underlying\("BTC"\)\.net_delta'),
    "not traded": ('underlying("SOL").net_delta > 5', Scope.ACCOUNT, "no instrument is on it, was 'SOL'"),
    "a market": ('underlying("BTC/USDT:USDT").net_delta > 5 BTC', Scope.ACCOUNT, r'did you mean underlying\("BTC"\)'),
    "another coin's amount": ('underlying("BTC").net_delta > 5 ETH', Scope.ACCOUNT, "values of one kind"),
    "of all accounts": ('underlying("BTC").net_delta > 5 BTC', Scope.PORTFOLIO, "write for_each: account"),
    "no such measure": ('underlying("BTC").delta > 5 BTC', Scope.ACCOUNT, r"did you mean underlying\.net_delta"),
}


@pytest.mark.parametrize("name", WRONG)
def test_underlying_that_cannot_be_meant_is_refused_with_a_cure(name: str) -> None:
    """The message says what to write instead."""
    text, scope, wanted = WRONG[name]
    with pytest.raises(LanguageError) as caught:
        condition(text, scope, (BTC, ETH))
    assert re.search(wanted, str(caught.value)), str(caught.value)
