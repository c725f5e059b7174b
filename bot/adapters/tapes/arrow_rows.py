"""Feather and Parquet files as lines of CSV; pyarrow comes with ``penstock[lab]`` and is imported only here."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.domain.errors import InputError

ARROW_MAGICS = (b"PAR1", b"ARRO", b"FEA1")
BATCH_ROWS = 4_096


def load_pyarrow(path: Path) -> ModuleType:
    """Return pyarrow; raises InputError with what to install where it is absent."""
    try:
        return import_module("pyarrow")
    except ImportError:
        raise InputError(
            f"tape {path}: feather and Parquet need pyarrow, which is not installed; "
            "pip install 'penstock[lab]', or write CSV"
        ) from None


def arrow_lines(path: Path, magic: bytes) -> Iterator[str]:
    """Yield the columns' names, then the rows, as lines of CSV without line ends; a batch of rows at a time.

    Times become ns since 1970, floats their shortest text; lists and structs are left out. Raises InputError
    when the file is damaged.
    """
    pyarrow = load_pyarrow(path)
    try:
        yield from _lines(pyarrow, path, magic)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"tape {path}: is cut off or damaged, {error}; fetch it again") from error


def _lines(pyarrow: ModuleType, path: Path, magic: bytes) -> Iterator[str]:
    header_due = True
    for batch in _batches(pyarrow, path, magic):
        names = [name for name in batch.schema.names if not _is_nested(pyarrow, batch.schema.field(name).type)]
        if header_due:
            yield ",".join(names)
            header_due = False
        columns = [_cells(pyarrow, batch.column(batch.schema.get_field_index(name))) for name in names]
        yield from map(",".join, zip(*columns, strict=True))


def _batches(pyarrow: ModuleType, path: Path, magic: bytes) -> Iterator[Any]:
    if magic == b"PAR1":
        with import_module("pyarrow.parquet").ParquetFile(path) as file:
            yield from file.iter_batches(BATCH_ROWS)
        return
    if magic == b"FEA1":                 # version 1 has no batches
        yield from import_module("pyarrow.feather").read_table(path).to_batches(BATCH_ROWS)
        return
    with pyarrow.memory_map(str(path)) as mapped:
        reader = pyarrow.ipc.open_file(mapped)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def _is_nested(pyarrow: ModuleType, kind: Any) -> bool:
    return bool(pyarrow.types.is_nested(kind))


def _cells(pyarrow: ModuleType, column: Any) -> list[str]:
    kind = column.type
    if pyarrow.types.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("ns", kind.tz)).cast(pyarrow.int64())
    return ["" if value is None else str(value).replace(",", ";").replace("\n", " ") for value in column.to_pylist()]
