/* Keeps the page of a sale fresh. */
"use strict";

const EVERY = 500; // ms
const CALM = 5000; // ms; when nothing waits, or the shop can't be reached

function watchSale(page) {
  const offline = page.querySelector("[data-offline]");

  function show(score) {
    for (const figure of page.querySelectorAll("[data-figure]")) {
      const value = score[figure.dataset.figure];
      figure.textContent = value.toLocaleString("en-GB", figure.dataset.figure === "per_s"
        ? { minimumFractionDigits: 1, maximumFractionDigits: 1 } : {});
    }
    for (const part of page.querySelectorAll("[data-part]")) {
      part.max = Math.max(score.orders, 1);
      part.value = score[part.dataset.part];
    }
  }

  async function ask() {
    let wait = CALM;
    try {
      const answer = await fetch(page.dataset.score, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const score = await answer.json();
      show(score);
      offline.hidden = true;
      wait = score.is_over ? CALM : EVERY;
    } catch {
      offline.hidden = false;
    }
    setTimeout(() => {
      if (!document.hidden) return ask();
      document.addEventListener("visibilitychange", ask, { once: true });
    }, wait);
  }

  setTimeout(ask, EVERY);
}

for (const page of document.querySelectorAll("[data-score]")) watchSale(page);
