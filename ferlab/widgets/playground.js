// The page of the loss playground. It computes no loss: it draws the kernel's last answer (`_scene`) and sends what a
// person does. A message waits until the one before it is answered; of several that say the same thing only the newest is
// kept, so that a drag never piles up.
const SVG = "http://www.w3.org/2000/svg";
const SIDE = 600; // of the plane, in its own pixels
const INSET = 12; // of the plane within its frame
const REACH = 0.85; // how far out a point can be dragged, as a share of the plane's half side
const TRAIL = 60; // steps that leave a trace
const PAUSE = 50; // milliseconds between two steps while it plays

// ---- small tools --------------------------------------------------------------------------------------------------------

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (value === null || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value);
  }
  return node;
}

function html(tag, attributes = {}, ...children) {
  const node = set(document.createElement(tag), attributes);
  node.append(...children);
  return node;
}

function svg(tag, attributes = {}, ...children) {
  const node = set(document.createElementNS(SVG, tag), attributes);
  node.append(...children);
  return node;
}

function signed(value, digits = 2) {
  const size = Math.abs(value).toFixed(digits);
  return value < 0 && Number(size) ? `−${size}` : size;
}

const path = (points, closed = false) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") + (closed ? "Z" : "");

// One shape a class, so that color is not needed to tell them apart.
function shape(k, r) {
  const corners = (n, turn, size = r) =>
    path(Array.from({ length: n }, (_, i) => {
      const angle = turn + (2 * Math.PI * i) / n;
      return [size * Math.cos(angle), size * Math.sin(angle)];
    }), true);
  const up = -Math.PI / 2;
  return [
    `M${-r} 0A${r} ${r} 0 1 0 ${r} 0A${r} ${r} 0 1 0 ${-r} 0Z`,
    corners(4, Math.PI / 4, 1.25 * r),
    corners(4, 0, 1.3 * r),
    corners(3, up, 1.4 * r),
    corners(3, -up, 1.4 * r),
    corners(5, up, 1.2 * r),
    corners(6, 0, 1.15 * r),
  ][k];
}

