// Creates a generation and waits for its end.

import { getDoc, serverTimestamp, setDoc } from "firebase/firestore";
import type { DocumentReference } from "firebase/firestore";

import { newId, ownGeneration } from "./emberframe.js";
import type { Emberframe } from "./emberframe.js";
import { callFailure, isDenied } from "./failures.js";
import type { CallFailure } from "./failures.js";
import { following } from "./follow.js";
import type { FollowOptions } from "./follow.js";
import type { GenerationRequest, OutputOf } from "./requests.js";
import type { Result } from "./results.js";

export interface GenerateOptions extends FollowOptions {
  /** Chosen before, with `newId` for instance; a call with an id that is taken makes nothing new. */
  readonly id?: string;
}

/**
 * Makes pictures or a film, and resolves when it has ended, in whatever way: it does not reject.
 *
 * Without a connection the request is kept by Firestore and sent when there is one. The id is the
 * phone's, so that a request sent twice is one generation. Wrong values of a request come back as
 * `failed` with the code `invalid_input` and a sentence.
 *
 * @example
 * ```ts
 * const result = await generate(
 *   { auth, firestore },
 *   { task_type: "text2img", prompt: "a red circle on a blue background" },
 *   { signal, onProgress: ({ fraction }) => bar.value = fraction },
 * );
 * if (result.status === "completed") image.src = result.output.image_url;
 * if (result.status === "failed") alert(result.error.message);
 * ```
 */
export async function generate<const R extends GenerationRequest>(
  emberframe: Emberframe,
  request: R,
  { id = newId(emberframe), ...options }: GenerateOptions = {},
): Promise<Result<OutputOf<R>>> {
  const own = ownGeneration(emberframe, id);
  if (!own.ok) return { status: "failed", id, error: own.error };
  if (options.signal?.aborted) return { status: "cancelled", id };
  let created = false;
  // Before the listener: a cancellation that comes at once has to be sent after it.
  const creation = create(own.reference, request);
  const { ended, end } = following<OutputOf<R>>(emberframe, id, options, () => created);
  try {
    const error = await creation;
    if (error) end({ status: "failed", id, error });
  } catch (fault) {
    end({ status: "cancelled", id }); // nobody hears of it: only to stop listening
    throw fault;
  }
  created = true;
  return ended;
}

/** Resolves when the server has the generation, this one or the first of its id. */
async function create(
  reference: DocumentReference,
  request: GenerationRequest,
): Promise<CallFailure | undefined> {
  try {
    const input = withoutUndefined(request);
    await setDoc(reference, { input, status: "pending", created_at: serverTimestamp() });
  } catch (error) {
    if (isDenied(error) && (await isThere(reference))) return undefined;
    return callFailure(error);
  }
  return undefined;
}

async function isThere(reference: DocumentReference): Promise<boolean> {
  try {
    return (await getDoc(reference)).exists();
  } catch {
    return false;
  }
}

/** Firestore takes no undefined values; in a request they stand for "not given". */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, it]) => it !== undefined)
      .map(([name, it]) => [name, withoutUndefined(it)]),
  );
}
