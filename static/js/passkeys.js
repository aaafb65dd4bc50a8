// Forms marked data-passkey="create" or "get": the device is asked for a passkey, its answer goes into the field
// "credential", and the form is sent. What is asked stands in data-passkey-options, or is fetched from data-passkey-url.
"use strict";

(() => {
  const NUMBER = /^(\d+\.){3}\d+$|^\[/;

  function say(form, which) {
    for (const words of form.querySelectorAll("[data-passkey-says]")) words.hidden = words.dataset.passkeySays !== which;
  }

  async function options(form) {
    if (!form.dataset.passkeyUrl) return JSON.parse(form.dataset.passkeyOptions);
    const answer = await fetch(form.dataset.passkeyUrl, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`asking for a passkey: ${answer.status}`);
    return answer.json();
  }

  async function ask(form) {
    say(form, "");
    const asked = await options(form);
    const credential = form.dataset.passkey === "create" ? await webauthnJSON.create(asked) : await webauthnJSON.get(asked);
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  }

  function begin(form) {
    const isKnown = window.PublicKeyCredential && window.isSecureContext;
    const trouble = NUMBER.test(location.hostname) ? "number" : isKnown ? "" : "missing";
    const elsewhere = form.querySelector("[data-passkey-elsewhere]");
    if (elsewhere) {
      elsewhere.href = location.href.replace(location.hostname, "localhost");
      elsewhere.textContent = elsewhere.href;
    }
    // Where one may sign in without one, a passkey that cannot work is not offered at all.
    const optional = form.querySelector("[data-passkey-button]");
    if (optional) optional.hidden = Boolean(trouble);
    else if (trouble) say(form, trouble);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (trouble) return say(form, trouble);
      const button = form.querySelector("button[type=submit]");
      button.disabled = true;
      ask(form)
        .catch((error) => say(form, error.name === "InvalidStateError" ? "known" : "cancelled"))
        .finally(() => { button.disabled = false; });
    });
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-passkey]").forEach(begin));
})();
