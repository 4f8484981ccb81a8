// The page's side of FaceLab. What a person sets goes to Python as the trait _controls and comes back as _answer. It
// is sent when Python has dealt with the one before, and only in its newest version: ipywidgets sees to that. Maps are
// drawn on canvases, in two layers: 3,000 dots once, the moving point on top.

const SECONDS_A_FRAME = 0.085;

export default { render };

function render({ model, el }) {
  const setup = model.get("_setup");
  const root = make("div", { className: "ferlab-face-lab" });
  el.append(root);
  const controls = structuredClone(model.get("_controls"));
  const state = { frame: 0, playing: 0, photo: null };

  const send = () => {
    controls.photo = null;
    model.set("_controls", structuredClone(controls));
    model.save_changes();
  };
  const change = (part, name, value) => {
    stop();
    controls[part] = { ...controls[part], [name]: value };
    send();
  };

  // ---- the face, and the controls beside it ----------------------------------------------------------------------

  const face = make("img", { className: "face", alt: "" });
  const pixels = `${setup.size} × ${setup.size} pixels`;
  const seen = make("img", { className: "seen", alt: "" });
  const caption = make("figcaption");
  const person = make("input", { type: "number", min: 0, step: 1, ariaLabel: "Number of the person" });
  const setPerson = (value) => {
    stop();
    controls.person = value;
    person.value = value;
    send();
  };
  person.addEventListener("change", () => {
    if (person.value !== "" && person.checkValidity()) setPerson(Number(person.value));
    else person.value = controls.person ?? "";
  });
  const another = button("Somebody else", () => setPerson((controls.person ?? 0) + 1));
  const notice = make("p", { className: "notice", role: "status" });
  const tell = (text) => { notice.textContent = text; };
  const portrait = make("figure", { className: "portrait" }, [
    face,
    make("div", { className: "below" }, [
      seen,
      make("div", {}, [caption, make("p", { className: "quiet" }, [`left: the ${pixels} that the networks see`])]),
    ]),
    make("div", { className: "person" }, [another, make("label", { className: "quiet" }, ["No. ", person])]),
    notice,
  ]);

  const sliders = { units: new Map(), pose: new Map(), light: new Map() };
  const slider = (part, name, label, description, least, largest, step, unit = "") => {
    const value = make("output");
    const ariaLabel = `${label} ${description}`.trim();
    const range = make("input", { type: "range", min: least, max: largest, step, ariaLabel });
    const row = make("label", { className: "slider" }, [
      make("span", { className: "what" }, [...(label ? [make("b", {}, [label]), " "] : []), description]), range, value,
    ]);
    const show = (number) => {
      if (Number(range.value) !== number) range.value = number;
      value.textContent = unit ? `${Math.round(number)}${unit}` : number.toFixed(2);
      row.classList.toggle("moved", part === "units" && number > 0);
    };
    range.addEventListener("input", () => {
      show(Number(range.value));
      change(part, name, Number(range.value));
    });
    sliders[part].set(name, show);
    return row;
  };
  const unitPanel = make("div", { className: "groups" }, setup.groups.map(([title, units]) =>
    make("fieldset", {}, [make("legend", {}, [title]),
      ...units.map(([unit, description]) => slider("units", unit, unit, description, 0, 1, 0.05))])));
  const lightPanel = make("div", { className: "groups" }, [["pose", "Head"], ["light", "Light"]].map(([part, title]) =>
    make("fieldset", {}, [make("legend", {}, [title]),
      ...setup[part].map(([name, label, ...range]) => slider(part, name, "", label, ...range)),
      button(`Reset ${title.toLowerCase()}`, () => {
        stop();
        controls[part] = { ...setup.neutral[part] };
        send();
      })])));

  const file = make("input", { type: "file", accept: "image/*", className: "hidden", ariaLabel: "Photo file" });
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    stop();
    tell("Looking for a face …");
    const { name } = file.files[0];
    model.send({ type: "photo", name }, undefined, [await smaller(file.files[0])]);
    file.value = "";
  });
  const photoPanel = make("div", { className: "photo" }, [
    make("p", {}, ["Show the networks a photo instead of the rendered face. The largest face that looks towards the " +
      "camera is found and cut out."]),
    button("Choose a photo …", () => file.click()), file,
    make("p", { className: "quiet" }, ["The photo stays on the machine that runs this notebook: it is not sent " +
      "anywhere, not kept, and not saved with the notebook. What the networks say of it is no statement about anyone."]),
  ]);

  const variants = make("select", { ariaLabel: "Variant of the expression" });
  const presets = Object.entries(setup.presets).map(([name, [[, units]]]) =>
    button(name, () => showUnits(units), { color: colorOf(setup, name) }));
  variants.addEventListener("change", () => showUnits(setup.presets[variants.dataset.of][variants.selectedIndex][1]));
  const showUnits = (units) => { stop(); controls.units = { ...units }; send(); };

  const controlsBox = make("div", { className: "controls" }, [
    make("div", { className: "presets", role: "group", ariaLabel: "Expressions" }, [...presets, variants]),
    tabs([["Action units", unitPanel], ["Head and light", lightPanel], ["Photo", photoPanel]]),
  ]);

  // ---- the walk ----------------------------------------------------------------------------------------------------

  const waypoints = make("span", { className: "waypoints" });
  const addWaypoint = (name) => {
    const number = waypoints.childElementCount + 1;
    const select = make("select", { ariaLabel: `Waypoint ${number}` },
      Object.keys(setup.presets).map((option) => make("option", { value: option }, [option])));
    select.value = name;
    waypoints.append(select);
  };
  ["neutral", "happiness", "surprise"].forEach(addWaypoint);
  const more = button("+", () => { addWaypoint("neutral"); limit(); }, { label: "One waypoint more" });
  const fewer = button("−", () => { waypoints.lastChild.remove(); limit(); }, { label: "One waypoint less" });
  const limit = () => {
    more.disabled = waypoints.childElementCount >= setup.most;
    fewer.disabled = waypoints.childElementCount <= 2;
  };
  const start = button("Walk", () => {
    stop();
    tell("Drawing the walk …");
    model.send({ type: "walk", waypoints: [...waypoints.children].map((select) => select.value) });
  }, { className: "main" });
  const pause = button("Pause", () => (state.playing ? rest() : play()));
  const scrub = make("input", { type: "range", min: 0, max: 1, step: 1, value: 0, ariaLabel: "Step of the walk" });
  scrub.addEventListener("input", () => { stop(); state.frame = Number(scrub.value); showFrame(); settle(); });
  const clear = button("Clear trace", () => { stop(); model.set("_film", {}); model.save_changes(); });
  const filmBox = make("span", { className: "film" }, [pause, scrub, clear]);
  const walkBox = make(
    "div", { className: "walk", role: "group", ariaLabel: "Walk" }, [start, waypoints, fewer, more, filmBox],
  );
  limit();

  // ---- the spaces --------------------------------------------------------------------------------------------------

  const points = floats(model.get("_points"));
  const labels = labelsOf(model.get("_labels"));
  const each = points.length / setup.methods.length;
  const spaces = setup.methods.map(({ name, label }, i) =>
    space(setup, name, label, points.subarray(i * each, (i + 1) * each), labels));
  root.append(
    make("div", { className: "top" }, [portrait, controlsBox]), walkBox,
    make("div", { className: "spaces" }, spaces.map(({ box }) => box)),
  );

  // ---- showing what came -------------------------------------------------------------------------------------------

  const showPictures = ({ face: picture, seen: small }, text) => {
    for (const [image, source] of [[face, picture], [seen, small]]) {
      if (source) image.src = source;
      else image.removeAttribute("src");
    }
    face.alt = picture ? `The face: ${text}` : "";
    seen.alt = small ? `The same face in the ${pixels} that the networks see` : "";
    for (const { name, attend } of spaces) attend(small, pictured.spaces[name].attention);
  };
  let pictured = null; // the answer or frame on the screen
  const showState = (shown, text, next = null, part = 0) => {
    const sameFace = pictured === shown;
    pictured = shown;
    for (const { name, show } of spaces) {
      const from = shown.spaces[name], to = next ? next.spaces[name] : from;
      const at = [0, 1].map((axis) => (1 - part) * from.at[axis] + part * to.at[axis]);
      show(at, from.probabilities, trace(name));
    }
    if (sameFace) return;
    caption.textContent = text;
    showPictures(shown.face === null && state.photo ? state.photo : shown, text);
  };
  const frames = () => model.get("_film").frames ?? [];
  const trace = (name) => ({
    path: frames().map((frame) => frame.spaces[name]),
    stops: model.get("_film").stops ?? [],
    upTo: state.playing ? state.frame : Infinity,
  });
  const showControls = (units = controls.units) => {
    for (const [name, show] of sliders.units) show(units[name]);
    for (const part of ["pose", "light"]) for (const [name, show] of sliders[part]) show(controls[part][name]);
    if (document.activeElement !== person) person.value = controls.person ?? "";
    const [expression, number] = controls.photo ? [null, 0] : prototype(setup, units);
    presets.forEach((preset) => preset.setAttribute("aria-pressed", preset.textContent === expression));
    variants.hidden = !expression || setup.presets[expression].length < 2;
    if (expression && variants.dataset.of !== expression) {
      variants.replaceChildren(...setup.presets[expression].map(([text]) => make("option", {}, [`AU ${text}`])));
      variants.dataset.of = expression;
    }
    if (expression) variants.selectedIndex = number;
  };
  const showAnswer = () => {
    if (state.playing) return;
    showState(model.get("_answer"), model.get("_answer").caption);
  };

  // ---- playing -----------------------------------------------------------------------------------------------------

  const showFrame = () => {
    const all = frames(), whole = Math.floor(state.frame), frame = all[whole];
    if (!frame) return;
    const step = `step ${whole + 1} of ${all.length}`;
    scrub.value = whole;
    scrub.ariaValueText = step;
    showControls(frame.units);
    showState(frame, `Walk, ${step}`, all[whole + 1] ?? frame, state.frame - whole);
  };
  const play = () => {
    if (!frames().length) return;
    if (state.frame >= frames().length - 1) state.frame = 0;
    let before = performance.now();
    const tick = (now) => {
      if (!root.isConnected) return stop();
      state.frame = Math.min(state.frame + Math.max(now - before, 0) / 1000 / SECONDS_A_FRAME, frames().length - 1);
      before = now;
      if (state.frame >= frames().length - 1) return rest();
      showFrame();
      state.playing = requestAnimationFrame(tick);
    };
    state.playing = requestAnimationFrame(tick);
    pause.textContent = "Pause";
  };
  const stop = () => {
    if (!state.playing) return;
    cancelAnimationFrame(state.playing);
    state.playing = 0;
    pause.textContent = "Play";
    const frame = frames()[Math.floor(state.frame)];
    if (frame) controls.units = { ...frame.units };
  };
  // Standing still, the face of the frame is that of the sliders, here and in Python.
  const rest = () => {
    stop();
    pause.textContent = "Play";
    state.frame = Math.round(state.frame);
    showFrame();
    settle();
  };
  const settle = () => {
    const frame = frames()[state.frame];
    if (!frame) return;
    controls.units = { ...frame.units };
    send();
  };

  const onControls = () => {
    Object.assign(controls, structuredClone(model.get("_controls")));
    if (!state.playing) showControls();
  };
  const onFilm = () => {
    stop();
    const all = frames();
    filmBox.classList.toggle("empty", !all.length);
    scrub.max = Math.max(all.length - 1, 1);
    state.frame = 0;
    if (all.length && !matchMedia("(prefers-reduced-motion: reduce)").matches) return play();
    state.frame = Math.max(all.length - 1, 0);
    scrub.value = state.frame;
    showAnswer();
  };
  const onNotice = () => tell(model.get("_notice").text ?? "");
  const onMessage = (message) => {
    if (message.type !== "photo" || message.number !== model.get("_answer").number) return;
    state.photo = message;
    showPictures(message, model.get("_answer").caption);
  };
  const onAnswer = () => {
    if (model.get("_answer").face !== null) state.photo = null;
    tell(setup.remark);
    showAnswer();
  };
  const listeners = {
    "change:_controls": onControls, "change:_answer": onAnswer, "change:_film": onFilm, "change:_notice": onNotice,
    "msg:custom": onMessage,
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  const redraw = () => { spaces.forEach(({ reset }) => reset()); };
  const sized = new ResizeObserver(redraw);
  spaces.forEach(({ canvas }) => sized.observe(canvas));
  const themed = new MutationObserver(() => requestAnimationFrame(redraw));
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });

  // JupyterLab takes arrow keys for cells and headings, wherever the focus is, unless told not to.
  for (const node of root.querySelectorAll("input, select, .waypoints, [role=tablist]")) {
    node.dataset.lmSuppressShortcuts = "true";
  }
  filmBox.classList.toggle("empty", !frames().length);
  scrub.max = Math.max(frames().length - 1, 1);
  scrub.value = scrub.max;
  state.frame = Math.max(frames().length - 1, 0);
  showControls();
  onAnswer();
  onNotice();
  return () => {
    stop();
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
    sized.disconnect();
    themed.disconnect();
  };
}

