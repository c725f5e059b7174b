"""``penstock sell RUN``: a sale, said by name where a run sees it, and its answer, read from the run's journal.

The amount is made whole numbers here, by the run's own charter. Whether it can be sold is the engine's to say, and it
is asked again by the same words: what was said before under a name is not said a second time.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bot.adapters.journal.reader import open_readonly
from bot.app.charter import CHARTER_SERIES, Charter, read_charter
from bot.app.cli_codes import EXIT_GOOD
from bot.app.running import JOURNAL_NAME
from bot.app.verbs.wish import Signed, require_running, write_wish
from bot.app.wording import bps, cash, iso_time, moment, price
from bot.domain.account import PositionKey
from bot.domain.effects import Effect, EndEpisode
from bot.domain.errors import InputError
from bot.domain.events import CommandKind
from bot.domain.sale import PART, QuoteSale, RefuseSale, Sale, SaleOffer, SaleTerms, TakeSale
from bot.domain.scale import CASH_DIGITS, cash_text, to_fixed, to_text
from bot.domain.units import Place
from bot.engine.deciding.sales import terms_of
from bot.engine.measures.layout import leg_label
from bot.rules.language.wording import duration_text
from bot.settings.node import Scalar
from bot.settings.quantities import read_duration, read_money, read_ratio

PATIENCE = 5.0                       # seconds; a run looks four times a second, and commits at once
LOOK_EVERY = 0.1
NAME_LENGTH_MAX = 60                 # a table has to show it
Answer = TakeSale | RefuseSale | QuoteSale


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person typed."""

    symbol: str | None
    amount: str | None
    over: str | None
    until: str | None
    tactic: str
    participation: str | None
    collar: str | None
    name: str | None
    is_dry: bool
    cash: str | None = None
    keep_distance: str | None = None


def sell(run: Path, asked: Asked, *, signed: Signed, as_json: bool) -> int:
    """Say a sale, or ask what it would come to, and tell the engine's answer.

    Raises InputError for what cannot be meant, and for what the engine refuses.
    """
    charter = _charter(run)
    account, sale, until = _sale_of(charter, asked, signed.account)
    if asked.is_dry:
        sale = replace(sale, name=f"{sale.name} {secrets.token_hex(4)}")
    answers = _answers_to(run, sale)
    is_known = bool(answers)
    if not answers:
        verb = CommandKind.QUOTE_SALE if asked.is_dry else CommandKind.SELL
        wish = {"verb": verb.value, "sale": msgspec.to_builtins(sale), "until": until}
        write_wish(run, wish, replace(signed, account=charter.accounts[account].name))
        _wait_for(lambda: _answers_to(run, sale) or None)
        answers = _answers_to(run, sale)
    elif not _is_same(answers[0].sale, sale, until):
        raise InputError(
            f"sell: {sale.name!r} is the name of another sale in this run; give this one another --name"
        )
    why = next((each.why for each in answers if not isinstance(each, TakeSale)), "")
    if why:
        raise InputError(f"sell: {sale.name} is refused: {why}{'; another try needs another --name' * is_known}")
    _tell(run, charter, sale, answers, is_known=is_known, as_json=as_json)
    return EXIT_GOOD


def end_sale(run: Path, name: str, *, signed: Signed, as_json: bool) -> int:
    """Sell no more of the position of a sale; raises InputError for one that is not at work."""
    charter = _charter(run)
    parts = [each for each in _effects(run, TakeSale) if each.sale.is_of(name)]
    if not parts:
        raise InputError(f"sell --cancel: no sale of that name was taken in this run, was {name!r}")
    ends = [_end_of(run, part.episode) for part in parts]
    ended = ends[0]
    if ended is not None and None not in ends:
        raise InputError(f"sell --cancel: {name} is over since {iso_time(ended.now)}: {ended.reason}")
    account = charter.accounts[parts[0].account].name
    write_wish(run, {"verb": CommandKind.END_SALE.value, "name": name}, replace(signed, account=account))
    _wait_for(lambda: None if None in [_end_of(run, part.episode) for part in parts] else ())
    ended = _end_of(run, parts[0].episode)
    state = "unanswered" if ended is None else "ended"
    if as_json:
        print(json.dumps({"run": str(run), "sale": name, "state": state}))
    else:
        print(f"{name}: {'said; the run has not answered yet' if ended is None else ended.reason}")
    return EXIT_GOOD


# What is meant -------------------------------------------------------------------------------------------------


