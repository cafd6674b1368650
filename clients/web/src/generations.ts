// The person's newest generations, live: one query feeds history, result and every tab.

import { collection, limit, onSnapshot, orderBy, query } from "firebase/firestore";

import { readGeneration } from "../../typescript/src/index.js";
import type { Generation } from "../../typescript/src/index.js";
import type { Backend } from "./backend.js";

/** Rows of a grid on a phone. Each generation is a read that the operator pays. */
const PAGE = 24;

export class Generations {
  private size = PAGE;
  private stop = (): void => undefined;

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
      ({ docs }) => {
        const read = docs.map(readGeneration).filter((it) => it !== undefined);
        this.onChange(read, docs.length === this.size);
      },
      (error) => this.onFailure(error.message),
    );
  }

  /** One page more. */
  more(): void {
    this.size += PAGE;
    this.listen();
  }
}
