// Bytes of a picture as an address for an <img>.

/** An address that holds memory until `release` is called. */
export interface ObjectUrl {
  readonly url: string;
  release(): void;
}

/**
 * An address for the `src` of an `<img>`, of `progress.preview`.
 *
 * Release the one before when the next one is shown, and the last one at the end.
 */
export function previewUrl(preview: Uint8Array, contentType = "image/webp"): ObjectUrl {
  const url = URL.createObjectURL(new Blob([new Uint8Array(preview)], { type: contentType }));
  return { url, release: () => URL.revokeObjectURL(url) };
}