def _charter(run: Path) -> Charter:
    """Return what the run is made of; raises InputError where none goes on, or none that could sell."""
    require_running(run, "sell")
    with open_readonly(run / JOURNAL_NAME) as journal:
        stored = journal.get_series(CHARTER_SERIES)
    charter = None if stored is None else read_charter(stored)
    if charter is None or not charter.keys:
        raise InputError(
            f"sell {run}: the run has only begun, or its version knows no sales; say it again in a second, or take the "
            "run up anew with this version"
        )
    return charter


def _sale_of(charter: Charter, asked: Asked, account: str | None) -> tuple[int, Sale, int | None]:
    """Return account, sale, and the moment by which it is to be done, ns; None where that is a length of time."""
    if (asked.symbol is None or asked.amount is None) is (asked.cash is None):
        raise InputError(
            "sell: needs --symbol and --amount, or --cash; write --symbol BTC/USDT:USDT --amount 0.5, or "
            '--cash "5_000 USDT"'
        )
    until = None if asked.until is None else moment(asked.until)
    if asked.until is not None and until is None:
        raise InputError(f"sell: --until is no moment, was {asked.until!r}; write 2026-11-21T18:00:00Z")
    terms = SaleTerms(
        over=0 if asked.over is None else read_duration(_scalar(asked.over), "--over"),
        tactic=asked.tactic,
        participation_max=None if asked.participation is None else _ratio(asked.participation, "--participation"),
        collar=None if asked.collar is None else _ratio(asked.collar, "--collar"),
    )
    try:
        terms_of(terms)
    except ValueError as error:
        raise InputError(f"sell: {error}") from None
    if asked.cash is not None:
        place, sale = _cash_sale(charter, asked, asked.cash, account, terms)
    else:
        key = _key_of(charter, asked.symbol or "", account)
        quantity, share = _amount(asked.amount or "", charter.instruments[key.instrument].quantity_digits)
        place, sale = key.account, Sale(f"{asked.symbol} {asked.amount}", key, terms, quantity, share)
    name = sale.name if asked.name is None else asked.name
    if not name.strip() or not name.isprintable() or len(name) > NAME_LENGTH_MAX or PART in name:
        raise InputError(
            f"sell: a name is one line of 1 to {NAME_LENGTH_MAX} characters without {PART!r}, was {name!r}; give --name"
        )
    return place, replace(sale, name=name), until


def _cash_sale(
    charter: Charter, asked: Asked, text: str, account: str | None, terms: SaleTerms
) -> tuple[int, Sale]:
    names = [each.name for each in charter.accounts]
    if account not in names and (account is not None or len(names) > 1):
        raise InputError(f"sell: --cash is of one account, was {account!r}; name --account, of {', '.join(names)}")
    place = 0 if account is None else names.index(account)
    money, settle = read_money(_scalar(text), "--cash"), charter.accounts[place].settle
    if money.currency != settle or money.amount <= 0:
        raise InputError(f"sell: --cash must be above 0 and in {settle}, was {money}; the account settles in that")
    try:
        cash_units = to_fixed(money.amount, CASH_DIGITS)
    except ValueError as error:
        raise InputError(f"sell: --cash {error}") from None
    distance = None if asked.keep_distance is None else _ratio(asked.keep_distance, "--keep-distance")
    if distance is not None and not 0 < distance < 1:
        raise InputError(f"sell: --keep-distance must be above 0% and below 100%, was {asked.keep_distance}")
    return place, Sale(f"cash {text}", None, terms, cash=cash_units, distance=distance)


def _key_of(charter: Charter, symbol: str, account: str | None) -> PositionKey:
    names = [each.name for each in charter.accounts]
    if account is not None and account not in names:
        raise InputError(f"sell: --account is unknown, was {account!r}; this run's accounts are {', '.join(names)}")
    own = [key for key in charter.keys if account in (None, names[key.account])]
    found = [key for key in own if symbol in (_label(charter, key), charter.instruments[key.instrument].symbol)]
    if len(found) == 1:
        return found[0]
    choices = ", ".join(charter.key_label(key) for key in found or own)
    what = "may be several positions" if found else "is no position of this run"
    raise InputError(f"sell: --symbol {what}, was {symbol!r}; there are {choices}: name --account, or the leg")


def _label(charter: Charter, key: PositionKey) -> str:
    return leg_label(charter.instruments[key.instrument].symbol, key.side)


