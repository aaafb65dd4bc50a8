// A picture that does not come says so, where a browser shows a torn one: data-failed="The picture does not come now."
// It stands inside a link to the page that knows why.
"use strict";

document.addEventListener("error", ({ target }) => {
  if (target instanceof HTMLImageElement && target.dataset.failed) target.replaceWith(target.dataset.failed);
}, true);
