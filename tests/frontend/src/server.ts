// What your own server does, with the service key: it quotes, it asks who may use what, it refunds.
import { gudokAt, type TempOrder } from "./gudok.ts";

const gudok = gudokAt(process.env["GUDOK_URL"] ?? "http://127.0.0.1:8080", process.env["GUDOK_SERVICE_KEY"] ?? "");

/** Quotes a plan for the user who is signed in. The price is gudok's; the browser sends none. */
export async function quote(userId: string, planId: string): Promise<TempOrder> {
  const { data, error } = await gudok.POST("/v1/temp-orders", { body: { planId, userId } });
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  return data;
}

/** Whether the user may use what was sold, by gudok's clock. */
export async function mayUse(userId: string): Promise<boolean> {
  const { data, error } = await gudok.GET("/v1/users/{userId}/subscription", { params: { path: { userId } } });
  if (error?.code === "SUBSCRIPTION_NOT_FOUND") return false;
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  return data.isActive;
}

/** Gives `cancelAmount` won back. `requestId` is made once for each decision to refund, and kept with it. */
export async function refund(orderId: string, cancelAmount: number, requestId: string) {
  const { data, error, response } = await gudok.POST("/v1/payments/{orderId}/cancel", {
    params: { path: { orderId }, header: { "Idempotency-Key": requestId } },
    body: { cancelReason: "고객 요청", cancelAmount },
  });
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  return { refund: data.refund, isOver: response.status !== 202 };
}
