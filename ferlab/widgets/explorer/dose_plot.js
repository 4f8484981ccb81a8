// Curves of measures over the strength of a loss, one panel a measure, with one marker in all of them. Dragged, pressed or
// moved by arrow keys it asks the kernel for another strength; the kernel's answer is `at`.
const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 250, height: 150, left: 48, right: 12, top: 24, bottom: 24 };
const SHAPES = [ // color is never the only carrier of a meaning
  (x, y) => `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`,
  (x, y) => `M${x - 3.5} ${y - 3.5}h7v7h-7z`,
  (x, y) => `M${x} ${y - 4.5}l4.5 8h-9z`,
  (x, y) => `M${x} ${y - 5}l5 5l-5 5l-5 -5z`,
];

function draw(name, attributes, parent, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

const place = (at, count) => BOX.left + (count > 1 ? at / (count - 1) : 0.5) * (BOX.width - BOX.left - BOX.right);

// The values that a panel spans, with some room above and below. Intervals of two or three seeds can be so wide that the
// means would lie on one line: then they are cut.
function spanOf(panel) {
  const points = panel.curves.flatMap((curve) => curve.points);
  const means = points.map(({ mean }) => mean);
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const more = 1.5 * (most - least);
  const low = Math.max(Math.min(...points.map((point) => point.low ?? point.mean)), least - more);
  const high = Math.min(Math.max(...points.map((point) => point.high ?? point.mean)), most + more);
  const room = 0.08 * (high - low) || 0.1 * Math.abs(high) || 0.1;
  return [low - room, high + room];
}

// As many decimals as tell the axis' numbers apart, two at least for small ones.
const written = (value, span = Infinity) => {
  const usual = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const needed = Number.isFinite(span) && span > 0 ? Math.ceil(-Math.log10(span)) + 1 : 0;
  return value.toFixed(Math.min(Math.max(usual, needed), 5)).replace("-", "−");
};

function drawAxes(svg, panel, stops, ink, faint, y, [low, high]) {
  draw("text", { x: 4, y: 13, fill: ink, "font-size": 11.5, "font-weight": 600 }, svg, panel.words);
  for (const value of [low + 0.08 * (high - low), (low + high) / 2, high - 0.08 * (high - low)]) {
    draw("line", { x1: BOX.left, x2: BOX.width - BOX.right, y1: y(value), y2: y(value), stroke: faint, "stroke-opacity": 0.3 }, svg);
    draw("text", { x: BOX.left - 6, y: y(value) + 3.5, fill: faint, "font-size": 10.5, "text-anchor": "end" }, svg, written(value, (high - low) / 2));
  }
  stops.forEach((stop, at) => draw("text", { x: place(at, stops.length), y: BOX.height - 8, fill: faint, "font-size": 10.5, "text-anchor": "middle" }, svg, stop));
}

function drawCurve(svg, curve, number, count, y) {
  const { points, color } = curve;
  const within = (value) => Math.min(Math.max(y(value), BOX.top), BOX.height - BOX.bottom);
  const at = (point, key) => `${place(point.at, count)} ${within(point[key])}`;
  if (points.length && points.every(({ low }) => low !== null)) {
    const around = [...points.map((point) => at(point, "high")), ...points.map((point) => at(point, "low")).reverse()];
    draw("path", { d: `M${around.join("L")}Z`, fill: color, "fill-opacity": 0.18 }, svg);
  }
  const dashes = curve.dashed ? { "stroke-dasharray": "5 3" } : {};
  draw("path", { d: `M${points.map((point) => at(point, "mean")).join("L")}`, fill: "none", stroke: color, "stroke-width": 1.8, ...dashes }, svg);
  for (const point of points) {
    draw("path", { d: SHAPES[number % SHAPES.length](place(point.at, count), y(point.mean)), fill: color }, svg);
  }
}

// The marker: a line at the strength shown, and the values there.
function drawMarker(svg, panel, stops, at, y, { ink, paper }) {
  const x = place(at, stops.length);
  draw("line", { class: "ferlab-x-marker", x1: x, x2: x, y1: BOX.top - 4, y2: BOX.height - BOX.bottom + 4, stroke: ink, "stroke-width": 2 }, svg);
  draw("path", { d: `M${x - 5} ${BOX.top - 8}h10l-5 6z`, fill: ink }, svg);
  const left = x > BOX.width / 2;
  const found = panel.curves.map(({ points, color }) => ({ color, mean: points.find((one) => one.at === at)?.mean }));
  let free = BOX.height; // no number is written over the one below it
  for (const { color, mean } of found.filter(({ mean }) => mean !== undefined).sort((a, b) => a.mean - b.mean)) {
    draw("circle", { cx: x, cy: y(mean), r: 5.5, fill: "none", stroke: color, "stroke-width": 2 }, svg);
    free = Math.min(y(mean) - 6, free - 12);
    const words = { x: x + (left ? -9 : 9), y: free, "font-size": 11, "font-weight": 600, "text-anchor": left ? "end" : "start" };
    draw("text", { ...words, fill: ink, stroke: paper, "stroke-width": 3, "paint-order": "stroke" }, svg, written(mean));
  }
}

function drawPanel(panel, stops, at, colors) {
  const svg = draw("svg", { viewBox: `0 0 ${BOX.width} ${BOX.height}`, "aria-hidden": "true" }, document.createElement("div"));
  const span = spanOf(panel);
  const y = (value) => BOX.height - BOX.bottom - ((value - span[0]) / (span[1] - span[0])) * (BOX.height - BOX.top - BOX.bottom);
  drawAxes(svg, panel, stops, colors.ink, colors.faint, y, span);
  panel.curves.forEach((curve, number) => drawCurve(svg, curve, number, stops.length, y));
  drawMarker(svg, panel, stops, at, y, colors);
  return svg;
}

function drawLegend(curves, colors) {
  const legend = document.createElement("div");
  legend.className = "ferlab-x-doses-legend";
  curves.forEach(({ name, color }, number) => {
    const svg = draw("svg", { viewBox: "0 0 14 14", width: 14, height: 14 }, legend);
    draw("path", { d: SHAPES[number % SHAPES.length](7, 7), fill: color }, svg);
    legend.append(name);
  });
  const note = document.createElement("small");
  note.textContent = "on test faces, over the strength of the loss; drag the marker, or use the arrow keys";
  note.style.color = colors.faint;
  legend.append(note);
  return legend;
}

// Which strength is meant by a place on a panel.
function stopAt(svg, clientX, count) {
  const box = svg.getBoundingClientRect();
  const x = ((clientX - box.left) / box.width) * BOX.width;
  const share = (x - BOX.left) / (BOX.width - BOX.left - BOX.right);
  return Math.min(Math.max(Math.round(share * (count - 1)), 0), count - 1);
}

function listen(el, model, move) {
  let dragged = null;
  el.addEventListener("pointerdown", (event) => {
    dragged = event.target.closest("svg[viewBox]:not([width])");
    if (!dragged) return;
    event.preventDefault();
    el.focus();
    el.setPointerCapture(event.pointerId);
    move(stopAt(dragged, event.clientX, model.get("stops").length));
  });
  el.addEventListener("pointermove", (event) => {
    // The panels are drawn anew at every stop; the one that was pressed is found by its place.
    if (dragged) move(stopAt(dragged.isConnected ? dragged : el.querySelectorAll(".ferlab-x-doses-panels svg")[dragged.number], event.clientX, model.get("stops").length));
  });
  for (const name of ["pointerup", "pointercancel"]) el.addEventListener(name, () => { dragged = null; });
  el.addEventListener("keydown", (event) => {
    const last = model.get("stops").length - 1;
    const at = model.get("at");
    const wanted = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    move(Math.min(Math.max(wanted, 0), last));
  });
}

export default {
  render({ model, el }) {
    el.classList.add("ferlab-x", "ferlab-x-doses");
    el.tabIndex = 0;
    el.setAttribute("role", "slider");
    el.setAttribute("aria-label", "Strength, on its curves");
    const drawAll = () => {
      const [panels, stops, at, dark] = ["panels", "stops", "at", "dark"].map((name) => model.get(name));
      const colors = dark ? { ink: "#f0f3f6", faint: "#9aa4ae", paper: "#15191e" } : { ink: "#24292f", faint: "#6b737c", paper: "#ffffff" };
      el.setAttribute("aria-valuemin", "0");
      el.setAttribute("aria-valuemax", String(stops.length - 1));
      el.setAttribute("aria-valuenow", String(at));
      el.setAttribute("aria-valuetext", `strength ${stops[at]}`);
      const grid = document.createElement("div");
      grid.className = "ferlab-x-doses-panels";
      panels.forEach((panel, number) => {
        const svg = drawPanel(panel, stops, at, colors);
        svg.number = number;
        grid.append(svg);
      });
      el.replaceChildren(...(panels.length ? [drawLegend(panels[0].curves, colors), grid] : []));
    };
    // The marker goes at once; the maps follow when the kernel answers.
    const move = (at) => {
      if (at === model.get("at")) return;
      model.set("at", at);
      model.send({ type: "stop", at });
    };
    listen(el, model, move);
    let waiting = 0;
    const soon = () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(drawAll);
    };
    for (const name of ["panels", "stops", "at", "dark"]) model.on(`change:${name}`, soon);
    drawAll();
    return () => cancelAnimationFrame(waiting);
  },
};
