// Puts the page together: one live list of generations, and what each part does with it.

import type { Generation } from "../../typescript/src/index.js";
import { connect, signIn } from "./backend.js";
import type { Backend } from "./backend.js";
import { Composer } from "./composer.js";
import { watchConnection } from "./connection.js";
import { button, byId, make } from "./dom.js";
import { Generations } from "./generations.js";
import { HistoryView } from "./history.js";
import { askToRemove } from "./removal.js";
import { ResultView } from "./result.js";
import { offerThemes } from "./theme.js";

offerThemes();
watchConnection();
void begin();

async function begin(): Promise<void> {
  try {
    const backend = await connect();
    await signIn(backend);
    open(backend);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const again = button("Try again", () => location.reload());
    byId("result").append(make("p", { class: "fault", role: "alert" }, reason), again);
    byId("result").querySelector(".empty")?.remove();
  }
}

function open(backend: Backend): void {
  let newest: readonly Generation[] = [];
  let older = false;
  /** What the person has chosen to see; else the newest. */
  let chosen: string | undefined;

  const ask = (generation: Generation): void => askToRemove(backend, generation);
  const composer = new Composer(backend, look);
  const result = new ResultView(backend, { beginWith: (url) => composer.beginWith(url), remove: ask });
  const history = new HistoryView({
    show: look,
    remove: ask,
    more: () => generations.more(),
  });
  const trouble = make("div");
  byId("history").append(trouble);
  const generations = new Generations(
    backend,
    (read, more) => {
      [newest, older] = [read, more];
      trouble.replaceChildren();
      show();
    },
    (sentence) => {
      const again = button("Try again", () => generations.listen());
      trouble.replaceChildren(make("p", { class: "fault", role: "alert" }, sentence), again);
    },
  );

  function look(id: string): void {
    chosen = id;
    show();
    byId("result").scrollIntoView({ block: "nearest" });
  }

  function show(): void {
    const shown = newest.find(({ id }) => id === chosen) ?? newest[0];
    result.show(shown);
    history.show(newest, shown?.id, older);
  }

  // What waits to be sent has another sentence then.
  for (const change of ["online", "offline"]) addEventListener(change, show);
  generations.listen();
}
