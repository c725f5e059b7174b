"""The live view: one frame that keeps its height, and plain lines where there is no terminal."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from bot.app.frame import ASCII, LINES, danger, frame, ladder
from bot.app.progress import REST_PER_FRAME, SECONDS_BETWEEN, LiveView
from bot.app.snapshot import Level, ProgressSnapshot
from tests.app.sample_snapshot import account, decisions, snapshot

WIPE = "\x1b[2J"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Refusing(StringIO):
    """A terminal that was closed."""

    def write(self, _text: str) -> int:
        raise OSError(5, "Input/output error")


def rows(look: ProgressSnapshot, *, width: int = 80, height: int = 24, ascii_only: bool = False) -> list[str]:
    console = Console(width=width, file=StringIO(), legacy_windows=False)
    console.print(
        frame(look, width=width - 1, height=height, glyphs=ASCII if ascii_only else LINES, left_seconds=14.2)
    )
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def terminal(clock: Clock, *, width: int = 80, height: int = 24) -> tuple[LiveView, StringIO]:
    out = StringIO()
    console = Console(
        file=out, force_terminal=True, width=width, height=height, _environ={"TERM": "xterm-256color"}
    )
    return LiveView(console, clock=clock), out


def piped() -> tuple[LiveView, StringIO]:
    out = StringIO()
    return LiveView(Console(file=out, width=60), clock=Clock()), out


LOOKS = (
    snapshot(),
    snapshot(account(None), parents=0, lines=0),
    snapshot(account(0.0, is_liquidated=True), parents=3, lines=1),
    snapshot(account(0.9), parents=4, lines=40, fraction=None),
)


@pytest.mark.parametrize("height", [24, 50])
@pytest.mark.parametrize("width", [80, 120, 200])
def test_frame_keeps_its_height_and_width_whatever_happens(width: int, height: int) -> None:
    """Orders, decisions and liquidations come and go; no row is added, none is too wide, all fits the screen."""
    drawn = [rows(look, width=width, height=height) for look in LOOKS]
    assert len({len(lines) for lines in drawn}) == 1
    assert len(drawn[0]) < height
    assert max(len(line) for lines in drawn for line in lines) < width


def test_frame_shows_account_ladder_orders_and_decisions() -> None:
    """At 80 columns everything a person watches is there, cut where it must be."""
    text = "\n".join(rows(snapshot()))
    for expected in (
        "12 Mar 2020 10:43:20 UTC", "31 %", "14 s left", "main  equity 833.21 USDT (57 % of start)",
        "margin ratio 8.30 %", "5.35 % away", "acts below  floor 2.5 %   emergency 3.7 %   guard 7.4 %",
        "BTC/USDT          7,598.40    -4.1 %   long 0.82", "-4.2 %   flat",
        "sell 1.41 BTC/USDT twap", "44 %  avg 7,702.18   collar 2 %", "10:27:20  BTC/USDT goal met",
    ):
        assert expected in text


def test_frame_without_figures_shows_not_available() -> None:
    """Before the first price nothing is known, and nobody meets None or nan."""
    unknown = account(None)
    look = snapshot(
        type(unknown)("main", "USDT", None, None, None, None, (), (type(unknown.markets[0])("X/Y:Y", None, None, 0.0),))
    )
    text = "\n".join(rows(look))
    assert "no position" in text and "equity n/a" in text and "margin ratio n/a" in text
    assert "None" not in text and "nan" not in text


def test_frame_of_many_accounts_shows_what_fits_and_counts_the_rest() -> None:
    """On a small screen the accounts that do not fit are told in one line, with the worst of them."""
    many = snapshot(account(0.2), account(0.031, name="second"), account(0.012, name="third"))
    text = "\n".join(rows(many, height=24))
    assert "second" not in text and "and 2 more accounts, lowest distance 1.20 %" in text
    assert "third" in "\n".join(rows(many, height=60))


def test_frame_of_many_orders_counts_those_not_shown() -> None:
    """Three orders are all shown, of four the last two share a line."""
    assert not any("more" in line for line in rows(snapshot(parents=3, lines=0)))
    assert "and 2 more" in rows(snapshot(parents=4, lines=0))


@pytest.mark.parametrize("width", [50, 68, 69, 80])
def test_frame_on_a_narrow_screen_keeps_the_time_left_and_the_margin_ratio(width: int) -> None:
    """A year and a share of the start give way before what a person needs now."""
    header, _, title = rows(snapshot(), width=width)[:3]
    assert header.rstrip().endswith("14 s left")
    assert "margin ratio" in title and title.rstrip().endswith("%")
    assert ("of start" in title) is (width > 68)


def test_frame_in_ascii_uses_no_other_letter() -> None:
    """A terminal without Unicode gets bars of plain characters."""
    assert "\n".join(rows(snapshot(), ascii_only=True)).isascii()


def test_frame_prints_markup_and_control_letters_as_they_are() -> None:
    """A name can neither colour the screen nor move the cursor."""
    text = "\n".join(rows(snapshot(account(name="[red]\x1b[2Jmain"))))
    assert "[red]?[2Jmain" in text


@pytest.mark.parametrize(
    ("distance", "full"), [(None, 0), (-0.1, 0), (0.0, 0), (0.075, 30), (0.30, 60), (5.0, 60)]
)
def test_ladder_is_full_up_to_the_distance(distance: float | None, full: int) -> None:
    """The scale is a square root up to 30 %: a quarter of 30 % is half the bar; beyond it the bar is full."""
    assert ladder(distance, (), 60, ASCII).plain == "=" * full + "-" * (60 - full)


def test_ladder_marks_each_level_where_it_lies() -> None:
    """A mark at 7.5 % stands in the middle of a bar that ends at 30 %; one beyond the end stands at the end."""
    assert ladder(0.3, (0.075, 0.5), 60, ASCII).plain == "=" * 30 + "|" + "=" * 28 + "|"


@pytest.mark.parametrize(
    ("distance", "levels", "expected"),
    [
        (0.08, (0.025, 0.04, 0.08), "green"), (0.0799, (0.025, 0.04, 0.08), "yellow"),
        (0.04, (0.025, 0.04, 0.08), "yellow"), (0.0399, (0.025, 0.04, 0.08), "bold red"),
        (0.05, (0.05,), "green"), (0.0499, (0.05,), "bold red"), (None, (0.05,), "dim"), (0.0, (), "bold red"),
        (0.01, (), "green"),
    ],
)
def test_danger_turns_at_the_levels(distance: float | None, levels: tuple[float, ...], expected: str) -> None:
    """At a level it is still the better colour, just under it the worse one."""
    assert danger(distance, levels) == expected


def test_view_on_a_terminal_draws_at_most_ten_times_a_second() -> None:
    """A snapshot that comes too early is not drawn, one that comes in time is."""
    clock = Clock()
    view, out = terminal(clock)
    with view:
        assert view.is_due()
        view.update(snapshot(account(0.21)))
        assert "21 % away" in out.getvalue()
        clock.now = SECONDS_BETWEEN * 0.99
        assert not view.is_due()
        view.update(snapshot(account(0.22)))
        assert "22 % away" not in out.getvalue()
        clock.now = SECONDS_BETWEEN
        assert view.is_due()
        view.update(snapshot(account(0.23)))
        assert "23 % away" in out.getvalue()


def test_view_on_a_terminal_draws_the_last_snapshot_when_it_ends() -> None:
    """What stays on the screen is the end of the run, though it came a moment after the last frame."""
    view, out = terminal(Clock())
    with view:
        view.update(snapshot(account(0.21)))
        view.update(snapshot(account(0.22)))
    assert "22 % away" in out.getvalue()


def test_view_tells_the_time_left_from_the_pace_so_far() -> None:
    """A quarter of the tape in five seconds leaves fifteen; at the very start it does not guess."""
    clock = Clock()
    view, out = terminal(clock)
    with view:
        view.update(snapshot(fraction=0.01))
        assert "s left" not in out.getvalue()
        clock.now = 5.0
        view.update(snapshot(fraction=0.25))
        assert "15 s left" in out.getvalue()


def test_view_without_a_terminal_prints_each_happening_once() -> None:
    """In a pipe every fire, order and liquidation is one plain line, however often snapshots repeat it."""
    view, out = piped()
    with view:
        view.update(snapshot(lines=0))
        assert out.getvalue() == ""
        view.update(snapshot(lines=2))
        view.update(snapshot(lines=5))
        view.update(snapshot(lines=5))
    lines = out.getvalue().splitlines()
    assert [line[:21] for line in lines] == [f"2020-03-12 {time}  " for time in ("10:26:40", "10:27:00", "10:27:20",
                                                                                "10:28:00")]
    assert lines[0].endswith("= 7.4 %")                # whole, not cut at the width of nothing
    assert "widens" not in out.getvalue()              # notes are for the terminal
    assert "\x1b" not in out.getvalue()


def test_view_without_a_terminal_prints_all_of_a_burst() -> None:
    """More happenings than a frame has rows are all printed."""
    view, out = piped()
    with view:
        view.update(snapshot(lines=50))
    assert len(out.getvalue().splitlines()) == sum(1 for line in decisions(50) if line.kind.value != "note") == 40


@pytest.mark.parametrize("is_terminal", [True, False])
def test_view_whose_screen_is_gone_goes_on_silently(is_terminal: bool) -> None:
    """A closed terminal or a full disk must not end a run that guards an account."""
    clock = Clock()
    out = StringIO()
    view = LiveView(
        Console(file=out, force_terminal=is_terminal, width=80, height=24, _environ={"TERM": "xterm"}), clock=clock
    )
    with view:
        view._console.file = Refusing()
        view.update(snapshot(lines=1))
        clock.now += 1
        view.update(snapshot(lines=2))


def test_view_counts_no_slow_motion_into_the_time_left() -> None:
    """Orders work for 30 s over a hundredth of the tape: what is left is told by the calm before and after."""
    clock = Clock()
    view, out = terminal(clock)
    with view:
        clock.now = 2.0
        view.update(snapshot(parents=0, lines=0, fraction=0.10))
        clock.now = 4.0
        view.update(snapshot(parents=1, lines=0, fraction=0.20))
        clock.now = 34.0
        view.update(snapshot(parents=0, lines=0, fraction=0.21))
        out.truncate(0)
        clock.now = 36.0
        view.update(snapshot(parents=0, lines=0, fraction=0.31))
    # 0.3 of the tape in 6 calm seconds: 0.69 of it takes 13.8
    assert "14 s left" in out.getvalue()


class Slow(StringIO):
    """A terminal at the end of a slow line: each frame takes ``seconds`` to write."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.clock = clock
        self.seconds = seconds

    def flush(self) -> None:
        self.clock.now += self.seconds


