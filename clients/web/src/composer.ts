// The form: picture or film, prompt, a picture to begin with, settings; makes a request of them.

import { generate, newId } from "../../typescript/src/index.js";
import type { GenerationRequest } from "../../typescript/src/index.js";
import type { Backend } from "./backend.js";
import { announce } from "./announcer.js";
import { byId, make } from "./dom.js";
import { longestPrompt } from "./schema.js";
import type { Task } from "./schema.js";
import { Settings } from "./settings.js";
import { Source } from "./source.js";

const DOUBLE_CLICK_MILLISECONDS = 500;

export class Composer {
  private readonly prompt = make("textarea", { id: "prompt", rows: 3, required: true });
  private readonly settings = new Settings();
  private readonly source: Source;
  private readonly submit = make("button", { type: "submit", class: "main" }, "Make it");
  private readonly fault = make("p", { class: "fault", role: "alert", hidden: true });
  private readonly picture = radio("picture", "Picture", true);
  private readonly film = radio("film", "Film", false);

  constructor(
    private readonly backend: Backend,
    /** A generation of that id is on its way. */
    private readonly onBegun: (id: string) => void,
  ) {
    this.source = new Source(backend, () => this.showTask());
    this.prompt.placeholder = "a red circle on a blue background";
    const form = make(
      "form",
      {},
      make(
        "fieldset",
        { class: "kinds" },
        make("legend", { class: "unseen" }, "What to make"),
        this.picture.label,
        this.film.label,
      ),
      make("label", { for: "prompt" }, "What is to be seen"),
      this.prompt,
      this.source.element,
      make("details", {}, make("summary", {}, "Settings"), this.settings.element),
      this.fault,
      this.submit,
    );
    for (const { input } of [this.picture, this.film]) {
      input.addEventListener("change", () => this.showTask());
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    // A fault in a setting cannot be shown where the settings are folded away.
    form.addEventListener("invalid", (event) => {
      (event.target as Element).closest("details")?.setAttribute("open", "");
    }, true);
    byId("composer").append(form);
    this.showTask();
  }

  /** Begin with this picture of the history. */
  beginWith(url: string): void {
    this.picture.input.checked = true;
    this.source.use(url);
    announce("The picture is now what you begin with.");
    this.prompt.focus();
  }

  private get task(): Task {
    return this.film.input.checked ? "text2video" : this.source.task;
  }

  private showTask(): void {
    const { task } = this;
    this.source.element.hidden = task === "text2video";
    this.prompt.required = task === "text2img" || task === "text2video";
    const longest = longestPrompt(task);
    if (longest !== undefined) this.prompt.maxLength = longest;
    this.settings.show(task);
  }

  private async send(): Promise<void> {
    if (this.submit.disabled) return;
    this.tell("");
    const { task } = this;
    const prompt = this.prompt.value.trim();
    const settings = this.settings.read();
    if (task !== "text2video" && this.source.needsUpload && !navigator.onLine) {
      return this.tell("A picture of your own can be sent only while you are online.");
    }
    this.submit.disabled = true;
    let addresses = {};
    try {
      if (task !== "text2video") {
        const found = await this.source.sources();
        if (!found.ok) return this.tell(found.message);
        addresses = found.addresses;
      }
    } finally {
      // A double click asks for one.
      setTimeout(() => (this.submit.disabled = false), DOUBLE_CLICK_MILLISECONDS);
    }
    const request = { task_type: task, ...(prompt && { prompt }), ...addresses, ...settings };
    const id = newId(this.backend);
    const ended = generate(this.backend, request as GenerationRequest, { id });
    announce(navigator.onLine ? "Sent." : "Kept until you are online again.");
    this.onBegun(id);
    const result = await ended;
    // What became a document is told where it is shown; this one never did.
    if (result.status === "failed" && !result.generation) this.tell(result.error.message);
  }

  private tell(sentence: string): void {
    this.fault.textContent = sentence;
    this.fault.hidden = sentence === "";
  }
}

function radio(
  value: string,
  text: string,
  checked: boolean,
): { input: HTMLInputElement; label: HTMLLabelElement } {
  const input = make("input", { type: "radio", name: "kind", value, checked });
  return { input, label: make("label", {}, input, make("span", {}, text)) };
}
