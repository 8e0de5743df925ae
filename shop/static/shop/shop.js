/* The shop works without this file. With it, the cart adds up by itself, an order's page follows the
   order, double clicks do nothing, and changes are spoken by screen readers. */
"use strict";

const root = document.documentElement;
root.classList.add("js");

/* Say something to screen readers, which listen to this element from the start. */
function say(text) {
  document.querySelector("[data-say]").textContent = text;
}

/* --- A form marked data-once is sent once per page view (the server refuses doubles anyway). --- */

for (const form of document.querySelectorAll("form[data-once]")) {
  const button = form.querySelector("button");
  const label = button.textContent;
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    button.setAttribute("aria-disabled", "true");
    button.textContent = form.dataset.busy;
    say(form.dataset.busy);
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return; // back from another page: the form may be sent again
    delete form.dataset.sent;
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  });
}

/* --- A refused form: go to the list of what is wrong, or to the field. --- */

(document.querySelector("[data-problems]") ?? document.querySelector("[aria-invalid='true']"))?.focus();

/* --- The cart: forms marked data-live are sent in the background, and the page is drawn anew. --- */

const TYPING = 400; // ms; clicks on a number's arrows come in bursts
let turn = Promise.resolve(); // one after the other: the session keeps the last answer
const typing = new WeakMap(); // the timer of each form with something that was not sent yet

/* Go on typing where one was: number fields need a moment as text for that. */
function goOn(field) {
  field.focus();
  field.type = "text";
  field.setSelectionRange(field.value.length, field.value.length);
  field.type = "number";
}

function draw(html, sent) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = document.querySelector("main");
  const active = document.activeElement;
  const before = active?.id === sent.id ? sent.value : active?.defaultValue;
  const typed = active?.name === "quantity" && active.value !== before; // in the meantime
  main.replaceChildren(...page.querySelector("main").childNodes);
  document.querySelector(".cart-link").replaceWith(page.querySelector(".cart-link"));
  document.title = page.title;
  const again = active?.id && document.getElementById(active.id);
  if (typed && again) {
    again.value = active.value;
    later(again.form);
  }
  if (again && (typed || active.id === sent.id)) goOn(again);
  else if (again) {
    again.focus();
    again.select?.();
  } else (main.querySelector("[aria-invalid='true']") ?? main).focus();
  const news = main.querySelector(".messages, .quantity-form .error")?.textContent.trim() ?? "";
  const total = main.querySelector("[data-total]")?.textContent ?? "";
  say(total ? `${news} Total ${total}.` : news);
}

async function send(form, body) {
  const { id, value } = form.querySelector("input[name='quantity']") ?? {};
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    if (!answer.ok && answer.status !== 400) throw new Error(answer.status);
    draw(await answer.text(), { id, value });
  } catch {
    location.reload(); // the browser says what is the matter
  }
}

function later(form) {
  clearTimeout(typing.get(form));
  typing.set(form, setTimeout(() => form.isConnected && form.requestSubmit(), TYPING));
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-live]")) return;
  event.preventDefault();
  clearTimeout(typing.get(form));
  typing.delete(form);
  const body = new FormData(form);
  turn = turn.then(() => send(form, body));
});

addEventListener("input", (event) => {
  const form = event.target.closest("form[data-live]");
  if (!form) return;
  later(form);
  if (!event.target.value) clearTimeout(typing.get(form)); // it is still being typed in
});

addEventListener("change", (event) => {
  const form = event.target.closest("form[data-live]");
  if (typing.has(form)) form.requestSubmit(); // the field was left
});

/* --- The order page: ask for the timeline until nothing more will happen. --- */

const FIRST_WAIT = 500; // ms; most orders are through in two seconds
const LONGEST_WAIT = 15000; // ms; an order that waits for a provider may take minutes
const BACKOFF = 1.5;

function follow(page) {
  const events = page.querySelector("[data-events]");
  const offline = page.querySelector("[data-offline]");
  const steps = page.querySelector("[data-steps]");
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

  function walk(step) {
    steps.hidden = !step;
    [...steps.children].forEach((item, index) => {
      item.classList.toggle("done", index < step);
      if (index === step - 1) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
  }

  function show(progress) {
    const known = new Set([...events.children].map((item) => item.dataset.id));
    for (const event of progress.events) {
      if (known.has(String(event.id))) continue;
      events.append(line(event));
      say(event.message);
    }
    const headline = page.querySelector("[data-headline]");
    if (headline.textContent !== progress.headline) {
      headline.textContent = progress.headline;
      page.querySelector("[data-banner]").className = "banner " + progress.state;
      document.title = document.title.replace(/: .* – /, ": " + progress.headline + " – ");
    }
    page.querySelector("[data-detail]").textContent = progress.detail;
    page.querySelector("[data-again]").hidden = !progress.can_reorder;
    walk(progress.step);
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
    again();
  }

  function again() {
    setTimeout(() => {
      if (!document.hidden) return ask();
      document.addEventListener("visibilitychange", ask, { once: true });
    }, wait);
    wait = Math.min(wait * BACKOFF, LONGEST_WAIT);
  }

  again();
}

for (const page of document.querySelectorAll("[data-timeline][data-final='false']")) follow(page);
