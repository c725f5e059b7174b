"""A verb's side: asks a running daemon one question, and waits for its answer no longer than a person would."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.adapters.control.address import HOST, find
from bot.domain.errors import InputError, PenstockError

PATIENCE = 5.0                       # seconds; a daemon that does not answer by then hangs
ANSWER_MAX = 16 * 1024 * 1024


class DaemonSilent(PenstockError):
    """The daemon of a run does not answer, though its address is there."""

    exit_code = InputError.exit_code


def ask(folder: Path, verb: str, arguments: Mapping[str, Any], *, patience: float = PATIENCE) -> Any:
    """Return the daemon's answer.

    Raises InputError when no daemon is known there, DaemonSilent when it does not answer, and what the daemon
    refuses as a PenstockError with its exit code.
    """
    address = find(folder)
    line = json.dumps({"token": address.token, "verb": verb, "arguments": arguments}).encode() + b"\n"
    try:
        with socket.create_connection((HOST, address.port), timeout=patience) as connection:
            connection.settimeout(patience)
            connection.sendall(line)
            reply = _read(connection)
        answered = json.loads(reply)
    except (OSError, ValueError) as error:
        raise DaemonSilent(
            f"{folder}: the daemon (process {address.pid}) does not answer, was {error or 'nothing'}; it may hang or "
            "have died: `penstock kill` works without it"
        ) from error
    if "error" in answered:
        raise _Refused(str(answered["error"]), int(answered["exit_code"]))
    return answered["answer"]


class _Refused(PenstockError):
    """What the daemon said no to, with the exit code that it named."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


def _read(connection: socket.socket) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := connection.recv(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > ANSWER_MAX:
            raise ValueError(f"more than {ANSWER_MAX} bytes")
    return b"".join(chunks)
