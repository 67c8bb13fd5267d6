// From the success URL to the truth, whatever breaks in between. It runs in the browser with the user's JWT, or on your
// server.
import type { Gudok, Payment, Problem, VirtualAccount } from "./gudok.ts";

/** What Toss's success URL brings. Anybody can write such a URL; gudok compares it with the order. */
export type Landing = { paymentKey: string; orderId: string; amount: number };

export type Outcome =
  | { kind: "paid"; payment: Payment }
  | { kind: "deposit awaited"; payment: Payment; account: VirtualAccount }
  | { kind: "given back"; payment: Payment }
  | { kind: "declined"; message: string }
  | { kind: "refused"; problem: Problem };

export function landingOf(query: URLSearchParams): Landing | undefined {
  const paymentKey = query.get("paymentKey");
  const orderId = query.get("orderId");
  const amount = Number(query.get("amount"));
  return paymentKey && orderId && Number.isSafeInteger(amount) ? { paymentKey, orderId, amount } : undefined;
}

/** Confirms, and comes back when it is known how it ended. To call it again, also after a reload, charges nobody twice. */
export async function confirm(gudok: Gudok, landing: Landing, signal: AbortSignal): Promise<Outcome> {
  for (;;) {
    try {
      const { data, error, response } = await gudok.POST("/v1/payments/confirm", { body: landing, signal });
      if (data) return outcomeOf(data.payment) ?? (await follow(gudok, landing.orderId, signal));
      if (error.code === "PAYMENT_REJECTED") return { kind: "declined", message: error.pg?.message ?? error.detail };
      // Another window was faster, with another payment key; how that one ended is what counts.
      if (error.code === "PAYMENT_KEY_CONFLICT") return await follow(gudok, landing.orderId, signal);
      if (!isPassing(response.status, error)) return { kind: "refused", problem: error };
    } catch (error) {
      // The connection broke: whether gudok heard of it shows when it is asked again.
      if (signal.aborted) throw error;
    }
    await pause(signal);
  }
}

/** Polls a payment until it is known how it ended: gudok goes on by itself, and needs nobody to wait. */
export async function follow(gudok: Gudok, orderId: string, signal: AbortSignal): Promise<Outcome> {
  for (;;) {
    await pause(signal);
    try {
      const { data, error, response } = await gudok.GET("/v1/payments/{orderId}", {
        params: { path: { orderId } },
        signal,
      });
      const outcome = data && outcomeOf(data);
      if (outcome) return outcome;
      if (error && !isPassing(response.status, error)) return { kind: "refused", problem: error };
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }
}

/** What a payment means to the buyer; nothing while that is not known yet. */
export function outcomeOf(payment: Payment): Outcome | undefined {
  switch (payment.status) {
    case "READY":
    case "IN_PROGRESS":
      return undefined;
    case "WAITING_FOR_DEPOSIT":
      return payment.virtualAccount
        ? { kind: "deposit awaited", payment, account: payment.virtualAccount }
        : undefined;
    case "DONE":
    case "PARTIAL_CANCELED":
      return payment.balanceAmount > 0 ? { kind: "paid", payment } : { kind: "given back", payment };
    case "CANCELED":
      return { kind: "given back", payment };
    case "ABORTED":
    case "EXPIRED":
      return { kind: "declined", message: payment.failure?.message ?? "결제가 완료되지 않았습니다." };
  }
}

/** Whether to ask again may help. */
function isPassing(status: number, problem: Problem): boolean {
  return status >= 500 || status === 429 || problem.code === "REQUEST_IN_PROGRESS";
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, 2_000);
    signal.addEventListener("abort", stop);
  });
}
