"""Fires, parents and orders of a trail as plain data: the JSON of ``explain``, from which its text is written.

Times are ISO 8601 UTC, quantities, prices and cash decimal strings, ratios fractions, as in ``summary.json``. Cash is
in the ``currency`` beside it: the one that the account settles in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from bot.app.arrival import lost_to_arrival
from bot.app.charter import Charter, RuleWords
from bot.app.explain.trail import FireTrail, OrderTrail, ParentTrail, Trail
from bot.app.record import AccountSeries, RunRecord
from bot.app.summary import goal_text
from bot.app.wording import iso_time
from bot.domain.account import PositionKey
from bot.domain.effects import PauseParent, RecordDenial, Relaxation, RelaxParent
from bot.domain.events import (
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderNotFound,
    OrderNotSent,
    OrderOutcomeUnknown,
    OrderRejected,
)
from bot.domain.obligation import Obligation
from bot.domain.open_order import CancelForeignOrder
from bot.domain.order import OrderRequest
from bot.domain.scale import CASH_UNIT, cash_text, to_text
from bot.execution.ladder import collar_at, participation_at

Told = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """What there is to explain from; ``record`` is None while the run has not ended, ``series`` go by account."""

    charter: Charter
    trail: Trail
    record: RunRecord | None
    series: Mapping[str, AccountSeries] = field(default_factory=dict)

    def tell_fire(self, fire: FireTrail) -> Told:
        """Return one fire: what was read, what was planned, which parents carried it out, what it cost."""
        opened = fire.opened
        rule = self.charter.rules.get(opened.rule)
        parents = self.trail.parents_of(opened.episode)
        return {
            "fire": fire.number,
            "ts": iso_time(opened.now),
            "rule": opened.rule,
            "scope": self.charter.label(opened.element),
            "why": opened.why,
            **_rule(rule),
            "readings": [
                {"reading": reading.text, "value": _finite(reading.value), "unit": reading.unit}
                for reading in opened.readings
            ],
            "goal": goal_text(opened.goal),
            "currency": self.currency_of(opened.element.account),
            "equity": cash_text(opened.equity),
            "marks": {self.charter.key_label(mark.key): self._price(mark.key, mark.price) for mark in opened.marks},
            "plans": [
                {
                    "ts": iso_time(plan.now),
                    "keep": {
                        self.charter.key_label(cut.key): self.quantity_text(cut.key, cut.keep) for cut in plan.cuts
                    },
                    "hold": {
                        self.charter.key_label(each.key): self.quantity_text(each.key, each.quantity)
                        for each in plan.holdings
                    },
                    "estimated_cost": cash_text(plan.estimated_cost),
                }
                for plan in fire.plans
            ],
            "parents": [self.tell_parent(parent) for parent in parents],
            "ended": None if fire.ended is None else {"ts": iso_time(fire.ended.now), "reason": fire.ended.reason},
        }

    def tell_parent(self, parent: ParentTrail) -> Told:
        """Return one parent: what it was to sell, what it sold, and what that cost against its arrival price."""
        opened, fills = parent.opened, parent.fills
        key = opened.key
        instrument = self.charter.instruments[key.instrument]
        filled = sum(fill.quantity for fill in fills)
        value = sum(fill.quantity * fill.price for fill in fills)
        fees = sum(fill.fee for fill in fills)
        lost = lost_to_arrival(
            side=opened.side, arrival=opened.arrival_price, turnover=value, quantity=filled,
            multiplier=instrument.value_multiplier, is_inverse=instrument.is_inverse,
        )
        return {
            "parent": opened.parent,
            "position": self.charter.key_label(key),
            "side": opened.side.value,
            "quantity": self.quantity_text(key, parent.quantity),
            "filled": self.quantity_text(key, filled),
            "keep": self.quantity_text(key, parent.revised[-1].keep if parent.revised else opened.keep),
            "decision_price": self._price(key, opened.decision_price),
            "arrival_price": self._price(key, opened.arrival_price),
            "currency": self.currency_of(key.account),
            "shortfall": cash_text(lost),
            "fees": cash_text(fees),
            "orders": list(parent.orders),
            "revisions": len(parent.revised),
            "ladder": [self._step(parent, step) for step in parent.relaxed],
            "pauses": [self._pause(parent, pause) for pause in parent.paused],
            "started": iso_time(opened.now),
            "ended": self._end_of(parent),
        }

    def _end_of(self, parent: ParentTrail) -> Told | None:
        """Return when and why a parent ended; of one that outlived its tape, what the run's summary says."""
        if parent.ended is not None:
            return {"ts": iso_time(parent.ended.now), "reason": parent.ended.reason.value}
        for row in [] if self.record is None else self.record.summary.get("parents", []):
            if row["id"] == parent.opened.parent and row["ended"] is not None:
                return {"ts": row["ended"], "reason": row["end_reason"]}
        return None

    def tell_order(self, parent: ParentTrail, order: OrderTrail) -> Told:
        """Return one order: what was asked, which duties asked for it, and every answer."""
        request = order.placed.approved.request
        return {
            **self._request(request),
            "ts": iso_time(order.placed.now),
            "parent": parent.opened.parent,
            "child": order.placed.child,
            "obligations": [
                self._obligation(parent, duty) for duty in parent.obligations_at(order.placed.now)
            ],
            "ladder": [self._step(parent, step) for step in parent.relaxed if step.now <= order.placed.now],
            "answers": [self._answer(answer) for answer in order.answers],
        }

    def tell_denial(self, denial: RecordDenial) -> Told:
        """Return an order that the gate refused."""
        return {
            **self._request(denial.request),
            "ts": iso_time(denial.now),
            "denied": {"code": denial.code.name, "means": denial.code.value, "detail": denial.detail},
        }

    def tell_alternatives(self, account: str, fire: FireTrail) -> Told:
        """Return how the account would have ended otherwise, where the run's record says; null where it does not."""
        currency = self.currency_of(fire.opened.element.account)
        if self.record is None:
            return {
                "do_nothing": None, "sell_at_once": None, "deposit": self._deposit(account, fire),
                "currency": currency, "why": "the run has not ended",
            }
        found = self.record.summary.get("baselines", {}).get(account) or {}
        return {
            "equity_end": (self.record.summary.get("accounts", {}).get(account) or {}).get("equity_end"),
            "do_nothing": found.get("do_nothing"),
            "sell_at_once": found.get("sell_at_once"),
            "deposit": self._deposit(account, fire),
            "currency": currency,
        }

    def _deposit(self, account: str, fire: FireTrail) -> Told | None:
        """Return what deposit would have reached the goal instead: as the engine counted it when the rule fired.

        A journal of an earlier version has none; then about what, for a goal of distance. The distance is
        (equity - maintenance) over what the account loses per unit of common move; that slope is taken from the last
        sample before the fire, so tiers that change on the way are not seen.
        """
        exact = fire.opened.deposit
        if exact is not None:
            return {"amount": cash_text(exact.amount), "asset": exact.asset, "estimated_from": None}
        goal, series = fire.opened.goal, self.series.get(account)
        distance = next(
            (reading.value for reading in fire.opened.readings if reading.text == "account.liquidation_distance"), None
        )
        if series is None or distance is None or goal.target is None or goal.kind.value != "liquidation_distance":
            return None
        before = [place for place, ts in enumerate(series.ts) if ts <= fire.opened.now]
        if not before:
            return None
        at = before[-1]
        equity, ratio, sampled = series.equity[at], series.margin_ratio[at], series.distance[at]
        if equity is None or ratio is None or not sampled:
            return None
        slope = equity * (1 - ratio) / sampled
        about = (goal.target - distance) * slope
        return {"amount": cash_text(round(about * CASH_UNIT)), "asset": None, "estimated_from": iso_time(series.ts[at])}

    def _request(self, request: OrderRequest) -> Told:
        key = request.key
        return {
            "order": request.name,
            "position": self.charter.key_label(key),
            "side": request.side.value,
            "quantity": self.quantity_text(key, request.quantity),
            "limit_price": None if request.limit_price is None else self._price(key, request.limit_price),
            "time_in_force": request.time_in_force.value,
            "reduce_only": request.reduce_only,
            "class": request.order_class.value,
        }

    def _obligation(self, parent: ParentTrail, duty: Obligation) -> Told:
        fire = self.trail.fires.get(duty.episode)
        return {
            "fire": None if fire is None else fire.number,
            "rule": duty.rule,
            "why": None if fire is None else fire.opened.why,
            "quantity": self.quantity_text(parent.opened.key, duty.quantity),
            "algo": duty.algo,
            "why_linear": duty.why_linear,
            "tactic": duty.tactic,
            "start": iso_time(duty.start),
            "deadline": iso_time(duty.deadline),
            "collar": duty.collar,
            "participation_max": duty.participation_max,
        }

    def _pause(self, parent: ParentTrail, pause: PauseParent) -> Told:
        """Return when a parent's slippage budget held it back, and what was not sold for it."""
        residual = self.quantity_text(parent.opened.key, pause.residual)
        return {"ts": iso_time(pause.now), "residual": residual, "why": pause.why}

    def _step(self, parent: ParentTrail, step: RelaxParent) -> Told:
        """Return a step of the ladder with the widest value that it allows to any duty of the parent."""
        duties = parent.obligations_at(step.now)
        to: float | None
        if step.what is Relaxation.COLLAR:
            to = max(collar_at(step.level, first=duty.collar, widest=self.charter.collar_max) for duty in duties)
        elif step.what is not Relaxation.PARTICIPATION:
            to = None
        else:
            caps = [participation_at(step.level, first=duty.participation_max) for duty in duties]
            to = max((cap for cap in caps if cap is not None), default=None)
        return {"ts": iso_time(step.now), "what": step.what.value, "level": step.level, "to": to, "why": step.why}

    def _answer(self, answer: object) -> Told:
        match answer:
            case OrderFilled():
                return {
                    "ts": iso_time(answer.now),
                    "what": "filled",
                    "quantity": self.quantity_text(answer.key, answer.quantity),
                    "price": self._price(answer.key, answer.price),
                    "fee": cash_text(answer.fee),
                    "currency": self.currency_of(answer.account),
                    "liquidity": answer.liquidity.value,
                    "modelled": answer.modelled,
                }
            case OrderEnded():
                return {"ts": iso_time(answer.now), "what": answer.status.value}
            case OrderRejected():
                return {"ts": iso_time(answer.now), "what": "rejected", "why": f"{answer.code}: {answer.detail}"}
            case OrderNotSent():
                return {"ts": iso_time(answer.now), "what": "not_sent", "why": answer.reason}
            case OrderOutcomeUnknown():
                return {"ts": iso_time(answer.now), "what": "unknown", "why": answer.reason}
            case OrderNotFound():
                return {"ts": iso_time(answer.now), "what": "not_found"}
            case OrderAccepted():
                return {"ts": iso_time(answer.now), "what": "accepted"}
        return {"what": type(answer).__name__}

    def tell_cancel(self, cancel: CancelForeignOrder) -> Told:
        """Return why an order that was not ours was to be cancelled; asked for once more, it is told once more."""
        order = cancel.order
        price = order.trigger_price if order.limit_price is None else order.limit_price
        return {
            "ts": iso_time(cancel.now),
            "order": order.name,
            "venue_id": order.venue_id,
            "position": self.charter.key_label(order.key),
            "side": order.side.value,
            "quantity": self.quantity_text(order.key, order.leaves),
            "price": None if price is None else self._price(order.key, price),
            "why": cancel.why,
        }

    def currency_of(self, account: int) -> str:
        """Return what an account's cash is counted in."""
        return self.charter.accounts[account].settle

    def quantity_text(self, key: PositionKey, quantity: int) -> str:
        """Return a quantity of one position as decimal text."""
        return to_text(quantity, self.charter.instruments[key.instrument].quantity_digits)

    def _price(self, key: PositionKey, price: int) -> str:
        return to_text(price, self.charter.instruments[key.instrument].price_digits)


def _rule(rule: RuleWords | None) -> Told:
    if rule is None:
        return {}
    return {
        "when": rule.when,
        "clear": rule.clear,
        "confirm": rule.confirm,
        "hold": rule.hold,
        "cooldown": rule.cooldown,
        "fires_max": rule.fires_max,
        "execute": rule.execute,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
