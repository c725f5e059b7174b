"""What the engine decides: every change that deciding makes is one of these, and nothing else is.

An effect is folded into the book in the step that caused it, journaled with that step's number, and
performed by the dispatcher where it asks for something of the world (the last group). Folding facts and
effects in order rebuilds the book without deciding anything anew.

They are Structs: a frozen dataclass takes several times as long to be made, and an order under way waits for a dozen.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from bot.domain.account import Balance, PositionKey
from bot.domain.denials import DenialCode
from bot.domain.goal import Goal as Goal
from bot.domain.goal import GoalKind as GoalKind
from bot.domain.goal import HedgeTerms as HedgeTerms
from bot.domain.goal import Lacking as Lacking
from bot.domain.latch import Latch
from bot.domain.obligation import Obligation
from bot.domain.open_order import CancelForeignOrder
from bot.domain.order import Approved, OrderRequest, Side
from bot.domain.sale import QuoteSale, RefuseSale, TakeSale


class TriggerState(Enum):
    """Where one instance of a rule stands; the moves are in ``bot.rules.triggers``."""

    INACTIVE = "inactive"
    PENDING = "pending"              # true, but not yet for as long as ``hold``
    SUSPENDED = "suspended"          # was pending when a reading went missing: the hold timer stands still
    FIRING = "firing"                # fired; waits to be cleared
    CLEARING = "clearing"            # no longer true, but not yet for as long as ``hold``
    LATCHED = "latched"              # has fired as often as it may; waits for an operator


class ParentEnd(Enum):
    """Why a parent order ended."""

    FILLED = "filled"
    GOAL_MET = "goal_met"
    RESIDUAL = "residual"            # what is left is below the venue's minimum
    SUPERSEDED = "superseded"        # a more urgent parent took over its key
    CANCELED = "canceled"            # by an operator
    HALTED = "halted"                # the run ended, or the account cannot trade
    POSITION_GONE = "position_gone"  # somebody else closed the position: a person, a stop, the venue


class ScopeElement(msgspec.Struct, frozen=True):
    """What one instance of a rule looks at: an account, one position of it, or ``PORTFOLIO``."""

    account: int
    key: PositionKey | None = None


PORTFOLIO = ScopeElement(-1)         # all accounts of this process, which only triggers are kept for


class Reading(msgspec.Struct, frozen=True):
    """One measure as it was when a rule fired; None when it was not available."""

    text: str
    value: float | None
    unit: str


# Decisions about rules and episodes -----------------------------------------------------------------------


class MoveTrigger(msgspec.Struct, frozen=True):
    """A rule's instance changes state at ``since``, with ``held`` ns of its hold already served."""

    rule: str
    element: ScopeElement
    state: TriggerState
    since: int
    held: int


class MarkAtFire(msgspec.Struct, frozen=True):
    """The mark of one position when a rule fired: the decision price of what is sold for it."""

    key: PositionKey
    price: int


class OpenEpisode(msgspec.Struct, frozen=True):
    """A rule fired: its goal, and the readings that explain it."""

    episode: int
    rule: str
    element: ScopeElement
    goal: Goal
    why: str
    readings: tuple[Reading, ...]
    marks: tuple[MarkAtFire, ...]
    equity: int                      # of the account, cash
    now: int
    deposit: Balance | None = None   # that would reach the goal instead of a sale


class PlannedCut(msgspec.Struct, frozen=True):
    """Of the plan of an episode: sell until no more than ``keep`` of this key is held."""

    key: PositionKey
    keep: int                        # unsigned


class PlannedHolding(msgspec.Struct, frozen=True):
    """Of the plan of a hedge: trade until ``quantity`` of this key is held."""

    key: PositionKey
    quantity: int                    # signed


class PlanEpisode(msgspec.Struct, frozen=True):
    """The plan, in absolute lots; a later plan replaces the earlier one and, of cuts, never relieves less.

    A hedge has ``holdings`` instead of cuts, and its later plans may want less.
    """

    episode: int
    cuts: tuple[PlannedCut, ...]
    now: int
    estimated_cost: int              # cash
    holdings: tuple[PlannedHolding, ...] = ()


class EndEpisode(msgspec.Struct, frozen=True):
    episode: int
    reason: str
    now: int


# Decisions about parents ----------------------------------------------------------------------------------


class OpenParent(msgspec.Struct, frozen=True):
    """One parent per key: sell until no more than ``keep`` is held, as its obligations say.

    A hedge that adds to a position trades until ``hedged_to``, signed, is held; ``keep`` is then its size.
    """

    parent: str
    key: PositionKey
    side: Side
    quantity: int
    keep: int
    obligations: tuple[Obligation, ...]
    decision_price: int              # mark when the rule fired
    arrival_price: int               # mid, or mark where there is no book, when the parent was made
    traded: int                      # of the instrument by others so far, a running total
    turnover: int                    # the same in cash
    now: int
    hedged_to: int | None = None


class ReviseParent(msgspec.Struct, frozen=True):
    """Its obligations changed: the whole new list, the new total and what may be kept."""

    parent: str
    quantity: int
    keep: int
    obligations: tuple[Obligation, ...]
    now: int
    hedged_to: int | None = None     # as when it was opened


