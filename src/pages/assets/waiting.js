// Asks how an order stands until it stands differently, and then shows that. A lost connection only makes it wait.
'use strict';
(() => {
  const ANSWERS_WITHIN = 10000;
  const LONG = 120000;
  const page = document.getElementById('waiting');
  const said = document.getElementById('said');
  const patient = page.dataset.state === 'DEPOSIT';
  const first = patient ? 3000 : 700;
  const begun = Date.now();
  let usual = said.textContent;
  let pause = first;
  let timer;

  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

  const tell = (text) => { if (said.textContent !== text) said.textContent = text; };
  const later = () => {
    clearTimeout(timer);
    // Not all who wait come back in the same instant.
    timer = setTimeout(ask, pause * (0.8 + Math.random() * 0.4));
  };
  const ask = async () => {
    if (document.hidden) return;
    const cut = new AbortController();
    const late = setTimeout(() => cut.abort(), ANSWERS_WITHIN);
    try {
      const answer = await fetch(page.dataset.stateUrl, { cache: 'no-store', signal: cut.signal });
      if (answer.status === 404) {
        location.reload();
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (now.state !== page.dataset.state) {
        if (now.next) location.replace(now.next);
        else location.reload();
        return;
      }
      if (page.dataset.long && Date.now() - begun > LONG) usual = page.dataset.long;
      tell(usual);
    } catch {
      if (page.dataset.offline) tell(page.dataset.offline);
    } finally {
      clearTimeout(late);
    }
    pause = Math.min(pause * 1.25, patient ? 15000 : 5000);
    later();
  };
  const hurry = () => {
    pause = first;
    later();
  };
  addEventListener('online', hurry);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) hurry(); });
  later();
})();
