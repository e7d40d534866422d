// Draws a chart over the table that a <figure data-chart> holds. The table stays, for readers and
// for whoever wants the numbers; uPlot (vendor/uplot.js) does the drawing.

const HEIGHT = 220;

function read(table) {
  const labels = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const rows = [...table.tBodies[0].rows];
  const days = rows.map((row) => Date.parse(`${row.cells[0].textContent}T00:00:00Z`) / 1000);
  const columns = labels.map((_, i) => rows.map((row) => Number(row.cells[i + 1].textContent)));
  return { labels, days, columns };
}

function token(name) {
  // A custom property may hold light-dark(); a real property of an element has the colour.
  const probe = document.createElement("span");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function dayName(at) {
  const form = { day: "numeric", month: "short", timeZone: "UTC" };
  return new Date(at * 1000).toLocaleDateString("en-GB", form);
}

// Each column on top of those before it; the sums are drawn from the largest to the smallest.
function stack(columns) {
  let below = columns[0].map(() => 0);
  return columns.map((column) => (below = column.map((number, i) => number + below[i])));
}

function draw(figure) {
  const { labels, days, columns } = read(figure.querySelector("details table"));
  const stacked = figure.dataset.chart === "stacked";
  const drawn = stacked ? stack(columns) : columns;
  const order = drawn.map((_, i) => i).reverse();
  const bars = uPlot.paths.bars({ size: [0.85, 40] });
  const quiet = token("--quiet");
  const axis = { stroke: quiet, grid: { stroke: token("--line"), width: 1 }, ticks: { show: false } };
  const series = order.map((i) => {
    const colour = token(`--chart-${(i % 9) + 1}`);
    return {
      label: labels[i],
      stroke: colour,
      fill: colour,
      width: 0,
      paths: bars,
      points: { show: false },
      value: (_, __, ___, at) => (at === null ? "" : columns[i][at].toLocaleString("en")),
    };
  });
  const place = figure.querySelector(".plot") ?? figure.insertBefore(
    Object.assign(document.createElement("div"), { className: "plot", ariaHidden: "true" }),
    figure.querySelector("details"),
  );
  place.replaceChildren();
  const plot = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      scales: {
        // Half a day at both ends, so that the first and the last bar are whole.
        x: { range: (_, min, max) => [min - 43200, max + 43200] },
        y: { range: (_, __, max) => [0, Math.max(max, 1)] },
      },
      axes: [{ ...axis, values: (_, ticks) => ticks.map(dayName) }, { ...axis, values: (_, ticks) => ticks.map((n) => (n % 1 ? "" : n.toLocaleString("en"))) }],
      series: [{ label: "Day", value: "{YYYY}-{MM}-{DD}" }, ...series],
      legend: { live: true },
      cursor: { drag: { x: false, y: false } },
    },
    [days, ...order.map((i) => drawn[i])],
    place,
  );
  return { plot, place };
}

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  let { plot, place } = draw(figure);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(figure);
  const again = () => ({ plot, place } = draw(figure));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("packslip:theme", again);
}
