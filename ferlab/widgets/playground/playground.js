// The loss playground's page, part 4 of 4: the controls, and the whole. It computes no loss: it draws the kernel's last
// answer (`_scene`) and sends what a person does.
const PAUSE = 50; // milliseconds between two steps while it plays

function sliderOf(about, ask) {
  const input = html("input", { type: "range", "aria-description": about.about });
  const output = html("output", {});
  const row = html("label", { class: "fp-slider", title: about.about }, html("span", { text: about.label }), input, output);
  const value = () => (about.log ? 10 ** +input.value : +input.value);
  const words = (number) => (about.step >= 1 ? number : number > 0 && number < 0.1 ? number.toFixed(3) : number.toFixed(2));
  let held = false;
  input.addEventListener("input", () => {
    held = true;
    output.textContent = words(value());
    ask({ type: "set", name: about.name, value: about.step >= 1 ? Math.round(value()) : value() }, `set ${about.name}`);
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
  const { ask: send, answered, holds } = channel(model, () => {
    message.textContent = "The kernel does not answer: it is busy, or there is none. What you move now arrives when it is free.";
  });
  const ask = Object.assign(send, { holds });
  const views = { plane: planeView(ask), profiles: profilesView(ask) };

  const loss = html("select", { "aria-label": "Loss" });
  const classes = html("select", { "aria-label": "Classes" }, ...[2, 3, 4, 5, 6, 7].map((k) => html("option", { value: k, text: k })));
  loss.addEventListener("change", () => ask({ type: "set", name: "loss", value: loss.value }));
  classes.addEventListener("change", () => ask({ type: "set", name: "num_classes", value: +classes.value }));
  const button = (words, title, message) => {
    const node = html("button", { type: "button", title, text: words });
    node.addEventListener("click", () => ask(message()));
    return node;
  };
  const toggle = () => ({ type: model.get("_scene").playing ? "pause" : "play" });
  const play = button("▶ Play", "Run gradient descent (space)", toggle);
  play.classList.add("fp-main");
  const buttons = [
    button("Step", "One step of gradient descent", () => ({ type: "step" })), play,
    button("Reset", "Back to the beginning", () => ({ type: "reset" })),
    button("New points", "Deal other random points and centers", () => ({ type: "shuffle" })),
  ];
  const bar = html("div", { class: "fp-bar" },
    html("label", {}, "Loss ", loss), html("label", {}, "Classes ", classes), html("div", { class: "fp-buttons" }, ...buttons));

  const stage = html("div", { class: "drawing" });
  const legend = html("div", { class: "fp-legend" });
  const value = html("div", { class: "fp-value" });
  const explanation = html("p", { class: "explanation" });
  const about = html("p", { class: "about" });
  const sliders = html("div", { class: "sliders" });
  const switches = html("fieldset", { class: "switches" }, html("legend", { text: "Descent moves" }));
  const list = html("div", { class: "fp-list", role: "group", "aria-label": "Loss of every point" });
  const message = html("p", { class: "fp-message", role: "status" });
  const root = html("div", { class: "ferlab-playground" }, bar,
    html("div", { class: "fp-body" },
      html("div", { class: "fp-stage" }, stage, legend),
      html("div", { class: "fp-side" }, value, message, explanation, sliders, switches, list, about)));
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
      ask({ type: "set", name: "moving", value: moving }, "set moving");
    });
    const row = html("label", {}, input, ` ${name}`);
    switches.append(row);
    return [name, { input, row }];
  }));

  let knobs = new Map();
  let rows = [];
  let shownClasses = "";
  let shownChoice = "";
  let timer = null;

  function showSliders(wanted) {
    if ([...knobs.keys()].join() !== wanted.map((one) => one.name).join()) {
      knobs = new Map(wanted.map((one) => [one.name, sliderOf(one, ask)]));
      sliders.replaceChildren(...[...knobs.values()].map((knob) => knob.row));
    }
    for (const one of wanted) knobs.get(one.name).show(one);
  }

  function showList(scene) {
    list.hidden = !scene.losses; // profiles are compared, and so are the points by some losses
    if (list.hidden) return;
    const wanted = JSON.stringify([scene.labels, scene.classes]);
    if (wanted !== shownClasses) {
      shownClasses = wanted;
      rows = scene.labels.map((k, i) => {
        const parts = { icon: html("i"), bar: html("b"), number: html("output") };
        const row = html("button", { type: "button", class: "fp-row", style: `--class: ${scene.colors[k]}` },
          parts.icon, html("span", { text: nameOf(scene, i) }), html("span", { class: "track" }, parts.bar), parts.number);
        row.addEventListener("click", () => ask({ type: "set", name: "selected", value: i }, "set selected"));
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
      html("div", {}, html("span", { class: "fp-caption", text: "Loss" }), html("output", { class: "number", text: scene.value.toFixed(3) })),
      html("div", { class: "parts" }, ...parts),
      html("div", { class: "steps" }, curve(scene.history), html("span", { class: "fp-caption", text: scene.steps === 1 ? "1 step" : `${scene.steps} steps` })));
  }

  function draw() {
    const scene = model.get("_scene");
    if (!scene.view) return; // the kernel is still making it
    answered(scene.reply);
    const view = views[scene.view];
    Object.assign(root.dataset, { view: scene.view, loss: scene.loss });
    if (stage.firstChild !== view.root) stage.replaceChildren(view.root);
    view.draw(scene);
    legend.replaceChildren(...view.legend());
    const choice = JSON.stringify(scene.losses_to_choose);
    if (choice !== shownChoice) {
      shownChoice = choice;
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
        if (playing) ask({ type: "tick", steps }, "tick");
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
