// The payment window: sends what the buyer decided to the sandbox, and hands on where that leads.
"use strict";
const pane = document.getElementById("window");
const form = document.getElementById("choices");
const problem = document.getElementById("problem");
const origin = pane.dataset.origin;
const framed = window.parent !== window && origin !== "";
let ended = false;

function tell(kind, more) {
  window.parent.postMessage({ tossSandbox: kind, ...more }, origin);
}

async function end(event) {
  if (ended) return;
  ended = true;
  problem.textContent = "";
  pane.setAttribute("aria-busy", "true");
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(`/sandbox/window/${event}`, { method: "POST", body });
    const told = await answer.json();
    if (!answer.ok) throw new Error(`${told.code}: ${told.message}`);
    if (framed) tell("ended", told);
    else if (told.location) window.location.assign(told.location);
    else problem.textContent = told.result ? told.result.paymentKey : told.error.message;
  } catch (error) {
    ended = false;
    pane.removeAttribute("aria-busy");
    problem.textContent = error instanceof TypeError ? pane.dataset.lost : error.message;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  end("pay");
});
document.getElementById("refuse").addEventListener("click", () => end("refuse"));
document.getElementById("close-window").addEventListener("click", () => end("close"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") end("close");
});
// Whoever comes back with the browser's button finds a window that works.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  ended = false;
  pane.removeAttribute("aria-busy");
});
if (framed) {
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== origin) return;
    if (event.data && event.data.tossSandbox === "close") end("close");
  });
  tell("ready", {});
}
document.querySelector("h1").focus();
