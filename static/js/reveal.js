// Takes a code off the page when its time is over, and when the page is left: no Back, no copy of the page that the
// browser keeps, shows it again. data-vanishes="30" is what is shown for 30 seconds; the data-masked beside it comes back.
"use strict";

(() => {
  const ends = new WeakMap();

  function hide(shown) {
    const masked = shown.parentElement.querySelector("[data-masked]");
    const hadFocus = shown.contains(document.activeElement);
    shown.remove();
    if (!masked) return;
    masked.hidden = false;
    masked.removeAttribute("data-masked");
    if (hadFocus) masked.querySelector("button")?.focus();
  }

  const all = () => document.querySelectorAll("[data-vanishes]");
  const hideAll = () => all().forEach(hide);

  // Asked again and again instead of once later: a computer that slept does not start to count anew.
  function look() {
    for (const shown of all()) {
      if (!ends.has(shown)) ends.set(shown, Date.now() + Number(shown.dataset.vanishes) * 1000);
      else if (Date.now() >= ends.get(shown)) hide(shown);
    }
  }

  setInterval(look, 500);
  document.addEventListener("htmx:afterSettle", look);
  document.addEventListener("visibilitychange", look);
  document.addEventListener("htmx:beforeHistorySave", hideAll);
  window.addEventListener("pagehide", hideAll);
  window.addEventListener("pageshow", ({ persisted }) => persisted && hideAll());
  look();
})();
