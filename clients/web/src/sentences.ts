// What a generation is doing, in words for a person.

import type { Generation, Queue, Stage } from "../../typescript/src/index.js";

const STAGES: Partial<Record<Stage, string>> = {
  encode: "Reading the prompt",
  denoise: "Drawing",
  refine: "Refining",
  decode: "Developing",
  store: "Storing",
};

const UNSENT = "Will be sent when you are online again";

/** Whether it is, or is to be, a film. */
export function isFilm({ input }: Generation): boolean {
  return (input as Record<string, unknown> | undefined)?.["task_type"] === "text2video";
}

export function noun(generation: Generation): "film" | "picture" {
  return isFilm(generation) ? "film" : "picture";
}

/** What was asked for. */
export function promptOf({ input }: Generation): string {
  const { prompt } = (input ?? {}) as { prompt?: unknown };
  return typeof prompt === "string" && prompt !== "" ? prompt : "without words";
}

/** Where it stands, at this moment. */
export function standing(generation: Generation): string {
  switch (generation.status) {
    case "pending":
    case "queued":
      return waiting(generation);
    case "processing":
      return working(generation);
    case "completed":
      return `Your ${noun(generation)} is ready`;
    case "cancelled":
      return "Cancelled";
    case "failed":
      return generation.error?.message ?? "It failed.";
  }
}

function waiting(generation: Generation): string {
  if (!generation.sent) return navigator.onLine ? "Sending" : UNSENT;
  if (generation.cancel_requested) return "Cancelling";
  if (generation.error) return `Trying again: ${generation.error.message}`;
  return generation.queue ? placeInLine(generation.queue) : "Waiting for a worker";
}

function placeInLine({ ahead, eta_seconds }: Queue): string {
  const place = ahead === 0 ? "Next in line" : `${ahead} ahead of yours`;
  return eta_seconds === undefined ? place : `${place}, begins in about ${duration(eta_seconds)}`;
}

function working(generation: Generation): string {
  if (generation.cancel_requested) return "Cancelling";
  const { stage, step, total_steps } = generation.progress ?? {};
  const doing = (stage && STAGES[stage]) ?? "Working";
  const counts = stage === "denoise" || stage === "refine";
  return counts && step && total_steps ? `${doing}, step ${step} of ${total_steps}` : doing;
}

/** "40 s", "3 min". */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}
