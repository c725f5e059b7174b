"""Which distances to liquidation the next prices of an account are held against; between them nothing is decided."""

from __future__ import annotations

from math import inf

from bot.domain.effects import GoalKind
from bot.engine.deciding.episodes import Episodes
from bot.engine.desk import Desk
from bot.engine.selling.seller import FLOOR_RECHECK


class Bounds:
    """By account: ``low`` below which a price must be decided on, ``high`` at which an open goal is met."""

    def __init__(self, desk: Desk) -> None:
        count = len(desk.layout.accounts)
        self.desk = desk
        self.low = [-1.0] * count
        self.high = [inf] * count
        self.low_not_before = [0] * count        # ns: below the floor the need is not worked out at every price

    def are_crossed(self, account: int, distance: float, now: int) -> bool:
        """Say whether a price that brought an account to a distance must be decided on."""
        return self.high[account] <= distance < inf or (
            distance < self.low[account] and now >= self.low_not_before[account]
        )

    def set(self, account: int, episodes: Episodes, now: int, *, watched: float) -> None:
        """Work them out after an account was decided; ``watched`` is the distance at which its stops begin to move."""
        book = self.desk.book
        has_parent = any(
            book.parent_of[position] is not None for position in self.desk.layout.positions_of[account]
        )
        floor = self.desk.survival_level(account) if has_parent else -1.0
        self.low[account] = max(floor, episodes.outgrown_below(account), watched)
        self.low_not_before[account] = now + FLOOR_RECHECK
        goals = [
            episode.goal.target
            for episode in book.episodes.values()
            if episode.element.account == account and episode.goal.kind is GoalKind.LIQUIDATION_DISTANCE
            and episodes.ends_at_goal(episode)
        ]
        self.high[account] = min((goal for goal in goals if goal is not None), default=inf)
