// The picture to begin with: a file or one of the history's, as a whole or where it is painted.

import { uploadInput } from "../../typescript/src/index.js";
import type { Backend } from "./backend.js";
import { button, make } from "./dom.js";
import { Painter } from "./painter.js";
import type { Task } from "./schema.js";

/** What of a request says which picture, or why there is none. */
export type Sources =
  | { readonly ok: true; readonly addresses: { image_url?: string; mask_url?: string } }
  | { readonly ok: false; readonly message: string };

interface Chosen {
  /** For the page. */
  readonly url: string;
  /** Of a file of the history it is its address. */
  readonly original: Blob | string;
}

export class Source {
  readonly element = make("div", { class: "source" });
  private readonly file = make("input", {
    type: "file",
    id: "source-file",
    accept: "image/png,image/jpeg,image/webp",
  });
  private readonly shown = make("div", { class: "chosen" });
  private chosen: Chosen | undefined;
  private painter: Painter | undefined;

  constructor(
    private readonly backend: Backend,
    /** The task has changed with it. */
    private readonly onChange: () => void,
  ) {
    this.element.append(
      make("label", { for: "source-file" }, "Begin with a picture (optional)"),
      this.file,
      this.shown,
    );
    this.file.addEventListener("change", () => {
      const file = this.file.files?.[0];
      if (file) this.choose({ url: URL.createObjectURL(file), original: file });
    });
  }

  /** What is asked for with what has been chosen. */
  get task(): Task {
    if (this.chosen === undefined) return "text2img";
    return this.painter ? "inpaint" : "img2img";
  }

  /** Whether the server lacks something of it, which no database keeps while offline. */
  get needsUpload(): boolean {
    return this.painter !== undefined || this.chosen?.original instanceof Blob;
  }

  /** A picture of the history, by its address. */
  use(url: string): void {
    this.file.value = "";
    this.choose({ url, original: url });
  }

  clear(): void {
    this.file.value = "";
    this.choose(undefined);
  }

  /** Uploads what the server does not have yet. */
  async sources(): Promise<Sources> {
    if (this.chosen === undefined) return { ok: true, addresses: {} };
    if (this.painter && !this.painter.isPainted) {
      return { ok: false, message: "Paint what is to be changed, or change the whole picture." };
    }
    const { original } = this.chosen;
    const image = await this.address(original);
    if (!image.ok || !this.painter) return image;
    const mask = await this.address(await this.painter.mask());
    if (!mask.ok) return mask;
    return {
      ok: true,
      addresses: { ...image.addresses, mask_url: mask.addresses.image_url ?? "" },
    };
  }

  private async address(original: Blob | string): Promise<Sources> {
    if (typeof original === "string") return { ok: true, addresses: { image_url: original } };
    const uploaded = await uploadInput(this.backend, original);
    if (!uploaded.ok) return { ok: false, message: uploaded.error.message };
    // A second request with the same file need not upload it again.
    if (this.chosen?.original === original) {
      this.chosen = { ...this.chosen, original: uploaded.image_url };
    }
    return { ok: true, addresses: { image_url: uploaded.image_url } };
  }

  private choose(chosen: Chosen | undefined): void {
    if (this.chosen?.url.startsWith("blob:")) URL.revokeObjectURL(this.chosen.url);
    this.chosen = chosen;
    this.painter = undefined;
    this.show();
  }

  private show(): void {
    this.shown.replaceChildren();
    if (this.chosen) {
      const { url } = this.chosen;
      const painted = make("input", { type: "checkbox", id: "source-paint" });
      painted.checked = this.painter !== undefined;
      painted.addEventListener("change", () => {
        this.painter = painted.checked ? new Painter(url) : undefined;
        this.show();
        document.getElementById("source-paint")?.focus();
      });
      this.shown.append(
        this.painter?.element ?? make("img", { src: url, alt: "The picture to begin with" }),
        make(
          "div",
          { class: "row" },
          make("label", { class: "inline" }, painted, " Change only what I paint"),
          button("Without it", () => this.clear(), { class: "quiet" }),
        ),
      );
    }
    this.onChange();
  }
}
