// Keys: each does what the element does that it is printed on, and the list is made of the same.
//
// Nothing counts until the page is armed, a while after it was painted (desk.js), so that nothing is
// decided unseen.
"use strict";

window.touchstone.keys = (() => {
  const { blocks } = window.touchstone; // blocks.js
  const GOING_MS = 1500; // after G, for the letter of a section
  const NAMES = { enter: "↵", escape: "Esc" };
  const root = document.documentElement;
  const $ = (selector) => document.querySelector(selector);
  let goes = 0; // when G was pressed

  const typing = (target) => target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select");
  const keysWay = () => ($("[data-keys]") ? $("[data-keys]").dataset.keys : "plain");
  // Keys of one's own: the letter of the desk by the key, and what to print on a button.
  const ownKeys = () => new Map((($("[data-keymap]") || { dataset: { keymap: "" } }).dataset.keymap)
    .split(" ").filter(Boolean).map((pair) => pair.split("=")));
  const meantBy = (key) => {
    const own = ownKeys();
    return own.get(key) || ([...own.values()].includes(key) ? "" : key);
  };
  const keyFor = (letter) => ([...ownKeys()].find(([, meant]) => meant === letter) || [letter])[0];

  function print() {
    if (!ownKeys().size) return;
    for (const element of document.querySelectorAll("[data-key]")) {
      const next = element.nextElementSibling;
      const kbd = element.querySelector("kbd") || (next && next.matches("kbd") ? next : null);
      if (kbd && /^[a-z]$/.test(element.dataset.key)) kbd.textContent = keyFor(element.dataset.key).toUpperCase();
    }
  }

  // With Alt some layouts write another letter; which key it was is told apart from that.
  const letterOf = (event) => (/^(Key|Digit)/.test(event.code) ? event.code.replace(/^(Key|Digit)/, "") : event.key);
  const seen = (element) => element.offsetParent !== null || element.getClientRects().length > 0;

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "Tab" && keysWay() !== "off" && blocks.move(event)) return;
    const way = keysWay(); // whoever speaks to the machine, or shares its keys, has them otherwise
    if (event.altKey !== (way === "alt") && event.key !== "Escape") return;
    if (way === "off" && event.key !== "Escape") return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || $("dialog[open]")) return;
    if (event.repeat) { if (event.key.length === 1) event.preventDefault(); return; }
    if (event.key === "?") { list(); return; }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const isForeign = /^\p{L}$/u.test(event.key) && !/\p{Script=Latin}/u.test(event.key); // Cyrillic, say
    const pressed = (way === "alt" || isForeign ? letterOf(event) : event.key).toLowerCase();
    const isGoing = Date.now() - goes < GOING_MS;
    const key = isGoing ? pressed : meantBy(pressed); // the ways to other pages keep their letters
    if (isGoing) {
      goes = 0;
      press(`[data-go="${CSS.escape(key)}"]`, event);
      return;
    }
    if (key === "g" && $("[data-go]")) { goes = Date.now(); return; }
    if (blocks.moveRow(event, key)) return;
    press(`[data-key="${CSS.escape(key)}"]`, event);
  });

  function press(selector, event) {
    const here = blocks.now();
    const found = [...document.querySelectorAll(selector)].filter((one) => !one.disabled && seen(one)
      && [null, here].includes(one.closest("[data-block]")));
    const element = found.find((one) => here && here.contains(one)) || found[0];
    if (!element) return;
    event.preventDefault();
    if (!root.dataset.armed) return;
    if (element.matches("textarea, input:not([type=radio]):not([type=checkbox])")) element.focus();
    else element.click();
    if (element.matches("[type=radio]")) element.focus();
  }

  function list() {
    const dialog = $("#keys");
    const lines = dialog && dialog.querySelector("dl");
    if (!lines) return;
    const told = new Map();
    for (const element of document.querySelectorAll("[data-key], [data-go], [data-lists]")) {
      if (!seen(element) || element.disabled) continue;
      const { key: one, go, lists } = element.dataset;
      const key = lists || (one ? keyFor(one) : `g ${go}`);
      const says = element.dataset.does || element.getAttribute("aria-label") || element.innerText;
      if (!told.has(key)) told.set(key, says.replace(/\s+/g, " ").trim());
    }
    lines.replaceChildren(...[...told].flatMap(([key, says]) => {
      const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
      term.append(...key.split(" ").map((part) => {
        const kbd = document.createElement("kbd");
        kbd.textContent = NAMES[part] || part.toUpperCase();
        return kbd;
      }));
      meaning.textContent = says.replace(/\s(.|Esc)$/u, "");
      return [term, meaning];
    }));
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("#show-keys")) list();
  });

  return { print };
})();