function arrow([x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 1) return "";
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const head = Math.min(8, 0.6 * length);
  const wing = (side) => `${(x1 - head * ux - side * 0.5 * head * uy).toFixed(1)} ${(y1 - head * uy + side * 0.5 * head * ux).toFixed(1)}`;
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}M${wing(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}L${wing(-1)}`;
}

const classIcon = (k, color, open = true) =>
  svg("svg", { viewBox: "-10 -10 20 20", class: "icon", "aria-hidden": "true" },
    svg("path", { d: shape(k, 6), class: open ? "point" : "point shut", style: `--class: ${color}` }));

// "fear 2" for the second one of its class.
const nameOf = ({ classes, labels }, i) =>
  `${classes[labels[i]]} ${labels.slice(0, i + 1).filter((k) => k === labels[i]).length}`;

// Where the pointer is, in the coordinates of an svg element.
function within(root, event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(root.getScreenCTM().inverse());
  return [at.x, at.y];
}

// Calls `move(event)` while the pointer is down on a node.
function onDrag(node, start, move) {
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    node.focus({ preventScroll: true });
    node.setPointerCapture(event.pointerId);
    start(event);
    const end = () => {
      node.removeEventListener("pointermove", move);
      node.removeEventListener("pointerup", end);
      node.removeEventListener("pointercancel", end);
    };
    node.addEventListener("pointermove", move);
    node.addEventListener("pointerup", end);
    node.addEventListener("pointercancel", end);
  });
}

// ---- messages to the kernel ---------------------------------------------------------------------------------------------

function channel(model) {
  const from = Math.random().toString(36).slice(2);
  const queue = new Map();
  let number = 0;
  let waiting = null; // the key of the message that is not answered yet
  function next() {
    if (waiting !== null || !queue.size) return;
    const [[key, message]] = queue;
    queue.delete(key);
    waiting = key;
    number += 1;
    model.send({ ...message, from, number });
  }
  return {
    // Messages with the same key replace one another while they wait.
    ask(message, key = Symbol("once")) {
      queue.set(key, message);
      next();
    },
    answered([of, at] = []) {
      if (of === from && at === number) waiting = null;
      next();
    },
    // Whether the kernel does not know yet what was said last under this key.
    holds: (key) => waiting === key || queue.has(key),
  };
}

// ---- the plane ----------------------------------------------------------------------------------------------------------

function planeView(ask) {
  const id = Math.random().toString(36).slice(2);
  const inner = `M${INSET} ${INSET}H${SIDE - INSET}V${SIDE - INSET}H${INSET}Z`;
  const names = ["fills", "shut", "lines", "axes", "sectors", "guides", "trails", "arrows", "nodes", "texts"];
  const layers = Object.fromEntries(names.map((name) => [name, svg("g", { class: name })]));
  const root = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "plane", role: "group" },
    svg("defs", {},
      svg("clipPath", { id: `inner-${id}` }, svg("path", { d: inner })),
      svg("clipPath", { id: `frame-${id}` },
        svg("path", { d: `M0 0H${SIDE}V${SIDE}H0Z${inner}`, "clip-rule": "evenodd" })),
      svg("pattern", { id: `hatch-${id}`, width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("line", { x1: 0, x2: 0, y1: 0, y2: 8, class: "hatch" }))),
    svg("path", { d: inner, class: "ground" }));
  const clipped = svg("g", { "clip-path": `url(#inner-${id})` });
  for (const name of names) (["sectors", "nodes", "texts"].includes(name) ? root : clipped).append(layers[name]);
  root.insertBefore(clipped, layers.sectors);

  let scene;
  let structure;
  let nodes = []; // {what, index, at, node}: all that can be dragged
  let trails = [];
  let dragged = null;
  const half = SIDE / 2 - INSET;
  const px = ([x, y]) => [SIDE / 2 + (x / scene.span) * half, SIDE / 2 - (y / scene.span) * half];

  function describe({ what, index, at }) {
    const where = `x ${signed(at[0])}, y ${signed(at[1])}`;
    if (what === "centers") return `Center of ${scene.classes[index]}, ${where}`;
    if (what === "classifier") return `Weight vector of ${scene.classes[index]}, ${where}`;
    const state = scene.open[index] ? "" : ", hinge shut";
    return `Point ${nameOf(scene, index)}, ${where}, loss ${scene.losses[index].toFixed(3)}${state}`;
  }

  function moveTo(item, to) {
    const most = REACH * scene.span;
    item.at = to.map((value) => Math.max(-most, Math.min(most, value)));
    place(item);
    if (item.what === "points") trails[item.index] = [];
    ask({ do: "move", what: item.what, index: item.index, to: item.at }, `move ${item.what} ${item.index}`);
  }

  function place(item) {
    const [x, y] = px(item.at);
    item.node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }

  const select = (item) => {
    if (item.what === "points" && scene.selected !== item.index) {
      ask({ do: "set", name: "selected", value: item.index }, "set selected");
    }
  };

  function makeNode(what, index) {
    const k = what === "points" ? scene.labels[index] : index;
    const node = svg("g", { class: `node ${what}`, tabindex: 0, role: "button", "aria-roledescription": "draggable", style: `--class: ${scene.colors[k]}` },
      svg("circle", { r: 16, class: "hit" }),
      svg("circle", { r: what === "centers" ? 20 : 14, class: "halo" }));
    if (what === "points") node.append(svg("path", { d: shape(k, 7.5), class: "point" }));
    if (what === "classifier") node.append(svg("path", { d: shape(k, 5), class: "tip" }));
    if (what === "centers") node.append(svg("path", { d: shape(k, 11), class: "center" }), svg("path", { d: "M-6 0H6M0 -6V6", class: "cross" }));
    const item = { what, index, at: [0, 0], node };
    let grip = [0, 0];
    const data = (event) => {
      const [x, y] = within(root, event);
      return [((x - SIDE / 2) / half) * scene.span, ((SIDE / 2 - y) / half) * scene.span];
    };
    onDrag(node, (event) => {
      const [x, y] = data(event);
      grip = [item.at[0] - x, item.at[1] - y];
      select(item);
      dragged = item;
      addEventListener("pointerup", () => { dragged = null; }, { once: true });
    }, (event) => {
      const [x, y] = data(event);
      moveTo(item, [x + grip[0], y + grip[1]]);
    });
    node.addEventListener("focus", () => node.matches(":focus-visible") && select(item));
    node.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.key === "Enter") select(item);
      if (!way) return;
      event.preventDefault();
      const by = (event.shiftKey ? 5 : 1) * scene.span / 100;
      moveTo(item, [item.at[0] + by * way[0], item.at[1] + by * way[1]]);
    });
    return item;
  }

  function draw(next) {
    const before = scene;
    scene = next;
    const wanted = JSON.stringify([scene.labels, scene.classes, Object.entries(scene.positions).map(([what, of]) => [what, of.length])]);
    if (wanted !== structure) {
      structure = wanted;
      trails = scene.labels.map(() => []);
      nodes = ["classifier", "centers", "points"].flatMap((what) => (scene.positions[what] ?? []).map((_, i) => makeNode(what, i)));
      layers.nodes.replaceChildren(...nodes.map((item) => item.node));
    }
    set(root, { "aria-label": `${scene.losses.length} points and the class centers on a plane, from −${scene.span} to ${scene.span}. Loss ${scene.value.toFixed(3)}.` });
    for (const item of nodes) {
      if (item !== dragged && !ask.holds(`move ${item.what} ${item.index}`)) item.at = scene.positions[item.what][item.index];
      place(item);
      item.node.setAttribute("aria-label", describe(item));
      if (item.what === "points") {
        item.node.classList.toggle("shut", !scene.open[item.index]);
        item.node.classList.toggle("selected", scene.selected === item.index);
      }
    }
    leaveTrail(before);
    drawLevels();
    drawAxes();
    drawSectors();
    drawGuides();
    drawArrows();
  }

  function leaveTrail(before) {
    if (!scene.steps) trails = scene.labels.map(() => []);
    else if (before?.steps < scene.steps) {
      scene.positions.points.forEach((at, i) => {
        if (!trails[i].length && before.positions.points[i]) trails[i].push(before.positions.points[i]);
        trails[i].push(at);
        trails[i].splice(0, trails[i].length - TRAIL);
      });
    }
    layers.trails.replaceChildren(...trails.map((trail, i) =>
      svg("path", { d: path(trail.map(px)), class: "trail", style: `--class: ${scene.colors[scene.labels[i]]}` })));
  }

  function drawLevels() {
    const ring = (points) => path(points.map(px), true);
    layers.fills.replaceChildren(...scene.above.map((rings) => svg("path", { d: rings.map(ring).join(""), class: "above", "fill-rule": "evenodd" })));
    const color = scene.colors[scene.labels[scene.selected]];
    layers.shut.replaceChildren(svg("path", { d: scene.shut.map(ring).join(""), class: "nothing", "fill-rule": "evenodd", fill: `url(#hatch-${id})`, style: `--class: ${color}` }));
    const texts = [];
    const taken = nodes.map((item) => px(item.at));
    const free = ([x, y]) => Math.min(x - 32, y, SIDE - x, SIDE - y - 18) > INSET + 18 && taken.every(([u, v]) => Math.hypot(x - u, y - v) > 44);
    const drawn = scene.lines.map(([level, lines]) => {
      const longest = lines.reduce((a, b) => (b.length > a.length ? b : a), []).map(px);
      const at = [0.5, 0.35, 0.65, 0.2, 0.8].map((share) => longest[Math.floor(share * longest.length)]).find((place) => place && free(place));
      if (at) {
        taken.push(at);
        texts.push(svg("text", { x: at[0], y: at[1] + 4, class: "level", text: +level.toFixed(3) }));
      }
      return svg("path", { d: lines.map((line) => path(line.map(px))).join(""), class: "level-line" });
    });
    const through = svg("path", { d: scene.through.map((line) => path(line.map(px))).join(""), class: "through", style: `--class: ${color}` });
    layers.lines.replaceChildren(...drawn, through, ...texts);
  }

  function drawAxes() {
    const gap = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((size) => scene.span / size <= 5);
    const marks = [];
    for (let at = gap; at < scene.span; at += gap) marks.push(-at, at);
    const [middle, edge] = [SIDE / 2, SIDE - INSET];
    layers.axes.replaceChildren(
      svg("path", { d: `M${INSET} ${middle}H${edge}M${middle} ${INSET}V${edge}`, class: "axis" }),
      ...marks.flatMap((at) => {
        const [x, y] = px([at, at]);
        return [
          svg("path", { d: `M${x} ${edge}v-5M${INSET} ${y}h5`, class: "tick" }),
          svg("text", { x, y: edge - 8, class: "tick across", text: signed(at, 0) }),
          svg("text", { x: INSET + 8, y: y + 4, class: "tick", text: signed(at, 0) }),
        ];
      }));
  }

  function drawSectors() {
    const far = (angle) => px([3 * scene.span * Math.cos(angle), 3 * scene.span * Math.sin(angle)]);
    const middle = px([0, 0]);
    const parts = scene.sectors.map(([start, end, k]) => {
      const fan = Array.from({ length: 41 }, (_, i) => far(start + ((end - start) * i) / 40));
      return svg("path", { d: path([middle, ...fan], true), class: "sector", style: `--class: ${scene.colors[k]}` });
    });
    // The middle of each sector's part of the frame carries the shape of its class.
    const marks = scene.sectors.map(([start, end, k]) => {
      const [u, v] = [Math.cos((start + end) / 2), -Math.sin((start + end) / 2)];
      const out = (SIDE / 2 - INSET / 2) / Math.max(Math.abs(u), Math.abs(v));
      return svg("path", { d: shape(k, 3.6), class: "frame-mark", transform: `translate(${SIDE / 2 + out * u} ${SIDE / 2 + out * v})` });
    });
    const rays = scene.sectors.length > 1 ? scene.sectors.map(([start]) => path([middle, far(start)])).join("") : "";
    layers.sectors.replaceChildren(
      svg("g", { "clip-path": `url(#frame-${id})` }, ...parts),
      ...marks,
      svg("path", { d: inner, class: "edge" }),
      svg("path", { d: rays, class: "ray", "clip-path": `url(#inner-${id})` }));
  }

  function drawGuides() {
    const guides = [];
    const texts = [];
    const { points, centers, classifier } = scene.positions;
    const line = (from, to, kind, k) => guides.push(svg("path", { d: path([px(from), px(to)]), class: `guide ${kind}`, style: `--class: ${scene.colors[k] ?? "currentColor"}` }));
    const text = (at, words, kind, dx = 0, dy = 0, anchor = "middle") => {
      const [x, y] = px(at);
      texts.push(svg("text", { x: x + dx, y: y + dy, class: kind, "text-anchor": anchor, text: words }));
    };
    const chosen = nodes.find((item) => item.what === "points" && item.index === scene.selected)?.at ?? points[scene.selected];
    const own = scene.labels[scene.selected];
    if (centers) {
      line(chosen, centers[own], "own", own);
      centers.forEach((at, k) => text(at, scene.classes[k], "name", 0, 32));
    }
    classifier?.forEach((at, k) => {
      line([0, 0], at, "weight", k);
      if (scene.classes.length > 4) return; // too many words; the shapes tell them apart
      const away = Math.hypot(...at) || 1;
      text(at, `w ${scene.classes[k]}`, "name small", (30 * at[0]) / away, 4 - (20 * at[1]) / away);
    });
    if (scene.negative) {
      const { at, of: [kx, ky] } = scene.negative;
      line(chosen, at, "negative");
      const [x, y] = px(at);
      if (kx === ky) guides.push(svg("circle", { cx: x, cy: y, r: 21, class: "mark" }));
      else {
        line(centers[kx], at, "coordinate", kx);
        line(centers[ky], at, "coordinate", ky);
        guides.push(svg("path", { d: `M${x - 8} ${y - 8}l16 16m0 -16l-16 16`, class: "mark" }));
        const halfway = (k) => centers[k].map((value, axis) => (value + at[axis]) / 2);
        text(halfway(kx), `x of ${scene.classes[kx]}`, "name small", 6, 0, "start");
        text(halfway(ky), `y of ${scene.classes[ky]}`, "name small", 0, -7);
      }
      text(at, "negative", "name strong", 0, kx === ky ? -27 : -15);
    }
    layers.guides.replaceChildren(...guides);
    layers.texts.replaceChildren(...texts);
  }

  function drawArrows() {
    layers.arrows.replaceChildren(...nodes.map(({ what, index, at }) => {
      const [gx, gy] = scene.gradients[what][index];
      const to = px([at[0] - scene.gain * gx, at[1] - scene.gain * gy]);
      const still = scene.moving.includes(what) ? "" : " still";
      return svg("path", { d: arrow(px(at), to), class: `arrow ${what}${still}` });
    }));
  }

  function legend() {
    const item = (draw, words) => html("span", {}, svg("svg", { viewBox: "0 0 34 20", class: "sample", "aria-hidden": "true" }, ...draw), words);
    const color = "--class: var(--ink)";
    const items = [item([svg("path", { d: arrow([3, 10], [31, 10]), class: "arrow" })], `−gradient × ${scene.gain}`)];
    items.push(item([svg("path", { d: "M1 16Q17 0 33 12", class: "level-line" }), svg("path", { d: "M1 8Q17 0 33 4", class: "through", style: color })],
      "equal loss of the ringed point; dashed: its loss now"));
    if (scene.loss.startsWith("tcl")) {
      items.push(item([svg("path", { d: "M2 10H32", class: "guide", style: color })], "to its own center"));
      items.push(item([svg("path", { d: "M2 10H32", class: "guide negative", style: color })], "to its negative"));
      items.push(item([svg("rect", { x: 2, y: 2, width: 30, height: 16, class: "nothing", fill: `url(#hatch-${id})`, style: color })], "its hinge would be shut"));
      items.push(item([svg("g", { transform: "translate(17 10)" }, svg("path", { d: shape(0, 6), class: "point shut", style: color }))], "hollow: hinge shut, TCL 0"));
    }
    return items;
  }
  return { root, draw, legend };
}

