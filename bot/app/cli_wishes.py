"""The part of the command line by which a person asks something once of a run that goes on.

As in ``bot.app.cli``, heavy imports happen inside the verbs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

RUN_HELP = "the folder of a run that is going on"


def add_override(parser: argparse.ArgumentParser) -> None:
    """Let one control of the gate rest."""
    parser.add_argument("run", type=Path, metavar="RUN", help=RUN_HELP)
    parser.add_argument("control", metavar="CONTROL",
                        help="its code, such as PRICES_DIVERGE; docs/gate.md says which may rest")
    parser.add_argument("--for", dest="lasts", required=True, metavar="TIME",
                        help="how long, such as 10m; at most override_max of the limits")
    sign(parser)
    parser.set_defaults(verb=_override)


def add_rearm(parser: argparse.ArgumentParser) -> None:
    """Let a latched rule fire again."""
    parser.add_argument("run", type=Path, metavar="RUN", help=RUN_HELP)
    parser.add_argument("rule", metavar="RULE", help="the rule's name in its book")
    parser.add_argument("--scope", metavar="SYMBOL", help='one position, such as "BTC/USDT:USDT long"; else all')
    sign(parser)
    parser.set_defaults(verb=_rearm)


def add_sell(parser: argparse.ArgumentParser) -> None:
    """Let so much of a position out, or until so much cash can leave."""
    parser.add_argument("run", type=Path, metavar="RUN", help=RUN_HELP)
    parser.add_argument("--symbol", metavar="SYMBOL", help='the position, such as "BTC/USDT:USDT", or with its leg')
    parser.add_argument("--amount", metavar="AMOUNT", help="how much: 0.5 (base units or contracts), 50%% or all")
    parser.add_argument("--cash", metavar="AMOUNT",
                        help='instead: so much is to be free to leave, such as "5_000 USDT", by the cheapest cuts')
    parser.add_argument("--keep-distance", metavar="RATIO",
                        help="with --cash: how far from liquidation the rest then stands (default 10%%)")
    time = parser.add_mutually_exclusive_group()
    time.add_argument("--over", metavar="TIME", help="in how long, such as 30m; else at once")
    time.add_argument("--until", metavar="TIME", help="by when: 2026-11-21T18:00:00Z, of the run's market")
    parser.add_argument("--tactic", choices=("taker", "passive"), default="taker",
                        help="taker: limits that fill or end (default); passive: joins the best price on its own side")
    parser.add_argument("--participation", metavar="RATIO", help="our share of all volume at most, such as 10%%")
    parser.add_argument("--collar", metavar="RATIO", help="how far from the mark at most; else what the limits allow")
    parser.add_argument("--name", metavar="NAME",
                        help="said again under the same name it is the same sale; else its symbol and amount")
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--dry", action="store_true", help="only say what it would come to")
    asked.add_argument("--cancel", metavar="NAME", help="sell no more of the position of this sale")
    sign(parser, otherwise="the one that has the symbol, or the only one")
    parser.set_defaults(verb=_sell)


def sign(parser: argparse.ArgumentParser, otherwise: str = "all of the run") -> None:
    """Ask who wants it, for which account, and why; ``otherwise`` is what none means."""
    parser.add_argument("--account", metavar="NAME", help=f"one account; else {otherwise}")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it is journaled")
    parser.add_argument("--by", metavar="NAME", help="who wants it; else the name you are logged in by")


def _override(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.wish import Signed, override

    signed = Signed(parsed.account, parsed.reason, parsed.by)
    return override(parsed.run, parsed.control, lasts=parsed.lasts, signed=signed, as_json=parsed.json)


def _rearm(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.wish import Signed, rearm

    signed = Signed(parsed.account, parsed.reason, parsed.by)
    return rearm(parsed.run, parsed.rule, scope=parsed.scope, signed=signed, as_json=parsed.json)


def _sell(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.sell import Asked, end_sale, sell
    from bot.app.verbs.wish import Signed

    signed = Signed(parsed.account, parsed.reason, parsed.by)
    if parsed.cancel is not None:
        return end_sale(parsed.run, parsed.cancel, signed=signed, as_json=parsed.json)
    asked = Asked(
        symbol=parsed.symbol, amount=parsed.amount, over=parsed.over, until=parsed.until, tactic=parsed.tactic,
        participation=parsed.participation, collar=parsed.collar, name=parsed.name, is_dry=parsed.dry,
        cash=parsed.cash, keep_distance=parsed.keep_distance,
    )
    return sell(parsed.run, asked, signed=signed, as_json=parsed.json)
