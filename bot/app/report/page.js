"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const plots = figures.map((_, place) => document.getElementById("figure-" + place));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)");
  const narrow = matchMedia("(max-width: 720px)");
  const config = {displayModeBar: false, responsive: true};
  let paper = false;

  // on paper the layout is not known when we are asked to draw; these are the sizes that the style sheet gives
  function sizeOf(plot) {
    if (!paper) return {autosize: true, width: undefined, height: undefined};
    if (plot.closest(".panels")) return {autosize: false, width: 314, height: 170};
    return {autosize: false, width: 668, height: plot.closest(".first") ? 260 : 220};
  }

  // "var(--name)" stands for a colour of the style sheet: plotly draws with plain colours only
  function coloured(value, styles) {
    if (typeof value === "string") {
      const match = /^var\((--[a-z0-9-]+)\)$/.exec(value);
      return match ? styles.getPropertyValue(match[1]).trim() : value;
    }
    if (Array.isArray(value)) {
      return typeof value[0] === "number" ? value : value.map((item) => coloured(item, styles));
    }
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, styles)]));
  }

  function layoutOf(figure, plot) {
    const axis = {
      gridcolor: "var(--grid)", linecolor: "var(--edge)", zerolinecolor: "var(--edge)", automargin: true,
      tickfont: {color: "var(--muted)", size: 12}, ticks: "",
    };
    return {
      ...sizeOf(plot),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: {family: getComputedStyle(document.body).fontFamily, color: "var(--ink)", size: 13},
      margin: {l: 48, r: 12, t: 8, b: 32},
      hovermode: "closest", hoverdistance: 40,
      hoverlabel: {bgcolor: "var(--paper)", bordercolor: "var(--edge)", font: {color: "var(--ink)"}, align: "left"},
      dragmode: coarse.matches ? false : "zoom",
      showlegend: false,
      ...figure.layout,
      xaxis: {...axis, hoverformat: "%d %b %H:%M:%S", nticks: narrow.matches || figure.is_own ? 4 : 10, tickangle: 0,
        ...figure.layout.xaxis},
      yaxis: {...axis, nticks: 6, fixedrange: true, ...figure.layout.yaxis},
    };
  }

  function draw() {
    const styles = getComputedStyle(document.documentElement);
    figures.forEach((figure, place) => {
      Plotly.react(plots[place], coloured(figure.data, styles), coloured(layoutOf(figure, plots[place]), styles), config);
    });
  }

  // all charts show the same span of time, but for those of one order
  let is_following = false;
  function follow(change) {
    const start = change["xaxis.range[0]"], end = change["xaxis.range[1]"];
    if (is_following || (start === undefined && !change["xaxis.autorange"])) return;
    is_following = true;
    const moves = figures.map((figure, place) => figure.is_own ? null :
      Plotly.relayout(plots[place], {"xaxis.range": start === undefined ? [...figure.layout.xaxis.range] : [start, end]}));
    Promise.all(moves).finally(() => { is_following = false; });
  }

  if (figures.length) {
    draw();
    plots.forEach((plot, place) => { if (!figures[place].is_own) plot.on("plotly_relayout", follow); });
    document.querySelectorAll(".looks button").forEach((button) => button.addEventListener("click", () => {
      const {start, end} = button.dataset;
      follow(start === undefined ? {"xaxis.autorange": true}
        : {"xaxis.range[0]": Number(start), "xaxis.range[1]": Number(end)});
    }));
    dark.addEventListener("change", draw);
    narrow.addEventListener("change", draw);
    addEventListener("beforeprint", () => { paper = true; draw(); });
    addEventListener("afterprint", () => { paper = false; draw(); });
  }
})();
