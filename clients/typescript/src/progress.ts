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

/** Whether a listener would see the same twice: a worker's heartbeat changes nothing to be shown. */
export function isSameProgress(one: GenerationProgress, other: GenerationProgress): boolean {
  return shown(one) === shown(other);
}

function shown({ preview, ...others }: GenerationProgress): string {
  return JSON.stringify([others, preview && Array.from(preview)]);
}
