// One copy of jupyter-scatter for all plots of a page, loaded when the first one is drawn. Sent inside each plot, its two
// megabytes would be compiled once a plot; and where that takes more than two seconds, anywidget takes the plot for broken
// and ignores everything that the kernel says to it from then on.
const modules = (globalThis.ferlabPlotModules ??= new Map());

async function load(model) {
  const bundle = await model.widget_manager.get_model(model.get("bundle"));
  const key = bundle.get("digest");
  if (!modules.has(key)) {
    const url = URL.createObjectURL(new Blob([bundle.get("source")], { type: "text/javascript" }));
    modules.set(key, import(/* webpackIgnore: true */ url));
  }
  return (await modules.get(key)).default;
}

// The plot refuses to draw while its points travel, and what it refuses is lost. So the newest order waits for its turn.
function drawOneAfterAnother(plot, model) {
  const draw = plot.draw;
  let waiting = null;
  let busy = false;
  const next = async () => {
    if (busy || !waiting) return;
    busy = true;
    const { points, options, done } = waiting;
    waiting = null;
    const size = plot.get("points").length;
    for (let attempt = 0; attempt < 100; attempt += 1) {
      try {
        await draw(points, options);
        break;
      } catch (error) {
        if (plot.get("isDestroyed") || waiting) break;
        await new Promise((resolve) => setTimeout(resolve, 50)); // the first drawing, begun before this took over
      }
    }
    if (points && points.length !== size && !plot.get("isDestroyed")) {
      // Other points: the plot has dropped what was said about them meanwhile.
      const order = model.get("point_order");
      if (order?.length === points.length) plot.set({ pointOrder: Array.from(order) });
      const chosen = model.get("selection");
      if (chosen?.length) plot.select(Array.from(chosen), { preventEvent: true });
    }
    busy = false;
    done();
    next();
  };
  plot.draw = (points, options) =>
    new Promise((done) => {
      waiting?.done();
      waiting = { points, options, done };
      next();
    });
}

// jupyter-scatter hangs its plot on an element of its own, one frame after rendering.
async function plotIn(el) {
  for (let frame = 0; frame < 600; frame += 1) {
    const holder = [...el.querySelectorAll("div")].find((element) => element.api);
    if (holder) return holder.api;
    await new Promise(requestAnimationFrame);
  }
  return null;
}

// jupyter-scatter writes its names anew one frame after a change of size, also when the plot has been taken away by then:
// it goes on answering with its last camera.
function keepCamera(plot) {
  const get = plot.get;
  const camera = get("camera");
  plot.get = (property) => (property === "camera" && get("isDestroyed") ? camera : get(property));
}

// Every new layout gets a framebuffer of the same kind as the one before, and whether it is in order is asked anew: an
// answer that waits until everything ordered from the graphics card is drawn, the frames of the other maps included.
// Without a graphics card the points of the third map began to travel half a second after those of the first for that.
// The first framebuffer was in order, or there would be no plot.
function trustFramebuffers(plot) {
  const gl = plot.get("regl")?._gl;
  if (!gl) return; // slower, no more
  gl.checkFramebufferStatus = () => gl.FRAMEBUFFER_COMPLETE;
  gl.getError = () => gl.NO_ERROR; // called after it only to forget errors
}

// As high as wide up to a limit: the plot fits its contents to the height, so a narrow one would cut them at the sides.
function keepSquare({ model, el }) {
  const limit = model.get("square_up_to");
  if (!limit) return () => {};
  const fit = () => {
    const buttons = 46; // the column beside the plot
    const height = Math.round(Math.min(limit, el.clientWidth - buttons));
    if (height > 100 && height !== model.get("height")) model.set("height", height);
  };
  const observer = new ResizeObserver(fit);
  observer.observe(el);
  return () => observer.disconnect();
}

// Who closes a loop exactly where it began has not clicked: the plot would then select the one point under the cursor.
function ignoreClicksAfterDrags(el) {
  let travelled = 0;
  el.addEventListener("mousedown", () => (travelled = 0), true);
  el.addEventListener("mousemove", (event) => (travelled += Math.abs(event.movementX) + Math.abs(event.movementY)), true);
  el.addEventListener("click", (event) => travelled > 40 && event.target.closest("canvas") && event.stopPropagation(), true);
}

export default {
  async render(context) {
    const stop = keepSquare(context);
    ignoreClicksAfterDrags(context.el);
    const cleanup = await (await load(context.model)).render(context);
    const found = plotIn(context.el).then((plot) => {
      if (!plot) return;
      keepCamera(plot);
      trustFramebuffers(plot);
      drawOneAfterAnother(plot, context.model);
      // jupyter-scatter hands a new height on only where there are axes.
      const resize = () => plot.get("isDestroyed") || plot.set({ height: context.model.get("height") });
      context.model.on("change:height", resize);
      resize();
    });
    return () => {
      stop();
      found.then(() => cleanup?.()); // it fails where there is no plot yet
    };
  },
};
