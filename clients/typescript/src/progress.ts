// How far a generation is, in one flat value for a progress bar.

import type { Generation } from "./generation.js";
import type { Failure, Queue, Stage } from "./models.js";

/** What `onProgress` is told. */
export interface GenerationProgress {
  readonly status: "pending" | "queued" | "processing";
  /** False until the server has the request: while the phone is offline, for instance. */
  readonly sent: boolean;
  /** 0 to 1. Begins anew only when another worker has to begin anew. */
  readonly fraction: number;
  readonly stage?: Stage;
  readonly step?: number;
  readonly total_steps?: number;
  /** A small WebP picture of what is there so far; see `previewUrl`. */
  readonly preview?: Uint8Array;
  /** The place in the queue, where the deployment tells it. */
  readonly queue?: Queue;
  /** Why the last attempt failed, while the next one is waited for. */
  readonly last_error?: Failure;
}

/** Of a generation that has not ended. */
export function progressOf(generation: Generation): GenerationProgress {
  const { progress, queue, error, sent } = generation;
  return {
    status: generation.status as GenerationProgress["status"],
    sent,
    fraction: 0,
    ...progress,
    ...(queue && { queue }),
    ...(error && { last_error: error }),
  };
}

/**
 * Says of one progress after the other whether a listener would see anything new: a worker's
 * heartbeat changes nothing to be shown. Each is looked through once.
 */
export function onlyNews(): (progress: GenerationProgress) => boolean {
  let told: { readonly words: string; readonly preview: Uint8Array | undefined } | undefined;
  return ({ preview, ...others }) => {
    const words = JSON.stringify(others);
    if (told?.words === words && isSame(told.preview, preview)) return false;
    told = { words, preview };
    return true;
  };
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.length === other.length && one.every((byte, n) => byte === other[n]);
}
