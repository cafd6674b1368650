// Somebody with a phone: an app on the emulators, signed in, with the library's calls in reach.

import { appendFileSync } from "node:fs";
import { test as nodeTest } from "node:test";
import type { TestContext } from "node:test";

import { deleteApp, initializeApp } from "firebase/app";
import { connectAuthEmulator, getAuth, signInAnonymously, signInWithCustomToken } from "firebase/auth";
import { connectFirestoreEmulator, getFirestore } from "firebase/firestore";
import { connectStorageEmulator, getStorage } from "firebase/storage";

import { history } from "../src/index.js";
import type { Generation, GenerationProgress } from "../src/index.js";

export function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function address(name: string): [host: string, port: number] {
  const [host = "", port] = variable(name).split(":");
  return [host, Number(port)];
}

/** For two busy cores; only what is broken takes that long. */
const PATIENCE_MILLISECONDS = 90_000;

/** Node's, with an end for what never comes. */
export function test(name: string, body: (test: TestContext) => Promise<void>): void {
  void nodeTest(name, { timeout: PATIENCE_MILLISECONDS }, body);
}

let phones = 0;

interface PhoneOptions {
  /** Signs the same person in twice. */
  readonly uid?: string;
  /** Another than the one in which there are functions and a worker. */
  readonly project?: string;
}

/** An app of its own. Ends with the test. */
export async function phone(test: TestContext, { uid, project }: PhoneOptions = {}) {
  const projectId = project ?? variable("GOOGLE_CLOUD_PROJECT");
  const storageBucket = variable("EMBERFRAME_BUCKET");
  const app = initializeApp({ projectId, apiKey: "any", storageBucket }, `phone ${phones++}`);
  const auth = getAuth(app);
  const authHost = variable("FIREBASE_AUTH_EMULATOR_HOST");
  connectAuthEmulator(auth, `http://${authHost}`, { disableWarnings: true });
  const firestore = getFirestore(app);
  connectFirestoreEmulator(firestore, ...address("FIRESTORE_EMULATOR_HOST"));
  const storage = getStorage(app);
  connectStorageEmulator(storage, ...address("FIREBASE_STORAGE_EMULATOR_HOST"));
  if (uid === undefined) await signInAnonymously(auth);
  else await signInWithCustomToken(auth, JSON.stringify({ uid, claims: {} }));
  const emberframe = { auth, firestore, storage };
  test.after(async () => {
    if (project === undefined) await keepWhatWasRead(emberframe);
    await deleteApp(app);
  });
  return emberframe;
}

/** For the test's other half, which compares it with what the server wrote. */
async function keepWhatWasRead(emberframe: Awaited<ReturnType<typeof phone>>): Promise<void> {
  const page = await history(emberframe);
  if (!page.ok) return;
  const uid = emberframe.auth.currentUser?.uid;
  for (const { id, sent: _, ...generation } of page.generations) {
    const line = JSON.stringify({ path: `users/${uid}/generations/${id}`, generation });
    appendFileSync(variable("EMBERFRAME_READ_DOCUMENTS"), `${line}\n`);
  }
}

/** Everything that `onProgress` was told, and a way to wait for some of it. */
export function listener() {
  const told: GenerationProgress[] = [];
  const waiting = new Set<() => void>();
  return {
    told,
    onProgress(progress: GenerationProgress, _: Generation): void {
      told.push(progress);
      for (const look of waiting) look();
    },
    /** Resolves with the first that matches, told already or not yet. */
    first(matching: (progress: GenerationProgress) => boolean): Promise<GenerationProgress> {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = told.find(matching);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
  };
}

/** As long as a request can be: it must not be over before somebody has seen it begin. */
export const LONGEST = {
  num_inference_steps: 150,
  refiner_inference_steps: 150,
  strength: 1,
  num_images: 2,
} as const;

/** A small picture, soon done. */
export const SMALL = { num_inference_steps: 2, refiner_inference_steps: 0 } as const;
