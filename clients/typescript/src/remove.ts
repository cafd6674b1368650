// Deletes a generation and, by the server, its files.

import { deleteDoc, getDoc } from "firebase/firestore";
import type { DocumentReference } from "firebase/firestore";

import { ownGeneration } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { REFUSED, callFailure, isDenied } from "./failures.js";
import type { CallFailure, Done, Unfinished } from "./failures.js";
import { isFinal, readGeneration } from "./generation.js";

type Removed = Done<CallFailure | Unfinished>;

/**
 * Removes a generation that has ended; its files go with it, within seconds.
 *
 * One that is gone already is removed. One that has not ended fails with `unfinished`: cancel it
 * first. One that has, and that the rules do not let anybody remove, fails with `refused`. Without
 * a connection it resolves when there is one.
 */
export async function remove(emberframe: Emberframe, id: string): Promise<Removed> {
  const own = ownGeneration(emberframe, id);
  if (!own.ok) return own;
  try {
    // A second time, since it may have ended between the refusal and the look.
    return (await ask(own.reference)) ?? (await ask(own.reference)) ?? REFUSAL;
  } catch (error) {
    return { ok: false, error: callFailure(error) };
  }
}

/** Undefined: the rules said no, although the generation has ended. */
async function ask(reference: DocumentReference): Promise<Removed | undefined> {
  try {
    await deleteDoc(reference);
    return { ok: true };
  } catch (error) {
    if (!isDenied(error)) throw error;
  }
  const generation = readGeneration(await getDoc(reference));
  if (generation === undefined) return { ok: true };
  const { status } = generation;
  if (isFinal(status)) return undefined;
  const message = `It is ${status}: cancel it, or wait for its end, before it is removed.`;
  return { ok: false, error: { code: "unfinished", status, message, retryable: true } };
}

const REFUSAL: Removed = { ok: false, error: REFUSED };
