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

export default {
  async render(context) {
    return (await load(context.model)).render(context);
  },
};
