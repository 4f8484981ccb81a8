// The loss playground's page, part 2 of 4: the plane with points, centers and the classifier's weight vectors.
const SIDE = 600; // of the drawing, in its own pixels
const INSET = 12; // of the plane within its frame
const REACH = 0.85; // how far out a point can be dragged, as a share of the plane's half side
const TRAIL = 60; // steps that leave a trace

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
    const loss = scene.losses ? `, loss ${scene.losses[index].toFixed(3)}` : ""; // none where points are compared
    const state = scene.open[index] ? "" : ", hinge shut";
    return `Point ${nameOf(scene, index)}, ${where}${loss}${state}`;
  }

  function moveTo(item, to) {
    const most = REACH * scene.span;
    item.at = to.map((value) => Math.max(-most, Math.min(most, value)));
    place(item);
    if (item.what === "points") trails[item.index] = [];
    ask({ type: "move", what: item.what, index: item.index, to: item.at }, `move ${item.what} ${item.index}`);
  }

  function place(item) {
    const [x, y] = px(item.at);
    item.node.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  }

  const select = (item) => {
    if (item.what === "points" && scene.selected !== item.index) {
      ask({ type: "set", name: "selected", value: item.index }, "set selected");
    }
  };

  function makeNode(what, index) {
    const k = what === "points" ? scene.labels[index] : index;
    const node = svg("g", { class: `node ${what}`, tabindex: 0, role: "button", "aria-roledescription": "draggable", style: `--class: ${scene.colors[k]}` },
      svg("circle", { r: 16, class: "hit" }),
      svg("circle", { r: what === "centers" ? 20 : 14, class: "halo" }));
    if (what === "points") node.append(svg("path", { d: shape(k, 7.5), class: "point" }));
    if (what === "classifier") node.append(svg("path", { d: shape(k, 5), class: "tip" }));
    if (what === "centers") node.append(svg("path", { d: shape(k, 11), class: "fp-center" }), svg("path", { d: "M-6 0H6M0 -6V6", class: "cross" }));
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
    set(root, { "aria-label": `${scene.labels.length} points${scene.positions.centers ? " and the class centers" : ""} on a plane, from −${scene.span} to ${scene.span}. Loss ${scene.value.toFixed(3)}.` });
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
    const taken = []; // where words stand: the next ones give way downwards
    const { points, centers, classifier } = scene.positions;
    const line = (from, to, kind, k) => guides.push(svg("path", { d: path([px(from), px(to)]), class: `guide ${kind}`, style: `--class: ${scene.colors[k] ?? "currentColor"}` }));
    const text = (at, words, kind, dx = 0, dy = 0, anchor = "middle") => {
      const [x, y] = px(at);
      const place = { x: x + dx, y: y + dy, width: 8 * words.length };
      const overlaps = (other) => Math.abs(other.x - place.x) < (other.width + place.width) / 2 && Math.abs(other.y - place.y) < 14;
      while (taken.some(overlaps)) place.y += 8;
      taken.push(place);
      texts.push(svg("text", { x: place.x, y: place.y, class: kind, "text-anchor": anchor, text: words }));
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
      text(at, `w ${scene.classes[k]}`, "name fp-small", (30 * at[0]) / away, 4 - (20 * at[1]) / away);
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
        text(halfway(kx), `x of ${scene.classes[kx]}`, "name fp-small", 6, 0, "start");
        text(halfway(ky), `y of ${scene.classes[ky]}`, "name fp-small", 0, 17);
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
      scene.losses ? "equal loss of the ringed point; dashed: its loss now" : "equal loss if the ringed point were there; dashed: the loss now"));
    if (scene.hinge) {
      items.push(item([svg("path", { d: "M2 10H32", class: "guide", style: color })], "to its own center"));
      items.push(item([svg("path", { d: "M2 10H32", class: "guide negative", style: color })], "to its negative"));
      items.push(item([svg("rect", { x: 2, y: 2, width: 30, height: 16, class: "nothing", fill: `url(#hatch-${id})`, style: color })], "its hinge would be shut"));
      items.push(item([svg("g", { transform: "translate(17 10)" }, svg("path", { d: shape(0, 6), class: "point shut", style: color }))], "hollow: hinge shut, TCL 0"));
    }
    return items;
  }
  return { root, draw, legend };
}
