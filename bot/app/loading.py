"""From files to checked objects: the configuration, its rule books, and every condition in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.tapes.source import tape_hash
from bot.app.config import Config
from bot.app.margins import require_accounts
from bot.app.plugins import load_plugin
from bot.app.starts import singles_of
from bot.domain.errors import InputError
from bot.rules.bound_plugins import BoundPlugins, bind_plugins
from bot.rules.feasibility import require_feasible
from bot.rules.ruleset import Rule, RuleSet, make_rule
from bot.rules.spec import RuleBook, RuleSpec
from bot.settings.environment import OVERRIDE_PREFIX
from bot.settings.load import load

DEFAULT_CONFIG = Path(__file__).with_name("default.yaml")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration whose rules are all checked; ``digest`` changes with anything that could matter."""

    path: Path
    config: Config
    rules: RuleSet
    digest: str
    text: str


def load_all(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read a configuration and its rule books; raises InputError at the first thing that is wrong."""
    config = load(path, Config, environ, override_prefix=OVERRIDE_PREFIX)
    require_accounts(config)
    plugins = bind_plugins([load_plugin(plugin) for plugin in config.plugins], config.symbols)
    rules: dict[str, Rule] = {}
    books: dict[str, Path] = {}
    for book_path in config.strategies:
        for name, spec in _book(book_path, path, environ).rules.items():
            if name in rules:
                raise InputError(
                    f"{book_path}: a rule of this name was loaded before, was {name!r} from {books[name]}; rename one, "
                    "or name the book once"
                )
            books[name] = book_path
            rules[name] = _checked(name, spec, config, plugins)
    return Loaded(
        path=path,
        config=config,
        rules=RuleSet(tuple(rules.values()), plugins),
        digest=_digest([path, *config.strategies, *config.plugins], _histories(rules.values()), environ),
        text=path.read_text(encoding="utf-8"),
    )


def _book(book: Path, config: Path, environ: Mapping[str, str]) -> RuleBook:
    """Return a rule book; one that cannot be read is looked for where the configuration names it."""
    if not book.is_file():
        raise InputError(
            f"{config}: strategies names a rule book that is no file, was {book}; correct its path, which is relative "
            f"to {config.name}"
        )
    return load(book, RuleBook, environ)


def _checked(name: str, spec: RuleSpec, config: Config, plugins: BoundPlugins) -> Rule:
    rule = make_rule(name, spec, config.symbols, plugins)
    require_feasible(rule, singles_of(config), order_rate_max=config.limits.order_rate_max)
    return rule


def _histories(rules: Iterable[Rule]) -> list[str]:
    """Return the hash of each volume history that rules name: with another one, other orders would be sent."""
    named = dict.fromkeys(rule.execute.history for rule in rules)
    return [tape_hash(Path(history)) for history in named if history is not None]


def _digest(paths: Sequence[Path], histories: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return a sha256 over the files' bytes, the histories' hashes and the overrides in force."""
    digest = hashlib.sha256("\0".join(histories).encode())
    for path in paths:
        digest.update(path.read_bytes())
        digest.update(b"\0")
    for key in sorted(environ):
        if key.startswith(OVERRIDE_PREFIX):
            digest.update(f"{key}={environ[key]}\0".encode())
    return digest.hexdigest()
