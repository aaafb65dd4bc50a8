// Light, dark, or as the system has it: shown at once, while the form sends the choice to the account. The cookie is for
// the pages that this browser sees while nobody is signed in.
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

  mark();
})();
