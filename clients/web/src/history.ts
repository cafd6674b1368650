// The grid of what was made, newest first; a placeholder of a few bytes until a thumbnail is there.

import { thumbHashToDataURL } from "thumbhash";

import { isFinal } from "../../typescript/src/index.js";
import type { Generation } from "../../typescript/src/index.js";
import { button, byId, make } from "./dom.js";
import { isFilm, noun, promptOf } from "./sentences.js";

export interface Choices {
  show(id: string): void;
  remove(generation: Generation): void;
  more(): void;
}

interface Tile {
  readonly element: HTMLLIElement;
  readonly status: string;
}

export class HistoryView {
  private readonly grid = make("ul", { class: "grid" });
  private readonly more: HTMLButtonElement;
  private readonly tiles = new Map<string, Tile>();

  constructor(private readonly choices: Choices) {
    this.more = button("Older ones", () => choices.more(), { class: "quiet", hidden: true });
    byId("history").append(this.grid, this.more);
  }

  show(generations: readonly Generation[], shownId: string | undefined, more: boolean): void {
    this.more.hidden = !more;
    const wanted = new Set(generations.map(({ id }) => id));
    for (const [id, { element }] of this.tiles) {
      if (wanted.has(id)) continue;
      this.leave(element);
      this.tiles.delete(id);
    }
    generations.forEach((generation, at) => {
      const element = this.tile(generation);
      element.querySelector(".open")?.setAttribute("aria-current", String(generation.id === shownId));
      if (this.grid.children[at] !== element) this.grid.insertBefore(element, this.grid.children[at] ?? null);
    });
  }

  /** The focus goes on to the neighbour, and not back to the top of the page. */
  private leave(element: HTMLLIElement): void {
    const hadFocus = element.contains(document.activeElement);
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    element.remove();
    if (hadFocus) (neighbour?.querySelector<HTMLElement>(".open") ?? byId("result")).focus();
  }

  private tile(generation: Generation): HTMLLIElement {
    const there = this.tiles.get(generation.id);
    if (there?.status === generation.status) return there.element;
    const element = there?.element ?? make("li");
    const hadFocus = element.contains(document.activeElement);
    element.replaceChildren(...this.contents(generation));
    if (hadFocus) element.querySelector<HTMLElement>(".open")?.focus();
    this.tiles.set(generation.id, { element, status: generation.status });
    return element;
  }

  private contents(generation: Generation): HTMLElement[] {
    const { id, status, output } = generation;
    const file = output?.files[0];
    const said = `${promptOf(generation)}, ${noun(generation)}, `;
    const open = button("", () => this.choices.show(id), {
      class: `open ${status}`,
      title: promptOf(generation),
    });
    open.append(make("span", { class: "unseen" }, said));
    if (file?.thumbhash) open.style.backgroundImage = `url(${placeholder(file.thumbhash)})`;
    open.append(make("span", { class: file ? "unseen" : "" }, status));
    if (file) open.append(make("img", { src: file.thumbnail_url, alt: "", loading: "lazy" }));
    if (isFilm(generation)) open.append(make("span", { class: "film", "aria-hidden": "true" }, "▶"));
    if (!isFinal(status)) return [open];
    const remove = button("×", () => this.choices.remove(generation), {
      class: "remove",
      "aria-label": `Delete ${said}${status}`,
    });
    return [open, remove];
  }
}

function placeholder(thumbhash: string): string {
  return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (it) => it.charCodeAt(0)));
}
