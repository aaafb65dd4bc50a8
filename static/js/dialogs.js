// Dialogs open and close without a script (popovertarget, and command where the browser knows it). What is added here:
// a form marked data-close="sent" closes its dialog when it is sent, any other when its answer is good (a 422 stays open).
"use strict";

(() => {
  function close(element) {
    const dialog = element?.closest?.("dialog");
    if (!dialog) return;
    if (dialog.matches(":popover-open")) dialog.hidePopover();
    if (dialog.open) dialog.close();
  }

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.elt.matches('form[data-close="sent"]')) close(detail.elt);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful && detail.elt.matches("form")) close(detail.elt);
  });
})();
