// The one generation that is looked at: its progress, then what came of it.

import { cancel, isFinal, previewUrl } from "../../typescript/src/index.js";
import type { Generation, ObjectUrl } from "../../typescript/src/index.js";
import { announceProgress } from "./announcer.js";
import type { Backend } from "./backend.js";
import { button, byId, make } from "./dom.js";
import { isFilm, noun, promptOf, standing } from "./sentences.js";

/** Of the first preview, in pixels; each step takes some of it away. */
const BLUR = 14;

export interface Actions {
  beginWith(url: string): void;
  remove(generation: Generation): void;
}

export class ResultView {
  private readonly place = byId("result");
  private readonly body = make("div", { class: "body" });
  private readonly line = make("p", { class: "standing" });
  private readonly bar = make("progress", { max: 1, "aria-label": "Progress" });
  private readonly preview = make("img", { class: "preview", alt: "Preview", hidden: true });
  private shownPreview: { bytes: Uint8Array; url: ObjectUrl } | undefined;
  /** Of what the body was built for; it is built anew only when this changes. */
  private built = "";

  constructor(
    private readonly backend: Backend,
    private readonly actions: Actions,
  ) {
    this.place.querySelector(".empty")?.remove();
    this.place.append(this.body);
    this.show(undefined);
  }

  /** Show it as it is now; undefined where there is nothing yet. */
  show(generation: Generation | undefined): void {
    const key = generation ? keyOf(generation) : "nothing";
    if (key !== this.built) {
      this.built = key;
      this.forgetPreview();
      const hadFocus = this.body.contains(document.activeElement);
      this.body.replaceChildren(...(generation ? this.build(generation) : [EMPTY()]));
      this.body.dataset["status"] = generation?.status ?? "";
      if (hadFocus) this.place.focus({ preventScroll: true });
    }
    if (generation) {
      this.update(generation);
      announceProgress(generation);
    }
  }

  private build(generation: Generation): HTMLElement[] {
    const prompt = make("p", { class: "prompt" }, promptOf(generation));
    if (!isFinal(generation.status)) {
      const stop = button("Cancel", () => this.cancel(generation.id, stop), { class: "quiet" });
      const frame = make("div", { class: "frame waiting" }, this.preview);
      return [frame, this.line, this.bar, prompt, make("div", { class: "row" }, stop)];
    }
    const row = make("div", { class: "row" });
    const shown = generation.status === "completed" ? this.outcome(generation, row) : [];
    row.append(
      button("Delete", () => this.actions.remove(generation), { class: "quiet danger" }),
    );
    this.line.className = generation.status === "failed" ? "standing fault" : "standing";
    return [...shown, this.line, prompt, row];
  }

  private outcome(generation: Generation, row: HTMLElement): HTMLElement[] {
    const { output } = generation;
    if (!output) return [];
    const open = make("a", { class: "button quiet", target: "_blank", rel: "noopener" }, "Open");
    row.append(open);
    const [first] = output.files;
    if (isFilm(generation)) {
      open.href = output.video_url ?? "";
      const poster = first && "poster_url" in first ? first.poster_url : undefined;
      const film = make("video", {
        ...{ src: output.video_url, poster, controls: true, loop: true, playsinline: true },
        "aria-label": `Film: ${promptOf(generation)}`,
      });
      // Without sound: browsers play those by themselves. As a property, which setting the
      // attribute later does not change.
      film.muted = true;
      film.autoplay = !matchMedia("(prefers-reduced-motion: reduce)").matches;
      return [make("div", { class: "frame" }, film)];
    }
    let [url = ""] = output.images ?? [];
    const picture = make("img", { src: url, alt: `Picture: ${promptOf(generation)}` });
    open.href = url;
    row.append(button("Begin with it", () => this.actions.beginWith(url)));
    const frame = make("div", { class: "frame" }, picture);
    if ((output.images?.length ?? 0) < 2) return [frame];
    const choices: HTMLElement[] = output.files.map((file, index) => {
      const choice: HTMLElement = button("", () => {
        url = output.images?.[index] ?? url;
        picture.src = open.href = url;
        for (const it of choices) it.setAttribute("aria-pressed", String(it === choice));
      }, { class: "choice", "aria-pressed": String(index === 0), "aria-label": `Picture ${index + 1} of ${output.files.length}` });
      choice.append(make("img", { src: file.thumbnail_url, alt: "" }));
      return choice;
    });
    return [frame, make("div", { class: "row" }, ...choices)];
  }

  private update(generation: Generation): void {
    this.line.textContent = standing(generation);
    if (isFinal(generation.status)) return;
    const { status, progress } = generation;
    const { fraction = 0, preview } = progress ?? {};
    this.line.className = "standing";
    if (status === "processing") this.bar.value = fraction;
    else this.bar.removeAttribute("value");
    if (preview && !isSame(preview, this.shownPreview?.bytes)) this.showPreview(preview, generation);
    this.preview.style.filter = `blur(${(BLUR * (1 - fraction)).toFixed(1)}px)`;
  }

  private showPreview(bytes: Uint8Array, generation: Generation): void {
    const before = this.shownPreview?.url;
    this.shownPreview = { bytes, url: previewUrl(bytes) };
    this.preview.addEventListener("load", () => before?.release(), { once: true });
    this.preview.src = this.shownPreview.url.url;
    this.preview.alt = `Preview of your ${noun(generation)}`;
    this.preview.hidden = false;
  }

  private forgetPreview(): void {
    this.shownPreview?.url.release();
    this.shownPreview = undefined;
    this.preview.hidden = true;
    this.preview.removeAttribute("src");
  }

  private async cancel(id: string, stop: HTMLButtonElement): Promise<void> {
    this.place.focus({ preventScroll: true }); // a button that is disabled loses it
    stop.disabled = true;
    const done = await cancel(this.backend, id);
    if (done.ok || done.error.code === "finished") return;
    stop.disabled = false;
    if (stop.isConnected) this.line.textContent = done.error.message;
  }
}

function EMPTY(): HTMLElement {
  return make("p", { class: "empty" }, "Nothing yet. Say what is to be seen, and watch it appear.");
}

function keyOf({ id, status }: Generation): string {
  return `${id} ${isFinal(status) ? status : "on its way"}`;
}

function isSame(one: Uint8Array, other: Uint8Array | undefined): boolean {
  return one.length === other?.length && one.every((byte, at) => byte === other[at]);
}
