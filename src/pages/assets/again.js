// Tries a page again that could not be served for the moment: ever more slowly, never in step with others, and not
// while there is no network to try it over.
'use strict';
(() => {
  const MOST = 10;
  const asked = document.querySelector('[data-again-after]');
  const after = asked ? Number(asked.dataset.againAfter) : 0;
  if (!(after > 0)) return;
  const name = 'tries of ' + location.pathname;
  const tries = Number(sessionStorage.getItem(name)) || 0;
  sessionStorage.setItem(name, String(Math.min(tries + 1, 20)));
  const seconds = Math.min(after * Math.pow(1.4, tries), MOST) * (0.8 + Math.random() * 0.4);
  const again = () => {
    const go = () => location.replace(location.href);
    if (navigator.onLine) go();
    else addEventListener('online', go, { once: true });
  };
  setTimeout(again, seconds * 1000);
})();
