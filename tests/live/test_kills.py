"""Kill -9 over the wire. All of it is ``python -m bench.wire_kills``; here a sample of each story."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.live.killing import End, judge, scripts, tell

# Before the account is known, while stops are placed, while slices are out. The numbers of a story move a little with
# the machine's pace: a kill that would come after the end is none.
REQUESTS = (23,)
COMMITS = (5,)


@pytest.mark.parametrize("name", list(scripts()))
def test_live_killed_anywhere_ends_as_undisturbed(tmp_path: Path, name: str) -> None:
    """Whatever request or commit was the last: the same positions in the end, and nothing sold twice."""
    script = scripts()[name]
    plan: dict[str, dict[str, int]] = {"undisturbed": {}}
    plan |= {f"request {at}": {"request": at} for at in REQUESTS} | {f"commit {at}": {"commit": at} for at in COMMITS}
    ends: dict[str, End] = {}
    for what, kill in plan.items():
        folder = tmp_path / what.replace(" ", "_")
        folder.mkdir()
        ends[what] = asyncio.run(tell(folder, script, **kill))
    whole = ends["undisturbed"]
    assert not whole.is_killed and not whole.client_ids_twice
    assert any(end.is_killed for end in ends.values())
    for what, end in ends.items():
        assert judge(whole, end) == [], what
