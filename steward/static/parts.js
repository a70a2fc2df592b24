// Parts of a page that the server draws after the page: what costs it more, and what depends on
// what is chosen or typed.
"use strict";

window.touchstone.parts = (() => {
  const { read, ask } = window.touchstone.asking; // asking.js
  const TYPING_MS = 350;   // after the last letter what is typed is looked at
  const CHOOSING_MS = 150; // after the last choice what comes of it is drawn
  let due = 0;
  let asked = 0;

  async function load() {
    for (const place of document.querySelectorAll("[data-load]")) {
      const { answer, text } = await ask(place.dataset.load).catch(() => ({}));
      if (answer && answer.ok && place.isConnected && place.dataset.load) fill(place, text);
    }
  }

  function fill(place, text) {
    const aim = aimed();
    place.replaceChildren(...read(text).body.childNodes);
    place.removeAttribute("data-load");
    if (aim) aim.scrollIntoView();
  }

  // Whoever went to a part of the page still has it before them when what is above it has grown.
  function aimed() {
    const aim = document.getElementById(location.hash.slice(1));
    if (!aim) return null;
    const { top, bottom } = aim.getBoundingClientRect();
    return bottom > 0 && top < innerHeight ? aim : null;
  }

  document.addEventListener("change", (event) => {
    const form = event.target.form; // what is chosen may stand elsewhere than its form
    if (form && form.matches("[data-live]:not([data-typing])")) later(form, CHOOSING_MS);
  });

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-typing]");
    if (form) later(form, TYPING_MS);
  });

  function later(form, pause) {
    clearTimeout(due);
    asked += 1; // an answer that is still under way is of what was chosen before
    due = setTimeout(() => preview(form), pause);
  }

  async function preview(form) {
    const place = document.querySelector(form.dataset.live);
    const turn = asked;
    const { answer, text } = await ask(form.dataset.from, [...new FormData(form)].map(([n, v]) => [n, String(v)]));
    if (answer.ok && turn === asked && form.isConnected) fill(place, text);
  }

  document.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick) pickSide(pick);
  });

  // The other side's value is taken; both sides again means that the rules decide.
  function pickSide(button) {
    const row = button.closest("[data-side]");
    const next = row.dataset.side === "a" ? "b" : "a";
    row.dataset.side = next;
    const field = row.querySelector("input");
    field.value = next === row.dataset.rule ? "" : next;
    const place = document.querySelector("#says");
    if (place) place.textContent = `${row.dataset.name}: taken from ${next.toUpperCase()}`;
  }

  return { load };
})();
