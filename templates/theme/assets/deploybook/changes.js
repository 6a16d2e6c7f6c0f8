/* Where is my change? Looks up what is typed in the files below changes/index/ (made by pages/finder.py), of which a
   query loads a few. Everything from there is text: it reaches the page by textContent only. */
(() => {
  "use strict";

  const form = document.getElementById("find");
  const field = document.getElementById("find-q");
  const says = document.getElementById("find-says");
  const list = document.getElementById("find-hits");
  const more = document.getElementById("find-more");
  if (!form || !field || !says || !list || !more) return;

  const index = new URL(form.dataset.index, location.href);
  const root = new URL("../../", index);
  const PAGE = 10;
  const LOOKS = 6; // Rounds of PAGE changes that are read to fill a page, where words must be looked for in them.
  const TONES = ["ok", "watch", "bad", "quiet", "flag"];
  const loading = new Map();

  const load = (name) => {
    if (!loading.has(name)) {
      const asked = fetch(new URL(`${name}.json`, index), { cache: "no-cache" }).then((answer) => {
        if (!answer.ok) throw new Error(`${name}.json: ${answer.status}`);
        return answer.json();
      });
      asked.catch(() => loading.delete(name));
      loading.set(name, asked);
    }
    return loading.get(name);
  };

  /* ---- What is typed, as terms ------------------------------------------------------------------------- */

  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const wordsOf = (text, longest) =>
    [...new Set(fold(text).match(/[\p{L}\p{N}]+/gu) ?? [])].map((word) => [...word].slice(0, longest).join(""));

  /** The parts of a query: each a list of terms of which one must fit, and the codebases that were named. */
  const parse = (text, about) => {
    const parts = [], codebases = new Set();
    const pieces = text.trim().split(/\s+/).filter(Boolean).slice(0, 12);
    for (const [n, piece] of pieces.entries()) {
      const last = n === pieces.length - 1 && !/\s$/.test(text);
      if (pieces.length > 1 && about.codebases.includes(piece.toLowerCase())) {
        codebases.add(piece.toLowerCase());
        continue;
      }
      const address = /^https?:\/\/\S*?\/([0-9a-f]{7,64}|\d+)(?:[/?#]\S*)?$/i.exec(piece);
      const bare = address ? address[1] : piece;
      const numbered = /^(?:(\S*)[#!])?(\d+)$/.exec(bare);
      if (numbered) {
        const [, place, number] = numbered;
        const codebase = place?.split("/").pop().toLowerCase();
        if (about.codebases.includes(codebase)) codebases.add(codebase);
        const terms = [{ kind: "n", term: number }];
        if (bare === number) terms.push({ kind: "w", term: number });
        if (bare === number && number.length >= 5) terms.push({ kind: "r", term: number, start: true });
        parts.push(terms);
      } else if (/^[0-9a-f]{5,64}$/i.test(bare)) {
        const revision = bare.toLowerCase();
        parts.push([
          { kind: "r", term: revision.slice(0, about.revision), start: true },
          { kind: "w", term: revision.slice(0, about.longest), start: last },
        ]);
      } else {
        const found = wordsOf(bare, about.longest).filter((word) => word.length > 1 || !/^[a-z0-9]$/.test(word));
        for (const word of found)
          parts.push([{ kind: "w", term: word, start: last && word === found.at(-1) }]);
      }
    }
    return { parts, codebases };
  };

  /* ---- Terms to ordinals ------------------------------------------------------------------------------- */

  const fileOf = (kind, prefix) =>
    `${kind}-${[...prefix].map((c) => (/[a-z0-9]/.test(c) ? c : `-${c.codePointAt(0).toString(16)}`)).join("")}`;

  /** The files that may hold a term, or terms that start with it; a few at most. */
  const filesOf = ({ kind, term, start }, about) => {
    const leaves = about.leaves[kind] ?? [];
    const own = leaves.filter((leaf) => term.startsWith(leaf)).sort((a, b) => b.length - a.length)[0];
    const below = start ? leaves.filter((leaf) => leaf.length > term.length && leaf.startsWith(term)) : [];
    const tooMany = below.length > 4;
    const files = own === undefined ? [] : [own];
    return { files: tooMany ? files : [...new Set([...files, ...below])], tooMany };
  };

  /** Ordinals of a term: a map from ordinal to how well it fits; all from `floor` on are known. */
  const postings = async (wanted, about) => {
    const { files, tooMany } = filesOf(wanted, about);
    const found = new Map();
    let floor = 0;
    for (const shard of await Promise.all(files.map((leaf) => load(fileOf(wanted.kind, leaf))))) {
      for (const [term, [total, ...steps]] of Object.entries(shard)) {
        const exact = term === wanted.term;
        if (!exact && !(wanted.start && term.startsWith(wanted.term))) continue;
        let ordinal = 0;
        for (const [n, step] of steps.entries()) {
          ordinal = n ? ordinal - step : step;
          const rank = wanted.kind === "w" ? 0 : exact ? 2 : 1;
          found.set(ordinal, Math.max(found.get(ordinal) ?? 0, rank));
        }
        if (total > steps.length) floor = Math.max(floor, ordinal);
      }
    }
    return { found, floor, tooMany };
  };

  const union = (lists) => {
    const all = { found: new Map(), floor: 0, tooMany: false };
    for (const { found, floor, tooMany } of lists) {
      for (const [ordinal, rank] of found) all.found.set(ordinal, Math.max(all.found.get(ordinal) ?? 0, rank));
      all.floor = Math.max(all.floor, floor);
      all.tooMany ||= tooMany;
    }
    return all;
  };

  /** Changes in which every part fits, best and newest first. Parts that are too common to be listed whole are
      looked for in the words of the change itself, further down. */
  const search = async (text) => {
    const about = await load("about");
    const { parts, codebases } = parse(text, about);
    if (!parts.length) return { hits: [], about, codebases, short: true };
    const lists = await Promise.all(
      parts.map(async (terms) => union(await Promise.all(terms.map((term) => postings(term, about))))),
    );
    const order = [...lists.keys()].sort(
      (a, b) => (lists[a].floor > 0) - (lists[b].floor > 0) || lists[a].found.size - lists[b].found.size,
    );
    const base = lists[order[0]];
    const hits = [];
    for (const [ordinal, rank] of base.found) {
      let sum = rank, fits = true;
      const check = [];
      for (const other of order.slice(1)) {
        const { found, floor } = lists[other];
        if (found.has(ordinal)) sum += found.get(ordinal);
        else if (ordinal >= floor) fits = false;
        else check.push(parts[other]);
      }
      if (fits) hits.push({ ordinal, rank: sum, check });
    }
    hits.sort((a, b) => b.rank - a.rank || b.ordinal - a.ordinal);
    return { hits, about, codebases, floor: base.floor, tooMany: lists.some((each) => each.tooMany) };
  };

  /* ---- What is found, told ----------------------------------------------------------------------------- */

  const element = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined && text !== null) made.textContent = text;
    return made;
  };
  const within = (path) => new URL(path, root);
  const linked = (text, address) => {
    const url = address instanceof URL ? address : null;
    const outside = typeof address === "string" && /^https?:\/\//i.test(address) ? address : null;
    if (!url && !outside) return document.createTextNode(text);
    const made = element("a", "", text);
    made.href = url ? url.href : outside;
    return made;
  };

  const moment = (seconds, zone) => {
    const at = new Date(seconds * 1000);
    const time = element("time");
    time.dateTime = at.toISOString();
    time.title = time.dateTime;
    const part = (options) => new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }).format(at);
    time.textContent =
      `${part({ weekday: "short" })} ${part({ day: "numeric" })}\u00a0${part({ month: "short" })} ` +
      `${part({ year: "numeric" })}, ${part({ hour: "2-digit", minute: "2-digit" })}`;
    return time;
  };

  const HAPPENED = { delivered: "", withdrawn: "taken out of ", again: "back in " };

  /** One station: name above, time and deployment below. */
  const stop = (name, seconds, deployment, href, zone) => {
    const made = element("li", "db-stop");
    made.append(element("span", "db-stop__name", name), " ");
    const what = element("span", "db-stop__what");
    what.append(moment(seconds, zone));
    if (deployment) what.append(" by ", linked(deployment, href ? within(`deployments/${href}`) : null));
    made.append(what);
    return made;
  };

  /** A change, from its row in a chunk (made by pages/changes.py). */
  const tell = (row, zone) => {
    const [codebase, number, words, person, revision, url, anchor, week, state, merged, way] = row;
    const page = anchor ? `shipped/${week ?? "waiting"}/#${anchor}` : null;
    const item = element("li", "db-found__item");
    const title = element("p", "db-found__words");
    title.append(linked(words, page ? within(page) : url));
    const meta = element("p", "db-change__meta");
    const add = (...parts) => {
      const span = element("span");
      span.append(...parts);
      meta.append(span);
    };
    if (state) add(element("b", `db-found__state db-found__state--${TONES.includes(state[0]) ? state[0] : "quiet"}`, state[1]));
    add(linked(number, url));
    add(codebase);
    if (person) add(person);
    if (revision && revision !== number) add(revision);
    if (week) add(linked(`week ${Number(week.slice(-2))}, ${week.slice(0, 4)}`, within(`shipped/${week}/`)));
    const line = element("ol", "db-line");
    line.append(stop("merged", merged, null, null, zone));
    for (const [environment, at, deployment, href, event] of way)
      line.append(stop((HAPPENED[event] ?? "") + environment, at, deployment, href, zone));
    item.append(title, meta, line);
    return item;
  };

  const fits = (row, check, codebases, about) => {
    if (codebases.size && !codebases.has(row[0].toLowerCase())) return false;
    if (!check.length) return true;
    const words = wordsOf(`${row[2]} ${row[3] ?? ""}`, about.longest);
    return check.every((terms) => terms.some(({ term, start }) => words.some((w) => (start ? w.startsWith(term) : w === term))));
  };

  let turn = 0;
  let rest = null;

  /** Show up to ten more of what was found; false where a newer query took over. */
  const show = async (state, mine) => {
    const { hits, about, codebases } = state;
    let shown = 0;
    for (let looks = 0; looks < LOOKS && shown < PAGE && state.next < hits.length; looks += 1) {
      const ahead = hits.slice(state.next, state.next + PAGE);
      const chunkOf = (hit) => `c-${Math.floor(hit.ordinal / about.chunk)}`;
      const chunks = await Promise.all(ahead.map((hit) => load(chunkOf(hit))));
      if (mine !== turn) return false;
      for (const [n, hit] of ahead.entries()) {
        if (shown === PAGE) break;
        state.next += 1;
        const row = chunks[n][hit.ordinal % about.chunk];
        if (!row || !fits(row, hit.check, codebases, about)) continue;
        list.append(tell(row, about.zone));
        shown += 1;
      }
    }
    state.shown += shown;
    more.hidden = state.next >= hits.length;
    return true;
  };

  const sentence = ({ hits, shown, next, floor, tooMany, short, codebases }) => {
    if (short) return "Type a number, at least five letters of a revision, a word of the title, or a name.";
    const whole = next >= hits.length;
    const exact = !codebases.size && hits.every((hit) => !hit.check.length);
    let text;
    if (!shown && !whole) text = "None among the newest that may fit: add a word, or look through older ones.";
    else if (!shown) text = tooMany ? "Nothing yet: type more letters, and words that start so are found too." : "No change fits. Try fewer words, or only the number.";
    else if (whole) text = shown === 1 ? "One change." : `${shown} changes, newest first.`;
    else text = exact ? `${hits.length.toLocaleString("en-GB")} changes, the newest ${shown} shown.` : `The newest ${shown}; there may be older ones.`;
    if (floor && shown && whole) text += " So many fit that only the newest were looked through: add a word to find older ones.";
    return text;
  };

  const run = async () => {
    const mine = ++turn;
    const text = field.value;
    const address = new URL(location.href);
    if (text.trim()) address.searchParams.set("change", text.trim());
    else address.searchParams.delete("change");
    history.replaceState(null, "", address);
    if (!text.trim()) {
      list.replaceChildren();
      more.hidden = true;
      says.textContent = "";
      return;
    }
    try {
      const found = await search(text);
      if (mine !== turn) return;
      rest = { ...found, next: 0, shown: 0 };
      list.replaceChildren();
      if (!(await show(rest, mine))) return;
      says.textContent = sentence(rest);
    } catch {
      if (mine !== turn) return;
      more.hidden = true;
      says.textContent = "The index could not be read. It is served beside this page; opened as a file, it cannot be.";
    }
  };

  /* ---- Keys -------------------------------------------------------------------------------------------- */

  const links = () => [...list.querySelectorAll(".db-found__words a")];
  form.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const stops = [field, ...links()];
    const at = stops.indexOf(document.activeElement);
    if (step && at >= 0) {
      event.preventDefault();
      stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
    } else if (event.key === "Escape" && at > 0) {
      field.focus();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const first = links()[0];
    if (first && links().length === 1) first.click();
    else if (first) first.focus();
    else run();
  });

  let pause = 0;
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(run, 120);
  });
  more.addEventListener("click", async () => {
    const before = links().length;
    if (rest && (await show(rest, turn))) {
      says.textContent = sentence(rest);
      links()[before]?.focus();
    }
  });
  addEventListener("popstate", () => {
    field.value = new URL(location.href).searchParams.get("change") ?? "";
    run();
  });

  form.hidden = false;
  document.getElementById("find-off")?.remove();
  field.value = new URL(location.href).searchParams.get("change") ?? "";
  if (field.value) run();
})();
