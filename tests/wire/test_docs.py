"""docs/exchange.md names everything that can be asked, every stream and every fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from paper.wire.methods import METHODS
from paper.wire.mischief import ALL_FAULTS
from paper.wire.routes import ROUTES

PAGE = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text()
LINES = [line for line in PAGE.splitlines() if line.startswith("| `/")]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=[f"{method} {path}" for method, path in ROUTES])
def test_page_lists_every_route_with_its_method(method: str, path: str) -> None:
    """What the table of routes has, the page has; a reader must not need the source."""
    assert [line for line in LINES if f"`{path}`" in line and method in line.rpartition("|")[0].rpartition("|")[2]]


def test_page_lists_no_route_that_is_not_there() -> None:
    """And nothing else."""
    told = {part for line in LINES for part in line.split("`") if part.startswith(("/fapi", "/sapi"))}
    assert told == {path for _, path in ROUTES}


@pytest.mark.parametrize("name", [*METHODS, *ALL_FAULTS])
def test_page_lists_every_method_and_every_fault(name: str) -> None:
    """By its name, in code."""
    assert f"`{name}`" in PAGE
