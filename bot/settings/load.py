"""Load a settings file into the dataclass that a room declares for it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from bot.domain.units import Place
from bot.settings.bind import bind
from bot.settings.document import SIZE_MAX, parse
from bot.settings.environment import override
from bot.settings.errors import SettingsError

T = TypeVar("T")


def load(path: Path, spec: type[T], environ: Mapping[str, str], *, override_prefix: str | None = None) -> T:
    """Return the file as a ``spec``; places carry ``path`` as it was given.

    ``environ`` holds the secrets that the file names, and the overrides where ``override_prefix`` is
    given: for the main file, not for those that it names. Raises SettingsError, and for user input
    nothing else.
    """
    return load_text(_read(path), str(path), spec, environ, override_prefix=override_prefix)


def load_text(
    text: str, name: str, spec: type[T], environ: Mapping[str, str], *, override_prefix: str | None = None
) -> T:
    """Return ``text`` as a ``spec``; ``name`` stands for the path in places, and paths are relative to it."""
    root = parse(text, name)
    if override_prefix is not None:
        root = override(root, spec, environ, override_prefix)
    return bind(root, spec, environ)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_MAX + 1)           # bounded: the path may be a device that never ends
    except FileNotFoundError as error:
        raise SettingsError(str(path), "the file cannot be read", "no such file", "check the path") from error
    except IsADirectoryError as error:
        raise SettingsError(str(path), "the file cannot be read", "a directory", "give a file inside it") from error
    except PermissionError as error:
        raise SettingsError(
            str(path), "the file cannot be read", "permission denied", "let the user of this process read it"
        ) from error
    except (OSError, ValueError) as error:              # ValueError: a zero byte in the path
        raise SettingsError(repr(str(path)), "the file cannot be read", str(error), "check the path") from error
    if len(content) > SIZE_MAX:
        raise SettingsError(
            str(path), f"the file is longer than {SIZE_MAX:_} bytes", f"more than {SIZE_MAX:_}",
            "settings are small: check that this is the right file",
        )
    return _decode(content, path)


def _decode(content: bytes, path: Path) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SettingsError(Place(str(path), 1, 1), "the file is not UTF-8", "UTF-16", "save it as UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = content.rfind(b"\n", 0, error.start) + 1
        place = Place(
            str(path), content.count(b"\n", 0, error.start) + 1,
            len(content[line_start:error.start].decode("utf-8")) + 1,
        )
        raise SettingsError(
            place, "the file is not UTF-8 text", f"byte 0x{content[error.start]:02x}",
            "save it as UTF-8; if it is binary or compressed, give the path of a text file",
        ) from error
