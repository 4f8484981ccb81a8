// The plane of a TrainingMonitor, for embeddings of two numbers: training faces, centers and the classifier's directions at
// the numbers that they have, which move from one look to the next. Python joins this file with monitor.js.

const MOVE = 500; // milliseconds from one look to the next
const RAY = 0.8; // length of the longest direction, as a share of half the plane
const [ROOM, TOO_MUCH_ROOM] = [1.25, 2.2]; // what a new view leaves around the faces; what it takes for another one

// The view that holds all marks but stray faces: the one of before as long as it will do, or points would jump with their axes.
function viewOf(marks, faces, before) {
  const ends = [0, 1].map((axis) => {
    const alongIt = (values) => Array.from(values).filter((value, i) => i % 2 === axis && !Number.isNaN(value));
    const sorted = alongIt(faces).sort((a, b) => a - b);
    const stray = Math.floor(0.01 * sorted.length);
    const seen = [sorted[stray], sorted[sorted.length - 1 - stray], ...alongIt(marks)];
    return [Math.min(...seen), Math.max(...seen)];
  });
  const middle = ends.map(([low, high]) => (low + high) / 2);
  const needed = Math.max(...ends.map(([low, high]) => (high - low) / 2)) || 1;
  const fits = before && [0, 1].every((axis) => Math.abs(middle[axis] - before[axis]) + needed <= before[2]);
  return fits && before[2] <= TOO_MUCH_ROOM * needed ? before : [...middle, ROOM * needed];
}

const signed = (value) => `${+value.toPrecision(6)}`.replace("-", "−");

// Round numbers between two.
function roundNumbers(low, high, about) {
  const step = ticks(high - low, about)[1];
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

// Lines and numbers of both axes, for a view [x, y, half a side] in a drawing of some size.
function drawAxes(group, [middleX, middleY, reach], size, place) {
  group.replaceChildren();
  for (const value of roundNumbers(middleX - reach, middleX + reach, 4)) {
    const [x] = place(value, 0);
    group.append(svg("line", { class: "grid", x1: x, x2: x, y1: 0, y2: size }),
      svg("text", { x, y: size - 5, "text-anchor": "middle" }, signed(value)));
  }
  for (const value of roundNumbers(middleY - reach, middleY + reach, 4)) {
    const [, y] = place(0, value);
    group.append(svg("line", { class: "grid", x1: 0, x2: size, y1: y, y2: y }));
    if (y < size - 24) group.append(svg("text", { x: 4, y: y - 4 }, signed(value)));
  }
}

// What the marks of the plane mean; `centers` in words, since they are not always the loss's.
function planeLegend(classes, centers) {
  const mark = (label, ...inside) => html("span", {}, svg("svg", { viewBox: "-10 -10 20 20", "aria-hidden": "true" }, ...inside), label);
  return [
    ...classes.map(({ name, color }, k) => mark(name, svg("path", { d: shape(k, 6), style: `fill: ${color}` }))),
    mark(centers, svg("path", { d: shape(0, 7), class: "center" })),
    mark("direction of the classifier", svg("line", { class: "ray", x1: -9, x2: 9, y1: 4, y2: -4 })),
  ];
}

// Marks of a plane: a face each, a center and a direction each class.
function planeMarks(labels, classes) {
  const ray = ({ color }) => svg("g", {}, svg("line", { class: "casing" }), svg("line", { class: "ray", style: `stroke: ${color}` }));
  return {
    faces: Array.from(labels, (k) => svg("path", { class: "face", d: shape(k, 3.6), style: `fill: ${classes[k].color}` })),
    rays: classes.map(ray),
    centers: classes.map(({ color }, k) => svg("path", { class: "center", d: shape(k, 8), style: `fill: ${color}` })),
  };
}

// Puts the marks where the numbers of a look say: meeting point, directions, centers and faces, x y x y ..
function placeMarks({ faces, rays, centers }, numbers, reach, place) {
  const at = (i) => [numbers[2 * i], numbers[2 * i + 1]];
  const meeting = at(0);
  const lengths = rays.map((_, k) => Math.hypot(...at(1 + k)));
  const stretch = (RAY * reach) / (Math.max(...lengths) || 1);
  const [x1, y1] = place(...meeting);
  rays.forEach((ray, k) => {
    const [x2, y2] = place(...at(1 + k).map((value, axis) => meeting[axis] + stretch * value));
    for (const line of ray.children) for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) line.setAttribute(name, value.toFixed(1));
  });
  const move = (node, i) => {
    const [x, y] = place(...at(i));
    node.style.display = Number.isNaN(x) ? "none" : "";
    node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  };
  centers.forEach((node, k) => move(node, 1 + rays.length + k));
  faces.forEach((node, i) => move(node, 1 + 2 * rays.length + i));
}