def test_view_on_a_slow_terminal_costs_a_run_a_fortieth_of_its_time() -> None:
    """A frame of 50 ms is followed by two seconds without one; a fast one by a tenth."""
    clock = Clock()
    view, _ = terminal(clock)
    out = Slow(clock, 0.0)
    view._console.file = out
    with view:
        out.seconds = 0.05
        began = clock.now
        view.update(snapshot(lines=1))
        took = clock.now - began
        assert took > 0
        clock.now += took * REST_PER_FRAME - 0.01
        assert not view.is_due()
        clock.now += 0.02
        assert view.is_due()
        out.seconds = 0.0


def test_view_whose_terminal_was_resized_draws_on_a_clean_screen() -> None:
    """The terminal wraps old rows in its own way; what is left of them is wiped before the next frame."""
    clock = Clock()
    view, out = terminal(clock)
    with view:
        view.update(snapshot(lines=1))
        clock.now += 1
        view.update(snapshot(lines=2))
        assert WIPE not in out.getvalue()
        view._console.size = ConsoleDimensions(60, 20)
        clock.now += 1
        view.update(snapshot(lines=3))
        assert out.getvalue().count(WIPE) == 1
        clock.now += 1
        view.update(snapshot(lines=4))
        assert out.getvalue().count(WIPE) == 1


def test_levels_of_one_distance_share_their_place_and_light_up_below_it() -> None:
    """Names stand in the order of the marks; those that the account is below are red, the others are not."""
    levels = (Level("guard", 0.05), Level("floor", 0.025), Level("emergency", 0.025))
    look = replace(account(0.03), levels=levels)
    row = next(line for line in frame(
        snapshot(look), width=79, height=24, glyphs=LINES, left_seconds=None
    ).renderables if str(line).startswith("acts below"))
    assert isinstance(row, Text)
    assert row.plain == "acts below  emergency, floor 2.5 %   guard 5 %"
    lit = [row.plain[span.start:span.end] for span in row.spans if "red" in str(span.style)]
    assert lit == ["guard 5 %"]
