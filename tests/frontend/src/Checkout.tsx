// The order page: Toss's widgets with what your server was quoted.
import { loadTossPayments, type TossPaymentsWidgets } from "@tosspayments/tosspayments-sdk";
import { useEffect, useState } from "react";
import type { TempOrder } from "./gudok.ts";

export function Checkout({ order, clientKey }: { order: TempOrder; clientKey: string }) {
  const [widgets, setWidgets] = useState<TossPaymentsWidgets>();
  const [complaint, setComplaint] = useState("");

  useEffect(() => {
    const drawn: { destroy(): Promise<void> }[] = [];
    let gone = false;

    async function draw() {
      const toss = await loadTossPayments(clientKey);
      if (gone) return;
      const widgets = toss.widgets({ customerKey: order.customerKey });
      await widgets.setAmount({ currency: order.currency, value: order.totalAmount });
      if (gone) return;
      drawn.push(await widgets.renderPaymentMethods({ selector: "#payment-methods" }));
      drawn.push(await widgets.renderAgreement({ selector: "#agreement" }));
      if (gone) return clear();
      setWidgets(widgets);
    }
    async function clear() {
      await Promise.all(drawn.splice(0).map((widget) => widget.destroy()));
    }

    draw().catch((error: unknown) => setComplaint(messageOf(error)));
    return () => {
      gone = true;
      setWidgets(undefined);
      void clear();
    };
  }, [order, clientKey]);

  async function pay() {
    setComplaint("");
    try {
      await widgets?.requestPayment({
        orderId: order.orderId,
        orderName: order.orderName,
        successUrl: `${location.origin}/paid`,
        // Toss leaves the order out where the buyer has cancelled, so it is in the path.
        failUrl: `${location.origin}/orders/${order.orderId}/failed`,
      });
    } catch (error) {
      setComplaint(messageOf(error));
    }
  }

  return (
    <main>
      <h1>{order.orderName}</h1>
      <p>{order.totalAmount.toLocaleString("ko-KR")}원</p>
      <div id="payment-methods" />
      <div id="agreement" />
      <p role="alert">{complaint}</p>
      <button type="button" disabled={!widgets} onClick={() => void pay()}>
        결제하기
      </button>
    </main>
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
