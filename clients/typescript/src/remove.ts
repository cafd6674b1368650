// Deletes a generation and, by the server, its files.

import { deleteDoc, getDoc } from "firebase/firestore";

import { ownGeneration } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { SIGNED_OUT, callFailure, isDenied } from "./failures.js";
import type { CallFailure, Done, Unfinished } from "./failures.js";
import { readGeneration } from "./generation.js";

/**
 * Removes a generation that has ended; its files go with it, within seconds.
 *
 * One that is gone already is removed. One that has not ended fails with `unfinished`: cancel it
 * first. Without a connection it resolves when there is one.
 */
export async function remove(
  emberframe: Emberframe,
  id: string,
): Promise<Done<CallFailure | Unfinished>> {
  const reference = ownGeneration(emberframe, id);
  if (reference === undefined) return { ok: false, error: SIGNED_OUT };
  try {
    await deleteDoc(reference);
    return { ok: true };
  } catch (error) {
    if (!isDenied(error)) return { ok: false, error: callFailure(error) };
  }
  try {
    const generation = readGeneration(await getDoc(reference));
    if (generation === undefined) return { ok: true };
    const { status } = generation;
    const message = `It is ${status}: cancel it, or wait for its end, before it is removed.`;
    return { ok: false, error: { code: "unfinished", status, message, retryable: true } };
  } catch (error) {
    return { ok: false, error: callFailure(error) };
  }
}
