// Says how many rows are ticked (data-selection names their boxes), ticks all of a page, and shows that all that match
// includes every one of them.
// Without it the boxes work all the same.
"use strict";

(() => {
  const boxes = (form) => [...form.querySelectorAll(`input[name="${form.dataset.selection || "family"}"]`)];

  const tell = (form) => {
    const count = form.querySelector("[data-selection-count]");
    const all = form.querySelector("[data-selection-all]");
    const page = form.querySelector("[data-selection-page]");
    const ticked = boxes(form).filter((box) => box.checked).length;
    for (const box of boxes(form)) box.disabled = Boolean(all?.checked);
    if (page) {
      const input = page.querySelector("input");
      page.hidden = false;
      input.disabled = Boolean(all?.checked);
      input.checked = ticked > 0 && ticked === boxes(form).length;
      input.indeterminate = ticked > 0 && !input.checked;
    }
    const { none, one, many, all: everything } = count.dataset;
    const words = all?.checked ? everything : ticked === 0 ? none : ticked === 1 ? one : many.replace("%d", ticked);
    if (count.textContent !== words) count.textContent = words;
    form.classList.toggle("selection--some", Boolean(all?.checked) || ticked > 0);
  };

  const tellAll = () => document.querySelectorAll("[data-selection]").forEach(tell);

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-selection]");
    if (!form) return;
    if (event.target.closest("[data-selection-page]")) {
      for (const box of boxes(form)) box.checked = event.target.checked;
    }
    tell(form);
  });
  document.addEventListener("htmx:afterSettle", tellAll);
  // A browser that comes back to the page ticks again what was ticked.
  window.addEventListener("pageshow", tellAll);
  tellAll();
})();
