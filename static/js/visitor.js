// Tells the times of a pass by the visitor's own clock too, where that shows another time than the house's.
"use strict";

(() => {
  const place = document.querySelector("[data-own-clock]");
  if (!place) return;
  const language = document.documentElement.lang;
  const told = (moment, timeZone) =>
    new Intl.DateTimeFormat(language, { weekday: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone }).format(moment);
  const moments = [...document.querySelectorAll("[data-moment]")].map((one) => new Date(one.dateTime));
  const own = moments.map((moment) => told(moment));
  if (moments.every((moment, at) => own[at] === told(moment, place.dataset.ownClock))) return;
  place.querySelector("bdi").textContent = own.join(" – ");
  place.hidden = false;
})();
