/* Charts answer: what lies next to the pointer says what it is, and leads to its rows. Tab goes to a chart's newest
   point, the arrows from point to point, Enter to the rows. Without this script a point is a link with a title. */
(() => {
  "use strict";

  const REACH = 28; // Pixels: how near is near. A finger is coarser than a dot.
  const SHAPES = "path, circle, line, rect";
  const tip = document.createElement("div");
  tip.className = "db-tip";
  tip.hidden = true;

  let shown = null; // The mark that is told, and whether a finger asked for it.

  const hide = () => {
    shown?.classList.remove("db-near");
    shown = null;
    tip.hidden = true;
  };

  /** The link of a mark that has one. */
  const target = (mark) => mark.closest("a")?.getAttribute("href");

  const show = (mark, byFinger) => {
    if (shown !== mark) hide();
    shown = mark;
    mark.classList.add("db-near");
    const words = document.createElement("span");
    words.textContent = mark.dataset.dbSays;
    tip.replaceChildren(words);
    const href = target(mark);
    if (byFinger && href) {
      const way = document.createElement("a");
      way.href = href;
      way.textContent = "Its rows";
      tip.append(way);
    }
    tip.hidden = false;
    const at = mark.getBoundingClientRect(), size = tip.getBoundingClientRect();
    const middle = at.left + at.width / 2 - size.width / 2;
    const above = at.top - size.height - 8;
    tip.style.left = `${Math.max(8, Math.min(middle, document.documentElement.clientWidth - size.width - 8))}px`;
    tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  };

  /** Take over the titles of a chart, once: its marks from left to right. */
  const marksOf = (chart) => {
    if (!chart.dbMarks) {
      chart.dbMarks = [...chart.querySelectorAll("title")].map((title) => {
        const mark = title.parentElement;
        mark.dataset.dbSays = title.textContent;
        const link = mark.closest("a");
        (link ?? mark).setAttribute("aria-label", title.textContent);
        if (!link) mark.setAttribute("role", "img");
        title.remove();
        return mark;
      });
    }
    return chart.dbMarks;
  };

  const nearest = (chart, event) => {
    let best = null, least = REACH;
    for (const mark of marksOf(chart)) {
      const box = mark.getBoundingClientRect();
      const x = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      const y = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
      const far = Math.hypot(x, y);
      if (far < least) [best, least] = [mark, far];
    }
    return best;
  };

  const listen = (chart) => {
    let near = null;
    const look = (event) => {
      near = nearest(chart, event);
      chart.classList.toggle("db-svg--leads", Boolean(near && target(near)));
      if (near) show(near, event.pointerType === "touch");
      else hide();
    };
    chart.addEventListener("pointermove", (event) => event.pointerType !== "touch" && look(event));
    chart.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hide());
    chart.addEventListener("click", (event) => {
      const touched = event.pointerType === "touch";
      if (touched && event.isTrusted) {
        event.preventDefault(); // The first touch tells; the link in what it tells leads on.
        look(event);
      } else if (near && event.isTrusted && !event.target.closest("a") && target(near)) {
        const { ctrlKey, metaKey, shiftKey } = event;
        const again = { bubbles: true, cancelable: true, view: window, ctrlKey, metaKey, shiftKey };
        near.closest("a").dispatchEvent(new MouseEvent("click", again));
      }
    });
    const links = [...chart.querySelectorAll("a")].filter((link) => link.querySelector("title"));
    if (!links.length) return;
    const ordered = () => {
      const places = new Map(links.map((link) => [link, link.querySelector(SHAPES).getBoundingClientRect().left]));
      return [...links].sort((a, b) => places.get(a) - places.get(b));
    };
    ordered().at(-1).setAttribute("tabindex", "0");
    chart.addEventListener("focusin", (event) => {
      marksOf(chart);
      show(event.target.closest("a").querySelector(SHAPES), false);
    });
    chart.addEventListener("focusout", (event) => tip.contains(event.relatedTarget) || hide());
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
      if (event.key === "Escape") hide();
      if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const order = ordered();
      const from = order.indexOf(document.activeElement);
      const next = order[Math.max(0, Math.min(order.length - 1, from + step))];
      for (const link of links) link.setAttribute("tabindex", link === next ? "0" : "-1");
      next.focus({ preventScroll: true });
    });
  };

  for (const chart of document.querySelectorAll(".db-svg")) {
    if (chart.querySelector("title")) listen(chart);
  }
  document.body.append(tip);
  addEventListener("scroll", hide, { passive: true });
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".db-svg, .db-tip")) hide();
  });
})();
