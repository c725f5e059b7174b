"""The command line: a stable contract of verbs, ``--json`` and exit codes (DESIGN section 9).

    0 good   2 bad input   3 credentials   4 journal   5 a guarded account was liquidated   70 our own bug

Heavy imports happen inside the verbs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot import __version__
from bot.app.cli_codes import EXIT_BUG, EXIT_GOOD
from bot.app.cli_wishes import add_override, add_rearm, add_sell, sign
from bot.domain.errors import InputError, PenstockError

DEMO_OUT = Path("penstock-demo")
INIT_OUT = Path("penstock.yaml")
DEMO_SEED = 3                        # its lows lie near those of 2020: BTC 3,858, ETH 85.5
GENERATE_HELP = ("generated prices instead of a tape: calm, trend, gap, wick, crash, depeg or funding_spike; "
                 "a SEED alone is the demonstration's market; behind it where coins begin: 3,BTC=97_000")
CONFIG_HELP = "the configuration file: accounts, limits, rule books"
TAPE_FORM = "[SYMBOL[@KIND]=]PATH"
_SHUTTING = {
    "freeze": "send nothing more that could raise exposure; exits go on",
    "kill": "freeze, cancel what is out, end what rules began; stops stay",
    "flatten": "kill, and reduce every position to zero",
    "resume": "open accounts that were frozen, killed or flattened",
}
_WISHING = {
    "override": (add_override, "let one control of the gate rest for a time"),
    "rearm": (add_rearm, "let a rule that is latched fire again"),
    "sell": (add_sell, "let so much of a position out, or raise so much cash, once"),
}
_ASKING = {
    "status": "how a running daemon and its accounts stand",
    "positions": "what a running daemon's accounts hold, and the stop behind each position",
}
GENERATE_FORM = "MARKET[:SEED][,COIN=PRICE]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; every error ends in one line that says what to do."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    as_json = "--json" in words          # asked of the words, since there may be nothing parsed to ask
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")    # a name that this terminal cannot show is no failure
    try:
        parsed = build_parser().parse_args(words)
        code: int = parsed.verb(parsed)
        sys.stdout.flush()
    except PenstockError as error:
        _say_error(str(error), error.exit_code, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        _drop_output()                   # the reader of our output has gone, as `| head` does
        return EXIT_GOOD
    except OSError as error:             # the world's: a full disk, a folder that may only be read
        _say_error(
            f"{error.filename or 'output'}: cannot be read or written, was {error.strerror or error}; check the disk "
            "and the permissions, or choose another place",
            InputError.exit_code, as_json=as_json,
        )
        _drop_output()
        return InputError.exit_code
    except KeyboardInterrupt:
        _say_error("stopped by the keyboard", 130, as_json=as_json)
        return 130
    except Exception:  # noqa: BLE001 - the last resort: whatever is left is our bug and must be seen
        traceback.print_exc()
        _say_error(
            "this is a bug of Penstock; please report the lines above and the configuration", EXIT_BUG,
            as_json=as_json,
        )
        return EXIT_BUG
    return code


def _say_error(text: str, code: int, *, as_json: bool) -> None:
    if as_json:
        try:
            print(json.dumps({"error": text, "exit_code": code}), flush=True)
            return
        except OSError:
            _drop_output()               # the output itself is what fails: say it where people look
    print(f"penstock: {text}", file=sys.stderr)


def _drop_output() -> None:
    """Send what is still to be printed nowhere, so that the end of the process does not fail on it again."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        return                           # an output without a file, as in tests


