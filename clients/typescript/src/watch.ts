// Listening to one generation.

import { getDoc, onSnapshot, waitForPendingWrites } from "firebase/firestore";
import type { DocumentReference } from "firebase/firestore";

import { ownGeneration } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { callFailure } from "./failures.js";
import type { CallFailure } from "./failures.js";
import { isFinal, readGeneration } from "./generation.js";
import type { Generation } from "./generation.js";
import { quietLookAt } from "./quiet.js";

/** Told of every state. */
export interface Watcher {
  /** Undefined: the server has no such generation. */
  onChange(generation: Generation | undefined): void;
  /** The last call: nothing is heard any more. */
  onFailure?(error: CallFailure): void;
}

/**
 * Listens to a generation of the person who is signed in, until the returned function is called.
 *
 * For a screen that shows one and must not wait for its end, or goes away before; see `follow` for
 * one that does wait.
 */
export function watch(emberframe: Emberframe, id: string, watcher: Watcher): () => void {
  const own = ownGeneration(emberframe, id);
  if (!own.ok) {
    watcher.onFailure?.(own.error);
    return () => undefined;
  }
  const { reference } = own;
  const quiet = quietLookAt(reference);
  let stopped = false;
  const tellUnlessThere = async (): Promise<void> => {
    if (!(await isGone(reference)) || stopped) return;
    watcher.onChange(undefined);
  };
  const stop = onSnapshot(
    reference,
    // Else nobody would hear that the server has got what was written offline.
    { includeMetadataChanges: true },
    (snapshot) => {
      const generation = readGeneration(snapshot);
      if (generation !== undefined && !isFinal(generation.status)) quiet.heard();
      else quiet.stop();
      if (generation !== undefined) watcher.onChange(generation);
      // What the cache does not have, the server may.
      else if (!snapshot.metadata.fromCache) void tellUnlessThere();
    },
    (error) => {
      quiet.stop();
      watcher.onFailure?.(callFailure(error));
    },
  );
  return () => {
    stopped = true;
    quiet.stop();
    stop();
  };
}

/**
 * Whether the server says so too. To a listener a document is gone as soon as this phone asks for
 * its removal, and comes back when that is refused.
 */
async function isGone(reference: DocumentReference): Promise<boolean> {
  try {
    await waitForPendingWrites(reference.firestore);
    return !(await getDoc(reference)).exists();
  } catch {
    return false; // offline, or somebody else has signed in
  }
}
