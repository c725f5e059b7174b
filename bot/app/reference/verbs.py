"""``docs/verbs.md``: the command line, from the parser that reads it."""

from __future__ import annotations

import argparse

from bot.app.cli import build_parser
from bot.app.reference.markdown import code, page, table

_INTRODUCTION = """`penstock` is the same as `python -m bot`. Every verb takes `--json`: one JSON object on standard
output and nothing else; an error is then an object with `error` and `exit_code`."""
_EXIT_CODES = (
    ("0", "good"),
    ("2", "bad input: a file or the command line; the message says where and what to do"),
    ("3", "credentials"),
    ("4", "the journal cannot be read or written"),
    ("5", "a guarded account was liquidated"),
    ("70", "a bug of ours"),
)


def verbs_page() -> str:
    """Return the page: every verb with its arguments and options."""
    parser = build_parser()
    parts = [part for name, verb, line in _verbs(parser) for part in _verb(name, verb, line)]
    return page("The command line", _INTRODUCTION, *parts, "## Exit codes", table(("code", "means"), _EXIT_CODES))


def verb_names() -> list[str]:
    """Return every verb of the command line."""
    return [name for name, _, _ in _verbs(build_parser())]


def _verbs(parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser, str]]:
    """Return the verbs in the order of the help, each with its line in it.

    argparse has no public way to ask a parser what it knows; ``_actions`` has been there since its first version.
    """
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help or "" for choice in action._choices_actions}
            found += [(name, verb, lines.get(name, "")) for name, verb in action.choices.items()]
    return found


def _verb(name: str, verb: argparse.ArgumentParser, line: str) -> list[str]:
    rows = [
        (code(_form(action)), _text(action)) for action in verb._actions
        if action.dest != "help" and action.help is not argparse.SUPPRESS
    ]
    return [f"## {name}", f"{line[:1].upper()}{line[1:]}.", table(("argument", "meaning"), rows)]


def _form(action: argparse.Action) -> str:
    """Return an argument as it is written: ``[CONFIG]``, ``--pace N``."""
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"[{value}]" if action.nargs == "?" else value
    name = action.option_strings[-1]
    return name if action.nargs == 0 else f"{name} {value}"


def _text(action: argparse.Action) -> str:
    notes = [(action.help or "").replace("%%", "%")]     # argparse's own way to write one
    if action.option_strings and action.required:
        notes.append("required")
    if isinstance(action, argparse._AppendAction):
        notes.append("may be given several times")
    return "; ".join(note for note in notes if note)
