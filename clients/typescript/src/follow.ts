// From any moment of a generation to its end.

import { cancel } from "./cancel.js";
import type { Emberframe } from "./emberframe.js";
import { NOT_FOUND } from "./failures.js";
import type { CallFailure } from "./failures.js";
import type { Generation } from "./generation.js";
import type { Output } from "./models.js";
import { onlyNews, progressOf } from "./progress.js";
import type { GenerationProgress } from "./progress.js";
import { resultOf } from "./results.js";
import type { Result } from "./results.js";
import { watch } from "./watch.js";

/** While it is waited for. */
export interface FollowOptions {
  /** Cancels the generation. Its end is still waited for, which may be that it had completed. */
  readonly signal?: AbortSignal;
  /** Called when that cancellation fails: it goes on then. The result says so too. */
  readonly onCancelFailure?: (error: CallFailure) => void;
  /** Called at once with where it stands, and whenever that changes. */
  readonly onProgress?: (progress: GenerationProgress, generation: Generation) => void;
}

/**
 * Waits for the end of a generation that was begun before: after the app was opened again, say.
 *
 * Listens until then and not longer. Without a connection it goes on waiting for one. To leave
 * earlier without cancelling, use `watch`.
 */
export function follow<O extends Output = Output>(
  emberframe: Emberframe,
  id: string,
  options: FollowOptions = {},
): Promise<Result<O>> {
  return following<O>(emberframe, id, options).ended;
}

/** A generation that is being waited for. */
export interface Following<O extends Output> {
  readonly ended: Promise<Result<O>>;
  /** End the waiting with this. */
  end(result: Result<O>): void;
}

/** `begun` is false while the server may not have it yet, so that its absence says nothing. */
export function following<O extends Output>(
  emberframe: Emberframe,
  id: string,
  { signal, onProgress, onCancelFailure }: FollowOptions,
  begun: () => boolean = () => true,
): Following<O> {
  let end: (result: Result<O>) => void = () => undefined;
  const ended = new Promise<Result<O>>((resolve) => {
    let over = false;
    let cancel_failure: CallFailure | undefined;
    let stopListening = (): void => undefined;
    const isNews = onlyNews();
    const askForEnd = async (): Promise<void> => {
      const asked = await cancel(emberframe, id);
      // That it has ended meanwhile, or is gone, the listener tells.
      if (over || asked.ok || asked.error.code === "finished" || asked.error.code === "not_found") {
        return;
      }
      cancel_failure = asked.error;
      onCancelFailure?.(cancel_failure);
    };
    const onAbort = (): void => void askForEnd();
    end = (result) => {
      over = true;
      stopListening();
      signal?.removeEventListener("abort", onAbort);
      resolve(cancel_failure ? { ...result, cancel_failure } : result);
    };
    const onChange = (generation: Generation | undefined): void => {
      if (over) return;
      if (generation === undefined) {
        if (begun()) end({ status: "failed", id, error: NOT_FOUND });
        return;
      }
      const result = resultOf<O>(generation);
      if (result) return end(result);
      const progress = progressOf(generation);
      if (isNews(progress)) onProgress?.(progress, generation);
    };
    stopListening = watch(emberframe, id, {
      onChange,
      onFailure: (error) => end({ status: "failed", id, error }),
    });
    // When nobody is signed in it is over before there was anything to stop.
    if (over) return;
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
  return { ended, end };
}
