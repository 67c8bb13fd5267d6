// A widget in the shop's page: says how tall it is and what the buyer chose. The page listens in standard.js.
"use strict";
const widget = document.getElementById("widget");
const origin = widget.dataset.origin;

function tell(kind, more) {
  if (window.parent !== window) window.parent.postMessage({ tossSandbox: kind, ...more }, origin);
}

function chosen(name) {
  return document.querySelector(`input[name=${name}]:checked`).value;
}

function state() {
  if (widget.dataset.widget === "methods") {
    const method = chosen("method");
    return { code: method === "EASY_PAY" ? chosen("provider") : method };
  }
  return { agreed: document.getElementById("agree-required").checked };
}

function changed() {
  const wallets = document.getElementById("wallets");
  if (wallets) wallets.hidden = chosen("method") !== "EASY_PAY";
  tell("changed", state());
}

document.addEventListener("change", changed);
document.addEventListener("submit", (event) => event.preventDefault());
// What a browser fills in again after a reload counts as chosen.
window.addEventListener("pageshow", changed);
new ResizeObserver(() => {
  tell("height", { height: Math.ceil(document.body.getBoundingClientRect().height) });
}).observe(document.body);
tell("ready", state());
