"""The states of an order as a table: every report has an answer in every state, and an end is an end."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.order import TRANSITIONS, OrderStatus, Report, Side, next_status

S, R = OrderStatus, Report
TERMINAL = (S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.NOT_SENT)
LIVE = (S.SENDING, S.UNKNOWN, S.WORKING)

# Written from the docstring and POLICIES, not from the table: what each live state becomes by each report.
EXPECTED = {
    S.SENDING: {
        R.ACCEPTED: S.WORKING, R.FILLED_WHOLLY: S.FILLED, R.CANCELED: S.CANCELED, R.EXPIRED: S.EXPIRED,
        R.REJECTED: S.REJECTED, R.NOT_SENT: S.NOT_SENT, R.OUTCOME_UNKNOWN: S.UNKNOWN, R.ABSENT: S.NOT_SENT,
    },
    S.UNKNOWN: {
        R.ACCEPTED: S.WORKING, R.FILLED_WHOLLY: S.FILLED, R.CANCELED: S.CANCELED, R.EXPIRED: S.EXPIRED,
        R.REJECTED: S.REJECTED, R.NOT_SENT: S.UNKNOWN, R.OUTCOME_UNKNOWN: S.UNKNOWN, R.ABSENT: S.NOT_SENT,
    },
    S.WORKING: {
        R.ACCEPTED: S.WORKING, R.FILLED_WHOLLY: S.FILLED, R.CANCELED: S.CANCELED, R.EXPIRED: S.EXPIRED,
        R.REJECTED: S.WORKING, R.NOT_SENT: S.WORKING, R.OUTCOME_UNKNOWN: S.WORKING, R.ABSENT: S.CANCELED,
    },
}


def test_transitions_cover_every_status() -> None:
    """A status without a row would be a crash in the middle of an emergency."""
    assert set(TRANSITIONS) == set(OrderStatus) == {*TERMINAL, *LIVE}


@pytest.mark.parametrize(("status", "report"), list(product(OrderStatus, Report)), ids=lambda item: item.value)
def test_next_status_of_every_pair_is_what_the_docs_say(status: OrderStatus, report: Report) -> None:
    """Each of the 64 pairs has exactly the answer that was agreed; what ended stays as it ended."""
    expected = status if status in TERMINAL else EXPECTED[status][report]
    assert next_status(status, report) is expected


@pytest.mark.parametrize("status", list(OrderStatus), ids=lambda item: item.value)
def test_can_fill_of_a_status_is_true_until_it_is_terminal(status: OrderStatus) -> None:
    """An order whose outcome is not known still counts as one that may fill."""
    assert status.can_fill == (status in LIVE)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(reports=st.lists(st.sampled_from(Report), max_size=12))
def test_next_status_over_any_reports_ends_once_and_heeds_no_repeat(reports: list[Report]) -> None:
    """Doubled and late reports change nothing: an order never comes back to life, whatever arrives."""
    status = S.SENDING
    for report in reports:
        before = status
        status = next_status(status, report)
        assert next_status(status, report) is status
        assert before.can_fill or status is before


def test_next_status_never_returns_to_sending() -> None:
    """Nothing that is learned of an order can make it unsent again, so it is never sent a second time."""
    assert all(next_status(status, report) is not S.SENDING for status in OrderStatus for report in Report
               if status is not S.SENDING)


def test_sign_of_a_side_is_what_it_adds_to_the_position() -> None:
    """A buy adds, a sell takes away."""
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
