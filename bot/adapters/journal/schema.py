"""The tables of a journal, and how a connection to it is set up.

``facts`` and ``effects`` are the record; ``batches`` holds its digests. ``decisions`` and ``reservations``
repeat some effects as columns, for people and SQL. None of these rows may be changed or deleted: triggers
refuse it. ``checkpoints`` and ``series`` only save work and may be replaced.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from bot.adapters.journal.faults import faults_of
from bot.domain.errors import JournalError
from bot.domain.run import RunHead, TapeSource

FORMAT = 1
CHECKPOINTS_KEPT = 3                 # one may be torn by a bug of ours, one by the bug's mending
BUSY_TIMEOUT_S = 5                   # a reader that copies the file holds it for less than this

_ROWS = "(seq INTEGER, ordinal INTEGER, now INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, " \
        "PRIMARY KEY (seq, ordinal)) WITHOUT ROWID"

_TABLES = (
    "CREATE TABLE head (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    f"CREATE TABLE facts {_ROWS}",
    f"CREATE TABLE effects {_ROWS}",
    "CREATE TABLE batches (batch INTEGER PRIMARY KEY, seq_last INTEGER NOT NULL, rows INTEGER NOT NULL, "
    "digest BLOB NOT NULL)",
    "CREATE TABLE decisions (seq INTEGER NOT NULL, now INTEGER NOT NULL, rule TEXT NOT NULL, "
    "scope TEXT NOT NULL, episode INTEGER NOT NULL, why TEXT NOT NULL, readings TEXT NOT NULL)",
    "CREATE TABLE reservations (parent TEXT NOT NULL, account INTEGER NOT NULL, "
    "instrument INTEGER NOT NULL, leg TEXT NOT NULL, mode TEXT NOT NULL, side TEXT NOT NULL, "
    "first_child INTEGER NOT NULL, count INTEGER NOT NULL, quantity_max INTEGER NOT NULL, "
    "seq INTEGER NOT NULL)",
    "CREATE INDEX reservations_parent ON reservations (parent)",
    "CREATE TABLE checkpoints (seq INTEGER PRIMARY KEY, now INTEGER NOT NULL, body BLOB NOT NULL, "
    "digest BLOB NOT NULL)",
    "CREATE TABLE series (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
)
_APPEND_ONLY = ("head", "facts", "effects", "batches", "decisions", "reservations")
_TRIGGER = (
    "CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
)


def connect(path: Path, *, mode: str) -> sqlite3.Connection:
    """Open ``path`` by SQLite's URI ``mode`` ("rwc", "rw", "ro", "ro&immutable=1"); transactions are explicit.

    The connection may be used by any thread; its owner sees to it that only one does at a time.
    """
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )


def make_durable(db: sqlite3.Connection) -> None:
    """Make every commit wait for the disk; WAL lets readers read meanwhile."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")


def make_tables(db: sqlite3.Connection, head: RunHead) -> None:
    """Create all tables of an empty database and write the head, in one transaction."""
    db.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        db.execute(statement)
    db.executemany("INSERT INTO head VALUES (?, ?)", _head_rows(head))
    for table in _APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            db.execute(_TRIGGER.format(table=table, verb=verb))
    db.execute("COMMIT")


def read_head(path: Path, db: sqlite3.Connection) -> RunHead:
    """Return the head; raises JournalError when this is no journal, or one of another format."""
    with faults_of(path):
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'head'").fetchone():
            raise JournalError(
                f"journal {path}: is an SQLite file but not a journal, was without a table `head`; give the "
                "journal.sqlite that a run wrote"
            )
        rows: dict[str, str] = dict(db.execute("SELECT key, value FROM head"))
    if rows.get("format") != str(FORMAT):
        raise JournalError(
            f"journal {path}: has another format than this version reads ({FORMAT}), was "
            f"{rows.get('format', 'none')}; read it with penstock {rows.get('version', 'of its own version')}"
        )
    try:
        return RunHead(
            version=rows["version"],
            config_hash=rows["config_hash"],
            config=rows["config"],
            marker=rows["marker"],
            created=int(rows["created"]),
            tapes=msgspec.json.decode(rows["tapes"], type=tuple[TapeSource, ...]),
        )
    except (KeyError, ValueError, msgspec.DecodeError) as error:
        raise JournalError(
            f"journal {path}: its head does not read, was {error!r}; restore it from a backup"
        ) from error


def _head_rows(head: RunHead) -> list[tuple[str, str]]:
    return [
        ("format", str(FORMAT)),
        ("version", head.version),
        ("config_hash", head.config_hash),
        ("config", head.config),
        ("marker", head.marker),
        ("created", str(head.created)),
        ("tapes", msgspec.json.encode(head.tapes).decode()),
    ]
