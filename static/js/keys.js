// "/" goes to the search, unless somebody is writing.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const input = document.querySelector(".search__input");
  if (!input) return;
  event.preventDefault();
  input.focus();
  input.select();
});
