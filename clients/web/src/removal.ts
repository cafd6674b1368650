// Deleting something: asked once, since it cannot be had back.

import { remove } from "../../typescript/src/index.js";
import type { Generation } from "../../typescript/src/index.js";
import { announce } from "./announcer.js";
import type { Backend } from "./backend.js";
import { button, make } from "./dom.js";
import { noun } from "./sentences.js";

/** Ask, then remove it. The live query tells when it is gone. */
export function askToRemove(backend: Backend, generation: Generation): void {
  const dialog = make("dialog", { "aria-labelledby": "removal-title" });
  const fault = make("p", { class: "fault", role: "alert", hidden: true });
  const go = async (): Promise<void> => {
    const done = await remove(backend, generation.id);
    if (done.ok) {
      dialog.close();
      announce("Deleted.");
      return;
    }
    fault.textContent = done.error.message;
    fault.hidden = false;
  };
  dialog.append(
    make("h2", { id: "removal-title" }, `Delete this ${noun(generation)}?`),
    make("p", {}, "Its files go with it. It cannot be had back."),
    fault,
    make(
      "div",
      { class: "row" },
      button("Keep it", () => dialog.close(), { class: "quiet", autofocus: true }),
      button("Delete", () => void go(), { class: "danger" }),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
