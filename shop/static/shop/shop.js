/* The shop works without this file. It keeps an order's page fresh and stops double clicks. */
"use strict";

/* --- A form marked data-once is sent once per page view (the server refuses doubles anyway). --- */

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.querySelector("button").setAttribute("aria-disabled", "true");
  });
}

addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // back from another page: the form may be sent again
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("button").removeAttribute("aria-disabled");
  }
});

/* --- A refused form: go straight to the first field that needs a look. --- */

document.querySelector("[aria-invalid='true']")?.focus();

/* --- The order page: ask for the timeline until nothing more will happen. --- */

const FIRST_WAIT = 500; // ms; most orders are through in two seconds
const LONGEST_WAIT = 15000; // ms; an order that waits for a provider may take minutes
const BACKOFF = 1.5;

function follow(page) {
  const events = page.querySelector("[data-events]");
  const offline = page.querySelector("[data-offline]");
  let wait = FIRST_WAIT;
  let seen = "";

  function line(event) {
    const item = document.createElement("li");
    const text = document.createElement("span");
    const time = document.createElement("time");
    item.className = event.kind + " new";
    item.dataset.id = event.id;
    text.textContent = event.message;
    time.dateTime = event.at;
    time.textContent = event.at_text;
    item.append(text, " ", time);
    return item;
  }

  function show(progress) {
    const known = new Set([...events.children].map((item) => item.dataset.id));
    for (const event of progress.events) {
      if (!known.has(String(event.id))) events.append(line(event));
    }
    const headline = page.querySelector("[data-headline]");
    if (headline.textContent !== progress.headline) {
      headline.textContent = progress.headline;
      page.querySelector("[data-banner]").className = "banner " + progress.state;
      document.title = document.title.replace(/: .* – /, ": " + progress.headline + " – ");
    }
    page.querySelector("[data-detail]").textContent = progress.detail;
    page.querySelector("[data-again]").hidden = !progress.can_reorder;
    page.dataset.final = progress.final;
  }

  async function ask() {
    try {
      const answer = await fetch(page.dataset.timeline, { headers: { Accept: "application/json" } });
      if (answer.status === 404) return; // the order is gone; asking again won't bring it back
      if (!answer.ok) throw new Error(answer.status);
      const progress = await answer.json();
      const news = JSON.stringify(progress);
      if (news !== seen) wait = FIRST_WAIT; // something moves: look closely
      seen = news;
      show(progress);
      offline.hidden = true;
      if (progress.final) return;
    } catch {
      offline.hidden = false;
    }
    later();
  }

  function later() {
    setTimeout(() => {
      if (!document.hidden) return ask();
      document.addEventListener("visibilitychange", ask, { once: true });
    }, wait);
    wait = Math.min(wait * BACKOFF, LONGEST_WAIT);
  }

  later();
}

for (const page of document.querySelectorAll("[data-timeline][data-final='false']")) follow(page);
