// gudok's API with the types that its OpenAPI document gives.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

export type TempOrder = components["schemas"]["TempOrder"];
export type Payment = components["schemas"]["Payment"];
export type VirtualAccount = components["schemas"]["VirtualAccount"];
export type Problem = components["schemas"]["Problem"];

/** A client: `token` is an API key on your server, and your user's JWT in the browser. */
export function gudokAt(baseUrl: string, token: string) {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

export type Gudok = ReturnType<typeof gudokAt>;
