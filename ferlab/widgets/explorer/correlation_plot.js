// A correlation matrix of faces sorted by class, with two histograms and the heads below it. The page knows rows and columns;
// who stands there, the kernel tells.

// From -1 to 1: ColorBrewer's RdBu, as in the figures.
const STOPS = [[5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247],
  [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31]];
const COLORS = Array.from({ length: 256 }, (_, value) => {
  const at = (value / 255) * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[low].map((part, i) => Math.round(part + (at - low) * (STOPS[low + 1][i] - part)));
});
// The same as the bytes of pixels, in the order in which every browser's machine keeps them: a quarter of a million cells
// are looked up in a millisecond, where setting red, green, blue one by one takes fifty.
const PIXELS = Uint32Array.from(COLORS, ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red);
const MARGIN = 22; // left and below the matrix, for the classes' colors and the marks of selected faces
const DRAGGED = 5; // pixels; less is a press
const BELOW = { height: 140, base: 112, top: 22, heads: 120 }; // the histograms and the heads, in pixels

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
}

function matrixPicture(model) {
  const size = model.get("size");
  const view = model.get("cells");
  const cells = new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength);
  if (!size || cells.length !== size * size) return null;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const image = new ImageData(size, size);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < cells.length; i += 1) pixels[i] = PIXELS[cells[i]];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// A canvas of some size on the page, sharp on every screen.
function sized(target, width, height) {
  const ratio = window.devicePixelRatio || 1;
  target.width = Math.round(width * ratio);
  target.height = Math.round(height * ratio);
  target.style.width = `${width}px`;
  target.style.height = `${height}px`;
  const pen = target.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}

