// The sandbox's stand-in for Toss's browser script, version 2: the same surface, and nothing that costs money.
// It writes no style or script into the shop's page, so it works under a strict content security policy.
(() => {
  "use strict";

  const SANDBOX = new URL(document.currentScript.src).origin;
  const ANONYMOUS = "@@ANONYMOUS";
  const SECRET_KEY = /^(test|live)_g?sk_/;
  const CLIENT_KEY = /^(test|live)_g?ck_/;
  const READY_WITHIN_MS = 15000;
  const NARROW = "(max-width: 600px)";

  class TossPaymentsError extends Error {
    constructor(code, message) {
      super(message);
      this.name = "TossPaymentsError";
      this.code = code;
    }
  }

  // The language of the shop's page, else the browser's.
  function language() {
    const tags = [document.documentElement.lang, navigator.language];
    const known = tags.map((tag) => (tag || "").slice(0, 2).toLowerCase());
    return known.find((tag) => tag === "ko" || tag === "en") || "ko";
  }

  function say(korean, english) {
    return language() === "en" ? english : korean;
  }

  function wrong(code, korean, english) {
    return new TossPaymentsError(code, say(korean, english));
  }

  function canceled() {
    return wrong("USER_CANCEL", "사용자가 결제를 취소하였습니다.", "The buyer closed the window.");
  }

  function unreachable() {
    return wrong("NETWORK_ERROR", "샌드박스가 응답하지 않습니다.", "The sandbox does not answer.");
  }

  function parameters(english) {
    return wrong("INVALID_PARAMETERS", `파라미터가 올바르지 않습니다: ${english}`, english);
  }

  // A page of the sandbox in a frame. `heard` is told what the frame says, and only what it says itself.
  class Frame {
    constructor(path, asked, name, title, heard) {
      const url = new URL(path, SANDBOX);
      const all = { ...asked, lang: language(), origin: window.location.origin };
      for (const [key, value] of Object.entries(all)) {
        if (value !== undefined && value !== null) url.searchParams.set(key, String(value));
      }
      this.element = document.createElement("iframe");
      this.element.name = name;
      this.element.title = title;
      this.element.src = url.href;
      const style = this.element.style;
      style.display = "block";
      style.width = "100%";
      style.border = "0";
      // With another scheme than its document's a frame would not be see-through.
      style.colorScheme = "light dark";
      this.listener = (event) => {
        if (event.source !== this.element.contentWindow || event.origin !== SANDBOX) return;
        const told = event.data;
        if (told && typeof told === "object" && typeof told.tossSandbox === "string") heard(told);
      };
      window.addEventListener("message", this.listener);
    }

    tell(kind) {
      this.element.contentWindow?.postMessage({ tossSandbox: kind }, SANDBOX);
    }

    remove() {
      window.removeEventListener("message", this.listener);
      this.element.remove();
    }
  }

  // A widget in the shop's page, ready when this resolves. `changed` is told its state, the first one too.
  function widget(path, selector, asked, name, title, height, changed) {
    let host = null;
    try {
      host = document.querySelector(selector);
    } catch {
      // Not a selector: told below.
    }
    if (!host) throw wrong("INVALID_SELECTOR", "선택자에 맞는 요소가 없습니다.", "Nothing matches the selector.");
    return new Promise((resolve, reject) => {
      const refuse = (error) => {
        clearTimeout(timer);
        frame.remove();
        reject(error);
      };
      const timer = setTimeout(() => refuse(unreachable()), READY_WITHIN_MS);
      const frame = new Frame(path, asked, name, title, (told) => {
        if (told.tossSandbox === "height" && Number.isFinite(told.height)) {
          frame.element.style.height = `${Math.min(Math.max(told.height, 0), 4000)}px`;
        } else if (told.tossSandbox === "refused") {
          refuse(new TossPaymentsError(String(told.code), String(told.message)));
        } else if (told.tossSandbox === "ready" || told.tossSandbox === "changed") {
          changed(told);
          if (told.tossSandbox === "ready") {
            clearTimeout(timer);
            resolve(frame);
          }
        }
      });
      frame.element.style.height = `${height}px`;
      frame.element.style.borderRadius = "16px";
      host.append(frame.element);
    });
  }

  // Those who listen for one kind of event; a newcomer is told how things stand.
  class Listeners {
    constructor(name) {
      this.name = name;
      this.all = [];
    }

    add(name, callback, now) {
      if (name !== this.name) throw wrong("INVALID_EVENT_PARAMETER", "없는 이벤트입니다.", "There is no such event.");
      if (typeof callback !== "function") {
        throw wrong("INVALID_CALLBACK_PARAMETER", "콜백이 함수가 아닙니다.", "The callback is no function.");
      }
      this.all.push(callback);
      queueMicrotask(() => callback(now()));
    }

    tell(value) {
      for (const callback of this.all) queueMicrotask(() => callback(value));
    }
  }

  function checkKeys(clientKey, params) {
    const customerKey = params?.customerKey;
    if ([clientKey, customerKey].some((key) => SECRET_KEY.test(String(key)))) {
      throw wrong("INSECURE_KEY_USAGE", "시크릿 키는 브라우저에서 쓸 수 없습니다.", "A secret key must never reach a browser.");
    }
    if (typeof clientKey !== "string" || !CLIENT_KEY.test(clientKey)) {
      throw wrong("INVALID_CLIENT_KEY", "클라이언트 키가 올바르지 않습니다.", "This is not a client key.");
    }
    if (customerKey !== ANONYMOUS && !/^[A-Za-z0-9\-_=.@]{2,50}$/.test(String(customerKey ?? ""))) {
      throw wrong("INVALID_CUSTOMER_KEY", "customerKey가 올바르지 않습니다.", "customerKey must be 2 to 50 of A-Z a-z 0-9 - _ = . @");
    }
    return { clientKey, customerKey };
  }

  // Widgets take the widget's keys, and the payment window those of the API.
  function checkFamily(keys, widget) {
    if (/^(test|live)_gck_/.test(keys.clientKey) === widget) return keys;
    if (widget) {
      throw wrong("NOT_SUPPORTED_API_INDIVIDUAL_KEY", "결제위젯에는 위젯 키를 써야 합니다.", "Widgets need a widget key (gck).");
    }
    throw wrong("NOT_SUPPORTED_WIDGET_KEY", "위젯 키로는 결제창을 열 수 없습니다.", "The payment window needs an API key (ck).");
  }

  function checkAmount(amount) {
    if (!amount || typeof amount !== "object") throw parameters("amount must be {currency, value}");
    if (!Number.isInteger(amount.value)) {
      throw wrong("INVALID_AMOUNT_VALUE", "금액은 정수여야 합니다.", "The amount must be a whole number.");
    }
    if (amount.currency !== "KRW") {
      throw wrong("INVALID_AMOUNT_CURRENCY", "통화는 KRW여야 합니다.", "Only KRW can be paid here.");
    }
    return { currency: amount.currency, value: amount.value };
  }

  function checkText(asked, name, max) {
    const value = asked[name];
    if (value === undefined || value === null) return;
    if (typeof value !== "string" || [...value].length > max) throw parameters(`${name} must be text of at most ${max}`);
  }

  function checkMetadata(metadata) {
    if (metadata === undefined || metadata === null) return;
    const pairs = typeof metadata === "object" ? Object.entries(metadata) : null;
    const fits = ([key, value]) =>
      key.length <= 40 && !/[[\]]/.test(key) && typeof value === "string" && value.length <= 2000;
    if (!pairs || pairs.length > 5 || !pairs.every(fits)) {
      throw wrong("INVALID_METADATA", "metadata가 올바르지 않습니다.", "metadata may hold 5 pairs of short texts.");
    }
  }

  function checkUrl(text, code) {
    if (text === undefined || text === null) return false;
    try {
      if (/^https?:\/\//i.test(text) && new URL(text)) return true;
    } catch {
      // Told below, like any other that is no page.
    }
    throw wrong(code, "http 또는 https로 시작하는 절대 주소여야 합니다.", "It must be an absolute http or https address.");
  }

  // What every request for a payment must bring along. Tells whether the shop's pages hear of the end.
  function checkRequest(asked, amount) {
    if (!asked || typeof asked !== "object") throw parameters("the request is missing");
    if (!/^[A-Za-z0-9\-_=]{6,64}$/.test(String(asked.orderId ?? ""))) {
      throw parameters("orderId must be 6 to 64 of A-Z a-z 0-9 - _ =");
    }
    if (typeof asked.orderName !== "string" || asked.orderName === "") throw parameters("orderName is missing");
    checkText(asked, "orderName", 100);
    checkText(asked, "customerName", 100);
    checkText(asked, "customerEmail", 100);
    const phone = asked.customerMobilePhone;
    if (phone !== undefined && phone !== null && !/^[0-9]{8,15}$/.test(String(phone))) {
      throw parameters("customerMobilePhone must be 8 to 15 digits");
    }
    checkMetadata(asked.metadata);
    const success = checkUrl(asked.successUrl, "INCORRECT_SUCCESS_URL_FORMAT");
    const fail = checkUrl(asked.failUrl, "INCORRECT_FAIL_URL_FORMAT");
    if (success !== fail) throw parameters("successUrl and failUrl belong together");
    if (amount.value <= 0) {
      throw wrong("BELOW_ZERO_AMOUNT", "결제 금액은 0원보다 커야 합니다.", "The amount must be above zero.");
    }
    return success;
  }

  let open = null;

  // Opens the window over the page or, on a phone or when asked to, in its place.
  function openWindow(asked, windowTarget, redirects) {
    if (open) {
      throw wrong("INVALID_METHOD_TRANSACTION", "이미 결제창이 열려 있습니다.", "A payment window is open already.");
    }
    if (![undefined, null, "self", "iframe"].includes(windowTarget)) throw parameters("windowTarget is self or iframe");
    if (windowTarget === "self" || window.matchMedia(NARROW).matches || navigator.userAgentData?.mobile) {
      if (!redirects) {
        throw wrong("NOT_SUPPORTED_PROMISE", "이 환경에서는 successUrl과 failUrl이 필요합니다.", "successUrl and failUrl are needed here.");
      }
      return leave(asked);
    }
    return overlay(asked);
  }

  function leave(asked) {
    const url = new URL("/sandbox/window", SANDBOX);
    for (const [key, value] of Object.entries({ ...asked, lang: language() })) {
      if (value !== undefined && value !== null) url.searchParams.set(key, String(value));
    }
    return new Promise((_, reject) => {
      // A buyer who comes back by the browser's button finds this very page, still waiting.
      const back = (event) => {
        if (!event.persisted) return;
        window.removeEventListener("pageshow", back);
        open = null;
        reject(canceled());
      };
      window.addEventListener("pageshow", back);
      open = { destroy() {} };
      window.location.assign(url.href);
    });
  }

  function overlay(asked) {
    return new Promise((resolve, reject) => {
      const title = say("토스 샌드박스 결제창", "Toss sandbox payment window");
      const dialog = document.createElement("dialog");
      let ready = false;
      const timer = setTimeout(() => {
        shut();
        reject(unreachable());
      }, READY_WITHIN_MS);
      const shut = () => {
        open = null;
        clearTimeout(timer);
        frame.remove();
        dialog.close();
        dialog.remove();
      };
      const frame = new Frame("/sandbox/window", asked, "toss-payment-window", title, (told) => {
        if (told.tossSandbox === "ready") {
          ready = true;
          clearTimeout(timer);
        }
        if (told.tossSandbox === "refused") {
          shut();
          reject(new TossPaymentsError(String(told.code), String(told.message)));
        }
        if (told.tossSandbox !== "ended") return;
        shut();
        // The sandbox gives these back as it got them; nothing else is ever gone to.
        if (typeof told.location === "string" && /^https?:\/\//i.test(told.location)) {
          window.location.assign(told.location);
        } else if (told.result) {
          resolve(told.result);
        } else if (told.error?.code === "PAY_PROCESS_CANCELED") {
          reject(canceled());
        } else {
          reject(new TossPaymentsError(String(told.error?.code), String(told.error?.message)));
        }
      });
      dialog.setAttribute("aria-label", title);
      Object.assign(dialog.style, {
        position: "fixed", inset: "0", width: "100%", height: "100%", maxWidth: "none", maxHeight: "none",
        margin: "0", padding: "0", border: "0", overflow: "hidden", background: "rgb(0 0 0 / 0.55)",
      });
      frame.element.style.height = "100%";
      frame.element.style.background = "transparent";
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        if (ready) {
          frame.tell("close");
        } else {
          shut();
          reject(canceled());
        }
      });
      open = {
        destroy() {
          shut();
          reject(wrong("PAYMENT_REQUEST_ABORTED", "결제 요청이 중단되었습니다.", "The request was aborted."));
        },
      };
      dialog.append(frame.element);
      document.body.append(dialog);
      dialog.showModal();
      frame.element.focus();
    });
  }

  function ask(keys, amount, method, provider, asked) {
    const { orderId, orderName, successUrl, failUrl, customerName, taxFreeAmount } = asked;
    return {
      ...keys, amount: amount.value, currency: amount.currency, method, provider,
      orderId, orderName, successUrl, failUrl, customerName, taxFreeAmount,
    };
  }

  function widgets(keys) {
    let amount = null;
    let methods = null;
    let selected = null;
    let agreement = null;
    let agreed = false;
    const selects = new Listeners("paymentMethodSelect");
    const agreements = new Listeners("agreementStatusChange");
    const agreementStatus = () => ({
      agreedRequiredTerms: agreed,
      agreements: [{ term: { id: "sandbox-required", required: true }, agreed }],
    });

    function checkVariant(variantKey) {
      if (variantKey !== undefined && (typeof variantKey !== "string" || variantKey === "")) {
        throw wrong("INVALID_VARIANT_KEY", "variantKey가 올바르지 않습니다.", "variantKey must be a name.");
      }
    }

    function notSetUp() {
      return wrong("NOT_SETUP_AMOUNT", "결제 금액이 설정되지 않았습니다.", "setAmount must come first.");
    }

    return {
      async setAmount(next) {
        amount = checkAmount(next);
      },

      async renderPaymentMethods({ selector, variantKey } = {}) {
        if (!amount) throw notSetUp();
        if (methods) {
          throw wrong("PAYMENT_METHODS_WIDGET_ALREADY_RENDERED", "이미 결제 UI가 렌더링되었습니다.", "The methods are rendered already.");
        }
        checkVariant(variantKey);
        methods = "loading";
        try {
          const title = say("결제 수단", "Payment methods");
          const asked = { clientKey: keys.clientKey, variantKey };
          methods = await widget("/sandbox/window/methods", selector, asked, "toss-payment-methods", title, 220, (told) => {
            const before = selected?.code;
            selected = { code: String(told.code) };
            if (before !== selected.code) selects.tell(selected);
          });
        } catch (error) {
          methods = null;
          throw error;
        }
        return {
          on: (name, callback) => selects.add(name, callback, () => selected),
          getSelectedPaymentMethod: async () => selected,
          async destroy() {
            methods?.remove();
            methods = null;
            selected = null;
            selects.all = [];
          },
        };
      },

      async renderAgreement({ selector, variantKey } = {}) {
        if (agreement) {
          throw wrong("AGREEMENT_WIDGET_ALREADY_RENDERED", "이미 약관 UI가 렌더링되었습니다.", "The terms are rendered already.");
        }
        checkVariant(variantKey);
        agreement = "loading";
        try {
          const title = say("이용 약관", "Terms");
          const asked = { clientKey: keys.clientKey, variantKey };
          agreement = await widget("/sandbox/window/agreement", selector, asked, "toss-agreement", title, 48, (told) => {
            const before = agreed;
            agreed = told.agreed === true;
            if (before !== agreed) agreements.tell(agreementStatus());
          });
        } catch (error) {
          agreement = null;
          throw error;
        }
        return {
          on: (name, callback) => agreements.add(name, callback, agreementStatus),
          async destroy() {
            agreement?.remove();
            agreement = null;
            agreed = false;
            agreements.all = [];
          },
        };
      },

      async requestPayment(asked) {
        if (!amount) throw notSetUp();
        const redirects = checkRequest(asked, amount);
        if (!selected) {
          throw wrong("NOT_SELECTED_PAYMENT_METHOD", "결제수단이 선택되지 않았습니다.", "No payment method is chosen.");
        }
        if (!agreed) {
          throw wrong("NEED_AGREEMENT_WITH_REQUIRED_TERMS", "필수 약관에 동의해 주세요.", "Please agree to the required terms.");
        }
        return openWindow(ask(keys, amount, selected.code, undefined, asked), asked.windowTarget, redirects);
      },

      async renderPaymentWindow() {
        throw wrong("UNKNOWN", "샌드박스에는 없는 기능입니다.", "The sandbox has no such window.");
      },
    };
  }

  function payment(keys) {
    return {
      async requestPayment(asked) {
        const amount = checkAmount(asked?.amount);
        const redirects = checkRequest(asked, amount);
        const direct = asked.method === "CARD" && asked.card?.flowMode === "DIRECT" && asked.card.easyPay;
        const method = direct ? "EASY_PAY" : asked.method;
        const known = ["CARD", "EASY_PAY", "VIRTUAL_ACCOUNT", "TRANSFER", "MOBILE_PHONE", "CULTURE_GIFT_CERTIFICATE",
          "BOOK_GIFT_CERTIFICATE", "GAME_GIFT_CERTIFICATE"];
        if (!known.includes(method)) {
          throw wrong("NOT_SUPPORTED_METHOD", "지원하지 않는 결제수단입니다.", "This method cannot be paid with here.");
        }
        return openWindow(ask(keys, amount, method, direct || undefined, asked), asked.windowTarget, redirects);
      },

      async requestBillingAuth() {
        throw wrong("NOT_SUPPORTED_METHOD", "샌드박스에는 자동결제가 없습니다.", "The sandbox registers no cards.");
      },

      async destroy() {
        open?.destroy();
      },
    };
  }

  function TossPayments(clientKey) {
    return {
      widgets: (params) => widgets(checkFamily(checkKeys(clientKey, params), true)),
      payment: (params) => payment(checkFamily(checkKeys(clientKey, params), false)),
    };
  }

  TossPayments.ANONYMOUS = ANONYMOUS;
  window.TossPayments = TossPayments;
})();
