// What is asked of the server: pages and parts of them, until it answers.
//
// All markup comes through one policy. While there is no connection it is said and tried again, so
// what was decided is not lost; the server stores it once, however often it is sent.
"use strict";

window.touchstone.asking = (() => {
  const LONGEST_WAIT_MS = 8000; // between tries while there is no connection
  const policy = window.trustedTypes
    ? window.trustedTypes.createPolicy("desk", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  const read = (text) => new DOMParser().parseFromString(policy.createHTML(text), "text/html");

  function warn(text) {
    const place = document.querySelector("#offline");
    if (!place) return;
    place.textContent = text;
    place.hidden = !text;
  }

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

  return { read, ask };
})();
