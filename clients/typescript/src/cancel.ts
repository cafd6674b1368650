// Asks the server to stop a generation.

import { getDoc, updateDoc } from "firebase/firestore";

import { ownGeneration } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { NOT_FOUND, SIGNED_OUT, callFailure, firebaseCode, isDenied } from "./failures.js";
import type { CallFailure, Done, Finished, NotFound } from "./failures.js";
import { isFinal, readGeneration } from "./generation.js";

/**
 * Asks for the end of a generation, which comes within a step or so; `follow` and `watch` see it.
 *
 * Asking twice is as asking once. One that has ended otherwise fails with `finished`. Without a
 * connection it resolves when there is one.
 */
export async function cancel(
  emberframe: Emberframe,
  id: string,
): Promise<Done<CallFailure | NotFound | Finished>> {
  const reference = ownGeneration(emberframe, id);
  if (reference === undefined) return { ok: false, error: SIGNED_OUT };
  try {
    await updateDoc(reference, { cancel_requested: true });
    return { ok: true };
  } catch (error) {
    if (firebaseCode(error) === "not-found") return { ok: false, error: NOT_FOUND };
    if (!isDenied(error)) return { ok: false, error: callFailure(error) };
  }
  try {
    const generation = readGeneration(await getDoc(reference));
    if (generation === undefined) return { ok: false, error: NOT_FOUND };
    const { status } = generation;
    if (status === "cancelled" || !isFinal(status)) return { ok: true };
    const message = `It is too late to cancel it: it has ${status} already.`;
    return { ok: false, error: { code: "finished", status, message, retryable: false } };
  } catch (error) {
    return { ok: false, error: callFailure(error) };
  }
}
