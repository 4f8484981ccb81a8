// The loss playground's page, part 3 of 4: profiles for Ad-Corre, and the matrices of their correlations.
const CHART = { left: 112, top: 34, width: 152, gap: 14, row: 66 };
const MATRIX = { left: 512, top: 58, size: 190, gap: 22 };

function profilesView(ask) {
  const id = Math.random().toString(36).slice(2);
  const root = svg("svg", { viewBox: "0 0 930 440", class: "profiles", role: "group" });
  let scene;
  let structure;
  let charts = []; // {face, head, entry, values, node, ..}
  let dragged = null;

  const rowHeight = () => Math.min(CHART.row, 400 / scene.labels.length);
  const left = (head) => CHART.left + head * (CHART.width + CHART.gap);
  const columnX = (entry) => 12 + (entry * (CHART.width - 24)) / (scene.profiles[0][0].length - 1);
  const entryY = (value) => (rowHeight() - 8) / 2 - (value / scene.reach) * ((rowHeight() - 14) / 2);

  function moveTo(chart, entry, value) {
    const clamped = Math.max(-2, Math.min(2, value));
    chart.values = chart.values.with(entry, clamped);
    drawChart(chart);
    ask({ type: "entry", face: chart.face, head: chart.head, entry, to: clamped }, `entry ${chart.face} ${chart.head} ${entry}`);
  }

  function choose({ face, head, entry }) {
    if (scene.place.join() !== [face, head, entry].join()) ask({ type: "choose", face, head, entry }, "choose");
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
      return ((height / 2 - y) / ((rowHeight() - 14) / 2)) * scene.reach;
    };
    onDrag(node, (event) => {
      const x = within(root, event)[0] - left(head);
      const columns = chart.values.map((_, entry) => Math.abs(columnX(entry) - x));
      chart.entry = columns.indexOf(Math.min(...columns));
      grip = chart.values[chart.entry] - value(event);
      dragged = chart;
      addEventListener("pointerup", () => { dragged = null; }, { once: true });
      choose(chart);
      drawChart(chart);
    }, (event) => moveTo(chart, chart.entry, value(event) + grip));
    node.addEventListener("focus", () => node.matches(":focus-visible") && choose(chart));
    node.addEventListener("keydown", (event) => {
      const [across, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
      if (!across && !up) return;
      event.preventDefault();
      chart.entry = Math.max(0, Math.min(chart.values.length - 1, chart.entry + across));
      if (up) moveTo(chart, chart.entry, chart.values[chart.entry] + up * (event.shiftKey ? 0.25 : 0.05));
      else choose(chart);
      drawChart(chart);
    });
    return chart;
  }

  function drawChart(chart) {
    const { face, head, entry, values } = chart;
    const at = values.map((value, i) => [columnX(i), entryY(value)]);
    const gradient = scene.gradient[face][head];
    const arrows = at.map(([x, y], i) => arrow([x, y], [x, entryY(values[i] - scene.gain * gradient[i])])).join("");
    chart.body.replaceChildren(
      ...(scene.place[0] === face && scene.place[1] === head ? drawLevels(columnX(scene.place[2])) : []),
      svg("path", { d: `M4 ${entryY(0)}H${CHART.width - 4}`, class: "axis" }),
      svg("path", { d: path(at), class: "profile" }),
      ...at.map(([x, y], i) => svg("circle", { cx: x, cy: y, r: 3.6, class: i === entry ? "entry current" : "entry" })),
      svg("path", { d: arrows, class: "arrow" }));
    set(chart.node, { "aria-label": `${nameOf(scene, face)}, head ${head + 1}, entry ${entry + 1} of ${values.length}: ${signed(values[entry])}. Left and right choose an entry, up and down move it.` });
  }

  // Behind the chosen entry: the stronger, the higher the loss would be there; marks where it would be lowest.
  function drawLevels(x) {
    const losses = scene.levels.map(([, loss]) => loss);
    const [low, high] = [Math.min(...losses), Math.max(...losses)];
    const [bottom, top] = [entryY(scene.levels[0][0]), entryY(scene.levels.at(-1)[0])];
    const stops = losses.map((loss, i) => svg("stop", { offset: i / (losses.length - 1), "stop-opacity": high > low ? (0.6 * (loss - low)) / (high - low) : 0, class: "band" }));
    const best = entryY(scene.levels[losses.indexOf(low)][0]);
    return [
      svg("linearGradient", { id: `levels-${id}`, x1: 0, x2: 0, y1: 1, y2: 0 }, ...stops),
      svg("rect", { x: x - 9, y: top, width: 18, height: bottom - top, fill: `url(#levels-${id})` }),
      svg("path", { d: `M${x - 12} ${best - 4}l6 4l-6 4zM${x + 12} ${best - 4}l-6 4l6 4z`, class: "best" }),
    ];
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
    const title = (x, y, words, kind = "fp-title") => parts.push(svg("text", { x, y, class: kind, text: words }));
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
      if (chart !== dragged && !ask.holds("choose") && scene.place[0] === chart.face && scene.place[1] === chart.head) chart.entry = scene.place[2];
      chart.node.classList.toggle("selected", chart.face === scene.selected);
      drawChart(chart);
    }
    matrices.replaceChildren(...drawMatrices());
  }

  function legend() {
    const item = (draw, words) => html("span", {}, svg("svg", { viewBox: "0 0 34 20", class: "sample", "aria-hidden": "true" }, ...draw), words);
    return [
      item([svg("rect", { x: 8, y: 1, width: 18, height: 18, class: "sample-band" }), svg("path", { d: "M5 6l6 4l-6 4zM29 6l-6 4l6 4z", class: "best" })],
        "loss if the chosen entry were elsewhere: the stronger the higher, lowest at the marks"),
      item([svg("path", { d: arrow([17, 18], [17, 3]), class: "arrow" })], `−gradient × ${scene.gain}`),
      item([svg("rect", { x: 2, y: 2, width: 15, height: 16, class: "minus", style: "--share: 80%" }), svg("rect", { x: 17, y: 2, width: 15, height: 16, class: "plus", style: "--share: 80%" })],
        "correlation −1 to +1; the sign in the corner is the one wanted, framed blocks want +"),
    ];
  }
  return { root, draw, legend };
}
