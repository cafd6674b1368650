// Deleting something: asked once, since it cannot be had back.

import { remove } from "../../typescript/src/index.js";
import type { Generation } from "../../typescript/src/index.js";
import { announce } from "./announcer.js";
import type { Backend } from "./backend.js";
import { button, byId, make } from "./dom.js";
import { noun } from "./sentences.js";

/** Ask, then remove it. The live query tells when it is gone. */
export function askToRemove(backend: Backend, generation: Generation): void {
  const dialog = make("dialog", { "aria-labelledby": "removal-title" });
  const fault = make("p", { class: "fault", role: "alert", hidden: true });
  const keep = button("Keep it", () => dialog.close(), { class: "quiet", autofocus: true });
  const destroy = button("Delete", () => void go(), { class: "danger" });
  const go = async (): Promise<void> => {
    // It is on its way from here on; offline it waits, and nothing takes it back.
    keep.textContent = "Close";
    keep.focus();
    destroy.disabled = true;
    tell(navigator.onLine ? "" : "It will be deleted when you are online again.");
    const done = await remove(backend, generation.id);
    if (done.ok) {
      dialog.close();
      announce("Deleted.");
      return;
    }
    keep.textContent = "Keep it";
    destroy.disabled = false;
    tell(done.error.message);
  };
  const tell = (sentence: string): void => {
    fault.textContent = sentence;
    fault.hidden = sentence === "";
  };
  dialog.append(
    make("h2", { id: "removal-title" }, `Delete this ${noun(generation)}?`),
    make("p", {}, "Its files go with it. It cannot be had back."),
    fault,
    make(
      "div",
      { class: "row" },
      keep,
      destroy,
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    // Where the button was that opened it there may be nothing any more.
    if (document.activeElement === document.body) byId("result").focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
}
