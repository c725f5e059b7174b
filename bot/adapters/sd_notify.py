"""Tells systemd how the daemon is: ready, alive, stopping. Without systemd every word goes nowhere.

The protocol is one datagram per message to the socket that ``NOTIFY_SOCKET`` names (man 3 sd_notify); a name that
begins with ``@`` lies in the abstract namespace.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping


class SystemdNotifier:
    """The way to the service manager that started this process, if one did."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)      # a service manager that hangs must not hang us
        interval = environ.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(interval) / 1e6 if interval.isdecimal() else None

    def ready(self, status: str) -> None:
        """Say that the gate is open."""
        self._send(f"READY=1\nSTATUS={status}")

    def alive(self, status: str) -> None:
        """Ping the watchdog: every critical task has made progress."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def reloading(self, monotonic_usec: int) -> None:
        """Say that the configuration is being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_usec}")

    def stopping(self, status: str) -> None:
        """Say that the end has begun."""
        self._send(f"STOPPING=1\nSTATUS={status}")

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()

    def _send(self, text: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(text.replace("\r", " ").encode("utf-8", "replace"), self._address)
        except OSError:                          # full or gone: the next ping will do, or the watchdog bites
            return
