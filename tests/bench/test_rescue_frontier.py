"""The frontier of goals: its rule books load, and its table and drawing say what the rows say."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from bench.rescue.frontier import CLOSE_ALL, GOALS, frontier_books, frontier_svg, frontier_table, goal_name
from bench.rescue.rows import Row
from bench.rescue.strategy import BOOKS, DEFAULT, DO_NOTHING, load_strategy, written
from bot.domain.effects import GoalKind


def row(strategy: str, kept: float, cost: float, leverage: int = 10) -> Row:
    return Row(
        tape="", strategy=strategy, leverage=leverage, n=10, run=10, doomed=4, liquidated_share=0.0,
        liquidated_of_doomed=0.0, lost_of_doomed=0.25, equity_kept=kept, cost_bps=100.0, cost_share=cost, fired=7,
        false_fires=2, stopped=0,
    )


ROWS = [
    row(DEFAULT, 0.5, 0.11), row(goal_name(30), 0.4, 0.1), row(goal_name(12), 0.2, 0.05), row("stop_loss", 0.3, -0.01),
    row(DO_NOTHING, 0.0, 0.0), row(goal_name(20), 0.9, 0.9, leverage=5), row(CLOSE_ALL, 0.6, 0.14),
]


def test_frontier_books_are_the_bundled_guard_with_other_goals(tmp_path: Path) -> None:
    """Trigger, emergency, curve, collar and share are those of margin_guard.yaml; goal and slice alone are not."""
    bundled = load_strategy(written({"guard": [(BOOKS / "margin_guard.yaml").read_text()]}, tmp_path)[0],
                            "BTC/USDT:USDT").rules.by_name()
    found = {each.name: load_strategy(each, "BTC/USDT:USDT").rules.by_name()
             for each in written(frontier_books(), tmp_path)}
    assert set(found) == {*map(goal_name, GOALS), CLOSE_ALL}
    for name, rules in found.items():
        guard, emergency = rules["margin_guard"], rules["margin_emergency"]
        assert emergency.when.root == bundled["margin_emergency"].when.root
        assert emergency.goal == bundled["margin_emergency"].goal
        assert (guard.execute.over, guard.execute.collar, guard.execute.participation_max) == (
            bundled["margin_guard"].execute.over, bundled["margin_guard"].execute.collar,
            bundled["margin_guard"].execute.participation_max,
        )
        if name == CLOSE_ALL:
            assert guard.goal.kind is GoalKind.FLAT
        else:
            assert guard.when.root == bundled["margin_guard"].when.root
            assert goal_name(round(100 * (guard.goal.target or 0.0))) == name


def test_frontier_table_has_the_curve_in_its_order_and_then_the_others() -> None:
    """Goals rise from row to row and closing all ends the curve; doing nothing is the origin and no row."""
    names = [line.split("|")[1].strip() for line in frontier_table(ROWS, 10).splitlines()[2:]]
    assert names == [goal_name(12), goal_name(30), CLOSE_ALL, DEFAULT, "stop_loss"]
    assert "| guard to 30 % | 4 | 25.0 % | 0.400 | 0.100 | 7 | 2 |" in frontier_table(ROWS, 10)


def test_frontier_svg_draws_a_point_for_each_row_higher_where_more_is_kept() -> None:
    """The drawing is one file that needs nothing else, and what keeps more stands higher."""
    root = ElementTree.fromstring(frontier_svg(ROWS, 10))
    space = "{http://www.w3.org/2000/svg}"
    circles = root.findall(f"{space}circle")
    texts = [str(text.text) for text in root.findall(f"{space}text")]
    labels = [after for number, after in pairwise(texts) if number.isdigit() and not after.isdigit()]
    assert labels == [goal_name(12), goal_name(30), CLOSE_ALL, DEFAULT, "stop_loss"]
    heights = dict(zip(labels, (float(circle.attrib["cy"]) for circle in circles), strict=True))
    assert heights[CLOSE_ALL] < heights[DEFAULT] < heights[goal_name(30)] < heights[goal_name(12)]
    for number in range(1, len(labels) + 1):
        assert texts.count(str(number)) == 2         # at its point and in the list
    assert "href" not in frontier_svg(ROWS, 10)
