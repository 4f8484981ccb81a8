// Markup made in Python, with buttons that report back: <button data-pick="...">. A press of the same button counts again.
export default {
  render({ model, el }) {
    el.classList.add("ferlab-x");
    const draw = () => {
      const focused = el.contains(document.activeElement) ? document.activeElement.dataset.pick : undefined;
      el.innerHTML = model.get("html");
      if (focused !== undefined) el.querySelector(`[data-pick="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    };
    el.addEventListener("click", (event) => {
      const button = event.target.closest("[data-pick]");
      if (button) model.send({ type: "pick", what: button.dataset.pick });
    });
    model.on("change:html", draw);
    draw();
  },
};
