// What an app gives a call, looked at before Firebase's SDK would throw on it.

import type { InvalidArgument } from "./failures.js";

/** As in the rules, which let nothing with another id be made. */
const ID = /^(?!__.*__$)[A-Za-z0-9_-][A-Za-z0-9._:@-]{0,127}$/;
const ID_ALLOWED =
  "1 to 128 letters, digits or . _ : @ - and neither begin with . : @ nor look like __this__";
const LIMIT_ALLOWED = "a whole number from 1";

/** Why `id` is none that a generation could have; undefined when it is one. */
export function wrongId(id: unknown): InvalidArgument | undefined {
  return typeof id === "string" && ID.test(id) ? undefined : invalid("id", id, ID_ALLOWED);
}

/** Why a page cannot have `limit` generations. */
export function wrongLimit(limit: unknown): InvalidArgument | undefined {
  const right = Number.isSafeInteger(limit) && (limit as number) >= 1;
  return right ? undefined : invalid("limit", limit, LIMIT_ALLOWED);
}

function invalid(field: string, value: unknown, allowed: string): InvalidArgument {
  const shown = typeof value === "string" ? `'${value.slice(0, 128)}'` : String(value);
  const message = `${field} is ${shown}; it must be ${allowed}.`;
  return { code: "invalid_argument", field, value, allowed, message, retryable: false };
}
