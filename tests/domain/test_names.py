"""Names of orders: read back exactly, never shared by two orders, never confused with somebody else's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.account import PositionKey, PositionSide
from bot.domain.errors import ContractError
from bot.domain.names import CHILDREN_MAX, NAME_LENGTH_MAX, ParsedName, base36, child_name, parent_name, parse_name
from bot.domain.order import Side

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)
MARKERS = st.from_regex(r"[a-z][a-z0-9]{1,5}", fullmatch=True)
PARSED = st.builds(
    ParsedName,
    account=st.integers(0, 35),
    instrument=st.integers(0, 36**2 - 1),
    side=st.sampled_from(Side),
    leg=st.sampled_from(PositionSide),
    counter=st.integers(0, 36**6 - 1),
    child=st.integers(0, CHILDREN_MAX - 1),
)


def name_of(marker: str, parsed: ParsedName) -> str:
    """Write the name that should be read back as ``parsed``."""
    key = PositionKey(parsed.account, parsed.instrument, parsed.leg)
    return child_name(parent_name(marker, key, parsed.side, parsed.counter), parsed.child)


@PROPERTY
@given(marker=MARKERS, parsed=PARSED)
def test_parse_name_of_any_name_of_ours_returns_what_was_written(marker: str, parsed: ParsedName) -> None:
    """A restart learns from a name alone which account, instrument, side, leg, parent and child it was."""
    assert parse_name(marker, name_of(marker, parsed)) == parsed


@PROPERTY
@given(marker=MARKERS, parsed=PARSED)
def test_child_name_of_any_order_fits_every_venue(marker: str, parsed: ParsedName) -> None:
    """Lower-case letters and digits only, begun by a letter, no longer than the strictest venue allows."""
    name = name_of(marker, parsed)
    assert len(name) <= NAME_LENGTH_MAX
    assert name.isascii() and name.isalnum() and name == name.lower() and name[0].isalpha()


@PROPERTY
@given(one=st.tuples(MARKERS, PARSED), other=st.tuples(MARKERS, PARSED))
def test_child_name_of_two_orders_is_never_the_same(
    one: tuple[str, ParsedName], other: tuple[str, ParsedName]
) -> None:
    """Two different orders of one marker never share a name, so a second send is always seen as a repeat."""
    same_marker = other[0] if one[0] == other[0] else one[0]
    assert (name_of(same_marker, one[1]) == name_of(same_marker, other[1])) == (one[1] == other[1])


@PROPERTY
@given(ours=MARKERS, theirs=MARKERS, parsed=PARSED)
def test_parse_name_of_another_bots_name_is_none(ours: str, theirs: str, parsed: ParsedName) -> None:
    """Two bots on one account do not adopt each other's orders, even when one marker begins the other."""
    if ours != theirs:
        assert parse_name(ours, name_of(theirs, parsed)) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "pen",
        "web_3nN8x",                                     # typed in at Binance's site
        "autoclose-1583971200000",                       # Binance's liquidation
        "adl_autoclose",                                 # Binance's ADL
        "pen000bn000042001x",                            # one too long
        "pen000bn00004200",                              # one too short
        "pen000xn000042001",                             # no such side
        "pen000bz000042001",                             # no such leg
        "PEN000BN000042001",
        "pen000bn00004200\u0661",                        # a digit, but not one of ours
        "pen000bn000042001\n",
        " pen000bn000042001",
    ],
)
def test_parse_name_of_a_foreign_name_is_none(name: str) -> None:
    """What a person or the venue named is not ours, however near it comes."""
    assert parse_name("pen", name) is None


def test_parse_name_of_the_documented_layout_is_read_by_hand() -> None:
    """The layout in the docs, spelled out once: counter 42 is 36 * 4 + 2, child 001 is the second."""
    expected = ParsedName(
        account=10, instrument=1, side=Side.SELL, leg=PositionSide.LONG, counter=36 * 4 + 2, child=1
    )
    assert parse_name("pen", "pena01sl000042001") == expected


@pytest.mark.parametrize("marker", ["ab", "a1", "pen", "penstk", "z99999"])
def test_parent_name_with_a_proper_marker_begins_with_it(marker: str) -> None:
    """Two to six characters, the first a letter."""
    assert parent_name(marker, PositionKey(0, 0), Side.SELL, 0) == f"{marker}000sn000000"


@pytest.mark.parametrize("marker", ["", "a", "penstok", "Pen", "1a", "99", "p-n", "pén", "pen\n", " pen"])
def test_parent_name_with_a_marker_outside_the_rule_is_refused(marker: str) -> None:
    """One character off at either end, upper case, a leading digit or a line end is refused, and says why."""
    with pytest.raises(ContractError, match="marker: must be a letter and 1 to 5 letters or digits, lower case, was "):
        parent_name(marker, PositionKey(0, 0), Side.SELL, 0)


@pytest.mark.parametrize(("value", "width", "text"), [(0, 1, "0"), (35, 1, "z"), (36, 2, "10"), (46_655, 3, "zzz")])
def test_base36_at_both_ends_of_its_width_is_zero_filled(value: int, width: int, text: str) -> None:
    """The largest number of a width still fits it."""
    assert base36(value, width) == text


@pytest.mark.parametrize(("value", "width"), [(36, 1), (36**3, 3), (-1, 3)])
def test_base36_past_its_width_is_refused(value: int, width: int) -> None:
    """A counter that does not fit would be another order's name, so it is an error and not a wrap."""
    with pytest.raises(ContractError, match="name: does not fit"):
        base36(value, width)


@pytest.mark.parametrize("key", [PositionKey(36, 0), PositionKey(0, 36**2)])
def test_parent_name_of_an_index_too_large_is_refused(key: PositionKey) -> None:
    """The 37th account or the 1297th instrument has no name yet, and does not borrow one."""
    with pytest.raises(ContractError, match="name: does not fit"):
        parent_name("pen", key, Side.BUY, 0)
