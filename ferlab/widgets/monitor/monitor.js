// The page of a TrainingMonitor. Python sets all state; the page asks by messages: {type: "pause"}, {type: "show", epoch}.

const STATES = {
  waiting: ["not started", "M1 5a4 4 0 1 0 8 0a4 4 0 1 0-8 0"],
  training: ["training", "M2 1l7 4-7 4z"],
  paused: ["paused", "M2 1h2.2v8H2zM5.8 1H8v8H5.8z"],
  stopped: ["stopped", "M1.5 1.5h7v7h-7z"],
  finished: ["finished", "M1 5.2l1.4-1.4 2 2L8.6 1.6 10 3 4.4 8.6z"],
  failed: ["failed", "M2.2 1L5 3.8 7.8 1 9 2.2 6.2 5 9 7.8 7.8 9 5 6.2 2.2 9 1 7.8 3.8 5 1 2.2z"],
};
const MAIN_BUTTON = { waiting: ["Start", "start"], training: ["Pause", "pause"], paused: ["Resume", "resume"],
  stopped: ["Go on", "start"], failed: ["Try again", "start"], finished: ["Finished", null] };
const INK = "var(--ink)";
const SCORES = [
  ["validation_accuracy", "accuracy", "#1685cf", "", "on validation faces"],
  ["validation_balanced_accuracy", "balanced", "#d9660a", "", "mean recall of the classes, on validation faces"],
  ["train_accuracy", "training", "#1685cf", "5 3", "accuracy on training faces, altered, while the network learns from them"],
  ["train_balanced_accuracy", "training", "#d9660a", "5 3", "balanced accuracy on training faces, altered, while the network learns from them"],
];
const TRAVEL = 700; // milliseconds from one map to the next

function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const labelsOf = (view) => new Uint16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(0)} %`);
const lastOf = (values) => values?.findLast((value) => value !== null && !Number.isNaN(value));

// Round steps: 1, 2 or 5 times a power of ten.
function ticks(most, about) {
  const rough = most / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return Array.from({ length: Math.floor(most / step + 1e-6) + 1 }, (_, i) => i * step);
}

// Lines over the epochs. `lines`: {color, dash, width, faint, points: [[x, y or null], ..], dots}.
function drawLines(chart, lines, epochs, top, format, mark) {
  const { clientWidth: width, clientHeight: height } = chart;
  if (!width) return;
  const [left, right, above, below] = [46, 12, mark ? 22 : 8, 36];
  const x = (value) => left + (value / epochs) * (width - left - right);
  const y = (value) => height - below - (Math.min(value, top) / top) * (height - above - below);
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  for (const value of ticks(top, 4)) {
    drawing.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)));
  }
  for (const epoch of ticks(epochs, Math.min(epochs, Math.floor((width - left) / 44)))) {
    drawing.append(svg("text", { x: x(epoch), y: height - below + 15, "text-anchor": "middle" }, `${epoch}`));
  }
  drawing.append(svg("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, "epochs"));
  if (mark) {
    drawing.append(svg("line", { x1: x(mark.at), x2: x(mark.at), y1: above - 4, y2: height - below, style: `stroke: ${INK}`, "stroke-dasharray": "1 3" }),
      svg("text", { x: x(mark.at), y: above - 8, "text-anchor": mark.at < epochs / 2 ? "start" : "end" }, mark.text));
  }
  for (const { color, dash = "", width: thick = 2, faint, dots, points } of lines) {
    let path = "";
    let pen = "M";
    for (const [px, py] of points) {
      if (py === null || Number.isNaN(py)) { pen = "M"; continue; }
      path += `${pen}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
      pen = "L";
      if (dots) drawing.append(svg("circle", { cx: x(px), cy: y(py), r: dash ? 2 : 3, style: `fill: ${color}` }));
    }
    drawing.append(svg("path", { d: path, fill: "none", style: `stroke: ${color}`, "stroke-width": thick, "stroke-dasharray": dash,
      "stroke-linejoin": "round", opacity: faint ? 0.28 : 1 }));
  }
  chart.querySelector("svg")?.remove();
  chart.prepend(drawing);
}

function legendEntry(label, color, dash, value, title = "") {
  return html("span", { title },
    svg("svg", { viewBox: "0 0 22 8", "aria-hidden": "true" },
      svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, style: `stroke: ${color}`, "stroke-width": 2.6, "stroke-dasharray": dash })),
    label, html("b", {}, value));
}

