// The person's newest generations, live: one query feeds history, result and every tab.

import { collection, limit, onSnapshot, orderBy, query } from "firebase/firestore";
import type { QuerySnapshot } from "firebase/firestore";

import { isFinal, quietLookAt, readGeneration } from "../../typescript/src/index.js";
import type { Generation, QuietLook } from "../../typescript/src/index.js";
import type { Backend } from "./backend.js";

/** Rows of a grid on a phone. Each generation is a read that the operator pays. */
const PAGE = 24;

export class Generations {
  private size = PAGE;
  private stop = (): void => undefined;
  /** By id, of those that are not over yet. */
  private readonly looks = new Map<string, QuietLook>();

  constructor(
    private readonly backend: Backend,
    /** Told at once what the device knows, and of every change; `more`: there may be older ones. */
    private readonly onChange: (newest: readonly Generation[], more: boolean) => void,
    private readonly onFailure: (sentence: string) => void,
  ) {}

  /** Begin to listen, or go on listening after a failure. Somebody must be signed in. */
  listen(): void {
    this.stop();
    const { auth, firestore } = this.backend;
    const uid = auth.currentUser?.uid;
    if (uid === undefined) return this.onFailure("Nobody is signed in.");
    const own = collection(firestore, "users", uid, "generations");
    const newest = query(own, orderBy("created_at", "desc"), limit(this.size));
    this.stop = onSnapshot(
      newest,
      // Else nobody would hear that the server has got what was written offline.
      { includeMetadataChanges: true },
      (snapshot) => {
        this.lookAfter(snapshot);
        const read = snapshot.docs.map(readGeneration).filter((it) => it !== undefined);
        this.onChange(read, snapshot.size === this.size);
      },
      (error) => {
        for (const it of this.looks.values()) it.stop();
        this.looks.clear();
        this.onFailure(error.message);
      },
    );
  }

  /** Whatever was not heard of for a while is looked up. */
  private lookAfter(snapshot: QuerySnapshot): void {
    for (const { doc, type } of snapshot.docChanges()) {
      const generation = type === "removed" ? undefined : readGeneration(doc);
      const look = this.looks.get(doc.id) ?? quietLookAt(doc.ref);
      if (generation === undefined || isFinal(generation.status)) {
        look.stop();
        this.looks.delete(doc.id);
      } else {
        look.heard();
        this.looks.set(doc.id, look);
      }
    }
  }

  /** One page more. */
  more(): void {
    this.size += PAGE;
    this.listen();
  }
}
