// Says aloud, through the page's live region, how a generation goes on: every stage and every
// quarter, not every step.

import type { Generation } from "../../typescript/src/index.js";
import { byId } from "./dom.js";
import { noun, standing } from "./sentences.js";

const QUARTERS = 4;

let last = "";

/** One sentence, at once. */
export function announce(sentence: string): void {
  byId("status").textContent = sentence;
}

/** What has changed of the generation that is shown. */
export function announceProgress(generation: Generation): void {
  const { id, status } = generation;
  const sentence = status === "processing" ? quarter(generation) : standing(generation);
  if (last === id + sentence) return;
  last = id + sentence;
  announce(sentence);
}

function quarter(generation: Generation): string {
  const done = Math.floor((generation.progress?.fraction ?? 0) * QUARTERS) / QUARTERS;
  return `Making your ${noun(generation)}: ${Math.round(done * 100)} percent`;
}
