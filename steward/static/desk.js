// The desk's own layer: pages change in place, and nothing is decided unseen.
//
// Every act is a link or a form that works without this script. An element with data-key is what
// that key does (keys.js); parts of a page are drawn after it (parts.js).
"use strict";

(() => {
  const ARMING_MS = 300;        // after the new page is painted; until then keys do nothing
  const RENEW_MS = 60000;       // a claim is renewed by activity, no more often than this
  const AGAIN_MS = 1500;        // until a run that is under way is looked at again
  const LEADS_ON = /^\/items\/([^/]+)\/(?:verdict|skip|escalate)$/;
  const { claims, blocks, keys, parts } = window.touchstone; // a file each
  const { read, ask } = window.touchstone.asking;
  const root = document.documentElement;
  const $ = (selector) => document.querySelector(selector);
  const placeNow = () => location.pathname + location.search;
  let busy = false;
  let place = ""; // the address of the page that is shown, without the part of it
  let renewed = Date.now();
  let hand = null; // the page of the item that will follow: of which page, its mark, address, text

  // ---- what is on the screen -------------------------------------------------------------------

  function arm() {
    delete root.dataset.armed;
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {
      busy = false;
      root.dataset.armed = "yes";
    }, ARMING_MS)));
  }

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
    keys.print();
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
      await parts.load();
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

  function say() {
    const told = $("[data-status]");
    const place = $("#says");
    if (told && place) place.textContent = told.dataset.status;
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

  // ---- from page to page -----------------------------------------------------------------------

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

  document.addEventListener("keydown", renew);
  document.addEventListener("pointerdown", renew);

  setInterval(tick, 1000);
  tick();
  say();
  keys.print();
  begin();
  sendKept();
})();
