// The app's Firebase services: found by the host's own configuration, and somebody signed in.
//
// Firebase Hosting serves /__/firebase/init.json of the project that it belongs to; the local stack
// serves the same address, with the emulators' addresses in it. So one build runs everywhere.

import { initializeApp } from "firebase/app";
import type { FirebaseOptions } from "firebase/app";
import {
  browserLocalPersistence,
  connectAuthEmulator,
  indexedDBLocalPersistence,
  initializeAuth,
  signInAnonymously,
} from "firebase/auth";
import type { Auth } from "firebase/auth";
import {
  connectFirestoreEmulator,
  initializeFirestore,
  persistentLocalCache,
  persistentMultipleTabManager,
} from "firebase/firestore";
import type { Firestore } from "firebase/firestore";
import { connectStorageEmulator, getStorage } from "firebase/storage";
import type { FirebaseStorage } from "firebase/storage";

const CONFIGURATION = "/__/firebase/init.json";

export interface Backend {
  readonly auth: Auth;
  readonly firestore: Firestore;
  readonly storage: FirebaseStorage;
}

interface Configuration extends FirebaseOptions {
  /** host:port of each, on the local stack only. */
  readonly emulators?: { readonly auth: string; readonly firestore: string; readonly storage: string };
}

/** Rejects where the host has no configuration. */
export async function connect(): Promise<Backend> {
  const answer = await fetch(CONFIGURATION);
  if (!answer.ok) throw new Error(`${CONFIGURATION} answered ${answer.status}.`);
  const { emulators, ...options } = (await answer.json()) as Configuration;
  const app = initializeApp(options);
  // Without the pop-ups and redirects of other ways to sign in, which are a third of the library.
  const auth = initializeAuth(app, {
    persistence: [indexedDBLocalPersistence, browserLocalPersistence],
  });
  // Kept on the device: history is there offline, and what was asked for offline survives a reload.
  const firestore = initializeFirestore(app, {
    localCache: persistentLocalCache({ tabManager: persistentMultipleTabManager() }),
  });
  const storage = getStorage(app);
  if (emulators) {
    connectAuthEmulator(auth, `http://${emulators.auth}`, { disableWarnings: true });
    connectFirestoreEmulator(firestore, ...hostAndPort(emulators.firestore));
    connectStorageEmulator(storage, ...hostAndPort(emulators.storage));
  }
  return { auth, firestore, storage };
}

/** Whoever was signed in before, else somebody new without a name. */
export async function signIn({ auth }: Pick<Backend, "auth">): Promise<void> {
  await auth.authStateReady();
  if (auth.currentUser === null) await signInAnonymously(auth);
}

function hostAndPort(address: string): [host: string, port: number] {
  const [host = "", port] = address.split(":");
  return [host, Number(port)];
}
