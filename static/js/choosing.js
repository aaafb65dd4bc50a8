// Enter in a field that finds something finds it, and does not send the form around it.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[data-choose]")) return;
  event.preventDefault();
  event.target.dispatchEvent(new Event("search", { bubbles: true }));
});
