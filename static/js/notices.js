// Says something in #notices when an htmx request fails: htmx by itself drops 4xx and 500 in silence.
// The words stand in the page (templates/web/_notice_words.html), in the reader's language.
"use strict";

(() => {
  const area = () => document.getElementById("notices");
  const isWrite = (detail) => (detail.requestConfig?.verb ?? "get") !== "get";
  // A poll that fails comes back by itself: its notice is shown once and goes when an answer comes.
  const isPoll = (element) => Boolean(element?.closest?.("[data-poll]"));

  function show(nodes, key) {
    const notices = area();
    if (!notices || !nodes.length) return;
    for (const old of [...notices.children]) if (old.dataset.case === key) old.remove();
    for (const node of nodes) {
      node.dataset.case = key;
      notices.prepend(node);
    }
    revealCloseButtons(notices);
  }

  function say(key) {
    const words = document.querySelector(`template[data-case="${key}"]`) ?? document.querySelector('template[data-case="500"]');
    if (words) show([...words.content.cloneNode(true).querySelectorAll(".notice")], key);
  }

  function revealCloseButtons(root) {
    for (const button of root.querySelectorAll("[data-notice-close][hidden]")) button.hidden = false;
  }

  document.addEventListener("htmx:responseError", ({ detail }) => {
    const { status, responseText } = detail.xhr;
    if (status === 502 || status === 503) return; // htmx has put the answer itself into #notices.
    if (isPoll(detail.elt) && status >= 500) return say("no-answer");
    const answer = new DOMParser().parseFromString(responseText ?? "", "text/html");
    const own = answer.querySelector("body.frame, body.alone") ? [] : [...answer.querySelectorAll(".notice")];
    if (own.length) show(own.map((node) => document.importNode(node, true)), String(status));
    else say(String(status));
  });

  // A whole page in answer to a 502 or 503 (a proxy's, or ours without htmx's knowledge) has no place in the notices area.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { status, responseText } = detail.xhr;
    if ((status === 502 || status === 503) && /<html|<body/i.test(responseText ?? "")) {
      detail.shouldSwap = false;
      say(isWrite(detail) ? "unknown" : "no-answer");
    }
  });

  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, ({ detail }) => say(isWrite(detail) ? "unknown" : "no-answer"));
  }

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful) area()?.querySelector('[data-case="no-answer"]')?.remove();
  });

  document.addEventListener("htmx:afterSettle", () => area() && revealCloseButtons(area()));
  document.addEventListener("click", ({ target }) => target.closest("[data-notice-close]")?.closest(".notice").remove());
  if (area()) revealCloseButtons(area());
})();
