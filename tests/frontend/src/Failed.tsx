// The page behind the fail URL, at /orders/{orderId}/failed.
import { useEffect, useState } from "react";
import { outcomeOf, type Outcome } from "./confirm.ts";
import type { Gudok } from "./gudok.ts";
import { Told } from "./Paid.tsx";

export function Failed({ gudok, orderId }: { gudok: Gudok; orderId: string }) {
  const [outcome, setOutcome] = useState<Outcome>();
  const query = new URLSearchParams(location.search);
  const code = query.get("code") ?? "UNKNOWN";
  const message = query.get("message") ?? "결제가 완료되지 않았습니다.";

  useEffect(() => {
    // What the URL says is noted down, and believed only as far as Toss agrees: the payment may be approved.
    gudok.POST("/v1/payments/fail", { body: { orderId, code, message } }).then(
      ({ data }) => setOutcome(data && outcomeOf(data)),
      () => {},
    );
  }, [gudok, orderId, code, message]);

  return (
    <main aria-live="polite">
      {outcome ? <Told outcome={outcome} /> : <h1>{message}</h1>}
      {outcome?.kind !== "paid" && <a href={`/orders/${orderId}`}>다시 결제하기</a>}
    </main>
  );
}
