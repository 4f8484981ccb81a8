"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const sprite = document.getElementById("sprite");
  const tip = document.getElementById("tip");
  const { classes, labels, answers, views } = data;
  const N = labels.length;
  const CORRECT = ["#348ad6", "#d98a06"];

  const state = {
    colorby: "label", tool: "lasso", names: true, hover: -1, hoverPanel: -1, pair: [],
    seen: 0,  // which of the views
    hidden: new Set(), selected: new Set(),
    view: { x: 0, y: 0, zoom: 1 },
    panels: data.panels.slice(),
  };
  const element = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "class") node.className = value;
      else if (key.startsWith("--")) node.style.setProperty(key, value);
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  };
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const percent = (value) => `${Math.round(value * 100)} %`;
  const label = (method) => data.methods[method].label;
  const watchers = [];  // called after another face is under the cursor, or others are selected

  // ---- faces -------------------------------------------------------------------------------------------
  function drawFace(canvas, i) {
    const { columns, tile } = data.sprite;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(sprite, (i % columns) * tile, Math.floor(i / columns) * tile, tile, tile, 0, 0, canvas.width, canvas.height);
  }

  // ---- maps --------------------------------------------------------------------------------------------
  // A view holds the places of all faces by method, as 16-bit numbers; one scale for all, so that a tighter class looks tighter.
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const decoded = new Map();
  function placesIn(view, method) {
    const key = `${view.key} ${method}`;
    if (!decoded.has(key)) {
      const codes = view.places[method] === undefined ? null : new Uint16Array(bytes(view.places[method]).buffer);
      const axis = (offset) => Float64Array.from({ length: N }, (_, i) => view.low[offset] + (codes[2 * i + offset] / 65535) * view.span[offset]);
      decoded.set(key, codes && { x: axis(0), y: axis(1) });
    }
    return decoded.get(key);
  }
  const seen = () => views[state.seen];

  class Panel {
    constructor(index) {
      this.index = index;
      this.choice = element("select", { "aria-label": `Method of map ${index + 1}` });
      for (const method of Object.keys(answers)) this.choice.append(element("option", { value: method }, label(method)));
      this.choice.value = state.panels[index];
      this.choice.addEventListener("change", () => { state.panels[index] = this.choice.value; this.layout(); });
      this.score = element("span", { class: "score" });
      this.base = element("canvas");
      this.over = element("canvas", { class: "over", tabindex: "0", role: "img" });
      this.missing = element("p", { class: "missing", hidden: "" });
      this.plot = element("div", { class: "plot" }, this.base, this.over, this.missing);
      this.node = element("div", { class: "panel card" }, element("div", {}, this.choice, this.score), this.plot);
      const on = (type, handler) => this.over.addEventListener(type, handler);
      on("pointerdown", (e) => this.down(e));
      on("pointermove", (e) => this.move(e));
      on("pointerup", (e) => this.up(e));
      on("pointerleave", () => { if (!this.drag) setHover(-1, -1); });
      on("dblclick", resetView);
      on("keydown", (e) => this.key(e));
      on("wheel", (e) => this.wheel(e));
    }
    get method() { return state.panels[this.index]; }
    get answer() { return answers[this.method]; }
    get unit() { return (this.size / 2 / seen().reach) * state.view.zoom; }
    pixelX(x) { return this.size / 2 + (x - seen().middle[0] - state.view.x) * this.unit; }
    pixelY(y) { return this.size / 2 - (y - seen().middle[1] - state.view.y) * this.unit; }

    layout() {
      const size = this.plot.clientWidth, ratio = window.devicePixelRatio || 1;
      for (const canvas of [this.base, this.over]) { canvas.width = canvas.height = Math.max(1, Math.round(size * ratio)); }
      this.size = size; this.ratio = ratio;
      const places = placesIn(seen(), this.method), why = places ? "" : seen().missing[this.method] || "This run holds no embeddings of this method.";
      this.px = new Float32Array(N).fill(NaN); this.py = new Float32Array(N).fill(NaN);
      for (let i = 0; places && i < N; i++) { this.px[i] = this.pixelX(places.x[i]); this.py[i] = this.pixelY(places.y[i]); }
      this.missing.hidden = !why; this.missing.textContent = why;
      let correct = 0;
      for (let i = 0; i < N; i++) correct += this.answer.predicted[i] === labels[i];
      this.score.textContent = `${percent(correct / N)} right`;
      this.over.setAttribute("aria-label",
        `${seen().name}: ${N} test faces in the embedding space of ${label(this.method)}. ${why || seen().notes[this.method] || ""} Arrow keys walk from face to face, Enter selects, Escape clears.`);
      this.paint(); this.mark();
    }
    color(i) {
      if (state.colorby === "correct") return this.answer.predicted[i] === labels[i] ? CORRECT[0] : CORRECT[1];
      return classes[state.colorby === "predicted" ? this.answer.predicted[i] : labels[i]].color;
    }
    paint() {
      const c = this.base.getContext("2d");
      c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      c.clearRect(0, 0, this.size, this.size);
      if (!this.missing.hidden) return;
      if (seen().hinge !== null) this.paintHinge(c);
      const any = state.selected.size > 0;
      const radius = Math.max(1.6, Math.min(4.2, 130 / Math.sqrt(N + 200))) * Math.min(1.8, Math.sqrt(state.view.zoom)) * (this.size / 440) ** 0.5;
      for (const chosen of any ? [false, true] : [false]) {
        const paths = new Map();
        for (let i = 0; i < N; i++) {
          if (state.hidden.has(labels[i]) || (any && state.selected.has(i) !== chosen)) continue;
          const color = this.color(i), px = this.px[i], py = this.py[i];
          if (px < -5 || py < -5 || px > this.size + 5 || py > this.size + 5) continue;
          if (!paths.has(color)) paths.set(color, new Path2D());
          const path = paths.get(color);
          const r = any && chosen ? radius * 1.35 : radius;
          if (state.colorby === "correct" && color === CORRECT[1]) {  // a diamond, so that color is not all
            path.moveTo(px, py - r * 1.7); path.lineTo(px + r * 1.7, py); path.lineTo(px, py + r * 1.7); path.lineTo(px - r * 1.7, py); path.closePath();
          } else { path.moveTo(px + r, py); path.arc(px, py, r, 0, 6.2832); }
        }
        c.globalAlpha = any && !chosen ? 0.12 : 0.82;
        for (const color of [...paths.keys()].sort((a, b) => (a === CORRECT[1]) - (b === CORRECT[1]))) { c.fillStyle = color; c.fill(paths.get(color)); }
      }
      c.globalAlpha = 1;
      // On TCL's plane most classes begin in one corner, where their names would cover them.
      if (seen().hinge !== null) this.paintCorner(c);
      else if (state.names && state.colorby !== "correct") this.paintNames(c);
      this.paintBeyond(c);
    }
    // How many faces lie outside, where nobody has moved or zoomed.
    paintBeyond(c) {
      if (state.view.zoom !== 1 || state.view.x || state.view.y) return;
      let beyond = 0;
      for (let i = 0; i < N; i++) beyond += !state.hidden.has(labels[i]) && (this.px[i] < 0 || this.py[i] < 0 || this.px[i] > this.size || this.py[i] > this.size);
      if (!beyond) return;
      c.font = "11px system-ui, sans-serif"; c.textAlign = "right"; c.textBaseline = "top";
      this.write(c, `${beyond.toLocaleString("en")} beyond`, this.size - 4, 4);
    }
    // Small words that stay readable over dots.
    write(c, words, x, y, color = "--dim") {
      c.lineJoin = "round"; c.lineWidth = 3.5; c.strokeStyle = ink("--card"); c.strokeText(words, x, y);
      c.fillStyle = ink(color); c.fillText(words, x, y);
    }
    // TCL's plane below the dots: the part where the loss is 0, the curve of the hinge, axes with numbers. Places are roots
    // of squared distances, which are written at the axes; the line y = x + margin of those is a curve here.
    paintHinge(c) {
      const margin = seen().hinge, { size } = this, far = 4 * seen().reach, hinge = (x) => Math.sqrt(x * x + margin);
      const x0 = this.pixelX(0), y0 = this.pixelY(0), curve = [];
      for (let px = Math.max(x0, -2); px <= size + 4; px += 2) curve.push([px, this.pixelY(hinge((px - x0) / this.unit))]);
      const trace = () => { c.beginPath(); curve.forEach(([x, y], n) => (n ? c.lineTo(x, y) : c.moveTo(x, y))); };
      if (curve.length) { trace(); c.lineTo(curve.at(-1)[0], -4); c.lineTo(curve[0][0], -4); c.closePath(); c.fillStyle = ink("--soft"); c.fill(); }
      c.strokeStyle = ink("--dim"); c.lineWidth = 1; c.beginPath(); c.moveTo(x0, 0); c.lineTo(x0, y0); c.lineTo(size, y0); c.stroke();
      c.lineWidth = 1.6; c.setLineDash([6, 4]); trace(); c.stroke(); c.setLineDash([]);
      c.font = "11px system-ui, sans-serif"; c.fillStyle = ink("--dim");
      const rough = seen().reach / state.view.zoom / 4.5, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
      for (let n = 0; n * step < far && n < 200; n++) {
        const x = this.pixelX(n * step), y = this.pixelY(n * step), words = String(Number(((n * step) ** 2).toPrecision(6)));
        c.textAlign = "center"; c.textBaseline = "top"; if (x > -10 && x < size - 8) c.fillText(words, x, y0 + 5);
        c.textAlign = "right"; c.textBaseline = "middle"; if (y > 8 && y < size && n) c.fillText(words, x0 - 5, y);
      }
      c.textAlign = "center"; c.textBaseline = "bottom"; c.fillText("squared distance to the own center →", (x0 + size) / 2, Math.min(size - 2, y0 + 34));
      c.save(); c.translate(Math.max(2, x0 - 38), (Math.max(0, y0) + 0) / 2); c.rotate(-Math.PI / 2); c.textBaseline = "top"; c.fillText("to the nearest other center, squared →", 0, 0); c.restore();
      // Along the curve, where it is nearly straight, where there is room; else beside its end at the frame's top.
      const seenOf = curve.filter(([x, y]) => x >= 0 && x <= size && y >= 0), open = seen().notes[this.method];
      if (!seenOf.length) return;
      const first = seenOf[0][0], end = seenOf.at(-1)[0], at = Math.min(seenOf.length - 2, Math.floor(0.68 * seenOf.length));
      c.font = "600 12px system-ui, sans-serif"; c.textAlign = "center";
      if (end - first > 130) {
        const [[ax, ay], [bx, by]] = [seenOf[at], seenOf[at + 1]];
        c.save(); c.translate(ax, ay); c.rotate(Math.atan2(by - ay, bx - ax)); c.textBaseline = "bottom";
        this.write(c, "hinge shut", 0, -4); c.textBaseline = "top"; this.write(c, open, 0, 5); c.restore();
      } else {
        c.textAlign = "left"; c.textBaseline = "top";
        this.write(c, "shut", first + 5, 5); this.write(c, open, end + 8, 5);
      }
    }
    // Embeddings of a fixed small length, such as Ad-Corre's heads, lie in the corner of TCL's plane: say that it is not empty.
    paintCorner(c) {
      const x0 = this.pixelX(0), y0 = this.pixelY(0), near = 0.05 * this.size;
      if (!this.px.every((px, i) => px - x0 < near && y0 - this.py[i] < near)) return;
      c.font = "12px system-ui, sans-serif"; c.textAlign = "left"; c.textBaseline = "bottom";
      this.write(c, "← all faces are here, near 0", x0 + near, y0 - 8, "--ink");
    }
    paintNames(c) {
      const sums = classes.map(() => [[], []]);
      for (let i = 0; i < N; i++) {
        const k = state.colorby === "predicted" ? this.answer.predicted[i] : labels[i];
        if (!state.hidden.has(labels[i])) { sums[k][0].push(this.px[i]); sums[k][1].push(this.py[i]); }
      }
      const median = (v) => v.sort((a, b) => a - b)[v.length >> 1];
      c.font = "600 12px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "middle";
      const placed = [];
      sums.forEach(([xs, ys], k) => {
        if (xs.length < 3) return;
        const w = c.measureText(classes[k].name).width + 14;
        let x = Math.min(this.size - w / 2 - 3, Math.max(w / 2 + 3, median(xs))), y = median(ys);
        // names that would cover each other step down
        for (let t = 0; t < 8 && placed.some((p) => Math.abs(p.x - x) < (p.w + w) / 2 && Math.abs(p.y - y) < 22); t++) y += 11;
        y = Math.min(this.size - 12, Math.max(12, y));
        placed.push({ x, y, w });
        c.globalAlpha = 0.9; c.fillStyle = ink("--card"); c.beginPath(); c.roundRect(x - w / 2, y - 10, w, 20, 6); c.fill();
        c.globalAlpha = 1; c.strokeStyle = classes[k].color; c.lineWidth = 1.6; c.stroke();
        c.fillStyle = ink("--ink"); c.fillText(classes[k].name, x, y + 0.5);
      });
    }
    mark() {
      const c = this.over.getContext("2d"), i = state.hover;
      c.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      c.clearRect(0, 0, this.size, this.size);
      if (this.drag && this.drag.path && this.drag.path.length > 1) {
        c.beginPath(); this.drag.path.forEach(([x, y], n) => (n ? c.lineTo(x, y) : c.moveTo(x, y))); c.closePath();
        c.fillStyle = ink("--accent"); c.globalAlpha = 0.14; c.fill(); c.globalAlpha = 1;
        c.strokeStyle = ink("--accent"); c.lineWidth = 1.5; c.stroke();
      }
      for (const face of state.pair) this.ring(c, face);
      if (i < 0 || Number.isNaN(this.px[i])) return;
      this.ring(c, i);
      const x = this.px[i], y = this.py[i];
      if (state.hoverPanel === this.index) return;
      // the same face, beside its ring in the other maps
      const side = 54, left = x + side + 22 > this.size ? x - side - 14 : x + 14, top = Math.max(4, Math.min(this.size - side - 22, y - side / 2));
      const { columns, tile } = data.sprite;
      c.fillStyle = ink("--card"); c.beginPath(); c.roundRect(left - 4, top - 4, side + 8, side + 24, 6); c.fill();
      c.strokeStyle = this.color(i); c.lineWidth = 2; c.stroke();
      c.drawImage(sprite, (i % columns) * tile, Math.floor(i / columns) * tile, tile, tile, left, top, side, side);
      c.fillStyle = ink("--ink"); c.font = "600 11px system-ui, sans-serif"; c.textAlign = "center"; c.textBaseline = "alphabetic";
      c.fillText(classes[this.answer.predicted[i]].name, left + side / 2, top + side + 13, side + 4);
    }
    ring(c, i) {
      const x = this.px[i], y = this.py[i];
      c.lineWidth = 4; c.strokeStyle = ink("--card"); c.beginPath(); c.arc(x, y, 8, 0, 6.2832); c.stroke();
      c.lineWidth = 2.2; c.strokeStyle = ink("--ink"); c.stroke();
      c.fillStyle = this.color(i); c.beginPath(); c.arc(x, y, 4.5, 0, 6.2832); c.fill();
    }
    nearest(x, y, limit) {
      let best = -1, least = limit * limit;
      for (let i = 0; i < N; i++) {
        if (state.hidden.has(labels[i])) continue;
        const d = (this.px[i] - x) ** 2 + (this.py[i] - y) ** 2;
        if (d < least) { least = d; best = i; }
      }
      return best;
    }
    at(e) { const box = this.over.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; }
    down(e) {
      if (e.button) return;
      try { this.over.setPointerCapture(e.pointerId); } catch { /* a pointer made by a script */ }
      const [x, y] = this.at(e);
      this.drag = { from: [x, y], path: state.tool === "move" ? null : [[x, y]], view: { ...state.view }, add: e.shiftKey };
    }
    move(e) {
      const [x, y] = this.at(e);
      if (!this.drag) { setHover(this.nearest(x, y, 16), this.index, e.clientX, e.clientY); return; }
      const { from } = this.drag;
      if (!this.drag.moved && Math.hypot(x - from[0], y - from[1]) < 4) return;
      if (!this.drag.moved) setHover(-1, -1);
      this.drag.moved = true;
      if (state.tool === "move") {
        state.view.x = this.drag.view.x - (x - from[0]) / this.unit; state.view.y = this.drag.view.y + (y - from[1]) / this.unit;
        layoutAll();
      } else {
        if (state.tool === "lasso") this.drag.path.push([x, y]);
        else this.drag.path = [from, [x, from[1]], [x, y], [from[0], y]];
        this.mark();
      }
    }
    up(e) {
      const drag = this.drag; this.drag = null;
      if (!drag) return;
      const chosen = new Set(drag.add ? state.selected : []);
      if (!drag.moved) {
        const [x, y] = this.at(e), i = this.nearest(x, y, 16);
        if (state.tool !== "move" || i >= 0) { if (i >= 0) { if (drag.add && chosen.has(i)) chosen.delete(i); else chosen.add(i); } select(chosen); }
      } else if (drag.path) {
        for (let i = 0; i < N; i++) if (!state.hidden.has(labels[i]) && inside(drag.path, this.px[i], this.py[i])) chosen.add(i);
        select(chosen);
      }
      this.mark();
    }
    wheel(e) {
      if (state.tool !== "move") return;  // otherwise the wheel scrolls the page
      e.preventDefault();
      const [x, y] = this.at(e), before = this.unit;
      const zoom = Math.min(30, Math.max(0.5, state.view.zoom * Math.exp(-e.deltaY * 0.0016)));
      const after = (before / state.view.zoom) * zoom;
      state.view.x += (x - this.size / 2) * (1 / before - 1 / after);
      state.view.y -= (y - this.size / 2) * (1 / before - 1 / after);
      state.view.zoom = zoom;
      layoutAll();
    }
    key(e) {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
      if (step) {
        e.preventDefault();
        let best = -1, least = Infinity;
        const x = state.hover < 0 ? this.size / 2 : this.px[state.hover], y = state.hover < 0 ? this.size / 2 : this.py[state.hover];
        for (let i = 0; i < N; i++) {
          if (i === state.hover || state.hidden.has(labels[i])) continue;
          const dx = this.px[i] - x, dy = this.py[i] - y, along = dx * step[0] + dy * step[1], across = Math.abs(dx * step[1] + dy * step[0]);
          if (along > 0.5 && along + 2 * across < least) { least = along + 2 * across; best = i; }
        }
        if (best >= 0) { const box = this.over.getBoundingClientRect(); setHover(best, this.index, box.left + this.px[best], box.top + this.py[best]); }
      } else if (e.key === "Enter" || e.key === " ") { e.preventDefault(); if (state.hover >= 0) select(new Set([...(e.shiftKey ? state.selected : []), state.hover])); }
      else if (e.key === "Escape") { select(new Set()); setHover(-1, -1); }
    }
  }
  const inside = (path, x, y) => {
    let within = false;
    for (let a = 0, b = path.length - 1; a < path.length; b = a++) {
      const [ax, ay] = path[a], [bx, by] = path[b];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
    }
    return within;
  };

  const panels = data.panels.map((_, index) => new Panel(index));
  const layoutAll = () => panels.forEach((panel) => panel.layout());
  const paintAll = () => panels.forEach((panel) => panel.paint());
  function resetView() { state.view = { x: 0, y: 0, zoom: 1 }; layoutAll(); }

  function setHover(i, panel, clientX, clientY) {
    if (state.pair.length) { state.pair = []; tip.classList.remove("pair"); panels.forEach((p) => p.mark()); }
    if (i !== state.hover || panel !== state.hoverPanel) {
      state.hover = i; state.hoverPanel = panel;
      panels.forEach((p) => p.mark());
      watchers.forEach((watch) => watch());
      if (i >= 0) {
        drawFace(tip.querySelector("canvas"), i);
        const table = element("table");
        for (const method of new Set(state.panels)) {
          const map = answers[method], right = map.predicted[i] === labels[i];
          table.append(element("tr", {}, element("td", {}, label(method)),
            element("td", {}, `${right ? "✓" : "✗"} ${classes[map.predicted[i]].name}`),
            element("td", {}, map.confidence[i] === null ? "" : percent(map.confidence[i]))));
        }
        tip.querySelector("div").replaceChildren(element("b", {}, classes[labels[i]].name), ` · face ${data.indices[i]}`, table);
      }
    }
    tip.hidden = i < 0;
    if (i >= 0) placeTip(clientX, clientY, panel >= 0 ? panels[panel].node : null);
  }
  // Two faces at once, of a cell of a correlation matrix; none where the cursor has left.
  function setPair(faces, words, clientX, clientY, node) {
    if (state.hover >= 0) setHover(-1, -1);
    state.pair = faces;
    panels.forEach((p) => p.mark());
    tip.hidden = !faces.length; tip.classList.toggle("pair", faces.length > 0);
    if (!faces.length) return;
    tip.querySelectorAll("canvas").forEach((canvas, n) => drawFace(canvas, faces[n]));
    tip.querySelector("div").replaceChildren(...words);
    placeTip(clientX, clientY, node);
  }
  function placeTip(clientX, clientY, node) {
    // below or above the face, within its own map where it fits: the marks in the other maps stay free
    const box = tip.getBoundingClientRect();
    const room = node ? node.getBoundingClientRect() : { left: 8, right: innerWidth - 8 };
    const x = Math.max(Math.min(clientX - box.width / 2, room.right - box.width), Math.min(room.left, innerWidth - box.width - 8));
    let y = clientY + 22;
    if (y + box.height > innerHeight - 8) y = clientY - box.height - 22;
    tip.style.left = `${Math.max(8, x)}px`; tip.style.top = `${Math.max(8, y)}px`;
  }

  // ---- selection ---------------------------------------------------------------------------------------
  const MOST = 72;
  const counted = (number) => `${number.toLocaleString("en")} ${number === 1 ? "face" : "faces"}`;
  function select(chosen) {
    state.selected = chosen;
    document.getElementById("clear").disabled = !chosen.size;
    const chosenLink = document.getElementById("chosen");
    chosenLink.hidden = !chosen.size; chosenLink.textContent = `${counted(chosen.size)} selected ↓`;
    paintAll();
    watchers.forEach((watch) => watch());
    const box = document.getElementById("selection");
    if (!chosen.size) {
      box.replaceChildren(element("p", {}, "Nothing selected. Draw around some dots, press a dot, or press a cell of a confusion matrix: the faces appear here."));
      return;
    }
    const all = [...chosen], counts = classes.map((_, k) => all.filter((i) => labels[i] === k).length);
    const mix = element("div", { class: "mix", "aria-hidden": "true" });
    counts.forEach((n, k) => { if (n) { const part = element("i", { "--c": classes[k].color }); part.style.flexGrow = n; mix.append(part); } });
    const facts = element("p", { class: "facts" });
    counts.forEach((n, k) => { if (n) facts.append(element("span", {}, element("b", {}, `${n}`), ` ${classes[k].name}`)); });
    for (const method of new Set(state.panels)) {
      const right = all.filter((i) => answers[method].predicted[i] === labels[i]).length;
      facts.append(element("span", {}, `${label(method)}: `, element("b", {}, percent(right / all.length)), " right"));
    }
    const faces = element("div", { class: "faces" });
    const shown = all.slice().sort((a, b) => labels[a] - labels[b]);
    // a fair sample of a large selection
    const step = Math.max(1, shown.length / MOST);
    for (let n = 0; n < Math.min(MOST, shown.length); n++) {
      const i = shown[Math.floor(n * step)], name = classes[labels[i]].name;
      const canvas = element("canvas", { width: "128", height: "128", role: "img", "aria-label": `face ${data.indices[i]}, ${name}` });
      drawFace(canvas, i);
      const figure = element("figure", { "--c": classes[labels[i]].color }, canvas, element("div", {}, name));
      const others = [...new Set(state.panels.map((m) => answers[m].predicted[i]))].filter((k) => k !== labels[i]);
      if (others.length) figure.append(element("div", { class: "wrong" }, `✗ ${others.map((k) => classes[k].name).join(", ")}`));
      figure.addEventListener("pointerenter", (e) => setHover(i, -2, e.clientX, e.clientY));
      figure.addEventListener("pointerleave", () => setHover(-1, -1));
      faces.append(figure);
    }
    const title = `${counted(all.length)} selected` + (all.length > MOST ? `, ${MOST} of them shown` : "");
    box.replaceChildren(element("h3", {}, title), mix, facts, faces);
  }

  // ---- controls ----------------------------------------------------------------------------------------
  function legend() {
    const box = document.getElementById("legend");
    if (state.colorby === "correct") {
      box.replaceChildren(...["right", "wrong (diamonds)"].map((text, n) => element("button", { type: "button", disabled: "", "--c": CORRECT[n] }, element("i"), text)));
      return;
    }
    box.replaceChildren(...classes.map((k, n) => {
      const count = labels.reduce((sum, l) => sum + (l === n), 0);
      const button = element("button", { type: "button", "aria-pressed": String(!state.hidden.has(n)), "--c": k.color, title: "Show or hide this class" },
        element("i"), k.name, element("small", {}, count.toLocaleString("en")));
      button.addEventListener("click", () => {
        if (state.hidden.has(n)) state.hidden.delete(n); else state.hidden.add(n);
        button.setAttribute("aria-pressed", String(!state.hidden.has(n)));
        paintAll();
      });
      return button;
    }));
  }
  // With whose eyes to look: one button a view.
  function viewChoice() {
    const box = document.getElementById("views");
    box.append(...views.map((view, n) => {
      const button = element("button", { type: "button", "data-view": view.key }, view.name);
      button.addEventListener("click", () => look(n));
      return button;
    }));
    look(0);
  }
  function look(n) {
    state.seen = n; state.view = { x: 0, y: 0, zoom: 1 };
    const view = seen();
    for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view.key));
    for (const words of document.querySelectorAll("[data-caption]")) words.classList.toggle("unseen", words.dataset.caption !== view.key);
    for (const note of document.querySelectorAll("[data-note]")) note.hidden = note.dataset.note !== view.key;
    document.getElementById("names").disabled = view.hinge !== null;
    layoutAll();
  }
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.addEventListener("click", () => {
      state.tool = button.dataset.tool;
      for (const other of document.querySelectorAll("[data-tool]")) other.setAttribute("aria-pressed", String(other === button));
      for (const panel of panels) panel.plot.classList.toggle("move", state.tool === "move");
    });
  }
  document.getElementById("colorby").addEventListener("change", (e) => { state.colorby = e.target.value; legend(); paintAll(); });
  document.getElementById("names").addEventListener("change", (e) => { state.names = e.target.checked; paintAll(); });
  document.getElementById("reset").addEventListener("click", resetView);
  document.getElementById("clear").addEventListener("click", () => select(new Set()));
  for (const cell of document.querySelectorAll(".confusion button")) {
    cell.addEventListener("click", () => {
      const answer = answers[cell.dataset.method];
      if (!answer) return;
      const t = Number(cell.dataset.true), p = Number(cell.dataset.predicted), chosen = new Set();
      for (let i = 0; i < N; i++) if (labels[i] === t && answer.predicted[i] === p) chosen.add(i);
      if (!state.panels.includes(cell.dataset.method)) {
        state.panels[panels.length - 1] = cell.dataset.method; panels[panels.length - 1].choice.value = cell.dataset.method; layoutAll();
      }
      select(chosen);
      document.getElementById("spaces").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    });
  }

  // ---- learning curves ---------------------------------------------------------------------------------
  const SVG = "http://www.w3.org/2000/svg";
  const svg = (tag, attributes, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const TERM_DASHES = ["", "7 4", "2 3", "7 3 2 3"];
  const has = (column) => data.curves.some((c) => c.values[column]);
  const series = (column, name) => {
    const groups = new Map();
    for (const curve of data.curves) {
      if (!curve.values[column]) continue;
      if (!groups.has(curve.method)) groups.set(curve.method, []);
      groups.get(curve.method).push(curve);
    }
    return [...groups].map(([method, curves]) => {
      const epochs = curves[0].epoch;
      const at = epochs.map((_, n) => curves.map((c) => c.values[column][n]).filter((v) => v !== null && v !== undefined));
      return {
        name: name ? `${label(method)}: ${name}` : label(method), color: data.methods[method].color, dash: data.methods[method].dash, epochs,
        mean: at.map((v) => (v.length ? v.reduce((a, b) => a + b, 0) / v.length : null)),
        low: at.map((v) => (v.length ? Math.min(...v) : null)), high: at.map((v) => (v.length ? Math.max(...v) : null)), several: curves.length > 1,
      };
    });
  };
  const EPOCHS = { unit: "epoch", names: null, place: "charts" };
  function chart(title, note, lines, share, axis = EPOCHS) {
    lines = lines.filter((l) => l.mean.some((v) => v !== null));
    if (!lines.length) return;
    const W = 560, H = 270, left = 46, right = 12, top = 10, bottom = 34;
    const epochs = lines.flatMap((l) => [...l.epochs, l.marks?.broken ?? -1]).filter((e) => e >= 0), first = Math.min(...epochs), last = Math.max(...epochs);
    // A network that is lost has numbers of any size, which would press all others together: the scale follows the whole ones.
    const isLost = (l, n) => Boolean(l.lost?.[n]);
    const numbers = (lost) => lines.flatMap((l) => l.mean.flatMap((_, n) => (isLost(l, n) === lost ? [l.low[n], l.high[n]] : []))).filter((v) => v !== null);
    const every = numbers(false).length ? numbers(false) : numbers(true);
    let low = Math.min(...every), high = Math.max(...every);
    if (high - low < 1e-6) { low -= 0.5; high += 0.5; }
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough);
    low = Math.floor(low / step) * step; high = Math.ceil(high / step - 1e-9) * step;
    const x = (e) => left + (last === first ? 0.5 : (e - first) / (last - first)) * (W - left - right);
    const y = (v) => H - bottom - ((v - low) / (high - low)) * (H - top - bottom);
    const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (String(step / power).includes(".") ? 1 : 0));
    const show = (v) => (share ? `${(v * 100).toFixed(Math.max(0, digits - 2))} %` : v.toFixed(Math.min(4, digits)));
    const within = (v) => Math.min(high, Math.max(low, v)), clip = `chart-${(chart.drawn = (chart.drawn || 0) + 1)}`, beyond = [];
    const graph = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${title}: ` + lines.map((l) => `${l.name} ends at ${show(l.mean.filter((v) => v !== null).at(-1))}`).join(", ") });
    for (let v = low; v <= high + step / 2; v += step) {
      graph.append(svg("line", { class: "grid", x1: left, x2: W - right, y1: y(v), y2: y(v) }), svg("text", { x: left - 8, y: y(v) + 4, "text-anchor": "end" }, show(v)));
    }
    const gap = Math.max(1, Math.ceil((last - first) / 8));
    const named = (e) => (axis.names ? axis.names[e] : e);
    for (let e = first; e <= last; e += gap) graph.append(svg("text", { x: x(e), y: H - bottom + 18, "text-anchor": "middle" }, named(e)));
    graph.append(svg("text", { x: W - right, y: H - 2, "text-anchor": "end" }, axis.unit));
    const frame = svg("clipPath", { id: clip });
    frame.append(svg("rect", { x: left - 4, y: top - 4, width: W - left - right + 8, height: H - top - bottom + 8 }));
    const inside = svg("g", { "clip-path": `url(#${clip})` });
    graph.append(frame, inside);
    for (const line of lines) {
      const points = (values, some = () => true) => line.epochs.map((e, n) => (values[n] === null || !some(n) ? null : `${x(e).toFixed(1)},${y(values[n]).toFixed(1)}`)).filter(Boolean);
      const whole = (n) => !isLost(line, n);
      if (line.several) inside.append(svg("polygon", { points: [...points(line.high, whole), ...points(line.low, whole).reverse()].join(" "), fill: line.color, opacity: 0.18 }));
      const p = points(line.mean);
      if (p.length === 1) { const [cx, cy] = p[0].split(","); inside.append(svg("circle", { cx, cy, r: 4, fill: line.color })); }
      line.mean.forEach((mean, n) => {
        if (mean === null || !isLost(line, n) || within(mean) === mean) return;
        const way = mean > high ? -1 : 1, cx = x(line.epochs[n]), cy = y(within(mean)) - 2 * way;
        if (line.marks?.broken !== line.epochs[n]) graph.append(svg("path", { class: "beyond", d: `M${cx} ${cy + 4 * way}l-5 ${-8 * way}h10z`, fill: line.color }));
        if (!line.dash) beyond.push(`${line.name} at ${named(line.epochs[n])}: ${share ? `${(100 * mean).toFixed(1)} %` : mean.toFixed(3)}, ${line.lost[n]}`);
      });
      inside.append(svg("polyline", { points: p.join(" "), fill: "none", stroke: line.color, "stroke-width": 2.2, "stroke-dasharray": line.dash, "stroke-linejoin": "round" }));
      for (const [kind, e] of Object.entries(line.marks || {})) {
        let n = line.epochs.indexOf(e);
        if (n < 0 && kind === "broken" && e >= 0 && line.epochs.length) { // no number there: the end of a dotted line
          n = line.epochs.length - 1;
          graph.append(svg("line", { x1: x(line.epochs[n]), x2: x(e), y1: y(within(line.mean[n])), y2: y(within(line.mean[n])), stroke: line.color, "stroke-width": 1.6, "stroke-dasharray": "2 4" }));
        }
        if (n < 0 || line.mean[n] === null) continue;
        const cx = x(e), cy = y(within(line.mean[n]));
        if (kind === "default") graph.append(svg("circle", { cx, cy, r: 6, fill: "none", stroke: line.color, "stroke-width": 2 }));
        else graph.append(svg("path", { d: `M${cx - 5} ${cy - 5}l10 10m0 -10l-10 10`, stroke: line.color, "stroke-width": 2.4 }));
      }
    }
    const cursor = svg("line", { class: "cursor", y1: top, y2: H - bottom, visibility: "hidden" });
    graph.append(cursor);
    const values = element("div", { class: "values", hidden: "" });
    if (beyond.length) note = `${note} ▲▼ beyond the scale: ${beyond.join("; ")}`.trim();
    const box = element("figure", { class: "chart card" }, element("figcaption", {}, title, " ", element("small", {}, note)), graph, values);
    graph.addEventListener("pointermove", (e) => {
      const area = graph.getBoundingClientRect(), epoch = Math.round(first + (((e.clientX - area.left) / area.width) * W - left) / (W - left - right) * (last - first));
      if (epoch < first || epoch > last) { values.hidden = true; return; }
      cursor.setAttribute("x1", x(epoch)); cursor.setAttribute("x2", x(epoch)); cursor.setAttribute("visibility", "visible");
      const rows = lines.map((l) => [l, l.mean[l.epochs.indexOf(epoch)]]).filter(([, v]) => v !== null && v !== undefined).sort((a, b) => b[1] - a[1]);
      values.replaceChildren(element("b", {}, `${axis.unit} ${named(epoch)}`), ...rows.map(([l, v]) => element("div", {}, element("span", { class: "line", "--c": l.color }), `${l.name} ${share ? (v * 100).toFixed(1) + " %" : v.toFixed(3)}`)));
      values.hidden = false;
      const at = (x(epoch) / W) * area.width;
      values.style.left = at > area.width / 2 ? "auto" : `${at + 30}px`; values.style.right = at > area.width / 2 ? `${area.width - at + 30}px` : "auto";
    });
    graph.addEventListener("pointerleave", () => { values.hidden = true; cursor.setAttribute("visibility", "hidden"); });
    document.getElementById(axis.place).append(box);
  }
  // ---- every measure over the strength of the metric losses ------------------------------------------------
  function doses() {
    if (!data.doses.methods.length) return;
    document.getElementById("doses").hidden = false;
    for (const of of data.doses.methods) lineKey("dosekeys", of.label, of.color, "");
    const names = data.doses.strengths, at = (strength) => names.indexOf(strength);
    for (const { measure, title } of data.doses.measures) {
      const lines = data.doses.methods.flatMap((of) => ["test", "train"].map((split) => {
        const points = of.measures[split][measure] || [], lost = (p) => of.lost.find((found) => found.strength === p.strength)?.words;
        return {
          name: split === "test" ? of.label : `${of.label}, training faces`, color: of.color, dash: split === "test" ? "" : "5 4",
          epochs: points.map((p) => at(p.strength)), mean: points.map((p) => p.mean), low: points.map((p) => p.low ?? p.mean), high: points.map((p) => p.high ?? p.mean),
          several: points.length > 0 && points.every((p) => p.low !== null), lost: points.map(lost), marks: split === "test" ? { default: at(of.default), broken: at(of.breaks_at) } : {},
        };
      }));
      chart(title, "", lines, false, { unit: "strength", names, place: "dosecharts" });
    }
  }
  function lineKey(place, name, color, dash) {
    const sample = svg("svg", { width: 34, height: 8, "aria-hidden": "true" });
    sample.append(svg("line", { x1: 1, x2: 33, y1: 4, y2: 4, stroke: color, "stroke-width": 3, "stroke-dasharray": dash }));
    document.getElementById(place).append(element("span", {}, sample, name));
  }
  function curves() {
    for (const [method, of] of Object.entries(data.methods)) lineKey("keys", label(method), of.color, of.dash);
    chart("Validation accuracy", "", series("validation_accuracy"), true);
    chart("Validation balanced accuracy", "recall averaged over the classes", series("validation_balanced_accuracy"), true);
    if (has("ce")) chart("Cross-entropy in training", "the part all methods share", series("ce"), false);
    else chart("Training loss", "", series("train_loss"), false);
    // Charts of their own: the terms are on different scales.
    for (const { title, note, parts } of data.terms) {
      const terms = parts.filter(has).flatMap((part) => {
        if (parts.length === 1) return series(part);
        return series(part, part).map((line) => ({ ...line, dash: TERM_DASHES[parts.indexOf(part) % TERM_DASHES.length] }));
      });
      chart(title, note, terms, false);
    }
  }

  // ---- a few of the faces, beside the headline ---------------------------------------------------------
  function collage() {
    const canvas = document.getElementById("collage"), columns = 8, side = 96, gap = 6;
    const rows = classes.map((_, k) => labels.map((l, i) => (l === k ? i : -1)).filter((i) => i >= 0)).filter((of) => of.length);
    canvas.width = columns * (side + gap) + gap; canvas.height = rows.length * (side + gap) - gap;
    const c = canvas.getContext("2d"), { columns: across, tile } = data.sprite;
    c.imageSmoothingQuality = "high";
    rows.forEach((of, r) => {
      c.fillStyle = classes[labels[of[0]]].color; c.fillRect(0, r * (side + gap), gap + 2, side);
      for (let n = 0; n < Math.min(columns, of.length); n++) {
        const i = of[Math.floor((n * of.length) / columns) % of.length];
        c.drawImage(sprite, (i % across) * tile, Math.floor(i / across) * tile, tile, tile, gap * 2 + n * (side + gap), r * (side + gap), side, side);
      }
    });
    canvas.hidden = false;
  }

  // ---- maps over the epochs --------------------------------------------------------------------------------
  function travel() {
    const { labels: own, methods } = data.travel, names = Object.keys(methods);
    if (!names.length) return;
    const section = document.getElementById("travel"), slider = document.getElementById("epoch");
    const play = document.getElementById("play"), said = document.getElementById("epochname");
    section.hidden = false;
    const last = Math.max(...names.map((name) => methods[name].length));
    slider.max = last;
    const nearlyAll = (values) => values.slice().sort((a, b) => a - b)[Math.floor((values.length - 1) * 0.99)];
    const reachOf = Math.max(...names.map((name) => {
      const reaches = methods[name].map((map) => nearlyAll(map.map(Math.abs)));
      // Embeddings themselves, unlike maps, can be far larger in the first epochs, which must not shrink all others.
      return data.planes ? Math.max(reaches.at(-1), reaches.slice().sort((a, b) => a - b)[reaches.length >> 1]) : Math.max(...reaches);
    })) * 1.08 || 1;
    const canvases = names.map((name) => {
      const canvas = element("canvas", { role: "img" });
      document.getElementById("travelmaps").append(element("figure", { class: "card" }, element("figcaption", {}, label(name)), canvas));
      return canvas;
    });
    function draw() {
      const at = Number(slider.value);
      said.textContent = Math.round(at);
      slider.setAttribute("aria-valuetext", `epoch ${Math.round(at)} of ${last}`);
      names.forEach((name, m) => {
        const canvas = canvases[m], size = canvas.clientWidth, dense = window.devicePixelRatio || 1;
        canvas.width = canvas.height = Math.round(size * dense);
        canvas.setAttribute("aria-label", `Map of ${label(name)} after epoch ${Math.round(at)}`);
        const context = canvas.getContext("2d"), maps = methods[name];
        context.scale(dense, dense);
        const place = Math.min(at, maps.length) - 1, low = Math.floor(place), t = place - low;
        const from = maps[low], to = maps[Math.min(low + 1, maps.length - 1)];
        context.globalAlpha = 0.85;
        for (let i = 0; i < own.length; i++) {
          const x = from[2 * i] * (1 - t) + to[2 * i] * t, y = from[2 * i + 1] * (1 - t) + to[2 * i + 1] * t;
          context.fillStyle = classes[own[i]].color;
          context.beginPath();
          context.arc(size * (0.5 + x / reachOf / 2), size * (0.5 - y / reachOf / 2), 2.4, 0, 7);
          context.fill();
        }
      });
    }
    let playing = 0, before = 0;
    function stop() { cancelAnimationFrame(playing); playing = 0; play.textContent = "Play"; play.setAttribute("aria-pressed", "false"); }
    function advance(now) {
      slider.value = Math.min(last, Number(slider.value) + Math.min(100, now - before) / 900);  // an epoch in 0.9 s
      before = now;
      draw();
      if (Number(slider.value) >= last) stop(); else playing = requestAnimationFrame(advance);
    }
    play.addEventListener("click", () => {
      if (playing) return stop();
      if (Number(slider.value) >= last) slider.value = 1;
      play.textContent = "Pause"; play.setAttribute("aria-pressed", "true");
      before = performance.now();
      playing = requestAnimationFrame(advance);
    });
    slider.addEventListener("input", () => { if (playing) stop(); draw(); });
    slider.addEventListener("keydown", (e) => {  // whole epochs by keyboard
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key];
      if (!way) return;
      e.preventDefault(); stop();
      slider.value = Math.round(Number(slider.value)) + way;
      draw();
    });
    slider.value = last;
    new ResizeObserver(draw).observe(document.getElementById("travelmaps"));
  }

  document.getElementById("differences").addEventListener("change", (e) => document.getElementById("matrices").classList.toggle("diff", e.target.checked));

  // ---- start -------------------------------------------------------------------------------------------
  curves(); doses();
  travel();
  if (!panels.length) {
    document.getElementById("spaces").replaceChildren(element("h2", {}, "The spaces"), element("p", { class: "hint" }, "This run holds no maps."));
  } else {
    const box = document.getElementById("panels");
    box.style.setProperty("--panels", panels.length);
    box.append(...panels.map((panel) => panel.node));
    legend(); viewChoice(); select(new Set());
    let size = 0;
    new ResizeObserver(() => { if (box.clientWidth !== size) { size = box.clientWidth; layoutAll(); } }).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { layoutAll(); watchers.forEach((watch) => watch()); });
    sprite.decode().then(() => { collage(); document.documentElement.dataset.ready = "yes"; panels.forEach((p) => p.mark()); });
  }
  // For correlations.js, for the console, and for tests.
  window.ferlabReport = { state, panels, select, data, look, setPair, watchers, element, svg, ink, bytes, label, counted };
})();
