"use strict";
// Ad-Corre's picture: correlation matrices of faces sorted by class, a control and its loss side by side, each with the two
// histograms and the heads with each other. Faces of a cell are shown, those of a block selected, on the maps of report.js.
(() => {
  const { state, data, select, setPair, watchers, element, svg, ink, bytes, label } = window.ferlabReport;
  const { faces, methods, top, shown, colors } = data.correlations;
  const SIZE = faces.length;
  const STRIP = 7, TICKS = 8, GAP = 3;  // pixels: the classes' colors, the marks of selected faces, the room between
  const SCALE = colors.map((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
  const colorOf = (value) => colors[Math.round(((value + 1) / 2) * (colors.length - 1))];
  const signed = (value) => (value === null ? "none" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`);

  // Runs of rows of one class.
  const blocks = [];
  faces.forEach((face, row) => {
    const k = data.labels[face];
    if (!blocks.length || blocks.at(-1).k !== k) blocks.push({ k, start: row, count: 0 });
    blocks.at(-1).count += 1;
  });
  const blockOf = (row) => blocks.find(({ start, count }) => row >= start && row < start + count);

  class Pairs {
    constructor(index) {
      this.index = index; this.cell = null;
      this.choice = element("select", { "aria-label": `Method of correlation picture ${index + 1}` });
      for (const method of Object.keys(methods)) this.choice.append(element("option", { value: method }, label(method)));
      this.choice.value = shown[index];
      this.choice.addEventListener("change", () => this.show());
      this.canvas = element("canvas", { tabindex: "0", role: "img" });
      this.side = element("div", { class: "side" });
      this.node = element("div", { class: "pair-card card" }, this.choice, element("div", {}, this.canvas, this.side));
      const on = (type, handler) => this.canvas.addEventListener(type, handler);
      on("pointermove", (e) => this.hover(this.at(e), e.clientX, e.clientY));
      on("pointerleave", () => this.hover(null));
      on("blur", () => this.hover(null));
      on("click", (e) => this.choose(this.at(e), e.shiftKey));
      on("keydown", (e) => this.key(e));
    }
    get method() { return this.choice.value; }

    show() {
      this.cells = bytes(methods[this.method].cells);
      const image = new ImageData(SIZE, SIZE);
      this.cells.forEach((value, n) => {
        const place = (value / 255) * (SCALE.length - 1), low = Math.min(Math.floor(place), SCALE.length - 2), t = place - low;
        for (let part = 0; part < 3; part++) image.data[4 * n + part] = SCALE[low][part] * (1 - t) + SCALE[low + 1][part] * t;
        image.data[4 * n + 3] = 255;
      });
      this.matrix = element("canvas", { width: SIZE, height: SIZE });
      this.matrix.getContext("2d").putImageData(image, 0, 0);
      this.canvas.setAttribute("aria-label", `Correlations of ${SIZE} faces in the space of ${label(this.method)}, sorted by class: ${blocks.map(({ k }) => data.classes[k].name).join(", ")}. Arrow keys walk from block to block, Enter selects, Escape clears.`);
      this.drawSide();
      this.draw();
    }
    draw() {
      const width = this.canvas.clientWidth, ratio = window.devicePixelRatio || 1;
      if (!width || !this.matrix) return;
      const c = this.canvas.getContext("2d");
      c.font = "11px system-ui, sans-serif";
      const names = blocks.map(({ k }) => fitted(c, data.classes[k].name, 0.26 * width));
      this.left = Math.ceil(Math.max(...names.map((name) => c.measureText(name).width))) + GAP * 3 + STRIP + TICKS;
      this.length = width - this.left;
      const height = this.length + STRIP + TICKS + GAP * 3, scale = this.length / SIZE;
      this.canvas.width = Math.round(width * ratio); this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
      c.setTransform(ratio, 0, 0, ratio, 0, 0);
      c.clearRect(0, 0, width, height);
      c.imageSmoothingEnabled = scale * ratio < 1;
      c.drawImage(this.matrix, this.left, 0, this.length, this.length);
      c.font = "11px system-ui, sans-serif"; c.textAlign = "right"; c.textBaseline = "middle";
      blocks.forEach(({ k, start, count }, n) => {
        const from = start * scale, long = count * scale;
        c.fillStyle = data.classes[k].color;
        c.fillRect(this.left - GAP - STRIP, from, STRIP, long - 0.5); c.fillRect(this.left + from, this.length + GAP, long - 0.5, STRIP);
        c.strokeStyle = "#24292f"; c.lineWidth = 1; c.strokeRect(this.left + from, from, long, long);
        c.fillStyle = ink("--dim");
        if (long >= 10) c.fillText(names[n], this.left - GAP * 2 - STRIP - TICKS, from + long / 2);
      });
      c.fillStyle = ink("--ink");
      const thick = Math.max(1, scale);
      faces.forEach((face, row) => {
        if (!state.selected.has(face) && state.hover !== face) return;
        c.fillRect(this.left - GAP - STRIP - TICKS, row * scale, TICKS - 1, thick); c.fillRect(this.left + row * scale, this.length + GAP + STRIP + 1, thick, TICKS - 1);
      });
      this.drawCell(c, scale);
    }
    drawCell(c, scale) {
      if (!this.cell) return;
      const [row, column] = this.cell, [a, b] = this.cell.map(blockOf);
      c.lineWidth = 2; c.strokeStyle = "#ffffff"; c.strokeRect(this.left + b.start * scale, a.start * scale, b.count * scale, a.count * scale);
      c.setLineDash([4, 3]); c.strokeStyle = "#111111"; c.strokeRect(this.left + b.start * scale, a.start * scale, b.count * scale, a.count * scale); c.setLineDash([]);
      const x = this.left + (column + 0.5) * scale, y = (row + 0.5) * scale, half = Math.max(3, scale);
      c.lineWidth = 3; c.strokeStyle = "#111111"; c.strokeRect(x - half, y - half, 2 * half, 2 * half);
      c.lineWidth = 1.4; c.strokeStyle = "#ffffff"; c.strokeRect(x - half, y - half, 2 * half, 2 * half);
    }
    at(e) {
      const box = this.canvas.getBoundingClientRect();
      const [column, row] = [e.clientX - box.left - this.left, e.clientY - box.top].map((place) => Math.floor((place / this.length) * SIZE));
      return row >= 0 && column >= 0 && row < SIZE && column < SIZE ? [row, column] : null;
    }
    hover(cell, clientX, clientY) {
      if (!cell && !this.cell) return;
      this.cell = cell;
      this.draw();
      if (!cell) { setPair([], []); return; }
      const pair = cell.map((row) => faces[row]), [first, second] = pair.map((face) => data.classes[data.labels[face]].name);
      const value = (this.cells[cell[0] * SIZE + cell[1]] / 255) * 2 - 1;
      const words = [element("b", {}, `correlation ${signed(value)}`), element("br"), `${first} · face ${data.indices[pair[0]]}`, element("br"), `${second} · face ${data.indices[pair[1]]}`, element("br"),
        element("span", { class: "wanted" }, pair[0] === pair[1] ? "one face with itself" : first === second ? "one class: +1 is wanted" : "two classes: −1 is wanted")];
      setPair(pair, words, clientX, clientY, this.node);
    }
    choose(cell, adding) {
      if (!cell) return;
      const chosen = new Set(adding ? state.selected : []);
      for (const { start, count } of cell.map(blockOf)) for (let row = start; row < start + count; row++) chosen.add(faces[row]);
      select(chosen);
    }
    key(e) {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
      if (step) {
        e.preventDefault();
        const now = this.cell ? this.cell.map((row) => blocks.indexOf(blockOf(row))) : [0, 0];
        const next = now.map((n, axis) => Math.min(Math.max(n + (this.cell ? step[axis] : 0), 0), blocks.length - 1));
        const cell = next.map((n) => blocks[n].start + (blocks[n].count >> 1)), box = this.canvas.getBoundingClientRect(), scale = this.length / SIZE;
        this.hover(cell, box.left + this.left + cell[1] * scale, box.top + cell[0] * scale);
      } else if (e.key === "Enter" || e.key === " ") { e.preventDefault(); this.choose(this.cell, e.shiftKey); }
      else if (e.key === "Escape") { select(new Set()); this.hover(null); }
    }

    // The histograms and the heads, beside the matrix.
    drawSide() {
      const { same, other, same_mean, other_mean, heads } = methods[this.method], color = data.methods[this.method].color;
      const words = (key, name, mean) => element("p", {}, element("span", { class: `swatch ${key}`, "--c": color }), `${name}: mean `, element("b", {}, signed(mean)));
      const histogram = element("div", {}, words("", "pairs of a class", same_mean), words("dashed", "of two classes", other_mean), histogramPicture(same, other, color, label(this.method)));
      const apart = heads.flatMap((row, i) => row.filter((_, j) => i !== j));
      const mean = apart.reduce((sum, value) => sum + value, 0) / apart.length;
      const between = element("div", {}, element("p", {}, "two heads of a face: mean ", element("b", {}, signed(mean))), headsPicture(heads, label(this.method)));
      this.side.replaceChildren(histogram, between);
    }
  }

  function fitted(c, name, width) {
    if (c.measureText(name).width <= width) return name;
    let length = name.length;
    while (length > 1 && c.measureText(`${name.slice(0, length)}…`).width > width) length -= 1;
    return `${name.slice(0, length)}…`;
  }
  function histogramPicture(same, other, color, name) {
    const W = 200, H = 96, base = 74;
    const path = (heights) => `M0 ${base}` + heights.map((value, n) => {
      const y = (base - Math.min(value / top, 1) * (base - 2)).toFixed(1);
      return `L${((n / heights.length) * W).toFixed(1)} ${y}L${(((n + 1) / heights.length) * W).toFixed(1)} ${y}`;
    }).join("") + `L${W} ${base}`;
    const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Histograms of the correlations of two faces in the space of ${name}, within a class and between two classes` });
    picture.append(svg("path", { d: path(same), fill: color, "fill-opacity": 0.55, stroke: color }));
    picture.append(svg("path", { d: path(other), fill: "none", stroke: "currentColor", "stroke-width": 1.3, "stroke-dasharray": "4 2.5" }));
    // The axis is the scale of the matrix's colors too.
    colors.forEach((shade, n) => picture.append(svg("rect", { x: (n / colors.length) * W, y: base + 1, width: W / colors.length + 0.5, height: 6, fill: shade })));
    [["−1", 0, "start"], ["0", W / 2, "middle"], ["+1", W, "end"]].forEach(([text, x, anchor]) => picture.append(svg("text", { x, y: H - 1, "text-anchor": anchor }, text)));
    return picture;
  }
  function headsPicture(heads, name) {
    const side = 112, unit = side / heads.length;
    const picture = svg("svg", { viewBox: `0 0 200 ${side}`, role: "img", "aria-label": `Correlations of the ${heads.length} heads with each other in the space of ${name}` });
    heads.forEach((row, i) => row.forEach((value, j) => {
      const cell = svg("rect", { x: j * unit, y: i * unit, width: unit - 1, height: unit - 1, fill: colorOf(value) });
      cell.append(svg("title", {}, `heads ${i + 1} and ${j + 1}: ${signed(value)}`));
      picture.append(cell);
    }));
    return picture;
  }

  const box = document.getElementById("pairs"), pictures = shown.map((_, index) => new Pairs(index));
  box.append(...pictures.map((picture) => picture.node));
  pictures.forEach((picture) => picture.show());
  let width = 0;
  new ResizeObserver(() => { if (box.clientWidth !== width) { width = box.clientWidth; pictures.forEach((picture) => picture.draw()); } }).observe(box);
  watchers.push(() => pictures.forEach((picture) => picture.draw()));
  window.ferlabReport.pairs = pictures;
})();