// The panel: {section, show(info, numbers, labels), only(class or null), resize(), stop()}.
function planePanel() {
  const about = html("small");
  const axes = svg("g");
  const held = svg("g");
  const drawing = svg("svg", { role: "img" }, axes, held);
  const empty = html("div", { class: "empty" }, "The first look comes in a moment.");
  const chart = html("div", { class: "chart plane" }, drawing, empty);
  const legend = html("div", { class: "legend marks" });
  const section = html("section", { class: "wide", hidden: "" }, html("h4", {}, "Training faces at their two numbers ", about),
    html("div", { class: "beside" }, chart, legend));
  let marks = null;
  let shown = null; // {numbers, view} on the screen
  let target = null; // where they go
  let frame = 0;

  function paint() {
    const size = chart.clientWidth;
    if (!size || !shown) return;
    drawing.setAttribute("viewBox", `0 0 ${size} ${size}`);
    const [x, y, reach] = shown.view;
    const place = (px, py) => [size * (0.5 + (px - x) / reach / 2), size * (0.5 - (py - y) / reach / 2)];
    drawAxes(axes, shown.view, size, place);
    placeMarks(marks, shown.numbers, reach, place);
  }
  function travel() {
    cancelAnimationFrame(frame);
    const start = shown ?? target;
    const end = target;
    const began = performance.now();
    const moves = start !== end && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = () => {
      const share = moves ? Math.min(1, (performance.now() - began) / MOVE) : 1;
      const between = (name) => end[name].map((value, i) => (Number.isNaN(start[name][i]) ? value : start[name][i] + share * (value - start[name][i])));
      shown = { numbers: between("numbers"), view: between("view") };
      paint();
      if (share < 1) frame = requestAnimationFrame(step);
    };
    step();
  }
  function show({ plane, classes }, numbers, labels) {
    section.hidden = !plane;
    empty.hidden = numbers.length > 0;
    if (!plane || !numbers.length) return;
    if (marks?.faces.length !== labels.length) {
      marks = planeMarks(labels, classes);
      held.replaceChildren(...marks.rays, ...marks.faces, ...marks.centers);
      shown = target = null;
    }
    about.textContent = `${labels.length} of them, unaltered, ${plane.when}`;
    drawing.setAttribute("aria-label", `Plane of ${labels.length} training faces, ${plane.when}`);
    if (legend.dataset.centers !== plane.centers) legend.replaceChildren(...planeLegend(classes, plane.centers));
    legend.dataset.centers = plane.centers;
    if (target?.numbers.length === numbers.length && numbers.every((value, i) => Object.is(value, target.numbers[i]))) return;
    const [directions, centers] = [2, 2 + 2 * classes.length]; // where they begin
    const kept = [...numbers.subarray(0, directions), ...numbers.subarray(centers, centers + 2 * classes.length)];
    target = { numbers, view: viewOf(kept, numbers.subarray(centers + 2 * classes.length), target?.view) };
    travel();
  }
  function only(chosen, labels) {
    marks?.faces.forEach((node, i) => node.classList.toggle("faint", chosen !== null && labels[i] !== chosen));
  }
  return { section, show, only, resize: paint, stop: () => cancelAnimationFrame(frame) };
}
