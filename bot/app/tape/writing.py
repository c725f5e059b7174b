"""Facts to a file in one of our forms, whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from bot.adapters.tapes.arrow_rows import BATCH_ROWS, load_pyarrow
from bot.adapters.tapes.kinds import TapeFact
from bot.adapters.tapes.packed import Header, write_packed
from bot.app.tape.columns import rows_of
from bot.domain.errors import InputError

Write = Callable[[Path, Header, Iterable[TapeFact]], int]


def write_tape(out: Path, header: Header, facts: Iterable[TapeFact]) -> int:
    """Write the facts and return their number; the form is told by the end of the name.

    The file appears under its name only when it is complete. Raises InputError when it exists, when the name has
    no known end, when there is no fact, or when the form cannot hold them.
    """
    write = next((write for end, write in FORMS.items() if out.name.endswith(end)), None)
    if write is None:
        raise InputError(f"--out {out}: unknown form; name it with one of {', '.join(FORMS)}")
    if out.exists():
        raise InputError(f"--out {out}: exists already; name another file, or remove it")
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        written = write(part, header, facts)
        if not written:
            raise InputError(f"--out {out}: there is nothing to write; look the tape over with `tape inspect`")
        part.replace(out)
    except OSError as error:
        raise InputError(f"--out {out}: cannot be written, {error.strerror or error}; check the folder") from error
    finally:
        with suppress(OSError):          # in a folder that may only be read there is nothing to remove
            part.unlink(missing_ok=True)
    return written


def _write_csv(path: Path, header: Header, facts: Iterable[TapeFact]) -> int:
    with path.open("w", newline="") as file:
        return _lines(file.write, header, facts)


def _write_csv_gz(path: Path, header: Header, facts: Iterable[TapeFact]) -> int:
    # No time and no name in the gzip header: the same facts are the same bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        return _lines(lambda text: file.write(text.encode()), header, facts)


def _lines(write: Callable[[str], int], header: Header, facts: Iterable[TapeFact]) -> int:
    rows = rows_of(facts, header.price_digits, header.quantity_digits)
    written = 0
    for names in rows:
        write(",".join(names) + "\n")
        for row in rows:
            write(",".join(row) + "\n")
            written += 1
    return written


def _write_parquet(path: Path, header: Header, facts: Iterable[TapeFact]) -> int:
    """Text columns: a float would not be the price, and a decimal is read by fewer programs."""
    pyarrow = load_pyarrow(path)
    parquet = import_module("pyarrow.parquet")
    rows = rows_of(facts, header.price_digits, header.quantity_digits)
    names = next(rows, None)
    if names is None:
        return 0
    written = 0
    schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
    with parquet.ParquetWriter(path, schema) as file:
        for batch in _batches(rows):
            file.write_batch(pyarrow.record_batch([list(column) for column in zip(*batch, strict=True)], schema=schema))
            written += len(batch)
    return written


def _batches(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    batch: list[list[str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_tape(path: Path, header: Header, facts: Iterable[TapeFact]) -> int:
    return write_packed(path, header, facts)


FORMS: dict[str, Write] = {
    ".tape": _write_tape, ".csv": _write_csv, ".csv.gz": _write_csv_gz, ".parquet": _write_parquet,
}
