// A look at the server when a listener has heard nothing for a while.

import { documentId, getDocsFromServer, limit, query, where } from "firebase/firestore";
import type { DocumentReference, QuerySnapshot } from "firebase/firestore";

/** What is being made changes each second, what waits each minute. */
const QUIET_MILLISECONDS = 30_000;

/** Runs `look` each time that nothing was heard for `quiet` milliseconds. */
export class QuietLook {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly look: () => Promise<unknown>,
    private readonly quiet = QUIET_MILLISECONDS,
  ) {}

  /** Something was heard, or begins to be listened to: the time begins anew. */
  heard(): void {
    this.stop();
    this.timer = setTimeout(() => void this.ask(), this.quiet);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async ask(): Promise<void> {
    const asked = this.timer;
    try {
      await this.look();
    } catch {
      // Offline, or not allowed any more: the listener says so.
    }
    if (this.timer === asked && asked !== undefined) this.heard();
  }
}

/**
 * Gets a listener over a connection that has silently stalled: what the server answers reaches
 * every listener to that document.
 */
export function quietLookAt(reference: DocumentReference): QuietLook {
  return new QuietLook(() => lookUp(reference));
}

/** By a query, since a document that is listened to is read from what the listener has. */
export function lookUp(reference: DocumentReference): Promise<QuerySnapshot> {
  const own = where(documentId(), "==", reference.id);
  return getDocsFromServer(query(reference.parent, own, limit(1)));
}
