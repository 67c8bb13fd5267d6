// Asks how an order stands until it stands differently, and then shows that. A lost connection only makes it wait.
'use strict';
(() => {
  const page = document.getElementById('waiting');
  const said = document.getElementById('said');
  const before = said.textContent;
  const patient = page.dataset.state === 'DEPOSIT';
  let pause = patient ? 3000 : 700;

  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

  const ask = async () => {
    try {
      const answer = await fetch(page.dataset.stateUrl, { cache: 'no-store', signal: AbortSignal.timeout(10000) });
      if (answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(String(answer.status));
      const { state, next } = await answer.json();
      if (state !== page.dataset.state) return next ? location.replace(next) : location.reload();
      if (said.textContent !== before) said.textContent = before;
    } catch {
      if (page.dataset.offline) said.textContent = page.dataset.offline;
    }
    pause = Math.min(pause * 1.25, patient ? 15000 : 5000);
    setTimeout(ask, pause);
  };
  addEventListener('online', () => { pause = 700; });
  setTimeout(ask, pause);
})();
