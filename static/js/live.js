// Counts the rows that came to the top of the log while the reader was further down, and takes them there.
"use strict";

(() => {
  let unseen = 0;
  const isAway = () => window.scrollY > 240;

  function draw() {
    const chip = document.querySelector("[data-new-rows]");
    if (!chip) return;
    chip.hidden = unseen === 0;
    chip.querySelector("span").textContent = unseen === 1 ? chip.dataset.one : chip.dataset.many.replace("#", unseen);
  }

  // Before, not after: afterwards the rows have left the fragment for the page.
  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    if (!isAway() || !detail.target?.closest?.(".ledger")) return;
    unseen += detail.fragment?.querySelectorAll?.(".entry--new").length ?? 0;
  });
  document.addEventListener("htmx:afterSettle", draw);
  document.addEventListener("scroll", () => {
    if (unseen && !isAway()) {
      unseen = 0;
      draw();
    }
  }, { passive: true });
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("[data-new-rows]")) return;
    window.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  });
})();
