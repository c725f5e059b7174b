"""The running digest over the rows of a journal: a row edited, lost, moved or added changes it.

The digest of a batch is the SHA-256 of the digest before it and of all its rows, in the order in which
they are read back; the first one covers the head. It proves that the rows are those that were committed.
It does not prove that the newest batches are there: an old copy of the file is a sound one, and only the
venue can tell that it is old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from bot.domain.run import RunHead

FACTS = 0
EFFECTS = 1


class Row(NamedTuple):
    """One row of ``facts`` or ``effects`` (``part``); ``body`` is the JSON text."""

    seq: int
    part: int
    ordinal: int
    now: int
    kind: str
    body: str


def first_digest(form: int, head: RunHead) -> bytes:
    """Return the digest before the first batch, over the format's number and the head."""
    return hashlib.sha256(msgspec.json.encode((form, head))).digest()


def next_digest(digest: bytes, rows: Iterable[Row]) -> bytes:
    """Return the digest after a batch of rows."""
    running = hashlib.sha256(digest)
    for row in rows:
        body = row.body.encode()
        # the length ends the frame: no two lists of rows give the same bytes
        running.update(
            f"{row.seq} {row.part} {row.ordinal} {row.now} {row.kind} {len(body)} ".encode() + body
        )
    return running.digest()


def checkpoint_digest(seq: int, now: int, body: bytes) -> bytes:
    """Return the digest that stands beside a checkpoint."""
    return hashlib.sha256(f"{seq} {now} ".encode() + body).digest()
