// The loss playground's page, part 1 of 4 (Python joins them into one module): small tools, and the way to the kernel.
const SVG = "http://www.w3.org/2000/svg";

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

function arrow([x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 3) return "";
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const head = Math.min(8, 0.6 * length);
  const wing = (side) => `${(x1 - head * ux - side * 0.5 * head * uy).toFixed(1)} ${(y1 - head * uy + side * 0.5 * head * ux).toFixed(1)}`;
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}M${wing(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}L${wing(-1)}`;
}

const classIcon = (k, color, open = true) =>
  svg("svg", { viewBox: "-10 -10 20 20", class: "fp-icon", "aria-hidden": "true" },
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

// A message waits until the one before it is answered; of several that say the same thing only the newest is kept, so that
// a drag never piles up.
const PATIENCE = 2000; // milliseconds until a missing answer is mentioned

function channel(model, onSilence) {
  const from = Math.random().toString(36).slice(2);
  const queue = new Map();
  let number = 0;
  let waiting = null; // the key of the message that is not answered yet
  let alarm = null;
  function next() {
    if (waiting !== null || !queue.size) return;
    const [[key, message]] = queue;
    queue.delete(key);
    waiting = key;
    number += 1;
    alarm = setTimeout(onSilence, PATIENCE);
    model.send({ ...message, reply: [from, number] });
  }
  return {
    // Messages with the same key replace one another while they wait.
    ask(message, key = Symbol("once")) {
      queue.set(key, message);
      next();
    },
    answered(reply) {
      const [of, at] = reply ?? []; // a scene may answer nobody
      if (of === from && at === number) {
        waiting = null;
        clearTimeout(alarm);
      }
      next();
    },
    // Whether the kernel does not know yet what was said last under this key.
    holds: (key) => waiting === key || queue.has(key),
  };
}
