// Every <canvas data-chart> is drawn by Chart.js, in the colours of the style sheet, and again when the
// theme changes.

const drawn = new Map();

export function drawCharts() {
  if (!window.Chart) return;
  const draw = () => document.querySelectorAll("canvas[data-chart]").forEach(drawOne);
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function drawOne(canvas) {
  drawn.get(canvas)?.destroy();
  const { kind, labels, series, unit } = JSON.parse(canvas.dataset.chart);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const written = (value) =>
    unit === "dollars"
      ? value.toLocaleString("en-US", { style: "currency", currency: "USD", maximumFractionDigits: value % 1 ? 2 : 0 })
      : value.toLocaleString("en-US");
  const datasets = series.map((each, index) => {
    const own = colour(`series-${(index % 4) + 1}`);
    return {
      label: each.label, data: each.values, borderColor: own, backgroundColor: own,
      borderWidth: kind === "line" ? 2 : 0, pointRadius: labels.length > 40 ? 0 : 3, tension: 0.2, borderRadius: 4, maxBarThickness: 44,
    };
  });
  const ticks = { color: colour("muted"), maxRotation: 0, autoSkipPadding: 16 };
  drawn.set(canvas, new window.Chart(canvas, {
    type: kind,
    data: { labels, datasets },
    options: {
      responsive: true, maintainAspectRatio: false, animation: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: series.length > 1, labels: { color: colour("ink"), boxWidth: 12, boxHeight: 12 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${written(item.parsed.y)}` } },
      },
      scales: {
        x: { ticks, grid: { display: false }, border: { color: colour("line") } },
        y: { beginAtZero: true, ticks: { ...ticks, callback: written, maxTicksLimit: 6 }, grid: { color: colour("line") }, border: { display: false } },
      },
    },
  }));
}
