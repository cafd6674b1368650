// Asks the server to stop a generation.

import { getDoc, updateDoc } from "firebase/firestore";
import type { DocumentReference } from "firebase/firestore";

import { ownGeneration } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { NOT_FOUND, REFUSED, callFailure, firebaseCode, isDenied } from "./failures.js";
import type { CallFailure, Done, Finished, NotFound } from "./failures.js";
import { isFinal, readGeneration } from "./generation.js";

type Cancelled = Done<CallFailure | NotFound | Finished>;

/**
 * Asks for the end of a generation, which comes within a step or so; `follow` and `watch` see it.
 *
 * Asking twice is as asking once. One that has ended otherwise fails with `finished`; one that has
 * not, and that the rules do not let anybody cancel, with `refused`. Without a connection it
 * resolves when there is one.
 */
export async function cancel(emberframe: Emberframe, id: string): Promise<Cancelled> {
  const own = ownGeneration(emberframe, id);
  if (!own.ok) return own;
  try {
    // A second time, since it may have been asked for or have ended unseen between the two looks.
    return (await ask(own.reference)) ?? (await ask(own.reference)) ?? REFUSAL;
  } catch (error) {
    return { ok: false, error: callFailure(error) };
  }
}

/** Undefined: the rules said no, and what can be seen of the generation does not say why. */
async function ask(reference: DocumentReference): Promise<Cancelled | undefined> {
  try {
    await updateDoc(reference, { cancel_requested: true });
    return { ok: true };
  } catch (error) {
    if (firebaseCode(error) === "not-found") return { ok: false, error: NOT_FOUND };
    if (!isDenied(error)) throw error;
  }
  const generation = readGeneration(await getDoc(reference));
  if (generation === undefined) return { ok: false, error: NOT_FOUND };
  const { status, cancel_requested } = generation;
  if (status === "cancelled") return { ok: true };
  if (isFinal(status)) {
    const message = `It is too late to cancel it: it has ${status} already.`;
    return { ok: false, error: { code: "finished", status, message, retryable: false } };
  }
  return cancel_requested === true ? { ok: true } : undefined;
}

const REFUSAL: Cancelled = { ok: false, error: REFUSED };
