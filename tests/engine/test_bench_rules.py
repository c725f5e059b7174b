"""The contestants of ``bench.rules`` decide the same: a bench of programs that differ measures nothing."""

from __future__ import annotations

import pytest

from bench.rules import Contest


@pytest.mark.parametrize("size", [1, 10, 100])
def test_contestants_of_the_bench_agree_on_every_position(size: int) -> None:
    """Our conditions, those written by hand and numpy's, on narrow books and on wide ones."""
    Contest(size).require_agreement()
