"""The JSON Schemas of our files, generated from their specs: ``python -m bot.app.schemas`` rewrites ``config/``.

An editor finds them by the hint in a file's first line, which ``hint`` makes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bot.app.config import Config
from bot.rules.spec import RuleBook
from bot.settings.schema import schema_text

CONFIG_SCHEMA = "penstock.schema.json"
RULES_SCHEMA = "rules.schema.json"
COMMAND = "python -m bot.app.schemas"


def schema_files() -> dict[str, str]:
    """Return the text of every schema by the name of its file."""
    comment = f"Generated: change the spec dataclasses and run `{COMMAND}`."
    return {
        CONFIG_SCHEMA: schema_text(Config, title="Penstock: configuration", comment=comment),
        RULES_SCHEMA: schema_text(RuleBook, title="Penstock: rule book", comment=comment),
    }


def hint(schema: str) -> str:
    """Return the line that tells an editor where the schema of a file is; ``schema`` is relative to the file."""
    return f"# yaml-language-server: $schema={schema}"


def main(arguments: Sequence[str]) -> None:
    """Write the schemas into the folder given, or ``config``."""
    folder = Path(*arguments or ["config"])
    for name, text in schema_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