function render({ model, el }) {
  const state = html("span", { class: "state", role: "status" });
  const title = html("h3");
  const main = html("button", { class: "act main", type: "button" });
  const stop = html("button", { class: "act", type: "button" }, "Stop");
  const bar = html("i");
  const progress = html("div", { class: "bar", role: "progressbar", "aria-label": "part of the training done", "aria-valuemin": 0, "aria-valuemax": 100 }, bar);
  const where = html("span", { class: "where" });
  const left = html("span");
  const kept = html("span");
  const sentence = html("p", { class: "sentence", role: "alert" });

  const panel = (heading, about, ...inside) => {
    const small = html("small", {}, about);
    return [html("section", {}, html("h4", {}, heading, " ", small), ...inside), small];
  };
  const plane = planePanel();
  const chart = () => html("div", { class: "chart", role: "img" });
  const lossLegend = html("div", { class: "legend" });
  const lossChart = chart();
  const scoreLegend = html("div", { class: "legend pairs" });
  const scoreChart = chart();
  const mapNote = html("div", { class: "legend short" });
  const mapChart = chart();
  const canvas = html("canvas");
  const tip = html("div", { class: "tip", hidden: "" });
  mapChart.append(canvas, tip);
  const slider = html("input", { type: "range", min: 1, step: 1, "aria-label": "epoch shown" });
  const sliderText = html("output");
  const classes = html("div", { class: "classes" });
  const [lossPanel] = panel("Loss", "batch by batch; parts times their weight", lossLegend, lossChart);
  const [scorePanel] = panel("Accuracy", "after every epoch", scoreLegend, scoreChart);
  const [mapPanel, mapAbout] = panel("Validation faces", "", mapNote, mapChart, html("div", { class: "travel" }, slider, sliderText));
  const [recallPanel, recallAbout] = panel("Recall of every class", "", classes,
    html("p", { class: "note" }, "The bar across marks the epoch before. A click shows one class alone."));
  for (const [place, words] of [[lossChart, "The first batches come in a moment."], [scoreChart, "Comes after the first epoch."],
    [mapChart, "Comes after the first epoch."]]) place.append(html("div", { class: "empty" }, words));
  const root = html("div", { class: "ferlab-monitor" },
    html("header", {}, title, state, html("div", { class: "buttons" }, main, stop)), progress,
    html("div", { class: "words" }, where, left, kept), sentence,
    html("div", { class: "panels" }, plane.section, lossPanel, scorePanel, mapPanel, recallPanel));
  el.append(root);

  let only = null; // the class shown alone
  let drawn = null; // the map on the screen, {points: [x0, y0, x1, ..], reach: [x, y]}
  let frame = 0;

  const info = () => model.get("_info");
  const scores = () => model.get("_scores");
  const ask = (message) => model.send(message);
  main.addEventListener("click", () => ask({ type: MAIN_BUTTON[info().status][1] }));
  stop.addEventListener("click", () => ask({ type: "stop" }));

  function showWords() {
    const { title: name, status, sentence: said, where: place, left: time, done, folder, epoch } = info();
    title.textContent = name;
    const [word, icon] = STATES[status];
    if (state.dataset.status !== status) {
      state.dataset.status = status;
      state.replaceChildren(svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("path", { d: icon, fill: "currentColor" })), word);
    }
    const [label, action] = MAIN_BUTTON[status];
    if (main.textContent !== label) main.textContent = label;
    main.disabled = !action;
    stop.disabled = !["training", "paused"].includes(status);
    bar.style.width = `${100 * done}%`;
    progress.setAttribute("aria-valuenow", Math.round(100 * done));
    where.textContent = place;
    left.textContent = time;
    kept.textContent = epoch ? `Every whole epoch is kept ${folder}.` : "";
    if (sentence.textContent !== said) sentence.textContent = said;
    sentence.classList.toggle("error", status === "failed");
  }

  const showPlane = () => plane.show(info(), floats(model.get("_plane")), labelsOf(model.get("_plane_labels")));

  function showLosses() {
    const { parts, epochs, switch: on } = info();
    const all = floats(model.get("_curves"));
    const columns = parts.length ? all.length / (1 + 2 * parts.length) : 0;
    const row = (i) => all.subarray(i * columns, (i + 1) * columns);
    const place = row(0);
    const lines = [];
    let top = 0;
    lossLegend.replaceChildren();
    const words = [];
    parts.forEach(({ label, words: meaning, weight, color, dash }, i) => {
      const isTotal = i === 0;
      const [raw, smooth] = [row(1 + 2 * i), row(2 + 2 * i)];
      for (const value of smooth) if (value > top) top = value;
      if (isTotal) lines.push({ color, width: 1, faint: true, points: Array.from(place, (p, k) => [p, raw[k]]) });
      lines.push({ color, dash, width: isTotal ? 2.4 : 1.8, points: Array.from(place, (p, k) => [p, smooth[k]]) });
      const last = lastOf(smooth);
      const value = last === undefined ? "off" : last.toFixed(2);
      const about = weight === 1 ? "" : `${last === undefined ? "" : `${(last / weight).toPrecision(3)} `}times its weight ${weight.toPrecision(3)}`;
      lossLegend.append(legendEntry(label, color, dash, value, [meaning === label ? "" : meaning, about].filter(Boolean).join(": ")));
      words.push(`${label} ${value}`);
    });
    lossChart.querySelector(".empty").hidden = columns > 0;
    lossChart.setAttribute("aria-label", `Losses: ${words.join(", ")}`);
    const metric = parts.slice(2).map(({ label }) => label).join(", "); // behind the total and cross-entropy
    drawLines(lossChart, lines, epochs, 1.06 * top || 1, (value) => `${+value.toFixed(2)}`, on ? { at: on, text: `${metric} on` } : null);
  }

  function showScores() {
    const found = scores();
    const at = found.epoch ?? [];
    const lines = [];
    scoreLegend.replaceChildren();
    const words = [];
    for (const [name, label, color, dash, about] of SCORES) {
      const values = found[name] ?? [];
      lines.push({ color, dash, width: dash ? 1.6 : 2.2, dots: true, points: at.map((epoch, i) => [epoch, values[i] ?? null]) });
      const value = percent(lastOf(values));
      scoreLegend.append(legendEntry(label, color, dash, value, about));
      words.push(`${name.replaceAll("_", " ")} ${value}`);
    }
    scoreChart.querySelector(".empty").hidden = at.length > 0;
    scoreChart.setAttribute("aria-label", `After epoch ${at.length}: ${words.join(", ")}`);
    drawLines(scoreChart, lines, info().epochs, 1, (value) => `${Math.round(100 * value)} %`);
  }

  // Place of the shown epoch in the lists; -1 before the first.
  function shownAt() {
    const { detailed = [] } = scores();
    const wanted = model.get("_shown");
    return wanted ? detailed.indexOf(wanted) : detailed.length - 1;
  }

  function mapOf(index) {
    const number = model.get("_labels").byteLength / 2;
    return floats(model.get("_maps")).subarray(2 * number * index, 2 * number * (index + 1));
  }

  // How far a map goes from its center, along x and y.
  function reachOf(points) {
    const reach = [0.1, 0.1];
    points.forEach((value, i) => { reach[i % 2] = Math.max(reach[i % 2], Math.abs(value)); });
    return reach;
  }

  // Canvas pixels of every point. Every map fills its panel: their sizes say nothing.
  function toScreen({ points, reach }) {
    const { clientWidth: width, clientHeight: height } = mapChart;
    const scale = Math.min((width / 2 - 6) / reach[0], (height / 2 - 6) / reach[1]);
    return (i) => [width / 2 + points[2 * i] * scale, height / 2 - points[2 * i + 1] * scale];
  }

  function paint(map, predicted) {
    const { clientWidth: width, clientHeight: height } = mapChart;
    const ratio = devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const labels = labelsOf(model.get("_labels"));
    const colors = info().classes.map(({ color }) => color);
    const place = toScreen(map);
    const radius = Math.max(2.2, Math.min(4, 75 / Math.sqrt(labels.length || 1)));
    pen.lineWidth = 1.3;
    for (let i = 0; i < labels.length; i += 1) {
      const [x, y] = place(i);
      pen.globalAlpha = only === null || only === labels[i] ? 0.9 : 0.08;
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fillStyle = pen.strokeStyle = colors[labels[i]];
      if (predicted[i] === labels[i]) pen.fill();
      else pen.stroke();
    }
  }

  function showMap(travel = true) {
    cancelAnimationFrame(frame);
    const index = shownAt();
    const { detailed = [], shares = [] } = scores();
    mapChart.querySelector(".empty").hidden = index >= 0;
    slider.disabled = detailed.length < 2;
    slider.max = Math.max(detailed.length, 1);
    slider.value = index + 1;
    sliderText.textContent = index < 0 ? "" : `epoch ${detailed[index]}`;
    slider.setAttribute("aria-valuetext", sliderText.textContent);
    if (index < 0) {
      mapAbout.textContent = "";
      mapNote.replaceChildren();
      drawn = null;
      canvas.width = 0;
      return;
    }
    const target = { points: mapOf(index), reach: reachOf(mapOf(index)) };
    const labels = labelsOf(model.get("_labels"));
    const predicted = labelsOf(model.get("_predicted")).subarray(index * labels.length, (index + 1) * labels.length);
    const wrong = labels.reduce((sum, label, i) => sum + (predicted[i] !== label), 0);
    mapAbout.textContent = info().plane ? "their two numbers" : `PCA, ${percent(shares[index])} of the variance`;
    mapNote.replaceChildren(html("span", {}, "● right ", html("b", {}, `${labels.length - wrong}`)), html("span", {}, "○ wrong ", html("b", {}, `${wrong}`)));
    mapChart.setAttribute("aria-label", `Map of the validation faces after epoch ${detailed[index]}: ${wrong} of ${labels.length} are classified wrong`);
    const moves = travel && drawn?.points.length === target.points.length && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const start = moves ? drawn : target;
    const began = performance.now();
    const step = () => {
      const share = start === target ? 1 : Math.min(1, (performance.now() - began) / TRAVEL);
      const eased = share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2;
      const between = (name) => target[name].map((value, i) => start[name][i] + eased * (value - start[name][i]));
      drawn = { points: between("points"), reach: between("reach") };
      paint(drawn, predicted);
      if (share < 1) frame = requestAnimationFrame(step);
    };
    step();
  }

  function showRecalls() {
    const index = shownAt();
    const { recalls = [], detailed = [] } = scores();
    recallAbout.textContent = index < 0 ? "" : `after epoch ${detailed[index]}`;
    const known = info().classes;
    if (classes.children.length !== known.length) {
      classes.replaceChildren(...known.map(({ name, color, faces }, k) => {
        const row = html("button", { class: "class", type: "button", "aria-pressed": "false", title: `${name}: ${faces} validation faces` },
          html("span", { class: "name" }, name),
          html("span", { class: "track" }, html("i", { style: `background: ${color}` }), html("u")), html("span", { class: "value" }));
        row.addEventListener("click", () => {
          only = only === k ? null : k;
          [...classes.children].forEach((other, i) => other.setAttribute("aria-pressed", `${i === only}`));
          showMap(false);
          plane.only(only, labelsOf(model.get("_plane_labels")));
        });
        return row;
      }));
    }
    known.forEach(({ faces }, k) => {
      const row = classes.children[k];
      const now = recalls[index]?.[k];
      const before = recalls[index - 1]?.[k];
      row.querySelector("i").style.width = `${100 * (now ?? 0)}%`;
      const mark = row.querySelector("u");
      mark.hidden = before === undefined || before === null;
      mark.style.left = `${100 * (before ?? 0)}%`;
      row.querySelector(".value").textContent = faces ? percent(now) : "none";
    });
  }

  slider.addEventListener("input", () => {
    const { detailed } = scores();
    const wanted = detailed[slider.value - 1];
    ask({ type: "show", epoch: wanted === detailed.at(-1) ? null : wanted });
  });
  canvas.addEventListener("pointermove", (event) => {
    const index = shownAt();
    if (!drawn || index < 0) return;
    const box = canvas.getBoundingClientRect();
    const place = toScreen(drawn);
    const labels = labelsOf(model.get("_labels"));
    let [nearest, distance] = [-1, 12];
    for (let i = 0; i < labels.length; i += 1) {
      const [x, y] = place(i);
      const away = Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
      if (away < distance && (only === null || only === labels[i])) [nearest, distance] = [i, away];
    }
    tip.hidden = nearest < 0;
    if (nearest < 0) return;
    const names = info().classes.map(({ name }) => name);
    const guess = labelsOf(model.get("_predicted"))[index * labels.length + nearest];
    tip.textContent = guess === labels[nearest] ? names[guess] : `${names[labels[nearest]]}, taken for ${names[guess]}`;
    const [x, y] = place(nearest);
    tip.style.left = `${Math.max(70, Math.min(mapChart.clientWidth - 70, x))}px`;
    tip.style.top = `${Math.max(30, y)}px`;
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });

  const showAll = () => { showWords(); showPlane(); showLosses(); showScores(); showMap(); showRecalls(); };
  const listeners = {
    "change:_info": () => { showWords(); showPlane(); showLosses(); },
    "change:_plane": showPlane,
    "change:_curves": showLosses,
    "change:_scores": () => { showScores(); showMap(); showRecalls(); },
    "change:_shown": () => { showMap(); showRecalls(); },
  };
  for (const [name, listener] of Object.entries(listeners)) model.on(name, listener);
  const resized = new ResizeObserver(() => { plane.resize(); showLosses(); showScores(); showMap(false); });
  resized.observe(root);
  showAll();
  return () => {
    resized.disconnect();
    cancelAnimationFrame(frame);
    plane.stop();
    for (const [name, listener] of Object.entries(listeners)) model.off(name, listener);
  };
}

export default { render };