// One method: its map, its probabilities, its attention.
function space(setup, name, label, points, labels) {
  const canvas = make("canvas", { role: "img" });
  canvas.style.aspectRatio = `${setup.reach[0]} / ${setup.reach[1]}`;
  const bars = setup.classes.map(({ name: of, color }) => {
    const fill = make("i");
    fill.style.background = color;
    const number = make("span", { className: "share" });
    const row = make("li", {}, [make("span", {}, [of]), make("span", { className: "bar" }, [fill]), number]);
    return { row, fill, number };
  });
  const list = make("ul", { className: "bars", ariaLabel: `Probabilities, ${label}` }, bars.map(({ row }) => row));
  const looks = `${label} looks at the bright parts`;
  const gaze = make("canvas", { role: "img", width: 160, height: 160, ariaLabel: looks });
  const attention = make("figure", { className: "attention" }, [gaze, make("figcaption", {}, ["where it looks"])]);
  const box = make("section", { ariaLabel: label }, [
    make("h4", {}, [label]), canvas,
    make("div", { className: "answer" }, [list, ...(setup.attentive.includes(name) ? [attention] : [])]),
  ]);
  let dots = null, last = null;

  // Map coordinates to pixels of the canvas; one scale for all maps.
  const place = ([x, y]) => {
    const { width, height } = canvas, scale = Math.min(width / setup.reach[0], height / setup.reach[1]) / 2;
    return [width / 2 + (x - setup.middle[0]) * scale, height / 2 - (y - setup.middle[1]) * scale];
  };
  const drawDots = (ink, paper, unit) => {
    const layer = new OffscreenCanvas(canvas.width, canvas.height), pen = layer.getContext("2d");
    pen.globalAlpha = 0.6;
    const size = Math.max(1.5, Math.min(3.4, 90 / Math.sqrt(labels.length))) * unit;
    for (let i = 0; i < labels.length; i += 1) {
      const [x, y] = place(points.subarray(2 * i, 2 * i + 2));
      pen.fillStyle = setup.classes[labels[i]].color;
      pen.beginPath();
      pen.arc(x, y, size, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.font = `600 ${12 * unit}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const names = setup.names[name].flatMap((at, k) => {
      if (!at) return [];
      const text = setup.classes[k].name, [x, y] = place(at), half = pen.measureText(text).width / 2 + 4 * unit;
      return [{ text, at: [Math.min(Math.max(x, half), canvas.width - half), y] }];
    });
    for (const { text, at } of apart(names, 15 * unit, 34 * unit)) outlined(pen, text, at, ink, paper, 3.5 * unit);
    return layer;
  };
  const draw = () => {
    const box = canvas.getBoundingClientRect(), unit = devicePixelRatio || 1;
    if (!last || !box.width) return;
    const [width, height] = [Math.round(box.width * unit), Math.round(box.height * unit)];
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      dots = null;
    }
    const style = getComputedStyle(canvas), ink = style.color, paper = style.backgroundColor;
    dots ??= drawDots(ink, paper, unit);
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    pen.drawImage(dots, 0, 0);
    drawTrace(pen, last.trace, place, setup, ink, paper, unit);
    const [x, y] = place(last.at), best = largest(last.probabilities);
    pen.lineWidth = 1 * unit;
    pen.strokeStyle = ink;
    pen.globalAlpha = 0.3;
    pen.beginPath();
    pen.moveTo(0, y);
    pen.lineTo(width, y);
    pen.moveTo(x, 0);
    pen.lineTo(x, height);
    pen.stroke();
    pen.globalAlpha = 1;
    disc(pen, x, y, 10.5 * unit, paper);
    disc(pen, x, y, 9 * unit, ink);
    disc(pen, x, y, 6.5 * unit, setup.classes[best].color);
  };
  return {
    name, box, canvas,
    show(at, probabilities, trace) {
      last = { at, probabilities, trace };
      const best = largest(probabilities);
      bars.forEach(({ row, fill, number }, k) => {
        fill.style.width = `${100 * probabilities[k]}%`;
        number.textContent = share(probabilities[k]);
        row.classList.toggle("best", k === best);
      });
      canvas.ariaLabel = `${label}: map of the test faces; the face lies at ` +
        `${at.map((value) => value.toFixed(2)).join(", ")} and is taken for ${setup.classes[best].name}, ` +
        share(probabilities[best]);
      draw();
    },
    attend(picture, weights) {
      if (weights) drawAttention(gaze, picture, weights);
    },
    reset() { dots = null; draw(); },
  };
}

function drawTrace(pen, { path, stops, upTo }, place, setup, ink, paper, unit) {
  const walked = path.slice(0, Math.floor(upTo) + 1).map((step) => [place(step.at), largest(step.probabilities)]);
  if (!walked.length) return;
  for (const [width, color] of [[5.5, paper], [2, ink]]) {
    pen.lineWidth = width * unit;
    pen.strokeStyle = color;
    pen.lineJoin = pen.lineCap = "round";
    pen.beginPath();
    walked.forEach(([[x, y]], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  }
  for (const [[x, y], best] of walked) {
    disc(pen, x, y, 4 * unit, ink);
    disc(pen, x, y, 2.8 * unit, setup.classes[best].color);
  }
  pen.font = `700 ${11 * unit}px system-ui, sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  stops.forEach(([step], i) => {
    if (step >= walked.length) return;
    const [x, y] = walked[step][0];
    disc(pen, x, y, 8.5 * unit, ink);
    pen.fillStyle = paper;
    pen.fillText(i + 1, x, y + 0.5 * unit);
  });
}

// The face, darkened where the network looks less.
function drawAttention(canvas, picture, weights) {
  const pen = canvas.getContext("2d"), high = Math.max(...weights.flat()), low = Math.min(...weights.flat());
  const veil = new OffscreenCanvas(weights[0].length, weights.length), small = veil.getContext("2d");
  weights.forEach((row, y) => row.forEach((value, x) => {
    small.fillStyle = `rgb(0 0 0 / ${(0.8 * (high - value)) / (high - low || 1)})`;
    small.fillRect(x, y, 1, 1);
  }));
  const finish = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (picture) pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(veil, 0, 0, canvas.width, canvas.height);
  };
  const image = new Image();
  image.onload = finish;
  if (picture) image.src = picture;
  else finish();
}

// ---- small things ------------------------------------------------------------------------------------------------

function make(tag, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function button(text, onClick, { label = "", color = "", className = "" } = {}) {
  const node = make("button", { type: "button", className }, [...(color ? [make("i")] : []), text]);
  if (color) node.firstChild.style.background = color;
  if (label) node.ariaLabel = node.title = label;
  node.addEventListener("click", onClick);
  return node;
}

// Tabs as WAI-ARIA describes them: arrow keys move, one tab is in the tab order.
function tabs(pages) {
  const names = pages.map(([title]) => make("button", { type: "button", role: "tab" }, [title]));
  const choose = (chosen) => pages.forEach(([, page], i) => {
    page.hidden = i !== chosen;
    names[i].ariaSelected = String(i === chosen);
    names[i].tabIndex = i === chosen ? 0 : -1;
  });
  names.forEach((name, i) => {
    pages[i][1].role = "tabpanel";
    pages[i][1].ariaLabel = name.textContent;
    name.addEventListener("click", () => choose(i));
    name.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const to = (i + step + names.length) % names.length;
      choose(to);
      names[to].focus();
      event.stopPropagation();
    });
  });
  choose(0);
  return make("div", {}, [make("div", { role: "tablist" }, names), ...pages.map(([, page]) => page)]);
}

// A photo no larger than needed, as JPEG; the file as it is where the browser cannot read it: Python tries, and says.
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, 1280 / Math.max(picture.width, picture.height));
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.93 })).arrayBuffer();
  } catch {
    return file.slice(0, 8_000_000).arrayBuffer(); // more does not go through Jupyter's connection
  }
}

