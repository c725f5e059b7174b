"""Where the recorded market data lies; absent on a user's machine, and then the tests that need it skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def shared(relative: str) -> Path:
    """Return a path below ``../shared`` (or $PENSTOCK_SHARED); skip the test where there is none."""
    base = Path(os.environ.get("PENSTOCK_SHARED", ROOT.parent / "shared"))
    path = base / relative
    if not path.exists():
        pytest.skip(f"recorded data not found: ../shared/{relative} (set PENSTOCK_SHARED to its folder)")
    return path
