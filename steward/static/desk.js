// The desk's own layer: pages change in place, keys decide, and nothing is decided unseen.
//
// Every act is a link or a form that works without this script. An element with data-key is what
// that key does; the list of keys is made of the same elements, so it cannot be wrong.
"use strict";

(() => {
  const ARMING_MS = 300;        // after the new page is painted; until then keys do nothing
  const RENEW_MS = 60000;       // a claim is renewed by activity, no more often than this
  const TYPING_MS = 350;        // after the last letter what is typed is looked at
  const CHOOSING_MS = 150;      // after the last choice what comes of it is drawn
  const AGAIN_MS = 1500;        // until a run that is under way is looked at again
  const LEADS_ON = /^\/items\/([^/]+)\/(?:verdict|skip|escalate)$/;
  const LONGEST_WAIT_MS = 8000; // between tries while there is no connection
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("desk", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const root = document.documentElement;
  const $ = (selector) => document.querySelector(selector);
  const placeNow = () => location.pathname + location.search;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  let busy = false;
  let place = ""; // the address of the page that is shown, without the part of it
  let goes = 0; // when G was pressed
  let renewed = Date.now();
  const { claims, blocks } = window.touchstone; // claims.js, blocks.js
  let hand = null; // the page of the item that will follow: of which page, its mark, address, text

  // ---- what is on the screen -------------------------------------------------------------------

  function arm() {
    delete root.dataset.armed;
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
      busy = false;
      root.dataset.armed = "yes";
    }, ARMING_MS)));
  }

  const read = (text) => new DOMParser().parseFromString(policy.createHTML(text), "text/html");

  function show(text, url, moves) {
    const page = read(text);
    document.body.replaceChildren(...page.body.childNodes);
    if (moves && url !== location.href) history.pushState({}, "", url);
    look(page.title);
    begin();
  }

  function look(title) {
    document.title = title;
    const first = $("[data-focus]") || $("#main");
    if (first) {
      if (!first.hasAttribute("tabindex")) first.setAttribute("tabindex", "-1");
      first.focus({ preventScroll: true });
    }
    window.scrollTo(0, 0);
    renewed = Date.now();
    say();
    tick();
    printKeys();
  }

  // On a phone the sections are a strip that is wider than the screen.
  function showSection() {
    const here = $(".top nav [aria-current]");
    if (!here) return;
    const strip = here.parentElement;
    strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - 60;
  }

  function begin() {
    place = placeNow();
    showSection();
    arm();
    blocks.settle();
    load();
    follow();
    claims.settle();
  }

  // Parts that cost the server more are fetched once the page is painted, and then the next page.
  function load() {
    hand = null;
    const main = $("#main");
    requestAnimationFrame(() => setTimeout(async () => {
      for (const place of document.querySelectorAll("[data-load]")) {
        const { answer, text } = await ask(place.dataset.load).catch(() => ({}));
        if (answer && answer.ok && place.isConnected && place.dataset.load) fill(place, text);
      }
      if (main && main.isConnected && main.dataset.next) hold(main);
    }));
  }

  // The item that will follow is kept for this person, and its page is had before it is asked for.
  async function hold(main) {
    const answer = await fetch(main.dataset.next, { credentials: "same-origin" }).catch(() => null);
    if (!answer || !answer.ok) return;
    const text = await answer.text().catch(() => "");
    const page = answer.headers.get("at-hand") && text ? read(text) : null;
    claims.keep(page, main.isConnected);
    if (!page || !main.isConnected) return;
    const url = new URL(answer.headers.get("content-location"), location.href).href;
    hand = { main, mark: answer.headers.get("at-hand"), url, page };
  }

  // It is put on the screen at once. Its keys do nothing until the answer is stored.
  function put({ page }) {
    for (const part of [".main", ".side", ".ofrun"]) $(part).replaceWith(page.querySelector(part));
    look(page.title);
  }

  // The answer is stored, and the page that is shown already is that of the next item.
  function confirm(text, url) {
    const news = read(text).querySelector("[data-told]");
    $(".rail").replaceWith(news.querySelector(".rail"));
    const count = $("nav [aria-current] .num");
    if (count) count.textContent = news.dataset.count;
    for (const shown of document.querySelectorAll("[data-until]")) shown.dataset.until = news.dataset.until;
    if (url !== location.href) history.pushState({}, "", url);
    tick();
    begin();
  }

  function fill(place, text) {
    place.replaceChildren(...read(text).body.childNodes);
    place.removeAttribute("data-load");
  }

  function say() {
    const told = $("[data-status]");
    const place = $("#says");
    if (told && place) place.textContent = told.dataset.status;
  }

  function warn(text) {
    const place = $("#offline");
    if (!place) return;
    place.textContent = text;
    place.hidden = !text;
  }

  // What is under way is looked at again until it has ended, unless somebody is at the keys.
  function follow() {
    const place = $("[data-again]");
    if (!place) return;
    setTimeout(() => {
      if (place.isConnected && !busy && !$("dialog[open]")) go(place.dataset.again);
    }, AGAIN_MS);
  }

  function tick() {
    for (const element of document.querySelectorAll("[data-until]")) {
      const left = Math.max(0, Math.round((Date.parse(element.dataset.until) - Date.now()) / 1000));
      element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    }
  }

  // ---- asking the server -----------------------------------------------------------------------

  async function ask(url, body, more = {}) {
    const how = { headers: { Accept: "text/html", ...more }, credentials: "same-origin" };
    if (body !== undefined) Object.assign(how, { method: "POST", body: new URLSearchParams(body) });
    for (let pause = 500; ; pause = Math.min(pause * 2, LONGEST_WAIT_MS)) {
      try {
        const answer = await fetch(url, how);
        const text = await answer.text();
        warn("");
        return { answer, text };
      } catch {
        warn(body === undefined
          ? "No connection. Trying again…"
          : "Not saved yet: no connection. Trying again; leave this page open.");
        await wait(pause);
      }
    }
  }

  async function go(url, body) {
    if (busy) return;
    busy = true;
    delete root.dataset.armed;
    const owner = $("[data-me]") ? $("[data-me]").dataset.me : "";
    const led = body === undefined ? null : new URL(url, location.href).pathname.match(LEADS_ON);
    const next = led ? hand : null;
    const isAtHand = next !== null && next.main.isConnected;
    if (isAtHand) put(next);
    claims.sending += body === undefined ? 0 : 1;
    const { answer, text } = await ask(url, body, isAtHand ? { "At-Hand": next.mark } : {});
    claims.sending -= body === undefined ? 0 : 1;
    if (answer.status === 401) claims.forget();
    if (led && answer.ok) claims.forget(led[1]); // whoever answers an item has let go of it
    if (isAtHand && answer.headers.get("at-hand") === next.mark) {
      confirm(text, next.url);
      return;
    }
    if (!(answer.headers.get("content-type") || "").startsWith("text/html")) {
      location.assign(url);
      return;
    }
    if (answer.status === 401 && body !== undefined) keep(owner, url, body);
    show(text, answer.url, body === undefined || answer.redirected);
  }

  // What was decided when the session had ended is sent once the same person has signed in again.
  function keep(owner, url, body) {
    sessionStorage.setItem("kept", JSON.stringify({ who: owner, url, body: [...new URLSearchParams(body)] }));
  }

  function sendKept() {
    const kept = JSON.parse(sessionStorage.getItem("kept") || "null");
    const who = $("[data-me]");
    if (!kept || !who) return;
    sessionStorage.removeItem("kept");
    if (kept.who === who.dataset.me) go(kept.url, kept.body);
  }

  function renew() {
    const claim = $("[data-renew]");
    if (!claim || Date.now() - renewed < RENEW_MS) return;
    renewed = Date.now();
    fetch(claim.dataset.renew, { method: "POST", body: new URLSearchParams() })
      .then((answer) => (answer.ok ? answer.text() : ""))
      .then((until) => {
        if (!until) return;
        if (claim.isConnected) $("[data-until]").dataset.until = until;
        claims.renew(claim.dataset.item, until);
      })
      .catch(() => {});
  }

  // ---- links and forms -------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick) { pickSide(pick); return; }
    if (event.target.closest("#show-keys")) { listKeys(); return; }
    if (event.target.closest("dialog button")) return;
    const link = event.target.closest("a[href]");
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!link || !plain || link.origin !== location.origin || link.hasAttribute("download")) return;
    if (link.target || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    go(link.href);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog" || form.hasAttribute("data-whole")) return;
    event.preventDefault();
    const fields = [...new FormData(form, event.submitter)].map(([name, value]) => [name, String(value)]);
    const url = (event.submitter && event.submitter.getAttribute("formaction")) || form.action;
    if (form.method === "post") go(url, fields);
    else go(`${url.split("?")[0]}?${new URLSearchParams(fields)}`);
  });

  window.addEventListener("pageshow", (event) => { if (event.persisted) go(location.href); });
  window.addEventListener("popstate", () => {
    if (placeNow() === place) return; // only to another part of this page
    busy = false;
    go(location.href);
  });

  // The other side's value is taken; both sides again means that the rules decide.
  function pickSide(button) {
    const row = button.closest("[data-side]");
    const next = row.dataset.side === "a" ? "b" : "a";
    row.dataset.side = next;
    const field = row.querySelector("input");
    field.value = next === row.dataset.rule ? "" : next;
    const place = $("#says");
    if (place) place.textContent = `${row.dataset.name}: taken from ${next.toUpperCase()}`;
  }

  // ---- keys ------------------------------------------------------------------------------------

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

  function printKeys() {
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
    renew();
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "Tab" && keysWay() !== "off" && blocks.move(event)) return;
    const way = keysWay(); // whoever speaks to the machine, or shares its keys, has them otherwise
    if (event.altKey !== (way === "alt") && event.key !== "Escape") return;
    if (way === "off" && event.key !== "Escape") return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || $("dialog[open]")) return;
    if (event.repeat) { if (event.key.length === 1) event.preventDefault(); return; }
    if (event.key === "?") { listKeys(); return; }
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const pressed = (way === "alt" ? letterOf(event) : event.key).toLowerCase();
    const key = goes ? pressed : meantBy(pressed); // the ways to other pages keep their letters
    if (goes && Date.now() - goes < 1500) {
      goes = 0;
      press(`[data-go="${CSS.escape(key)}"]`, event);
      return;
    }
    if (key === "g" && $("[data-go]")) { goes = Date.now(); return; }
    if (blocks.moveRow(event, key)) return;
    press(`[data-key="${CSS.escape(key)}"]`, event);
  });

  document.addEventListener("pointerdown", renew);

  function press(selector, event) {
    const here = blocks.now();
    const found = [...document.querySelectorAll(selector)].filter((one) => !one.disabled && seen(one)
      && [null, here].includes(one.closest("[data-block]")));
    const element = found.find((one) => here && here.contains(one)) || found[0];
    if (!element) return;
    event.preventDefault();
    if (busy || !root.dataset.armed) return;
    if (element.matches("textarea, input:not([type=radio]):not([type=checkbox])")) element.focus();
    else element.click();
    if (element.matches("[type=radio]")) element.focus();
  }

  // ---- the list of keys, and parts that are drawn anew -----------------------------------------

  function listKeys() {
    const dialog = $("#keys");
    const list = dialog && dialog.querySelector("dl");
    if (!list) return;
    const told = new Map();
    for (const element of document.querySelectorAll("[data-key], [data-go]")) {
      if (!seen(element) || element.disabled) continue;
      const key = element.dataset.key ? keyFor(element.dataset.key) : `g ${element.dataset.go}`;
      const says = element.dataset.does || element.getAttribute("aria-label") || element.innerText;
      if (!told.has(key)) told.set(key, says.replace(/\s+/g, " ").trim());
    }
    list.replaceChildren(...[...told].flatMap(([key, says]) => {
      const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
      term.append(...key.split(" ").map((part) => {
        const kbd = document.createElement("kbd");
        kbd.textContent = part === "enter" ? "↵" : part.toUpperCase();
        return kbd;
      }));
      meaning.textContent = says.replace(/\s(.|↵)$/u, "");
      return [term, meaning];
    }));
    dialog.showModal();
  }

  document.addEventListener("change", (event) => {
    const form = event.target.form; // what is chosen may stand elsewhere than its form
    if (form && form.matches("[data-live]:not([data-typing])")) later(form, CHOOSING_MS);
  });

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-typing]");
    if (form) later(form, TYPING_MS);
  });

  let due = 0;
  let asked = 0;
  function later(form, pause) {
    clearTimeout(due);
    asked += 1; // an answer that is still under way is of what was chosen before
    due = setTimeout(() => preview(form), pause);
  }

  // A part of the page that depends on what is chosen is drawn anew by the server.
  async function preview(form) {
    const place = $(form.dataset.live);
    const turn = asked;
    const { answer, text } = await ask(form.dataset.from, [...new FormData(form)].map(([n, v]) => [n, String(v)]));
    if (answer.ok && turn === asked && form.isConnected) fill(place, text);
  }

  setInterval(tick, 1000);
  tick();
  say();
  printKeys();
  begin();
  sendKept();
})();
