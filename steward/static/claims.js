// What this page holds: the item on the screen, and the one that is kept to follow it.
//
// What is on no screen any more is let go of at once, so that others can have it. The server knows a
// claim by when it ends, so word of an old one harms no newer one, whenever it comes.
"use strict";

window.touchstone = (() => {
  const held = new Map(); // by item, until when at the most
  let follows = ""; // the item that is kept to follow

  function hold(page) {
    const main = page.querySelector("[data-item]");
    const until = main && main.querySelector("[data-until]");
    if (until) held.set(main.dataset.item, until.dataset.until);
    for (const mate of page.querySelectorAll("[data-with]")) held.set(mate.dataset.with, mate.dataset.withUntil);
    return until ? main.dataset.item : "";
  }

  // Other items that are decided on the same page.
  const mates = () => [...document.querySelectorAll("[data-with]")];

  function leave(item) {
    const body = new URLSearchParams({ until: held.get(item) });
    held.delete(item);
    navigator.sendBeacon(`/items/${item}/leave`, body);
  }

  // Whoever looks at an item's customers, or at pairs like it, is still at work on it.
  function isAtWork() {
    const [, part, name, more] = location.pathname.split("/");
    if (part === "customers") return Boolean(name) && name !== "new";
    return part === "items" && Boolean(more) && held.has(name);
  }

  const claims = {
    sending: 0, // posts that are under way

    // Another page is on the screen.
    settle() {
      const item = hold(document);
      if (!item && isAtWork()) return;
      const main = document.querySelector("[data-item]");
      const stays = item ? [item, main.dataset.next ? follows : "", ...mates().map((one) => one.dataset.with)] : [];
      for (const one of [...held.keys()]) if (!stays.includes(one)) leave(one);
    },

    // The page of what will follow is here, or there is none; or it came too late.
    keep(page, isInTime) {
      const item = page ? hold(page) : "";
      if (isInTime) follows = item;
      claims.settle();
    },

    // The claim lasts longer; or it has been left while that was asked for.
    renew(item, until) {
      const isLeft = !held.has(item);
      held.set(item, until);
      if (isLeft) leave(item);
      else for (const mate of mates()) held.set(mate.dataset.with, mate.dataset.withUntil = until);
    },

    // The server has let go of this item already, or of all: nobody is signed in.
    forget(item) {
      if (item) held.delete(item);
      else held.clear();
    },
  };

  // A page that is closed lets go of all; but an answer that is under way needs its claim.
  window.addEventListener("pagehide", () => {
    if (!claims.sending) [...held.keys()].forEach(leave);
  });

  return { claims };
})();
