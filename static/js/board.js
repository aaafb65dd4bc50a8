// A board's poll swaps the doors of a card too. Where somebody is asked something there, types, or waits for an answer, they
// are left as they are: their version stays the old one, so that they come again with the next poll.
"use strict";

(() => {
  const IN_USE = "[data-press-question], .htmx-request, .button--held, .press:not(.press--sending), .press--shown";

  document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
    const part = detail.target;
    if (part?.matches?.("[data-in-use]") && part.querySelector(IN_USE)) detail.shouldSwap = false;
  });
})();
