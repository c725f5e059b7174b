"""Where a daemon listens, and the token that it wants: a file that only its owner may read."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.domain.errors import InputError


class NoAddress(InputError):
    """No daemon has an address in a folder: none runs there, or its file is gone or broken."""


CONTROL_NAME = "control.json"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """A port of this machine, the token, which process listens, and the configuration that it runs by."""

    port: int
    token: str
    pid: int
    config: str

    @classmethod
    def of(cls, port: int, config: str) -> Address:
        """Return the address of this process at ``port``, with a new token."""
        return cls(port, secrets.token_urlsafe(32), os.getpid(), config)


def publish(folder: Path, address: Address) -> None:
    """Write the address where verbs look for it; the file is never readable by others, not for a moment."""
    path = folder / CONTROL_NAME
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as stream:
        json.dump(asdict(address), stream)
    draft.replace(path)


def keep(folder: Path, address: Address) -> None:
    """Write the address of this process again where its file is gone or broken; by that others know that it lives."""
    try:
        find(folder)
    except NoAddress:
        with suppress(OSError):                  # a daemon lives without it, and looks again
            publish(folder, address)
    except InputError:
        return


def withdraw(folder: Path, address: Address) -> None:
    """Remove the address, unless a later process has put its own there."""
    try:
        if find(folder) == address:
            (folder / CONTROL_NAME).unlink(missing_ok=True)
    except InputError:
        return


def find(folder: Path) -> Address:
    """Return where the daemon of a run folder listens; raises InputError when none is known."""
    path = folder / CONTROL_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Address(int(found["port"]), str(found["token"]), int(found["pid"]), str(found["config"]))
    except FileNotFoundError:
        raise NoAddress(
            f"{folder}: no daemon runs there; `penstock run CONFIG --live --out {folder}` starts one, and so does "
            "--live-prices"
        ) from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read, was {error.strerror}; ask as the user who runs the daemon"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NoAddress(
            f"{path}: is no address of a daemon ({error}); one that lives writes it again within a second"
        ) from error
