/* Dates in the reader's own zone: where it is another than the site's, each time in a marked part gets a remark. */
(() => {
  "use strict";

  for (const part of document.querySelectorAll("[data-db-own-zone]")) {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const words = (zone, at) =>
      new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone: zone }).format(at);
    for (const time of part.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime()) || words(own, at) === words(part.dataset.dbOwnZone, at)) continue;
      const note = document.createElement("small");
      note.textContent = `${words(own, at).replace(",", "")} where you are`;
      time.parentElement.append(note);
    }
  }
})();
