// The app's own Firebase services, as every call of this library takes them, and where things are.

import type { Auth } from "firebase/auth";
import { collection, doc } from "firebase/firestore";
import type { CollectionReference, DocumentReference, Firestore } from "firebase/firestore";

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

/** One of them; undefined when nobody is signed in. */
export function ownGeneration(emberframe: Emberframe, id: string): DocumentReference | undefined {
  const generations = ownGenerations(emberframe);
  return generations && doc(generations, id);
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
