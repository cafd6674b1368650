// The app's own Firebase services, as every call of this library takes them, and where things are.

import type { Auth } from "firebase/auth";
import { collection, doc } from "firebase/firestore";
import type { CollectionReference, DocumentReference, Firestore } from "firebase/firestore";

import { wrongId } from "./arguments.js";
import { SIGNED_OUT } from "./failures.js";
import type { InvalidArgument, SignedOut } from "./failures.js";

/**
 * What every call works with: `{ auth: getAuth(app), firestore: getFirestore(app) }`.
 *
 * Whoever is signed in when a call is made owns what it makes. Signing in is the app's.
 */
export interface Emberframe {
  readonly auth: Pick<Auth, "currentUser">;
  readonly firestore: Firestore;
}

/** The generations of the person who is signed in; undefined when nobody is. */
export function ownGenerations({ auth, firestore }: Emberframe): CollectionReference | undefined {
  const uid = auth.currentUser?.uid;
  return uid === undefined ? undefined : collection(firestore, "users", uid, "generations");
}

/** Where one of them is, or why that cannot be said. */
export function ownGeneration(
  emberframe: Emberframe,
  id: string,
):
  | { readonly ok: true; readonly reference: DocumentReference }
  | { readonly ok: false; readonly error: SignedOut | InvalidArgument } {
  const wrong = wrongId(id);
  if (wrong) return { ok: false, error: wrong };
  const generations = ownGenerations(emberframe);
  if (generations === undefined) return { ok: false, error: SIGNED_OUT };
  return { ok: true, reference: doc(generations, id) };
}

/**
 * An id for a generation to be: 20 random letters and digits, made without asking anybody.
 *
 * Keep it before calling `generate` with it, and a call that is repeated after a crash or a lost
 * connection finds the first one's generation instead of making another.
 */
export function newId({ firestore }: Pick<Emberframe, "firestore">): string {
  return doc(collection(firestore, "generations")).id;
}