// [expression, number of its variant] that these units are, or [null, 0].
function prototype(setup, units) {
  for (const [expression, variants] of Object.entries(setup.presets)) {
    const same = ([unit, value]) => Math.abs(units[unit] - value) < 1e-6;
    const number = variants.findIndex(([, of]) => Object.entries(of).every(same));
    if (number >= 0) return [expression, number];
  }
  return [null, 0];
}

// Names that would cover each other move apart, up and down.
function apart(names, height, width) {
  const placed = [];
  for (const name of [...names].sort((a, b) => a.at[1] - b.at[1])) {
    let [x, y] = name.at;
    for (const { at } of placed) {
      if (Math.abs(at[0] - x) < 2 * width && Math.abs(at[1] - y) < height) y = at[1] + height;
    }
    placed.push({ text: name.text, at: [x, y] });
  }
  return placed;
}

function outlined(pen, text, [x, y], ink, paper, width) {
  pen.lineWidth = width;
  pen.lineJoin = "round";
  pen.strokeStyle = paper;
  pen.strokeText(text, x, y);
  pen.fillStyle = ink;
  pen.fillText(text, x, y);
}

function disc(pen, x, y, radius, color) {
  pen.fillStyle = color;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}

const colorOf = (setup, name) => setup.classes.find((of) => of.name === name)?.color ?? "transparent";
const share = (probability) => `${Math.round(100 * probability)} %`;
const largest = (values) => values.indexOf(Math.max(...values));
const labelsOf = (view) => new Uint16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
// Copied: the view may begin where no float may.
const floats = (view) => new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
