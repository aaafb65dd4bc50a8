// Light, dark, or as the system has it. Kept in a cookie, so that the server draws the page right the first time.
"use strict";

(() => {
  const root = document.documentElement;

  function mark() {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme ?? "")));
    }
  }

  document.addEventListener("click", ({ target }) => {
    const choice = target.closest("[data-theme-choice]")?.dataset.themeChoice;
    if (choice === undefined) return;
    if (choice) root.dataset.theme = choice;
    else delete root.dataset.theme;
    const age = choice ? 31536000 : 0;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${choice}; path=/; max-age=${age}; samesite=lax${secure}`;
    mark();
  });

  for (const part of document.querySelectorAll("[data-theme-switch]")) part.hidden = false;
  mark();
})();
