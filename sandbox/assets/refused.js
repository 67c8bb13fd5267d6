// Tells the shop's page around this frame why there is nothing to see.
"use strict";
const refused = document.getElementById("refused");
if (window.parent !== window && refused.dataset.origin) {
  const message = document.getElementById("message").textContent;
  const told = { tossSandbox: "refused", code: refused.dataset.code, message };
  window.parent.postMessage(told, refused.dataset.origin);
}
