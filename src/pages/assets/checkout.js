// The order's page: gives Toss's widget what the server has quoted, and opens the payment window.
'use strict';
(() => {
  const pay = document.getElementById('pay');
  const loading = document.getElementById('loading');
  const message = document.getElementById('message');
  const order = pay.dataset;

  const say = (text) => {
    message.textContent = text;
    message.hidden = text === '';
  };
  const explain = (error, otherwise) => {
    if (error?.code === 'USER_CANCEL' || error?.code === 'PAY_PROCESS_CANCELED') return order.closed;
    return error?.message ? `${otherwise} ${error.message}` : otherwise;
  };

  // A page that the back button brings back from memory may show what is no longer true.
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

  // Whether the order can still be paid: another tab may have paid it meanwhile.
  const stillOpen = async () => {
    const answer = await fetch(order.stateUrl, { cache: 'no-store' });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).state === 'OPEN';
  };

  const start = async () => {
    if (typeof TossPayments !== 'function') throw new Error('');
    const widgets = TossPayments(order.clientKey).widgets({ customerKey: order.customerKey });
    await widgets.setAmount({ currency: 'KRW', value: Number(order.amount) });
    await Promise.all([
      widgets.renderPaymentMethods({ selector: '#payment-methods', variantKey: 'DEFAULT' }),
      widgets.renderAgreement({ selector: '#agreement', variantKey: 'AGREEMENT' }),
    ]);
    return widgets;
  };

  const open = async (widgets) => {
    say('');
    pay.disabled = true;
    try {
      if (!(await stillOpen())) return location.reload();
    } catch {
      pay.disabled = false;
      return say(order.offline);
    }
    try {
      await widgets.requestPayment({
        orderId: order.orderId,
        orderName: order.orderName,
        successUrl: order.successUrl,
        failUrl: order.failUrl,
      });
    } catch (error) {
      say(explain(error, order.notOpened));
    }
    pay.disabled = false;
  };

  start().then(
    (widgets) => {
      loading.hidden = true;
      pay.disabled = false;
      pay.addEventListener('click', () => open(widgets));
    },
    (error) => {
      loading.hidden = true;
      say(explain(error, order.notLoaded));
    },
  );
})();