// ---- the profiles -------------------------------------------------------------------------------------------------------

const CHART = { left: 112, top: 34, width: 152, gap: 14, row: 66 };
const MATRIX = { left: 512, top: 58, size: 190, gap: 22 };

function profilesView(ask) {
  const root = svg("svg", { viewBox: "0 0 930 440", class: "profiles", role: "group" });
  let scene;
  let structure;
  let charts = []; // {face, head, entry, values, node, ..}
  let dragged = null;

  const rowHeight = () => Math.min(CHART.row, 400 / scene.labels.length);
  const left = (head) => CHART.left + head * (CHART.width + CHART.gap);
  const reach = () => Math.max(2.2, 1.05 * Math.max(...scene.profiles.flat(2).map(Math.abs)));
  const columnX = (entry) => 12 + (entry * (CHART.width - 24)) / (scene.profiles[0][0].length - 1);
  const entryY = (value) => (rowHeight() - 8) / 2 - (value / reach()) * ((rowHeight() - 14) / 2);

  function moveTo(chart, entry, value) {
    const clamped = Math.max(-2, Math.min(2, value));
    chart.values = chart.values.with(entry, clamped);
    drawChart(chart);
    ask({ do: "entry", face: chart.face, head: chart.head, entry, to: clamped }, `entry ${chart.face} ${chart.head} ${entry}`);
  }

  function select(face) {
    if (scene.selected !== face) ask({ do: "set", name: "selected", value: face }, "set selected");
  }

  function makeChart(face, head) {
    const height = rowHeight() - 8;
    const node = svg("g", {
      class: "chart", tabindex: 0, role: "button", "aria-roledescription": "profile",
      transform: `translate(${left(head)} ${CHART.top + face * rowHeight()})`, style: `--class: ${scene.colors[scene.labels[face]]}`,
    }, svg("rect", { width: CHART.width, height, rx: 4, class: "chart-ground" }));
    const chart = { face, head, entry: 0, values: [], node, body: svg("g") };
    node.append(chart.body);
    let grip = 0;
    const value = (event) => {
      const y = within(root, event)[1] - CHART.top - face * rowHeight();
      return ((height / 2 - y) / ((rowHeight() - 14) / 2)) * reach();
    };
    onDrag(node, (event) => {
      const x = within(root, event)[0] - left(head);
      const columns = chart.values.map((_, entry) => Math.abs(columnX(entry) - x));
      chart.entry = columns.indexOf(Math.min(...columns));
      grip = chart.values[chart.entry] - value(event);
      dragged = chart;
      addEventListener("pointerup", () => { dragged = null; }, { once: true });
      select(face);
      drawChart(chart);
    }, (event) => moveTo(chart, chart.entry, value(event) + grip));
    node.addEventListener("focus", () => node.matches(":focus-visible") && select(face));
    node.addEventListener("keydown", (event) => {
      const [across, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
      if (!across && !up) return;
      event.preventDefault();
      chart.entry = Math.max(0, Math.min(chart.values.length - 1, chart.entry + across));
      if (up) moveTo(chart, chart.entry, chart.values[chart.entry] + up * (event.shiftKey ? 0.25 : 0.05));
      else drawChart(chart);
    });
    return chart;
  }

  function drawChart(chart) {
    const { face, head, entry, values } = chart;
    const at = values.map((value, i) => [columnX(i), entryY(value)]);
    const gradient = scene.gradient[face][head];
    const arrows = at.map(([x, y], i) => arrow([x, y], [x, entryY(values[i] - scene.gain * gradient[i])])).join("");
    chart.body.replaceChildren(
      svg("path", { d: `M4 ${entryY(0)}H${CHART.width - 4}`, class: "axis" }),
      svg("path", { d: path(at), class: "profile" }),
      ...at.map(([x, y], i) => svg("circle", { cx: x, cy: y, r: 3.6, class: i === entry ? "entry current" : "entry" })),
      svg("path", { d: arrows, class: "arrow" }));
    set(chart.node, { "aria-label": `${nameOf(scene, face)}, head ${head + 1}, entry ${entry + 1} of ${values.length}: ${signed(values[entry])}. Left and right choose an entry, up and down move it.` });
  }

  function cell(x, y, size, value, target, title) {
    const share = Math.round(100 * Math.min(1, Math.abs(value)));
    const strong = share > 55 ? " strong" : "";
    const tall = size > 26;
    const text = signed(value, tall ? 2 : 1).replace("0.", ".").replace(/1\.0+/, "1");
    return svg("g", { class: "cell" },
      svg("title", { text: title }),
      svg("rect", { x: x + 0.5, y: y + 0.5, width: size - 1, height: size - 1, class: value < 0 ? "minus" : "plus", style: `--share: ${share}%` }),
      svg("text", { x: x + size / 2, y: y + size / 2 + (tall ? 7 : 6), class: `number${strong}`, "font-size": tall ? 11 : 9, text }),
      svg("text", { x: x + 3, y: y + (tall ? 10 : 8), class: `target${strong}`, "font-size": tall ? 10 : 8, text: target > 0 ? "+" : "−" }));
  }

  function matrix(x, y, size, values, labels, names, selected) {
    const parts = [];
    values.forEach((row, i) => row.forEach((value, j) => {
      const [left, top] = [x + j * size, y + i * size];
      if (i === j) parts.push(svg("rect", { x: left + 0.5, y: top + 0.5, width: size - 1, height: size - 1, class: "self" }));
      else {
        const target = labels[i] === labels[j] ? 1 : -1;
        parts.push(cell(left, top, size, value, target, `${names[i]} and ${names[j]}: correlation ${signed(value)}, wanted ${target > 0 ? "+1" : "−1"}`));
      }
    }));
    labels.forEach((k, i) => {
      const style = `--class: ${scene.colors[k]}`;
      const middle = (i + 0.5) * size;
      parts.push(svg("path", { d: shape(k, 5), class: "point", style, transform: `translate(${x - 11} ${y + middle})` }));
      parts.push(svg("path", { d: shape(k, 5), class: "point", style, transform: `translate(${x + middle} ${y - 11})` }));
      const block = labels.filter((other) => other === k).length;
      if (block > 1 && labels.indexOf(k) === i) parts.push(svg("rect", { x: x + i * size, y: y + i * size, width: block * size, height: block * size, class: "block" }));
    });
    if (selected !== null) {
      const [side, at] = [labels.length * size, selected * size];
      parts.push(svg("path", { d: `M${x} ${y + at}h${side}v${size}h${-side}zM${x + at} ${y}v${side}h${size}v${-side}z`, class: "chosen" }));
    }
    return parts;
  }

  function drawMatrices() {
    const { labels, present, correlations, meanCorrelations, headCorrelations } = scene;
    const parts = [];
    const title = (x, y, words, kind = "title") => parts.push(svg("text", { x, y, class: kind, text: words }));
    const faces = labels.map((_, i) => nameOf(scene, i));
    const size = MATRIX.size / labels.length;
    const means = MATRIX.top + MATRIX.size + 62;
    correlations.forEach((values, head) => {
      const x = MATRIX.left + head * (MATRIX.size + MATRIX.gap);
      title(x, 22, `FD: faces, head ${head + 1}`);
      parts.push(...matrix(x, MATRIX.top, size, values, labels, faces, scene.selected));
      title(x, means - 26, `MD: class means, head ${head + 1}`);
      parts.push(...matrix(x, means, Math.min(32, 100 / present.length), meanCorrelations[head], present, present.map((k) => scene.classes[k]), null));
    });
    const x = left(2) - 4;
    title(x, 22, "ED");
    headCorrelations.forEach((values, i) => {
      const y = CHART.top + i * rowHeight() + (rowHeight() - 8 - 32) / 2;
      parts.push(cell(x, y, 32, values[0][1], -1, `The two heads of ${faces[i]}: correlation ${signed(values[0][1])}, wanted −1`));
      title(left(0) - 16, CHART.top + i * rowHeight() + (rowHeight() - 8) / 2 + 4, faces[i], i === scene.selected ? "face selected" : "face");
      parts.push(svg("path", { d: shape(labels[i], 5), class: "point", style: `--class: ${scene.colors[labels[i]]}`, transform: `translate(${left(0) - 7} ${CHART.top + i * rowHeight() + (rowHeight() - 8) / 2})` }));
    });
    [0, 1].forEach((head) => title(left(head), 22, `Head ${head + 1}`));
    return parts;
  }

  const [matrices, rows] = [svg("g"), svg("g")];
  root.append(matrices, rows);

  function draw(next) {
    scene = next;
    const wanted = JSON.stringify([scene.labels, scene.classes]);
    if (wanted !== structure) {
      structure = wanted;
      charts = scene.profiles.flatMap((heads, face) => heads.map((_, head) => makeChart(face, head)));
      rows.replaceChildren(...charts.map((chart) => chart.node));
    }
    set(root, { "aria-label": `Profiles of ${scene.labels.length} faces and their correlations. Loss ${scene.value.toFixed(3)}.` });
    for (const chart of charts) {
      const waits = chart.values.some((_, entry) => ask.holds(`entry ${chart.face} ${chart.head} ${entry}`));
      if (chart !== dragged && !waits) chart.values = scene.profiles[chart.face][chart.head];
      chart.node.classList.toggle("selected", chart.face === scene.selected);
      drawChart(chart);
    }
    matrices.replaceChildren(...drawMatrices());
  }

  function legend() {
    const item = (draw, words) => html("span", {}, svg("svg", { viewBox: "0 0 34 20", class: "sample", "aria-hidden": "true" }, ...draw), words);
    return [
      item([svg("path", { d: arrow([17, 18], [17, 3]), class: "arrow" })], `−gradient × ${scene.gain}`),
      item([svg("rect", { x: 2, y: 2, width: 15, height: 16, class: "minus", style: "--share: 80%" }), svg("rect", { x: 17, y: 2, width: 15, height: 16, class: "plus", style: "--share: 80%" })],
        "correlation −1 to +1; the sign in the corner is the one wanted, framed blocks want +"),
    ];
  }
  return { root, draw, legend };
}

// ---- the controls -------------------------------------------------------------------------------------------------------

function sliderOf(about, ask) {
  const input = html("input", { type: "range", "aria-description": about.about });
  const output = html("output", {});
  const row = html("label", { class: "slider", title: about.about }, html("span", { text: about.label }), input, output);
  const value = () => (about.log ? 10 ** +input.value : +input.value);
  const words = (number) => (about.step >= 1 ? number : number < 0.1 ? number.toFixed(3) : number.toFixed(2));
  let held = false;
  input.addEventListener("input", () => {
    held = true;
    output.textContent = words(value());
    ask({ do: "set", name: about.name, value: about.step >= 1 ? Math.round(value()) : value() }, `set ${about.name}`);
  });
  input.addEventListener("change", () => { held = false; });
  return {
    row,
    show(next) {
      const scale = (number) => (next.log ? Math.log10(number) : number);
      if (held || ask.holds(`set ${next.name}`)) return;
      set(input, { min: scale(next.min), max: scale(next.max), step: next.log ? 0.02 : next.step });
      input.value = scale(next.value);
      output.textContent = words(next.value);
      set(input, { "aria-valuetext": words(next.value) });
    },
  };
}

function curve(values) {
  const most = Math.max(...values, 1e-9);
  const at = values.map((value, i) => [2 + (156 * i) / Math.max(1, values.length - 1), 36 - (34 * value) / most]);
  return svg("svg", { viewBox: "0 0 160 38", class: "curve", role: "img", "aria-label": `The loss over the last ${values.length - 1} steps, from ${values[0].toFixed(3)} to ${values.at(-1).toFixed(3)}` },
    svg("path", { d: "M0 36.5H160", class: "axis" }),
    ...(values.length > 1 ? [svg("path", { d: path(at), class: "profile" })] : []));
}

function render({ model, el }) {
  const { ask: send, answered, holds } = channel(model);
  const ask = Object.assign(send, { holds });
  const views = { plane: planeView(ask), profiles: profilesView(ask) };

  const loss = html("select", { "aria-label": "Loss" });
  const classes = html("select", { "aria-label": "Classes" }, ...[2, 3, 4, 5, 6, 7].map((k) => html("option", { value: k, text: k })));
  loss.addEventListener("change", () => ask({ do: "set", name: "loss", value: loss.value }));
  classes.addEventListener("change", () => ask({ do: "set", name: "num_classes", value: +classes.value }));
  const button = (words, title, message) => {
    const node = html("button", { type: "button", title, text: words });
    node.addEventListener("click", () => ask(message()));
    return node;
  };
  const toggle = () => ({ do: model.get("_scene").playing ? "pause" : "play" });
  const play = button("▶ Play", "Run gradient descent (space)", toggle);
  play.classList.add("main");
  const buttons = [
    button("Step", "One step of gradient descent", () => ({ do: "step" })), play,
    button("Reset", "Back to the beginning", () => ({ do: "reset" })),
    button("New points", "Deal other random points and centers", () => ({ do: "shuffle" })),
  ];
  const bar = html("div", { class: "bar" },
    html("label", {}, "Loss ", loss), html("label", {}, "Classes ", classes), html("div", { class: "buttons" }, ...buttons));

  const stage = html("div", { class: "drawing" });
  const legend = html("div", { class: "legend" });
  const value = html("div", { class: "value" });
  const explanation = html("p", { class: "explanation" });
  const about = html("p", { class: "about" });
  const sliders = html("div", { class: "sliders" });
  const switches = html("fieldset", { class: "switches" }, html("legend", { text: "Gradient descent moves" }));
  const list = html("div", { class: "list", role: "group", "aria-label": "Loss of every point" });
  const message = html("p", { class: "message", role: "status" });
  const root = html("div", { class: "ferlab-playground" }, bar,
    html("div", { class: "body" },
      html("div", { class: "stage" }, stage, legend),
      html("div", { class: "side" }, value, message, explanation, sliders, switches, list, about)));
  // JupyterLab leaves the keys to whatever has the focus and this attribute.
  root.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
  root.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.closest("button, select, input")) return;
    event.preventDefault();
    ask(toggle());
  });
  el.replaceChildren(root);

  const checks = Object.fromEntries(["points", "centers", "classifier"].map((name) => {
    const input = html("input", { type: "checkbox" });
    input.addEventListener("change", () => {
      const moving = Object.keys(checks).filter((key) => checks[key].input.checked);
      ask({ do: "set", name: "moving", value: moving }, "set moving");
    });
    const row = html("label", {}, input, ` ${name}`);
    switches.append(row);
    return [name, { input, row }];
  }));

  let knobs = new Map();
  let rows = [];
  let shownClasses = "";
  let timer = null;

  function showSliders(wanted) {
    if ([...knobs.keys()].join() !== wanted.map((one) => one.name).join()) {
      knobs = new Map(wanted.map((one) => [one.name, sliderOf(one, ask)]));
      sliders.replaceChildren(...[...knobs.values()].map((knob) => knob.row));
    }
    for (const one of wanted) knobs.get(one.name).show(one);
  }

  function showList(scene) {
    list.hidden = scene.view !== "plane";
    if (list.hidden) return;
    const wanted = JSON.stringify([scene.labels, scene.classes]);
    if (wanted !== shownClasses) {
      shownClasses = wanted;
      rows = scene.labels.map((k, i) => {
        const parts = { icon: html("i"), bar: html("b"), number: html("output") };
        const row = html("button", { type: "button", class: "row", style: `--class: ${scene.colors[k]}` },
          parts.icon, html("span", { text: nameOf(scene, i) }), html("span", { class: "track" }, parts.bar), parts.number);
        row.addEventListener("click", () => ask({ do: "set", name: "selected", value: i }, "set selected"));
        return { row, ...parts };
      });
      list.replaceChildren(...rows.map(({ row }) => row));
    }
    const most = Math.max(...scene.losses, 1e-9);
    scene.losses.forEach((one, i) => {
      const { row, icon, bar, number } = rows[i];
      set(row, { "aria-pressed": scene.selected === i, "aria-label": `${nameOf(scene, i)}, loss ${one.toFixed(2)}` });
      icon.replaceChildren(classIcon(scene.labels[i], scene.colors[scene.labels[i]], scene.open[i]));
      bar.style.width = `${(100 * one) / most}%`;
      number.textContent = one.toFixed(2);
    });
  }

  function showValue(scene) {
    const parts = scene.view === "profiles"
      ? scene.terms.map(([name, words, term, weight]) => html("div", { title: words }, html("strong", { text: name }), ` ${term.toFixed(3)} × ${+weight.toFixed(2)}`))
      : Object.entries(scene.parts).map(([name, part]) => html("div", {}, `${name} ${part.toFixed(3)}`));
    value.replaceChildren(
      html("div", {}, html("span", { class: "caption", text: "Loss" }), html("output", { class: "number", text: scene.value.toFixed(3) })),
      html("div", { class: "parts" }, ...parts),
      html("div", { class: "steps" }, curve(scene.history), html("span", { class: "caption", text: scene.steps === 1 ? "1 step" : `${scene.steps} steps` })));
  }

  function draw() {
    const scene = model.get("_scene");
    answered(scene.reply);
    const view = views[scene.view];
    root.dataset.view = scene.view;
    if (stage.firstChild !== view.root) stage.replaceChildren(view.root);
    view.draw(scene);
    legend.replaceChildren(...view.legend());
    if (loss.options.length !== scene.losses_to_choose.length) {
      loss.replaceChildren(...scene.losses_to_choose.map(([name, words]) => html("option", { value: name, text: words })));
    }
    loss.value = scene.loss;
    classes.value = scene.classes.length;
    play.textContent = scene.playing ? "❚❚ Pause" : "▶ Play";
    message.textContent = scene.message || scene.note || "";
    about.textContent = scene.about;
    const chosen = scene.view === "plane" ? `Ringed point: ${scene.explanation}.` : "";
    explanation.textContent = scene.negative ? `${chosen} Its negative: ${scene.negative.where}.` : chosen;
    switches.hidden = scene.view !== "plane";
    for (const [name, { input, row }] of Object.entries(checks)) {
      input.checked = scene.moving.includes(name);
      row.hidden = !(name in (scene.positions ?? {}));
    }
    showSliders(scene.sliders);
    showValue(scene);
    showList(scene);
    if (scene.playing && timer === null) {
      timer = setTimeout(() => {
        timer = null;
        const { playing, steps } = model.get("_scene");
        if (playing) ask({ do: "tick", steps }, "tick");
      }, PAUSE);
    }
  }
  model.on("change:_scene", draw);
  draw();
  return () => {
    clearTimeout(timer);
    model.off("change:_scene", draw);
  };
}

export default { render };
