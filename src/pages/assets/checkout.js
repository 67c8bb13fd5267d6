// The order's page: gives Toss's script what the server has quoted, and opens the payment window. Written for every
// browser that Toss's script runs in (Chrome 72, Safari 13), so without newer words.
'use strict';
(() => {
  const LOADS_WITHIN = 20000;
  const ANSWERS_WITHIN = 10000;
  const pay = document.getElementById('pay');
  const loading = document.getElementById('loading');
  const message = document.getElementById('message');
  const hint = document.getElementById('hint');
  const methods = document.getElementById('methods');
  const order = pay.dataset;
  const amount = { currency: 'KRW', value: Number(order.amount) };

  const say = (text) => {
    message.textContent = text;
    message.hidden = text === '';
  };
  const explain = (error, otherwise) => {
    const code = error && error.code;
    if (code === 'USER_CANCEL' || code === 'PAY_PROCESS_CANCELED') return order.closed;
    return error && error.message ? `${otherwise} ${error.message}` : otherwise;
  };
  const within = (promise, ms) => Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error('')), ms)),
  ]);

  // A page that the back button brings back from memory may show what is no longer true.
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  // What can no longer be paid does not look as if it could.
  const left = Number(order.left) * 1000;
  const shortly = 2 * 60 * 1000;
  setTimeout(() => { hint.textContent = order.ending; }, Math.max(left - shortly, 0));
  setTimeout(() => { if (pay.getAttribute('aria-disabled') !== 'true') location.reload(); }, left + 500);

  // Whether the order can still be paid: another tab may have paid it meanwhile. Says what is wrong otherwise.
  const stillOpen = async () => {
    let answer;
    try {
      answer = await within(fetch(order.stateUrl, { cache: 'no-store' }), ANSWERS_WITHIN);
    } catch {
      throw new Error(order.offline);
    }
    if (answer.status === 404) return false;
    if (!answer.ok) throw new Error(order.unreachable);
    return (await answer.json()).state === 'OPEN';
  };

  // Gives the function that opens the payment window.
  const start = async () => {
    if (typeof TossPayments !== 'function') throw new Error('');
    const toss = TossPayments(order.clientKey);
    if (methods) {
      const window = toss.payment({ customerKey: order.customerKey });
      methods.hidden = false;
      const chosen = () => methods.querySelector('input:checked').value;
      return (request) => window.requestPayment(Object.assign({ method: chosen(), amount }, request));
    }
    const widgets = toss.widgets({ customerKey: order.customerKey });
    await widgets.setAmount(amount);
    await Promise.all([
      widgets.renderPaymentMethods({ selector: '#payment-methods', variantKey: 'DEFAULT' }),
      widgets.renderAgreement({ selector: '#agreement', variantKey: 'AGREEMENT' }),
    ]);
    return (request) => widgets.requestPayment(request);
  };

  const open = async (request) => {
    if (pay.getAttribute('aria-disabled') === 'true') return;
    pay.setAttribute('aria-disabled', 'true');
    say('');
    hint.textContent = order.opening;
    try {
      if (!(await stillOpen())) {
        location.reload();
        return;
      }
      await request({
        orderId: order.orderId,
        orderName: order.orderName,
        successUrl: order.successUrl,
        failUrl: order.failUrl,
      });
    } catch (error) {
      const ours = error.message === order.offline || error.message === order.unreachable;
      say(ours ? error.message : explain(error, order.notOpened));
      pay.focus();
    }
    hint.textContent = '';
    pay.removeAttribute('aria-disabled');
  };

  loading.hidden = false;
  within(start(), LOADS_WITHIN).then(
    (request) => {
      loading.hidden = true;
      pay.disabled = false;
      pay.addEventListener('click', () => open(request));
    },
    (error) => {
      loading.hidden = true;
      say(explain(error, order.notLoaded));
    },
  );
})();
