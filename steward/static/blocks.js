// What keys move on a page with several parts: conflicts of one customer, or rows of records.
//
// A block is a conflict with choices of its own. The one in focus is the one that keys are for.
"use strict";

window.touchstone.blocks = (() => {
  const every = () => [...document.querySelectorAll("[data-block]")];
  // The block in focus is the one that keys are for; until one has been chosen, the first.
  const now = () => every().find((block) => block.contains(document.activeElement)) || every()[0] || null;

  function focus(block) {
    (block.querySelector("[type=radio]:checked") || block.querySelector("[type=radio]")).focus();
    block.scrollIntoView({ block: "nearest" });
  }

  function move(event) {
    const all = every();
    const at = all.findIndex((block) => block.contains(document.activeElement));
    const next = at < 0 || event.altKey ? null : all[at + (event.shiftKey ? -1 : 1)];
    if (!next) return false;
    event.preventDefault();
    focus(next);
    return true;
  }

  function settle() {
    if (every().length && !every().some((block) => block.contains(document.activeElement))) focus(every()[0]);
    countChosen();
  }

  function countChosen() {
    const place = document.querySelector("[data-chosen]");
    if (place) place.textContent = `${document.querySelectorAll("[data-block] [type=radio]:checked").length} of ${place.dataset.of}`;
  }

  // What is typed is what is chosen.
  document.addEventListener("input", (event) => {
    const line = event.target.closest("[data-block] .opt.x");
    if (line && event.target.value) line.querySelector("[type=radio]").checked = true;
    if (event.target.closest("[data-block]")) countChosen();
  });

  // In a table of records the arrows choose a row, and a digit puts that record into a group.
  function moveRow(event, key) {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return false;
    const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
    const step = { arrowdown: 1, arrowup: -1 }[key];
    if (step) {
      event.preventDefault();
      rows.forEach((row) => row.removeAttribute("aria-current"));
      const row = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
      row.setAttribute("aria-current", "true");
      row.scrollIntoView({ block: "nearest" });
      return true;
    }
    const choice = at < 0 ? null : rows[at].querySelector(`input[value="${CSS.escape(key)}"]`);
    if (!choice || !/^[1-9]$/.test(key)) return false;
    event.preventDefault();
    choice.click();
    return true;
  }

  return { now, move, settle, moveRow };
})();
