// What a person has made, newest first, a page at a time.

import { getDocs, limit, orderBy, query, startAfter, where } from "firebase/firestore";
import type { QueryConstraint, QueryDocumentSnapshot } from "firebase/firestore";

import { wrongLimit } from "./arguments.js";
import { ownGenerations } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { SIGNED_OUT, callFailure } from "./failures.js";
import type { CallFailure } from "./failures.js";
import { readGeneration } from "./generation.js";
import type { Generation } from "./generation.js";
import type { Status } from "./models.js";

/** A page's worth of a grid on a phone. Each one is a read that the operator pays. */
const PAGE = 24;

export interface HistoryOptions {
  /** Only those with this status; of any status when left out. */
  readonly status?: Status;
  /** Generations a page, at least 1; 24 when left out. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: HistoryCursor;
}

/** Where a page ends. */
export type HistoryCursor = QueryDocumentSnapshot;

export type HistoryPage =
  | {
      readonly ok: true;
      readonly generations: readonly Generation[];
      /** For the next page's `after`; not there after the last full page. */
      readonly next?: HistoryCursor;
    }
  | { readonly ok: false; readonly error: CallFailure };

/** The generations of the person who is signed in, newest first. Offline, those in the cache. */
export async function history(
  emberframe: Emberframe,
  { status, limit: size = PAGE, after }: HistoryOptions = {},
): Promise<HistoryPage> {
  const wrong = wrongLimit(size);
  if (wrong) return { ok: false, error: wrong };
  const generations = ownGenerations(emberframe);
  if (generations === undefined) return { ok: false, error: SIGNED_OUT };
  try {
    const wanted: QueryConstraint[] = [orderBy("created_at", "desc"), limit(size)];
    if (status !== undefined) wanted.unshift(where("status", "==", status));
    if (after !== undefined) wanted.push(startAfter(after));
    const { docs } = await getDocs(query(generations, ...wanted));
    const next = docs.length === size ? docs.at(-1) : undefined;
    return {
      ok: true,
      generations: docs.map(readGeneration).filter((it) => it !== undefined),
      ...(next && { next }),
    };
  } catch (error) {
    return { ok: false, error: callFailure(error) };
  }
}