def _amount(text: str, digits: int) -> tuple[int | None, float | None]:
    """Return what is to be sold as a quantity or as a share of what is held."""
    if text == "all":
        return None, 1.0
    if text.endswith("%"):
        share = _ratio(text, "--amount")
        if not 0 < share <= 1:
            raise InputError(f"sell: --amount must be above 0% and at most 100%, was {text}")
        return None, share
    try:
        quantity = to_fixed(text, digits)
    except ValueError as error:
        raise InputError(f"sell: --amount is none, {error}; write 0.5, 50% or all") from None
    if quantity <= 0:
        raise InputError(f"sell: --amount must be above 0, was {text}; what is held short is bought back by it as well")
    return quantity, None


def _ratio(text: str, flag: str) -> float:
    return read_ratio(_scalar(text), flag)


def _scalar(text: str) -> Scalar:
    place = Place("sell", 1, 1)
    return Scalar(text, quoted=False, place=place, content=place, source=text)


# What is answered -----------------------------------------------------------------------------------------------


def _effects(run: Path, *kinds: type[Any]) -> list[Any]:
    with open_readonly(run / JOURNAL_NAME) as journal:
        return list[Effect](journal.effects_of(*kinds))


def _answers_to(run: Path, sale: Sale) -> list[Answer]:
    """Return the answer to a sale, one for each position that it cuts; empty while there is none."""
    return [each for each in _effects(run, TakeSale, RefuseSale, QuoteSale) if each.sale.is_of(sale.name)]


def _end_of(run: Path, episode: int) -> EndEpisode | None:
    return next((each for each in _effects(run, EndEpisode) if each.episode == episode), None)


def _wait_for(look: Callable[[], object | None]) -> None:
    """Wait until something is there, and no longer than ``PATIENCE``."""
    deadline = time.monotonic() + PATIENCE
    while look() is None and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)


def _is_same(taken: Sale, said: Sale, until: int | None) -> bool:
    """Say whether a sale is what was said before; one by a moment was given another length each time it was heard.

    One of cash was given the position that it cuts.
    """
    if until is not None:
        said = replace(said, terms=replace(said.terms, over=taken.terms.over))
    return taken == (said if said.key is not None else replace(said, key=taken.key))


def _tell(
    run: Path, charter: Charter, sale: Sale, answers: Sequence[Answer], *, is_known: bool, as_json: bool
) -> None:
    offers = [each.offer for each in answers if not isinstance(each, RefuseSale) and each.offer is not None]
    taken = [each for each in answers if isinstance(each, TakeSale)]
    state = "taken" if taken else "quoted" if offers else "unanswered"
    ended = _end_of(run, taken[0].episode) if is_known and taken else None
    if as_json:
        plain = [_plain(charter, offer) for offer in offers]
        print(json.dumps({
            "run": str(run), "sale": sale.name, "state": state, "known": is_known,
            "ended": None if ended is None else ended.reason, "offer": plain[0] if plain else None, "offers": plain,
        }))
        return
    if not offers:
        print(f"{sale.name}: said, and not answered within {PATIENCE:g} s; it is heard once. Say the same again to ask")
        return
    if is_known:
        print(f"{sale.name}: was said before, and is {'at work' if ended is None else f'over: {ended.reason}'}; "
              "nothing more is sold. To sell as much again, give it another --name")
    for offer in offers:
        print(f"{'would sell' if state == 'quoted' else 'sells'} {_words(charter, offer)}")


def _plain(charter: Charter, offer: SaleOffer) -> dict[str, Any]:
    instrument = charter.instruments[offer.key.instrument]
    return {
        "position": charter.key_label(offer.key),
        "quantity": to_text(offer.quantity, instrument.quantity_digits),
        "keep": to_text(offer.keep, instrument.quantity_digits),
        "mark_price": to_text(offer.mark, instrument.price_digits),
        "orders": offer.slices,
        "seconds": offer.length / 1e9,
        **{name: cash_text(asdict(offer)[name]) for name in ("value", "cost", "cost_at_once")},
    }


def _words(charter: Charter, offer: SaleOffer) -> str:
    plain, settle = _plain(charter, offer), charter.accounts[offer.key.account].settle
    worth = max(offer.value, 1)
    time_taken = f" over {duration_text(offer.length)}" if offer.length else " at once"
    at_once = (
        f"; all at once about {cash(plain['cost_at_once'], settle)} ({bps(offer.cost_at_once / worth * 1e4)})"
        if offer.slices > 1 else ""
    )
    return (
        f"{plain['quantity']} of {charter.key_label(offer.key)}, worth {cash(plain['value'], settle)} at "
        f"{price(plain['mark_price'])}, in {offer.slices} orders or more{time_taken}; expected cost about "
        f"{cash(plain['cost'], settle)} ({bps(offer.cost / worth * 1e4)}){at_once}; {plain['keep']} is kept"
    )
