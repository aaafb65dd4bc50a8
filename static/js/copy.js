// Buttons that only a script can serve, hidden without one: data-copy="#id" copies that element's text, data-print prints.
"use strict";

(() => {
  function reveal() {
    for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
  }

  document.addEventListener("click", async ({ target }) => {
    if (target.closest("[data-print]")) window.print();
    const button = target.closest("[data-copy]");
    if (!button) return;
    const element = document.querySelector(button.dataset.copy);
    const lines = [...(element.children.length ? element.children : [element])].map((line) => line.textContent.trim());
    await navigator.clipboard.writeText(lines.join("\n"));
    button.classList.add("button--done");
    setTimeout(() => button.classList.remove("button--done"), 2000);
  });
  document.addEventListener("DOMContentLoaded", reveal);
  document.addEventListener("htmx:afterSettle", reveal);
})();
