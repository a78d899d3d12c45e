// Tooltips stay within the window, and Escape puts them away.

export function wireTips() {
  for (const tip of document.querySelectorAll("[data-tip]")) {
    const place = () => {
      delete tip.dataset.dismissed;
      const box = tip.getBoundingClientRect();
      tip.toggleAttribute("data-right", box.left + 300 > document.documentElement.clientWidth && box.right > 300);
      tip.toggleAttribute("data-below", box.top < 120);
    };
    tip.addEventListener("pointerenter", place);
    tip.addEventListener("focus", place);
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll("[data-tip]").forEach((tip) => { tip.dataset.dismissed = ""; });
  });
}
