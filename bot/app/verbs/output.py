"""How a finished run is told: a summary for a person, or the contract's JSON."""

from __future__ import annotations

import sys

import msgspec

from bot.app.cli_codes import EXIT_GOOD, EXIT_LIQUIDATED
from bot.app.running import REPORT_NAME, Finished


def tell(finished: Finished, *, as_json: bool) -> int:
    """Print a finished run and return the exit code."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(finished.record.summary).decode() + "\n")
    else:
        from bot.app.console import table_console
        from bot.app.report.text import render_text

        console = table_console()
        console.print(render_text(finished.record.summary, finished.record.series, finished.record.stops))
        if finished.out is not None:
            console.print(f"report: {finished.out / REPORT_NAME}", soft_wrap=True)
    return EXIT_LIQUIDATED if finished.is_liquidated else EXIT_GOOD
