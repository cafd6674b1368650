// What is worth telling of a generation's progress.

import assert from "node:assert/strict";

import { onlyNews } from "../src/progress.js";
import type { GenerationProgress } from "../src/progress.js";
import { test } from "./phone.js";

const HALF: GenerationProgress = { status: "processing", sent: true, fraction: 0.5, step: 5 };
const PICTURE = new Uint8Array([1, 2, 3]);

test("the first progress is news, and the same again is none", async () => {
  const isNews = onlyNews();

  assert.deepEqual([isNews(HALF), isNews({ ...HALF }), isNews(HALF)], [true, false, false]);
});

test("whatever is shown differently is news, a preview's bytes and a last error too", async () => {
  const isNews = onlyNews();
  const preview = (...bytes: number[]) => ({ ...HALF, preview: new Uint8Array(bytes) });
  const last_error = { code: "internal", message: "Once more.", retryable: true } as const;

  const told = [
    HALF,
    { ...HALF, step: 6 },
    preview(1, 2, 3),
    preview(1, 2, 4),
    preview(1, 2),
    HALF,
    { ...HALF, last_error },
    { ...HALF, queue: { ahead: 2 } },
    { ...HALF, queue: { ahead: 1 } },
  ];
  assert.deepEqual(told.map(isNews), Array(told.length).fill(true));
});

test("bytes that are equal are no news, whoever holds them", async () => {
  const isNews = onlyNews();
  const twice = [PICTURE, PICTURE.slice()].map((preview) => ({ ...HALF, preview }));

  assert.deepEqual(twice.map(isNews), [true, false]);
});

test("each progress is looked through once, however many come after it", async () => {
  const isNews = onlyNews();
  let looks = 0;
  const counted = (step: number): GenerationProgress => ({
    ...HALF,
    step,
    get fraction() {
      looks += 1;
      return 0.5;
    },
  });

  for (const step of [1, 1, 2, 3]) isNews(counted(step));
  assert.equal(looks, 4);
});
