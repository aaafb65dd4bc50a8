// Opens a door by a press that is held: a finger's or a pen's on [data-hold], and on data-hold="any" a mouse's too. A shorter
// press asks first, as the button does without a script; lifting, moving away and Escape let the press go. The form
// beside the button carries it.
"use strict";

(() => {
  const HOLD_MS = 800;
  // What is lifted sooner was a tap, and asks.
  const TAP_MS = 300;
  const MOVED_PX = 24;
  let held = null;
  let ignoredUntil = 0;

  const holds = (button, event) => event.isPrimary && event.button === 0 && (event.pointerType !== "mouse" || button.dataset.hold === "any");
  const slot = (element) => element.closest(".press-slot");

  function release(words) {
    if (!held) return;
    const { button, timer, began } = held;
    held = null;
    clearTimeout(timer);
    button.classList.remove("button--held");
    if (performance.now() - began < TAP_MS) return;
    // The click that follows is no press of its own.
    ignoredUntil = performance.now() + 400;
    const note = slot(button)?.querySelector(".press-hold__short");
    if (note && words) note.textContent = note.dataset.words;
  }

  function send() {
    const { button } = held;
    held = null;
    ignoredUntil = performance.now() + 1500;
    button.classList.remove("button--held");
    slot(button)?.querySelector(".press-hold")?.requestSubmit();
  }

  document.addEventListener("pointerdown", (event) => {
    const button = event.target.closest?.("[data-hold]");
    if (held || !button || !holds(button, event)) return release(true);
    const note = slot(button)?.querySelector(".press-hold__short");
    if (note) note.textContent = "";
    button.classList.add("button--held");
    held = { button, began: performance.now(), timer: setTimeout(send, HOLD_MS), x: event.clientX, y: event.clientY };
  });
  document.addEventListener("pointermove", (event) => {
    if (held && Math.hypot(event.clientX - held.x, event.clientY - held.y) > MOVED_PX) release(true);
  });
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => release(true));
  window.addEventListener("blur", () => release(true));
  document.addEventListener("visibilitychange", () => release(true));
  document.addEventListener("contextmenu", (event) => held && event.preventDefault());
  document.addEventListener("click", (event) => {
    if (performance.now() >= ignoredUntil || !event.target.closest?.(".press-slot")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  document.addEventListener("keydown", (event) => {
    const place = event.target.closest?.(".press-slot");
    if (event.key === "Escape") {
      if (held) {
        ignoredUntil = performance.now() + 1500;
        return release(true);
      }
      place?.querySelector("[data-press-back]")?.click();
    }
    // A key that is kept down asks and answers nothing by itself.
    if (event.repeat && place && (event.key === "Enter" || event.key === " ")) event.preventDefault();
  });
})();
