"""What a client sets: leverage, margin mode, position mode, isolated margin. The core venue judges."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.account import MarginMode
from bot.domain.events import SettingAnswered
from bot.domain.scale import CASH_DIGITS
from paper.messages import AddMargin, SetLeverage, SetMarginMode, SetPositionMode, Setting
from paper.spec import AssetMode, PositionMode
from paper.wire import user_events
from paper.wire.floor import Call, Floor
from paper.wire.place import LEGS
from paper.wire.refusals import Refused, invalid
from paper.wire.values import Json, cash

MARGIN_MODES: Mapping[str, MarginMode] = {
    "ISOLATED": MarginMode.ISOLATED, "CROSSED": MarginMode.CROSS, "CROSS": MarginMode.CROSS,
}
DONE: Json = {"code": 200, "msg": "success"}


def set_leverage(floor: Floor, call: Call) -> Json:
    """POST /fapi/v1/leverage."""
    contract, leverage = floor.contracts.asked(call.params), call.params.whole("leverage")
    _change(floor, SetLeverage(call.account, contract.index, leverage))
    floor.hub.tell(call.account, user_events.config_event(contract, leverage, now=floor.now))
    most = contract.brackets.notional_max(leverage)
    return {"symbol": contract.symbol, "leverage": leverage, "maxNotionalValue": str(most // 10**CASH_DIGITS)}


def set_margin_mode(floor: Floor, call: Call) -> Json:
    """POST /fapi/v1/marginType."""
    contract = floor.contracts.asked(call.params)
    mode = call.params.one_of("marginType", MARGIN_MODES)
    _change(floor, SetMarginMode(call.account, contract.index, mode))
    return DONE


def position_mode(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/positionSide/dual."""
    return {"dualSidePosition": floor.account(call.account).position_mode is PositionMode.HEDGE}


def set_position_mode(floor: Floor, call: Call) -> Json:
    """POST /fapi/v1/positionSide/dual."""
    call.params.text("dualSidePosition")
    mode = PositionMode.HEDGE if call.params.flag("dualSidePosition") else PositionMode.ONE_WAY
    _change(floor, SetPositionMode(call.account, mode))
    return DONE


def asset_mode(floor: Floor, call: Call) -> Json:
    """GET /fapi/v1/multiAssetsMargin."""
    return {"multiAssetsMargin": floor.account(call.account).asset_mode is AssetMode.MULTI}


def add_margin(floor: Floor, call: Call) -> Json:
    """POST /fapi/v1/positionMargin: ``type`` 1 adds, 2 takes back."""
    contract, params = floor.contracts.asked(call.params), call.params
    leg = LEGS.get(params.text_or("positionSide", "BOTH"))
    kind = params.whole("type")
    if leg is None or kind not in (1, 2):
        raise invalid("type" if leg is not None else "positionSide")
    amount = params.fixed("amount", CASH_DIGITS)
    if amount <= 0:
        raise Refused(-4055, "Amount must be positive.")
    key = floor.key(call.account, contract, leg)
    _change(floor, AddMargin(call.account, key, amount if kind == 1 else -amount))
    floor.reports.tell_account(
        call.account, "MARGIN_TRANSFER", [key], changed={}, now=floor.now
    )
    return {
        "amount": cash(amount), "code": 200, "msg": "Successfully modify position margin.", "type": kind,
    }


def _change(floor: Floor, setting: Setting) -> None:
    """Hand the core venue a setting; refuse with its words when it does."""
    for _, fact in floor.tell(setting):
        if isinstance(fact, SettingAnswered) and fact.code is not None:
            raise Refused(int(fact.code), fact.detail)
