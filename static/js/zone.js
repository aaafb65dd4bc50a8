// Chooses the browser's own time zone where nobody has chosen one yet, and offers it where another one is chosen.
"use strict";

(() => {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of document.querySelectorAll("select[data-guess-zone]")) {
    const isUntouched = ![...field.options].some((option) => option.defaultSelected);
    if (isUntouched && [...field.options].some((option) => option.value === here)) field.value = here;
  }
  for (const button of document.querySelectorAll("[data-zone-offer]")) {
    const field = button.form.elements[button.dataset.zoneOffer];
    const isKnown = [...field.list.options].some((option) => option.value === here);
    button.querySelector("[data-zone-name]").textContent = here;
    button.hidden = !isKnown || field.value === here;
    button.addEventListener("click", () => {
      field.value = here;
      button.hidden = true;
      field.focus();
    });
  }
})();
