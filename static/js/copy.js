// Buttons that only a script can serve, hidden without one: data-copy="#id" copies that element's text, data-print prints.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const element = document.querySelector(button.dataset.copy);
      const lines = [...(element.children.length ? element.children : [element])].map((line) => line.textContent.trim());
      await navigator.clipboard.writeText(lines.join("\n"));
      button.classList.add("button--done");
      setTimeout(() => button.classList.remove("button--done"), 2000);
    });
  }
});
