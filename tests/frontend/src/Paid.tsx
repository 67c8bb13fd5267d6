// The page behind the success URL. Nothing is paid yet when it opens.
import { useEffect, useMemo, useState } from "react";
import { confirm, landingOf, type Outcome } from "./confirm.ts";
import type { Gudok } from "./gudok.ts";

export function Paid({ gudok }: { gudok: Gudok }) {
  const [outcome, setOutcome] = useState<Outcome>();
  const landing = useMemo(() => landingOf(new URLSearchParams(location.search)), []);

  useEffect(() => {
    if (!landing) return;
    const leaving = new AbortController();
    confirm(gudok, landing, leaving.signal).then(setOutcome, () => {});
    return () => leaving.abort();
  }, [gudok, landing]);

  if (!landing) return <p>잘못된 주소입니다.</p>;
  return <main aria-live="polite">{outcome ? <Told outcome={outcome} /> : <p>결제 확인 중입니다.</p>}</main>;
}

export function Told({ outcome }: { outcome: Outcome }) {
  switch (outcome.kind) {
    case "paid":
      return (
        <>
          <h1>결제가 완료되었습니다.</h1>
          <p>
            {outcome.payment.paymentMethod} {outcome.payment.balanceAmount.toLocaleString("ko-KR")}원
          </p>
          {outcome.payment.receiptUrl && <a href={outcome.payment.receiptUrl}>영수증</a>}
        </>
      );
    case "deposit awaited":
      return (
        <>
          <h1>입금을 기다립니다.</h1>
          <p>
            {outcome.account.bank} {outcome.account.accountNumber}
          </p>
          {outcome.account.dueDate && <p>{new Date(outcome.account.dueDate).toLocaleString("ko-KR")}까지</p>}
        </>
      );
    case "given back":
      return <h1>환불된 결제입니다.</h1>;
    case "declined":
      return <h1>{outcome.message}</h1>;
    case "refused":
      return <h1>{outcome.problem.detail}</h1>;
  }
}