class Relaxation(Enum):
    """What survival lets go of, in this order; ``BUDGET`` whenever its slippage budget is spent."""

    PASSIVITY = "passivity"          # takes what is there instead of waiting to be taken
    PARTICIPATION = "participation"
    DEPTH = "depth"                  # of the visible book
    DEADLINE = "deadline"            # part of it is due before its curve says so
    COLLAR = "collar"
    BUDGET = "budget"                # goes on, since the venue's liquidation would cost more


class RelaxParent(msgspec.Struct, frozen=True):
    """The next step of the ladder; ``level`` counts from 0, the tables are in ``bot.execution.ladder``."""

    parent: str
    what: Relaxation
    level: int
    why: str
    now: int


class PauseParent(msgspec.Struct, frozen=True):
    """Its slippage budget is spent, and going on is not worth it: ``residual`` is not sold as things are."""

    parent: str
    residual: int
    why: str
    now: int


class EndParent(msgspec.Struct, frozen=True):
    """``market_volume`` and ``market_turnover`` are what others traded while it was open."""

    parent: str
    reason: ParentEnd
    market_volume: int
    market_turnover: int
    now: int


class ReserveNames(msgspec.Struct, frozen=True):
    """The names of a parent's next children, before any of them is used."""

    parent: str
    key: PositionKey
    side: Side
    first_child: int
    count: int
    quantity_max: int


class ReserveStopNames(msgspec.Struct, frozen=True):
    """The names of a position's next stops, before any of them is used; ``parent`` is what they are children of."""

    parent: str
    key: PositionKey
    side: Side
    first_child: int
    count: int
    quantity_max: int


class RecordDenial(msgspec.Struct, frozen=True):
    """The gate refused an order."""

    request: OrderRequest
    code: DenialCode
    detail: str
    now: int


class SetLatch(msgspec.Struct, frozen=True):
    """An account is shut or opened; ``by`` is the person, empty where the engine came to the end of a command."""

    account: int
    latch: Latch
    reason: str
    by: str
    now: int


class SetOverride(msgspec.Struct, frozen=True):
    """One control of the gate rests until a time, ns; one that has passed ends it."""

    account: int
    control: DenialCode
    until: int
    reason: str
    by: str
    now: int


# What is remembered of prices ------------------------------------------------------------------------------


class MarkHighWater(msgspec.Struct, frozen=True):
    """An account's net asset value per unit is at its highest, or its units changed.

    ``equity`` is what that highest value amounts to in the units of today; None begins anew.
    """

    account: int
    equity: int | None
    now: int


class MarkBest(msgspec.Struct, frozen=True):
    """A position has the best mark since it was opened."""

    key: PositionKey
    price: int
    now: int


class NoteJump(msgspec.Struct, frozen=True):
    """An account's equity changed by ``amount``, and no fact says why."""

    account: int
    amount: int
    now: int


# What the dispatcher performs -----------------------------------------------------------------------------


class PlaceOrder(msgspec.Struct, frozen=True):
    approved: Approved
    parent: str
    child: int
    now: int


class PlaceStop(msgspec.Struct, frozen=True):
    """Let a reduce-only stop rest at the venue.

    ``liquidation_price`` is what it lies inside of, in price units; None when the market gave no price.
    """

    approved: Approved
    child: int
    liquidation_price: float | None
    now: int


class CancelOrder(msgspec.Struct, frozen=True):
    account: int
    name: str
    now: int


class LookUpOrder(msgspec.Struct, frozen=True):
    """Ask the venue what became of an order whose outcome is not known."""

    account: int
    name: str
    now: int


class ReadAccount(msgspec.Struct, frozen=True):
    """Ask the venue for its whole word on an account."""

    account: int
    now: int


class CatchUp(msgspec.Struct, frozen=True):
    """Ask the venue again for what it told of an account that we may not have heard.

    That is everything numbered above ``facts_after``, and our own orders that arrived at ``orders_after`` (its time)
    or later, each with its fills and its end.
    """

    account: int
    facts_after: int
    orders_after: int
    now: int


class PassOverName(msgspec.Struct, frozen=True):
    """An order of ours is at the venue, or may be, that the record does not know: no name up to it is used any more."""

    account: int
    parent: str
    counter: int
    child: int
    now: int


class RaiseAlarm(msgspec.Struct, frozen=True):
    """Tell a person. ``code`` is stable, for filters; ``detail`` is for reading."""

    code: str
    detail: str
    now: int


Effect = (
    MoveTrigger | OpenEpisode | PlanEpisode | EndEpisode | OpenParent | ReviseParent | RelaxParent
    | PauseParent | EndParent | ReserveNames | RecordDenial | SetLatch | SetOverride | MarkHighWater | MarkBest
    | NoteJump | ReserveStopNames | PlaceStop | PlaceOrder | CancelOrder | LookUpOrder | ReadAccount
    | CatchUp | PassOverName | CancelForeignOrder | TakeSale | RefuseSale | QuoteSale | RaiseAlarm
)
