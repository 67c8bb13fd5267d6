// Tries a page again that could not be served for the moment.
'use strict';
(() => {
  const after = Number(document.querySelector('[data-again-after]')?.dataset.againAfter);
  if (after > 0) setTimeout(() => location.reload(), Math.min(after, 60) * 1000);
})();
