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

  /** An instant as the book says it: the weekday where it is near, else the date. */
  const moment = (at, zone) => {
    const recent = Math.abs(Date.now() - at) < 6 * DAY;
    const day = recent ? { weekday: "short" } : { day: "numeric", month: "short", year: "numeric" };
    return new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit", timeZone: zone })
      .format(at).replace(",", "");
  };

  /** Say on every page that the book, or what a source said, is older than the site's own limit. */
  const warn = (facts, at) => {
    const place = document.querySelector("[data-db-stale]");
    const limit = facts.stale_after_seconds * 1000;
    if (!place || !limit || facts.simulated) return;
    const age = Date.now() - at;
    const behind = (facts.sources ?? []).filter((source) => at - Date.parse(source.last_read) > limit);
    const silent = (facts.sources ?? []).filter((source) => !source.last_read);
    const [title, words] = place.querySelectorAll("strong, span");
    if (age > limit) {
      title.textContent = `This book is ${span(age)} old.`;
      words.textContent = `It was last made ${moment(at, facts.timezone)}; since then nothing here has changed, ` +
        "whatever happened. Its schedule may have stopped.";
    } else if (behind.length || silent.length) {
      const late = [...behind, ...silent];
      title.textContent = late.length === 1 ? "A source is behind." : `${late.length} sources are behind.`;
      words.textContent = late.slice(0, 3).map((source) => source.last_read
        ? `${source.name} was last read ${moment(new Date(source.last_read), facts.timezone)}`
        : `${source.name} was never read`).join("; ") + (late.length > 3 ? " …" : ".");
    } else return;
    place.hidden = false;
  };

  /** Fill in when the sources were last read, and judge by the reader's clock whether that is long ago. */
  const freshness = async () => {
    if (!location.protocol.startsWith("http")) return;
    try {
      const answer = await fetch(new URL("data/build.json", root), { cache: "no-cache" });
      if (!answer.ok) return;
      const facts = await answer.json();
      const at = new Date(facts.as_of);
      if (Number.isNaN(at.getTime())) return;
      for (const place of document.querySelectorAll("[data-db-asof]")) {
        const time = document.createElement("time");
        time.dateTime = facts.as_of;
        time.title = facts.as_of;
        time.textContent = moment(at, place.dataset.dbZone || facts.timezone);
        place.replaceChildren("As of ", time);
        place.hidden = false;
      }
      warn(facts, at);
    } catch {
      /* Offline, or no build.json beside these pages: the page reads well without. */
    }
  };

  tick();
  setInterval(tick, MINUTE);
  freshness();
})();
