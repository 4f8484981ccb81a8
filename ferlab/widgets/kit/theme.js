// Tells Python whether the page is dark: JupyterLab and Notebook say so on the body, VS Code by class, others by media query.
function isDark() {
  const { body } = document;
  if (body.dataset.jpThemeLight !== undefined) return body.dataset.jpThemeLight === "false";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return true;
  if (body.classList.contains("vscode-light")) return false;
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export default {
  initialize({ model }) {
    const tell = () => {
      if (model.get("dark") === isDark()) return;
      model.set("dark", isDark());
      model.save_changes();
    };
    tell();
    const observer = new MutationObserver(tell);
    observer.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", tell);
    return () => { observer.disconnect(); media.removeEventListener("change", tell); };
  },
  render({ el }) { el.style.display = "none"; },
};
