/* What only the reader's clock knows: how fresh the book is, how old a thing is, how long until another.
   The pages say the exact time; this adds to it, and leaves them as they are where it cannot. */
(() => {
  "use strict";

  const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
  const SOON = 60 * DAY; // Farther off, the date says more than a count of days.
  const root = new URL(document.currentScript.dataset.root.replace(/\/?$/, "/"), location.href);

  /** A length of time as people say it: one unit, two below three hours; never "0". */
  const span = (ms) => {
    const minutes = Math.max(1, Math.round(ms / MINUTE));
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 180) return `${Math.floor(minutes / 60)} h` + (minutes % 60 ? ` ${minutes % 60} min` : "");
    if (ms < 2 * DAY) return `${Math.round(ms / HOUR)} h`;
    return `${Math.round(ms / DAY)} days`;
  };

  /** Add a remark after the static text of each `time` with the attribute, once, and renew it each minute. */
  const remark = (attribute, words) => {
    for (const time of document.querySelectorAll(`time[${attribute}]`)) {
      const at = Date.parse(time.dateTime);
      const text = Number.isNaN(at) ? "" : words(at - Date.now());
      let note = time.nextElementSibling;
      if (!note?.classList.contains("db-since")) {
        if (!text) continue;
        note = document.createElement("span");
        note.className = "db-since";
        note.dataset.dbBefore = ", ";
        time.after(note);
      }
      // A note that a page has made room for keeps its line; one of our own just goes.
      note.textContent = text ? (note.dataset.dbBefore ?? "") + text : note.dataset.dbBefore ? "" : "\u00a0";
    }
  };

  const tick = () => {
    remark("data-db-age", (ms) => (ms <= 0 && ms > -SOON ? `${span(-ms)} ago` : ""));
    remark("data-db-until", (ms) => (ms > 0 && ms < SOON ? `in ${span(ms)}` : ""));
  };

  /** Fill in when the sources were last read; warn where the book has not been built for two days. */
  const freshness = async () => {
    const places = document.querySelectorAll("[data-db-asof]");
    if (!places.length || !location.protocol.startsWith("http")) return;
    try {
      const answer = await fetch(new URL("data/build.json", root), { cache: "no-cache" });
      if (!answer.ok) return;
      const { as_of: asOf } = await answer.json();
      const at = new Date(asOf);
      if (Number.isNaN(at.getTime())) return;
      const zone = places[0].dataset.dbZone || undefined;
      const recent = Math.abs(Date.now() - at) < 6 * DAY;
      const day = recent ? { weekday: "short" } : { day: "numeric", month: "short", year: "numeric" };
      const words = new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit", timeZone: zone });
      for (const place of places) {
        const time = document.createElement("time");
        time.dateTime = asOf;
        time.title = asOf;
        time.textContent = words.format(at).replace(",", "");
        place.replaceChildren("As of ", time);
        place.hidden = false;
      }
    } catch {
      /* Offline, or no build.json beside these pages: the page reads well without. */
    }
  };

  tick();
  setInterval(tick, MINUTE);
  freshness();
})();
