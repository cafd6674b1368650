// Puts an image into the person's own folder, for image-to-image and inpainting.

import { ref, uploadBytesResumable } from "firebase/storage";
import type { FirebaseStorage } from "firebase/storage";

import type { Emberframe } from "./emberframe.js";
import { SIGNED_OUT, callFailure, firebaseCode } from "./failures.js";
import type { Aborted, CallFailure, WrongSize, WrongType } from "./failures.js";

/** As in the storage rules. */
const TYPES = ["image/png", "image/jpeg", "image/webp"];
const MAX_BYTES = 20 * 1024 * 1024;
const NAME_BYTES = 16;

export interface UploadOptions {
  /** Needed for bytes; of a `File` or `Blob` its own type is taken. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

export type Uploaded =
  /** `image_url` is what the request of the same name takes; `mask_url` takes it too. */
  | { readonly ok: true; readonly image_url: string }
  | { readonly ok: false; readonly error: CallFailure | WrongType | WrongSize | Aborted };

/**
 * Uploads a PNG, JPEG or WebP image of up to 20 MB under a name that nobody has used.
 *
 * Takes `{ auth, storage }`: an app that has no images to upload need not load Firebase Storage.
 */
export async function uploadInput(
  { auth, storage }: Pick<Emberframe, "auth"> & { readonly storage: FirebaseStorage },
  image: Blob | Uint8Array,
  { contentType, signal, onProgress }: UploadOptions = {},
): Promise<Uploaded> {
  const uid = auth.currentUser?.uid;
  if (uid === undefined) return { ok: false, error: SIGNED_OUT };
  const type = contentType ?? (image instanceof Blob ? image.type : "");
  const size = image instanceof Blob ? image.size : image.byteLength;
  if (!TYPES.includes(type)) return { ok: false, error: wrongType(type) };
  if (size === 0 || size > MAX_BYTES) return { ok: false, error: wrongSize(size) };
  if (signal?.aborted) return { ok: false, error: ABORTED };
  const place = ref(storage, `users/${uid}/inputs/${newName()}`);
  const task = uploadBytesResumable(place, image, { contentType: type });
  const onAbort = (): void => {
    task.cancel();
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  const stop = task.on("state_changed", ({ bytesTransferred, totalBytes }) => {
    onProgress?.(bytesTransferred / totalBytes);
  });
  try {
    await task;
    return { ok: true, image_url: place.toString() };
  } catch (error) {
    if (firebaseCode(error) === "storage/canceled") return { ok: false, error: ABORTED };
    return { ok: false, error: callFailure(error) };
  } finally {
    stop();
    signal?.removeEventListener("abort", onAbort);
  }
}

const ABORTED: Aborted = { code: "aborted", message: "The upload was stopped.", retryable: true };

function wrongType(type: string): WrongType {
  const message = `The image is ${type || "of no known type"}; it must be one of ${TYPES.join(", ")}.`;
  return { code: "wrong_type", message, retryable: false };
}

function wrongSize(size: number): WrongSize {
  const message = `The image has ${size} bytes; it must have from 1 to ${MAX_BYTES}.`;
  return { code: "wrong_size", message, retryable: false };
}

/** Not `randomUUID`, which pages without https do not have. */
function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(NAME_BYTES));
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}
