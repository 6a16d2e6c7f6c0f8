/* Who do I ask about this file? Looks up a path in the rules beside the page (owners/rules.json, made by pages/owners.py)
   as GitHub or GitLab would. Everything from there is text: it reaches the page by textContent only. */
(() => {
  "use strict";

  const form = document.getElementById("ask");
  const field = document.getElementById("ask-path");
  const says = document.getElementById("ask-says");
  if (!form || !field || !says) return;
  const LONGEST = 400;

  let asked;
  const rules = () =>
    (asked ??= fetch(new URL(form.dataset.rules, location.href), { cache: "no-cache" }).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    }));

  /** The rules that win for a path: the last that matches, in each section; an exclusion ends its section. */
  const answers = (codebase, path) => {
    const subject = codebase.dialect === "gitlab" ? `/${path}` : path;
    const last = new Map(), excluded = new Set();
    for (const rule of codebase.rules) {
      if (!new RegExp(rule.expression).test(subject)) continue;
      if (rule.excludes) excluded.add(rule.section);
      else last.set(rule.section, rule);
    }
    return [...last.values()].filter((rule) => !excluded.has(rule.section));
  };

  const line = (tag, text, name) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };

  const list = (names) => names.join(", ").replace(/, ([^,]*)$/, " and $1");

  const told = (codebase, path) => {
    const item = document.createElement("li");
    item.className = "db-asked";
    const rule = answers(codebase, path);
    const owners = [...new Set(rule.flatMap((each) => each.owners))];
    const name = owners.length ? list(owners) : codebase.owner ?? "nobody";
    item.append(line("b", name), line("span", ` in ${codebase.codebase}`));
    let why = codebase.owner ? `No rule of CODEOWNERS matches; the codebase’s owner stands, by ${codebase.by}.` : "No rule matches, and the codebase has no owner.";
    if (owners.length) why = rule.map((each) => `${codebase.file}, line ${each.line}: ${each.pattern}`).join("; ");
    else if (rule.length) why = `${codebase.file}, line ${rule[0].line}, names nobody for ${rule[0].pattern}` + (codebase.owner ? `; the codebase’s owner stands, by ${codebase.by}.` : ".");
    item.append(line("small", why));
    return item;
  };

  const run = async () => {
    const typed = field.value.trim().slice(0, LONGEST).replace(/^\.?\/+/, "").replace(/\\/g, "/");
    if (!typed) return says.replaceChildren();
    try {
      const { codebases } = await rules();
      const [first, ...rest] = typed.split("/");
      const named = codebases.find((each) => each.codebase === first && rest.length);
      const path = named ? rest.join("/") : typed;
      const fits = (each) => !each.folder || path.startsWith(`${each.folder}/`);
      const within = named ? [named] : codebases.filter(fits);
      // Which codebase is meant: the one that has most of the path's folders; where several do, all of them.
      const parts = path.split("/");
      const depth = (each) => parts.findLastIndex((_, at) => each.places.includes(parts.slice(0, at + 1).join("/")));
      const best = Math.max(...within.map(depth));
      const shown = within.filter((each) => depth(each) === best && (each.rules.length || each.owner));
      if (!shown.length) return says.replaceChildren(line("li", "No codebase with an owner has such a path."));
      says.replaceChildren(...shown.map((each) => told(each, path)));
    } catch {
      says.replaceChildren(line("li", "The rules could not be read. They are served beside this page; opened as a file, they cannot be."));
    }
  };

  let pause = 0;
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(run, 120);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });

  form.hidden = false;
  field.value = new URL(location.href).searchParams.get("path") ?? "";
  if (field.value) run();
})();
