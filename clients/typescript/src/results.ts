// How a generation ended, as one value.

import type { CallFailure, NotFound, ServerFailure } from "./failures.js";
import { isFinal } from "./generation.js";
import type { Generation } from "./generation.js";
import type { Output } from "./models.js";

/** How it ended. Tell them apart by `status`, failures by `error.code`. */
export type Result<O extends Output = Output> = Ending<O> & {
  /** Why the `signal`'s cancellation could not be asked for, as far as that failed. */
  readonly cancel_failure?: CallFailure;
};

type Ending<O extends Output> =
  | {
      readonly status: "completed";
      readonly id: string;
      readonly output: O;
      readonly generation: Generation;
    }
  | {
      readonly status: "failed";
      readonly id: string;
      readonly error: ServerFailure | CallFailure | NotFound;
      /** Not there when it never got as far as the server. */
      readonly generation?: Generation;
    }
  | {
      readonly status: "cancelled";
      readonly id: string;
      /** Not there when it was never begun. */
      readonly generation?: Generation;
    };

/** How `generation` ended; undefined while it has not. */
export function resultOf<O extends Output = Output>(generation: Generation): Result<O> | undefined {
  const { id, status } = generation;
  if (!isFinal(status)) return undefined;
  if (status === "cancelled") return { status, id, generation };
  if (status === "completed") {
    return { status, id, output: generation.output as O, generation };
  }
  return { status: "failed", id, error: generation.error as ServerFailure, generation };
}
