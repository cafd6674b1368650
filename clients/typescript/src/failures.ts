// What can go wrong, as values: told apart by `code`, with a sentence for the person.

import type { ErrorCode, Quota, Status } from "./models.js";

/**
 * Why the server could not make it; the document's `error`.
 *
 * A newer server may have codes that are not listed: let your `switch` have a `default` that shows
 * `message`.
 */
export type ServerFailure = { [Code in ErrorCode]: ServerFailureOf<Code> }[ErrorCode];

interface Said {
  /** A sentence for the person, in English. */
  readonly message: string;
  /** Whether the same request may succeed another time. */
  readonly retryable: boolean;
}

type ServerFailureOf<Code extends ErrorCode> = Said & {
  readonly code: Code;
} & (Code extends "quota_exceeded" ? { readonly quota: Quota } : unknown);

/** Nobody is signed in. */
export type SignedOut = Said & { readonly code: "signed_out" };
/** The security rules do not allow it. */
export type Refused = Said & { readonly code: "refused" };
/** There is no such generation, or not any more. */
export type NotFound = Said & { readonly code: "not_found" };
/** It has ended already, with this status. */
export type Finished = Said & { readonly code: "finished"; readonly status: Status };
/** It has not ended yet. */
export type Unfinished = Said & { readonly code: "unfinished"; readonly status: Status };
/** Only PNG, JPEG and WebP. */
export type WrongType = Said & { readonly code: "wrong_type" };
/** Too big, or empty. */
export type WrongSize = Said & { readonly code: "wrong_size" };
/** The app's own `AbortSignal` stopped it. */
export type Aborted = Said & { readonly code: "aborted" };
/** The app gave a call what it cannot take. */
export type InvalidArgument = Said & {
  readonly code: "invalid_argument";
  /** What of the call: `id`, `limit`. */
  readonly field: string;
  /** As it was given. */
  readonly value: unknown;
  /** What it must be, as the end of a sentence. */
  readonly allowed: string;
};
/** Whatever else Firebase says, under its own code in `firebase_code`. */
export type FirebaseFailure = Said & {
  readonly code: "firebase";
  readonly firebase_code: string;
};

/** What keeps any call from being made. */
export type CallFailure = SignedOut | Refused | InvalidArgument | FirebaseFailure;

/** It is done, or it is not and this is why. */
export type Done<Failure = CallFailure> =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: Failure };

export const SIGNED_OUT: SignedOut = {
  code: "signed_out",
  message: "Nobody is signed in.",
  retryable: true,
};

export const NOT_FOUND: NotFound = {
  code: "not_found",
  message: "This generation does not exist any more.",
  retryable: false,
};

export const REFUSED: Refused = {
  code: "refused",
  message: "This is not allowed here.",
  retryable: false,
};

/** Firebase's errors have a code like `permission-denied` or `storage/unauthorized`. */
export function firebaseCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "unknown";
}

/** Whether the rules said no. */
export function isDenied(error: unknown): boolean {
  return ["permission-denied", "storage/unauthorized"].includes(firebaseCode(error));
}

/** What Firebase threw, as a value. Faults that are none of Firebase's are thrown on. */
export function callFailure(error: unknown): Refused | FirebaseFailure {
  const code = firebaseCode(error);
  if (code === "unknown" && !(error instanceof Error && error.name === "FirebaseError")) throw error;
  if (isDenied(error)) return REFUSED;
  const retryable = TRANSIENT.has(code);
  return { code: "firebase", firebase_code: code, message: (error as Error).message, retryable };
}

const TRANSIENT = new Set([
  "unavailable",
  "deadline-exceeded",
  "resource-exhausted",
  "aborted",
  "internal",
  "storage/retry-limit-exceeded",
]);
