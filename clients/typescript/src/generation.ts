// The document as a value: Firestore's own types turned into the language's.

import { Bytes, Timestamp } from "firebase/firestore";
import type { DocumentSnapshot } from "firebase/firestore";

import type * as models from "./models.js";

/** One generation as it is now. */
export interface Generation extends models.Generation {
  readonly id: string;
  /** False until the server has it: while the phone is offline, for instance. */
  readonly sent: boolean;
}

/** Whether nothing will ever change its status again. */
export function isFinal(status: models.Status): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/**
 * The generation that a snapshot of yours holds, for apps that listen and query by themselves;
 * undefined when there is none. Times are `Date`, bytes `Uint8Array`. Nothing is checked: fields
 * that a newer server writes are there too.
 */
export function readGeneration(snapshot: DocumentSnapshot): Generation | undefined {
  const data = snapshot.data({ serverTimestamps: "estimate" });
  if (data === undefined) return undefined;
  const generation = plain(data) as models.Generation;
  // What else waits to be written is a cancellation: of that the server's status tells.
  const sent = !(snapshot.metadata.hasPendingWrites && generation.status === "pending");
  return { ...generation, id: snapshot.id, sent };
}

function plain(value: unknown): unknown {
  if (value instanceof Timestamp) return value.toDate();
  if (value instanceof Bytes) return value.toUint8Array();
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, plain(it)]));
}
