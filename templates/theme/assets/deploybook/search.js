/* The search index holds the words of the whole book, and Material asks for it as soon as a page opens. Here the
   question waits until a reader is about to search: with the field in focus, or with a query in the address. */
(() => {
  "use strict";

  const INDEX = "/search/search_index.json";
  const { open, send } = XMLHttpRequest.prototype;
  const held = [];
  let searching = new URLSearchParams(location.search).has("q");

  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    this.dbHeld = String(address).endsWith(INDEX);
    return open.call(this, method, address, ...rest);
  };

  XMLHttpRequest.prototype.send = function (body) {
    if (this.dbHeld && !searching) held.push(() => send.call(this, body));
    else send.call(this, body);
  };

  document.addEventListener("focusin", (event) => {
    if (searching || !event.target.matches(".md-search__input")) return;
    searching = true;
    for (const go of held.splice(0)) go();
  });
})();
