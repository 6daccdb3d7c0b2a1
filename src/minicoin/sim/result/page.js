"use strict";
// Draws the plots of the page from their JSON, in the colours of the reader's theme, and again when the theme changes.
(() => {
  const plots = JSON.parse(document.getElementById("plots").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const THEMES = {
    light: {
      "@accent": "#2463a8", "@second": "#c2762b", "@warn": "#b3401f", "@muted": "#8b949e",
      "@ramp": [[0, "#eef2f7"], [0.5, "#7da7d3"], [1, "#123f73"]],
      text: "#1c2127", grid: "#e4e7eb", ground: "#ffffff",
      cycle: ["#2463a8", "#c2762b", "#3b8a63", "#8a5aa8", "#a34a52", "#7c868f", "#5aa0b8", "#a89a3a"],
    },
    dark: {
      "@accent": "#79aee6", "@second": "#e0a564", "@warn": "#ee8b6a", "@muted": "#76818c",
      "@ramp": [[0, "#1d242c"], [0.5, "#3f74ab"], [1, "#c9e1fb"]],
      text: "#e3e7eb", grid: "#2a323b", ground: "#14181d",
      cycle: ["#79aee6", "#e0a564", "#78c39c", "#bd93d8", "#d98790", "#98a3ae", "#7fc4da", "#cfc069"],
    },
  };

  for (const theme of Object.values(THEMES)) {
    theme.cycle.forEach((colour, position) => { theme[`@cycle${position}`] = colour; });
  }

  function coloured(value, theme) {
    if (typeof value === "string") return value[0] === "@" && value in theme ? theme[value] : value;
    if (Array.isArray(value)) return value.map((item) => coloured(item, theme));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, coloured(item, theme)]));
    }
    return value;
  }

  function layoutOf(plot, theme) {
    const layout = coloured(plot.layout, theme);
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      layout[name] = { gridcolor: theme.grid, linecolor: theme.grid, zerolinecolor: theme.grid, ...layout[name] };
    }
    return {
      height: plot.height, autosize: true, margin: { l: 48, r: 16, t: layout.showlegend ? 52 : 30, b: 44 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", colorway: theme.cycle,
      font: { color: theme.text, size: 12, family: "inherit" }, hoverlabel: { align: "left" },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: theme["@muted"], activecolor: theme["@accent"] },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, showlegend: false, ...layout,
    };
  }

  // Named one by one: the library's own set has a button that hands the plot to a web service.
  const config = { displaylogo: false, responsive: true, displayModeBar: "hover",
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]] };

  async function drawAll() {
    const theme = dark.matches ? THEMES.dark : THEMES.light;
    for (const plot of plots) {
      await Plotly.react(plot.name, coloured(plot.traces, theme), layoutOf(plot, theme), config);
    }
    document.documentElement.dataset.plots = String(plots.length);
  }

  dark.addEventListener("change", drawAll);
  drawAll();
})();