// What is on the page, and where the cursor is. `hovered` is [row, column]; `began` and `corner` are the ends of a drag.
class Picture {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.heading = element("div", "ferlab-x-title", el);
    const holder = element("div", "ferlab-x-matrix", el);
    this.canvas = element("canvas", "", holder);
    this.canvas.tabIndex = 0;
    this.tip = element("div", "ferlab-x-pair", holder);
    this.tip.hidden = true;
    this.below = element("canvas", "", el);
    this.cells = null; // a picture of those that `drawn` holds
    this.drawn = null;
    this.hovered = null;
    this.began = null;
    this.corner = null;
    this.asked = 0;
  }

  get ink() { return this.model.get("dark") ? "#f0f3f6" : "#24292f"; }
  get paper() { return this.model.get("dark") ? "#15191e" : "#ffffff"; }
  get faint() { return this.model.get("dark") ? "#9aa4ae" : "#6b737c"; }
  get side() { return Math.max(120, Math.min(420, this.el.clientWidth || 360) - MARGIN); }

  cellAt(x, y) {
    const size = this.model.get("size");
    const [column, row] = [x - MARGIN, y].map((at) => Math.floor((at / this.side) * size));
    return row >= 0 && column >= 0 && row < size && column < size ? [row, column] : null;
  }

  blockOf(row) {
    return this.model.get("blocks").find(({ start, count }) => row >= start && row < start + count);
  }

  spansOf(rows) {
    return rows.map((row) => this.blockOf(row)).filter(Boolean).map(({ start, count }) => [start, start + count]);
  }

  draw() {
    const drawn = this.model.get("cells");
    if (drawn !== this.drawn || !this.cells) this.cells = matrixPicture(this.model); // a page made wider draws the same ones
    this.drawn = drawn;
    this.drawWords();
    this.drawMatrix();
    this.drawBelow();
  }

  drawWords() {
    const { model, heading } = this;
    heading.replaceChildren();
    element("b", "", heading).textContent = model.get("title");
    element("small", "", heading).textContent = model.get("note");
    const names = model.get("blocks").map(({ name }) => name).join(", ");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${model.get("title")}: correlations of ${model.get("size")} faces, sorted by class: ${names}. ${model.get("note")} Arrow keys go from block to block, Enter selects.`);
    this.below.setAttribute("role", "img");
    this.below.setAttribute("aria-label", "Histograms of the correlations within a class and between two");
  }

  drawMatrix() {
    const { model, side: length } = this;
    const pen = sized(this.canvas, length + MARGIN, length + MARGIN);
    if (!this.cells) return;
    const scale = length / model.get("size");
    pen.imageSmoothingEnabled = scale < 1;
    pen.drawImage(this.cells, MARGIN, 0, length, length);
    for (const { start, count, color } of model.get("blocks")) {
      pen.fillStyle = color;
      pen.fillRect(MARGIN - 8, start * scale, 6, count * scale);
      pen.fillRect(MARGIN + start * scale, length + 2, count * scale, 6);
      pen.strokeStyle = "#24292f";
      pen.strokeRect(MARGIN + start * scale, start * scale, count * scale, count * scale);
    }
    pen.fillStyle = this.ink;
    for (const row of model.get("marked")) {
      pen.fillRect(2, row * scale, 9, Math.max(1, scale));
      pen.fillRect(MARGIN + row * scale, length + 11, Math.max(1, scale), 9);
    }
    this.drawCursor(pen, scale);
  }

  drawCursor(pen, scale) {
    const { began, corner, hovered } = this;
    pen.strokeStyle = "#111111";
    pen.setLineDash([4, 3]);
    if (began && corner) {
      const [x, y] = [0, 1].map((i) => Math.min(began[i], corner[i]));
      pen.strokeRect(x, y, Math.abs(began[0] - corner[0]), Math.abs(began[1] - corner[1]));
    } else if (hovered) {
      const [a, b] = hovered.map((row) => this.blockOf(row));
      if (a && b) pen.strokeRect(MARGIN + b.start * scale, a.start * scale, b.count * scale, a.count * scale);
      pen.setLineDash([]);
      pen.strokeStyle = "#ffffff";
      pen.strokeRect(MARGIN + hovered[1] * scale - 2, hovered[0] * scale - 2, scale + 4, scale + 4);
    }
  }

  drawBelow() {
    const { model, side } = this;
    const heads = model.get("heads");
    const pen = sized(this.below, side + MARGIN, BELOW.height);
    const width = side - (heads.length ? BELOW.heads : 0); // of the histograms
    const { same = [], other = [] } = model.get("heights");
    this.curve(pen, same, width);
    pen.fillStyle = model.get("dark") ? "rgba(247, 163, 95, .55)" : "rgba(217, 102, 10, .45)";
    pen.fill();
    pen.strokeStyle = this.ink;
    pen.setLineDash([4, 2]);
    this.curve(pen, other, width);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = this.ink;
    pen.font = "11px sans-serif";
    pen.fillText("filled: pairs of one class; dashed: of two", MARGIN, 12);
    // The axis is the scale of the matrix's colors too.
    COLORS.forEach(([red, green, blue], i) => {
      pen.fillStyle = `rgb(${red}, ${green}, ${blue})`;
      pen.fillRect(MARGIN + (i / COLORS.length) * width, BELOW.base + 1, width / COLORS.length + 1, 6);
    });
    pen.fillStyle = this.faint;
    ["−1", "0", "1"].forEach((text, i) => {
      pen.textAlign = ["left", "center", "right"][i];
      pen.fillText(text, MARGIN + (i / 2) * width, BELOW.height - 8);
    });
    pen.textAlign = "left";
    if (heads.length) this.drawHeads(pen, heads, MARGIN + width + 22);
  }

  curve(pen, heights, width) {
    const top = this.model.get("top");
    pen.beginPath();
    pen.moveTo(MARGIN, BELOW.base);
    heights.forEach((value, i) => {
      const y = BELOW.base - Math.min(value / top, 1) * (BELOW.base - BELOW.top);
      pen.lineTo(MARGIN + (i / heights.length) * width, y);
      pen.lineTo(MARGIN + ((i + 1) / heights.length) * width, y);
    });
    pen.lineTo(MARGIN + width, BELOW.base);
  }

  drawHeads(pen, heads, left) {
    const cell = (BELOW.base - BELOW.top) / heads.length;
    heads.forEach((row, i) => row.forEach((value, j) => {
      pen.fillStyle = `rgb(${COLORS[Math.round(127.5 * (value + 1))]})`;
      pen.fillRect(left + j * cell, BELOW.top + i * cell, cell + 0.5, cell + 0.5);
    }));
    pen.fillStyle = this.ink;
    pen.fillText("its heads", left, BELOW.height - 8);
  }

  // One question a frame, however fast the cursor goes.
  hover(cell, x, y) {
    if (String(cell) === String(this.hovered)) return;
    this.hovered = cell;
    this.tip.hidden = true;
    this.drawMatrix();
    if (cell) {
      this.tip.style.left = `${Math.min(x + 14, Math.max(0, this.el.clientWidth - 190))}px`;
      this.tip.style.top = `${y + 14}px`;
    }
    const [row, column] = cell ?? [null, null];
    cancelAnimationFrame(this.asked);
    this.asked = requestAnimationFrame(() => this.model.send({ type: "hover", row, column }));
  }

  // The kernel's answer; the cursor may have moved on.
  tell({ type, row, column, html }) {
    if (type !== "pair" || String([row, column]) !== String(this.hovered) || this.began) return;
    this.tip.innerHTML = html;
    this.tip.style.background = this.paper;
    this.tip.style.color = this.ink;
    this.tip.hidden = false;
  }

  // A press selects the block under it, a drag the faces of the rows and columns that it spans.
  select(from, to) {
    const [a, b] = [this.cellAt(...from), this.cellAt(...to)];
    if (!a || !b) return;
    const still = Math.hypot(to[0] - from[0], to[1] - from[1]) < DRAGGED;
    const dragged = () => [0, 1].map((i) => [Math.min(a[i], b[i]), Math.max(a[i], b[i]) + 1]);
    this.model.send({ type: "select", spans: still ? this.spansOf(a) : dragged() });
  }

  stopDragging() {
    this.began = this.corner = null;
    this.drawMatrix();
  }
}

function followPointer(picture) {
  const { canvas } = picture;
  const clamp = ({ offsetX, offsetY }) => [
    Math.min(Math.max(offsetX, MARGIN), MARGIN + picture.side - 1),
    Math.min(Math.max(offsetY, 0), picture.side - 1),
  ];
  canvas.addEventListener("pointerdown", (event) => {
    if (!picture.cellAt(event.offsetX, event.offsetY)) return;
    canvas.setPointerCapture(event.pointerId);
    picture.began = clamp(event);
    picture.corner = null;
  });
  canvas.addEventListener("pointermove", (event) => {
    const { offsetX, offsetY } = event;
    if (!picture.began) {
      picture.hover(picture.cellAt(offsetX, offsetY), offsetX, offsetY);
      return;
    }
    picture.corner = clamp(event);
    const [from, to] = [picture.began, picture.corner];
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) >= DRAGGED) picture.tip.hidden = true;
    picture.drawMatrix();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!picture.began) return;
    const from = picture.began;
    picture.stopDragging();
    picture.select(from, clamp(event));
  });
  canvas.addEventListener("pointercancel", () => picture.stopDragging());
  canvas.addEventListener("pointerleave", () => picture.began || picture.hover(null));
}

// Arrows go from block to block, Enter selects.
function followKeys(picture) {
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  picture.canvas.addEventListener("keydown", (event) => {
    const { hovered, model } = picture;
    const blocks = model.get("blocks");
    const step = steps[event.key];
    if (step && blocks.length) {
      event.preventDefault();
      const at = (hovered ?? [0, 0]).map((row) => blocks.indexOf(picture.blockOf(row)));
      const next = at.map((block, i) => Math.min(Math.max(block + (hovered ? step[i] : 0), 0), blocks.length - 1));
      const cell = next.map((block) => blocks[block].start);
      const [y, x] = cell.map((row) => (row / model.get("size")) * picture.side);
      picture.hover(cell, MARGIN + x, y);
    } else if (event.key === "Enter" && hovered) {
      event.preventDefault();
      model.send({ type: "select", spans: picture.spansOf(hovered) });
    }
  });
  picture.canvas.addEventListener("blur", () => picture.hover(null));
}

export default {
  render({ model, el }) {
    el.classList.add("ferlab-x", "ferlab-x-correlations");
    const picture = new Picture(model, el);
    followPointer(picture);
    followKeys(picture);
    model.on("msg:custom", (message) => picture.tell(message));
    // What changes together arrives together, and is drawn once.
    let waiting = 0;
    const soon = () => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => picture.draw());
    };
    const drawn = ["cells", "size", "blocks", "heights", "top", "heads", "title", "note", "dark"];
    for (const name of drawn) model.on(`change:${name}`, soon);
    model.on("change:marked", () => picture.drawMatrix());
    const observer = new ResizeObserver(soon);
    observer.observe(el);
    picture.draw();
    return () => {
      observer.disconnect();
      cancelAnimationFrame(waiting);
      cancelAnimationFrame(picture.asked);
    };
  },
};
