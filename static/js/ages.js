// Keeps "5 minutes ago" true on a page that stays open, in the words of the page's language.
"use strict";

(() => {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always" });

  function refresh() {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const minutes = Math.round((Date.parse(time.dateTime) - Date.now()) / 60000);
      // From ninety minutes on the server writes a clock time, which stays true by itself.
      if (minutes !== 0 && Math.abs(minutes) < 90) time.textContent = words.format(minutes, "minute");
    }
  }

  setInterval(refresh, 30000);
})();
