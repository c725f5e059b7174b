"""What the charts of one account are drawn from, and the colours that its rules keep from chart to chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.app.record import AccountSeries, ParentPath, StopPath
from bot.app.report.story import AccountStory, Row
from bot.app.wording import moment
from bot.domain.scale import NS_PER_MINUTE

SYMBOLS_MAX = 6                      # one price chart each; a page of more is not read
_RULE_COLOURS = 5                    # --rule-1 .. --rule-5 in the style sheet
_MARGIN_AROUND = 15 * NS_PER_MINUTE  # of what happened, in the closer look


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the charts of one account draw from."""

    story: AccountStory
    series: AccountSeries
    baselines: Mapping[str, Sequence[tuple[int, float | None]]]
    fills: list[Row]
    stops: Sequence[StopPath] = ()
    paths: Mapping[str, ParentPath] = field(default_factory=dict)

    @property
    def rules(self) -> dict[str, str]:
        """Every rule that has a level or fired, with its colour: the same one in every chart."""
        series = self.series
        fired = (str(fire.get("rule")) for fire in self.story.fires)
        names = [*series.thresholds, *series.ratio_thresholds, *fired]
        return {
            name: f"var(--rule-{place % _RULE_COLOURS + 1})" for place, name in enumerate(dict.fromkeys(names))
        }

    @property
    def symbols(self) -> list[str]:
        """The markets worth a chart: those held or traded, else the first."""
        traded = {str(fill.get("symbol")) for fill in self.fills}
        touched = [
            symbol for symbol in self.series.marks
            if symbol in traded or any(self.series.quantities.get(symbol, ()))
        ]
        return (touched or list(self.series.marks)[:1])[:SYMBOLS_MAX]

    def selling(self, symbol: str | None = None) -> list[tuple[int, int]]:
        """Return the spans, ns, in which a parent was open, of one market or of all; those that touch are one."""
        spans = sorted(
            (started, ended) for row in self.story.parents
            if (symbol is None or row.get("symbol") == symbol)
            and (started := moment(row.get("started"))) is not None and (ended := moment(row.get("ended"))) is not None
        )
        joined: list[tuple[int, int]] = []
        for started, ended in spans:
            if joined and started <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(ended, joined[-1][1]))
            else:
                joined.append((started, ended))
        return joined


def action_span(scene: Scene) -> tuple[int, int] | None:
    """Return the milliseconds around all that happened; None when that is most of the run anyway."""
    ts = scene.series.ts
    rows = [*scene.story.fires, *scene.story.parents, *scene.story.liquidations, *scene.story.do_nothing.liquidations]
    found = [moment(row.get(key)) for row in rows for key in ("ts", "started", "ended")]
    found += [at for stop in scene.stops for at in stop.triggered]
    stamps = [stamp for stamp in found if stamp is not None]
    if not stamps or not ts:
        return None
    first, last = min(stamps), max(stamps)
    margin = max((last - first) // 4, _MARGIN_AROUND)
    first, last = max(first - margin, ts[0]), min(last + margin, ts[-1])
    if 2 * (last - first) > ts[-1] - ts[0]:
        return None
    return first // 1_000_000, last // 1_000_000
