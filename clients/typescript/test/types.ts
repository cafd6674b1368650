// Never run: what the compiler lets through and what it does not.

import type { Emberframe, GenerationRequest } from "../src/index.js";
import { generate } from "../src/index.js";

declare const emberframe: Emberframe;

export async function whatComesOfATaskHasItsType(): Promise<string> {
  const film = await generate(emberframe, { task_type: "text2video", prompt: "a", num_frames: 33 });
  if (film.status === "completed") return film.output.video_url + film.output.files[0]?.poster_url;
  const picture = await generate(emberframe, { task_type: "inpaint", image_url: "gs://a", mask_url: "gs://b" });
  // @ts-expect-error: a picture has no film
  if (picture.status === "completed") return picture.output.video_url;
  // @ts-expect-error: only what is completed has an output
  return picture.output.image_url;
}

export async function aFailureIsToldApartByItsCode(): Promise<string> {
  const result = await generate(emberframe, { task_type: "text2img", prompt: "a" });
  if (result.status !== "failed") return "";
  switch (result.error.code) {
    case "quota_exceeded":
      return `${result.error.quota.needed} of ${result.error.quota.left}`;
    case "firebase":
      return result.error.firebase_code;
    case "invalid_input":
      // @ts-expect-error: only one code has a quota
      return result.error.quota;
    // @ts-expect-error: no such code
    case "no_such_code":
      return "";
    default:
      return result.error.message;
  }
}

// @ts-expect-error: a task has to be said
export const withoutTask: GenerationRequest = { prompt: "a" };
// @ts-expect-error: a text has to be there for a film
export const withoutPrompt: GenerationRequest = { task_type: "text2video" };
// @ts-expect-error: a picture has no frames
export const withFrames: GenerationRequest = { task_type: "text2img", prompt: "a", num_frames: 33 };
// @ts-expect-error: no such scheduler
export const withScheduler: GenerationRequest = { task_type: "text2img", prompt: "a", scheduler: "zzz" };
// @ts-expect-error: numbers are no texts
export const withText: GenerationRequest = { task_type: "text2img", prompt: "a", seed: "7" };