class _Parser(argparse.ArgumentParser):
    """Raises what is wrong on the command line, so that it is told like everything else that is wrong."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; `{self.prog} --help` shows what there is")


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line; the docs list what it knows."""
    parser = _Parser(
        prog="penstock",
        description="Lets a leveraged account out gently before the venue does it for you.",
        epilog="exit codes: 0 good, 2 bad input, 3 credentials, 4 journal, 5 a guarded account was liquidated, 70 bug",
    )
    parser.add_argument("--version", action="version", version=f"penstock {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    _add_run(verbs.add_parser("run", help="run the daemon; with no CONFIG, a demonstration: a crash, in fast time"))
    _add_init(verbs.add_parser("init", help="write a commented configuration, from a few questions or from flags"))

    check = verbs.add_parser("check", help="validate a configuration and its rules")
    check.add_argument("config", type=Path, metavar="CONFIG", help=CONFIG_HELP)
    _finish(check, _check)

    doctor = verbs.add_parser("doctor", help="ask the venue what a daemon would ask: keys, clock, modes, brackets")
    doctor.add_argument("config", type=Path, metavar="CONFIG", help=CONFIG_HELP)
    _finish(doctor, _doctor)

    replay = verbs.add_parser("replay", help="take the paper accounts through a market, as fast as it goes")
    replay.add_argument("config", type=Path, metavar="CONFIG", help=CONFIG_HELP)
    replay.add_argument("--tape", action="append", default=[], metavar=TAPE_FORM, help="recorded prices of a market")
    replay.add_argument("--generate", metavar=GENERATE_FORM, help=GENERATE_HELP)
    replay.add_argument("--out", type=Path, metavar="DIR",
                        help="where journal, summary and report go; without it nothing is kept")
    _finish(replay, _replay)

    report = verbs.add_parser("report", help="summary and report of a run again; of two runs, their difference")
    report.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    report.add_argument("other", nargs="?", type=Path, metavar="OTHER",
                        help="of another over the same market: both are shown side by side")
    report.add_argument("--out", type=Path, metavar="DIR",
                        help="of two runs: where their page, comparison.html, goes; without it nothing is written")
    _finish(report, _report)

    _add_explain(verbs.add_parser("explain", help="why something was done in a run, or was not"))
    _add_tape(verbs.add_parser("tape", help="look recorded markets over, and write them in other forms"))

    for verb, what in _SHUTTING.items():
        _add_shutting(verbs.add_parser(verb, help=what), verb)

    for verb, (add, what) in _WISHING.items():
        wishing = verbs.add_parser(verb, help=what)
        add(wishing)
        _answer_in_json(wishing)

    for verb, what in _ASKING.items():
        asking = verbs.add_parser(verb, help=what)
        asking.add_argument("run", type=Path, metavar="RUN", help="the folder of a daemon's run")
        asking.set_defaults(asking=verb)
        _finish(asking, _ask)

    _add_exchange(verbs.add_parser("exchange", help="serve a paper exchange that any bot can trade against"))

    rules = verbs.add_parser("rules", help="everything a rule can read and call")
    rules.add_argument(
        "about", nargs="?", metavar="WHAT",
        help="a configuration, for its plug-ins too; or a part of a name, such as liquidation, for that alone",
    )
    _finish(rules, _rules)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("config", nargs="?", type=Path, metavar="CONFIG", help=CONFIG_HELP)
    run.add_argument("--tape", action="append", default=[], metavar=TAPE_FORM, help="prices of the paper venue")
    run.add_argument("--generate", metavar=GENERATE_FORM, help=GENERATE_HELP)
    run.add_argument("--pace", type=float, metavar="N", help="market seconds per second (default 1)")
    run.add_argument("--out", type=Path, metavar="DIR", help="of the journal, summary and report; a CONFIG needs it")
    run.add_argument("--live", action="store_true", help="send orders with real money; `mode: live` needs it as well")
    run.add_argument("--live-prices", action="store_true",
                     help="paper accounts on the public prices of their exchange, by the wall clock")
    run.add_argument("--seed", type=int, default=DEMO_SEED, help="of the demonstration's market")
    _finish(run, _run)


def _add_explain(explain: argparse.ArgumentParser) -> None:
    explain.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    asked = explain.add_mutually_exclusive_group()
    asked.add_argument("--at", metavar="TIME", help="how the accounts stood: 2020-03-12T10:44:00Z, or 10:44")
    asked.add_argument("--order", metavar="NAME", help="why an order, or a parent order, was sent or refused")
    asked.add_argument("--fire", type=int, metavar="N", help="everything about fire N, counted from 1")
    asked.add_argument("--why-not", metavar="RULE", help="how near a rule came to firing, and what it could not read")
    _finish(explain, _explain)


def _add_shutting(parser: argparse.ArgumentParser, verb: str) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run, whether it is going on or not")
    parser.set_defaults(shutting=verb)
    sign(parser)
    _finish(parser, _shut)


def _add_init(init: argparse.ArgumentParser) -> None:
    init.add_argument("--out", type=Path, default=INIT_OUT, metavar="FILE", help=f"the file (default {INIT_OUT})")
    init.add_argument("--exchange", metavar="ID", help="ccxt's name of the exchange")
    init.add_argument("--symbol", action="append", default=[], metavar="SYMBOL", help="ccxt symbol; repeat for more")
    init.add_argument("--balance", metavar="AMOUNT", help="cash of the paper account")
    init.add_argument("--leverage", metavar="N", help="at which the paper account opens positions")
    init.add_argument("--position", action="append", default=[], metavar="SYMBOL=AMOUNT",
                      help="what it holds: base units, negative for a short; repeat for more")
    init.add_argument("--strategy", action="append", default=[], metavar="NAME", help="a rule book of ours; repeat")
    init.add_argument("--yes", action="store_true", help="ask nothing; what no flag says is default")
    _finish(init, _init)


def _add_tape(tape: argparse.ArgumentParser) -> None:
    tape.add_argument("action", choices=("inspect", "import", "convert", "cut", "generate"), metavar="ACTION",
                      help="inspect: what it holds; import: several into one; convert: another form; cut: a stretch; "
                           "generate: a market that never was")
    tape.add_argument("tapes", nargs="+", metavar="TAPE",
                      help=f"{TAPE_FORM}, a file or a folder of files; of generate: [SYMBOL[@KIND]=]{GENERATE_FORM}")
    tape.add_argument("--from", dest="start", metavar="TIME", help="of cut: the first moment, 2020-03-12T10:44:00Z")
    tape.add_argument("--to", dest="end", metavar="TIME", help="of cut: the first moment no longer in it")
    tape.add_argument("--out", type=Path, metavar="FILE", help="a new file: .tape, .csv, .csv.gz or .parquet")
    _finish(tape, _tape)


def _add_exchange(exchange: argparse.ArgumentParser) -> None:
    exchange.add_argument("--venue", choices=("binanceusdm",), default="binanceusdm", help="whose API it speaks")
    exchange.add_argument("--port", type=int, default=0, metavar="N", help="to listen on (default a free one)")
    exchange.add_argument("--key", required=True, metavar="KEY", help="the API key that clients show; make one up")
    exchange.add_argument("--secret", required=True, metavar="SECRET", help="that clients sign with; make one up")
    exchange.add_argument("--tape", action="append", default=[], metavar=TAPE_FORM, help="recorded prices, from now on")
    exchange.add_argument("--generate", metavar=GENERATE_FORM, help=GENERATE_HELP)
    exchange.add_argument("--pace", type=float, default=1.0, metavar="N", help="market seconds per second (default 1)")
    exchange.add_argument("--symbol", action="append", default=[], metavar="SYMBOL", help="listed; repeat for more")
    exchange.add_argument("--balance", default="10000", metavar="AMOUNT", help="of the account (default 10000)")
    exchange.add_argument("--position", action="append", default=[], metavar="SYMBOL=AMOUNT",
                          help="held from the first price on, negative for a short; repeat for more")
    exchange.add_argument("--leverage", type=int, default=20, metavar="N", help="at the start (default 20)")
    exchange.add_argument("--faults", type=Path, metavar="PLAN", help="a JSON file: what is to go wrong, and how often")
    exchange.add_argument("--control", action="store_true", help="let clients steer prices and time below /control/")
    _finish(exchange, _exchange)


def _finish(parser: argparse.ArgumentParser, verb: object) -> None:
    _answer_in_json(parser)
    parser.set_defaults(verb=verb)


def _answer_in_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def _run(parsed: argparse.Namespace) -> int:
    if parsed.config is None:
        if parsed.tape or parsed.generate is not None or parsed.pace is not None:
            raise InputError(
                "run: --tape, --generate and --pace go with a CONFIG, and there is none; name one, or leave them out "
                "for the demonstration"
            )
        from bot.app.verbs.demo import run_demo

        return run_demo(parsed.seed, parsed.out or DEMO_OUT, as_json=parsed.json)
    from bot.app.verbs.run import run_config

    return run_config(
        parsed.config, tapes=parsed.tape, generate=parsed.generate, pace=parsed.pace, out=parsed.out,
        environ=os.environ, is_live=parsed.live,
        is_live_priced=parsed.live_prices, as_json=parsed.json,
    )


def _init(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.init import Flags, init_config

    flags = Flags(
        exchange=parsed.exchange, symbols=parsed.symbol, balance=parsed.balance, leverage=parsed.leverage,
        positions=parsed.position, books=parsed.strategy,
    )
    return init_config(flags, parsed.out, is_unattended=parsed.yes, as_json=parsed.json)


def _check(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.check import check_config

    return check_config(parsed.config, os.environ, as_json=parsed.json)


def _doctor(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.doctor import doctor

    return doctor(parsed.config, os.environ, as_json=parsed.json)


def _replay(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.replay import replay_config

    return replay_config(
        parsed.config, tapes=parsed.tape, generate=parsed.generate, out=parsed.out, environ=os.environ,
        as_json=parsed.json,
    )


def _report(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.report import report_run, report_two

    if parsed.other is not None:
        return report_two(parsed.run, parsed.other, out=parsed.out, as_json=parsed.json)
    if parsed.out is not None:
        raise InputError("report: --out goes with two runs, was given with one; its report is written into its folder")
    return report_run(parsed.run, as_json=parsed.json)


def _tape(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.tape import tape_verb

    return tape_verb(
        parsed.action, parsed.tapes, start=parsed.start, end=parsed.end, out=parsed.out, as_json=parsed.json
    )


def _exchange(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.exchange import Asked, serve_exchange

    asked = Asked(
        port=parsed.port, key=parsed.key, secret=parsed.secret, tapes=parsed.tape, generate=parsed.generate,
        pace=parsed.pace, symbols=parsed.symbol, balance=parsed.balance, positions=parsed.position,
        leverage=parsed.leverage, is_steerable=parsed.control, faults=parsed.faults,
    )
    return serve_exchange(asked, as_json=parsed.json)


def _rules(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.rules import print_rules

    return print_rules(parsed.about, os.environ, as_json=parsed.json)


def _shut(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.shut import shut

    return shut(
        parsed.shutting, parsed.run, account=parsed.account, reason=parsed.reason, by=parsed.by, environ=os.environ,
        as_json=parsed.json,
    )


def _ask(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.status import positions_of, status_of

    return (status_of if parsed.asking == "status" else positions_of)(parsed.run, as_json=parsed.json)


def _explain(parsed: argparse.Namespace) -> int:
    from bot.app.verbs.explain import Question, explain_run

    question = Question(at=parsed.at, order=parsed.order, fire=parsed.fire, why_not=parsed.why_not)
    return explain_run(parsed.run, question, as_json=parsed.json)
