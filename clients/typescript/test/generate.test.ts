// From a request to its end, on the emulators, with a real worker.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";

import { onLog } from "firebase/app";
import { disableNetwork, enableNetwork, setLogLevel } from "firebase/firestore";

import { follow, generate, history, newId, previewUrl, watch } from "../src/index.js";
import { LONGEST, SMALL, listener, phone, test } from "./phone.js";

const PROMPT = "a red circle on a blue background";

test("a request becomes a picture, and its progress is told on the way", async (t) => {
  const emberframe = await phone(t);
  const { told, onProgress } = listener();
  const request = { task_type: "text2img", prompt: PROMPT, num_inference_steps: 100 } as const;

  const result = await generate(emberframe, request, { onProgress });

  assert.equal(result.status, "completed");
  const { output, generation } = result;
  const picture = await fetch(output.image_url);
  assert.equal(picture.headers.get("content-type"), "image/png");
  assert.deepEqual(generation.input, request);
  assert.ok(generation.created_at instanceof Date);
  const fractions = told.map((it) => it.fraction);
  assert.ok(fractions.some((it) => it > 0 && it < 1), String(fractions));
  assert.deepEqual(fractions, fractions.toSorted((one, other) => one - other));
  assert.deepEqual(told.map((it) => it.sent), told.map((it) => it.sent).toSorted());
  assert.equal(told.at(0)?.status, "pending");
  const { preview } = told.find((it) => it.preview) ?? assert.fail("no preview was told");
  const seen = previewUrl(preview!);
  assert.equal(await (await fetch(seen.url)).text().then((it) => it.slice(0, 4)), "RIFF");
  seen.release();
  await assert.rejects(fetch(seen.url));
});

test("a wrong request comes back with its code and its sentence", async (t) => {
  const emberframe = await phone(t);
  const request = { task_type: "text2img", prompt: PROMPT, num_inference_steps: 1_000_000 } as const;

  const result = await generate(emberframe, request);

  assert.equal(result.status, "failed");
  assert.equal(result.error.code, "invalid_input");
  assert.equal(result.error.retryable, false);
  const said = "num_inference_steps is 1000000; it must be a whole number from 1 to 150.";
  assert.equal(result.error.message, said);
});

test("values that are undefined are left out", async (t) => {
  const emberframe = await phone(t);
  const loras = [{ name: "no such one", weight: undefined }];
  const request = { task_type: "text2img", prompt: PROMPT, seed: undefined, loras };

  const result = await generate(emberframe, request as never);

  assert.equal(result.status, "failed");
  assert.equal(result.error.code, "invalid_input");
  const { input } = result.generation ?? assert.fail("it has no generation");
  assert.deepEqual(input, { task_type: "text2img", prompt: PROMPT, loras: [{ name: "no such one" }] });
});

test("what the rules refuse fails as refused, and nothing is made", async (t) => {
  const emberframe = await phone(t);

  const result = await generate(emberframe, { task_type: "text2img", prompt: "x".repeat(9000) });

  assert.equal(result.status, "failed");
  assert.equal(result.error.code, "refused");
  assert.deepEqual(await history(emberframe), { ok: true, generations: [] });
});

test("an abort cancels what is running", async (t) => {
  const emberframe = await phone(t);
  const { onProgress, first } = listener();
  const abort = new AbortController();
  const options = { onProgress, signal: abort.signal };

  const result = generate(emberframe, { task_type: "text2img", prompt: PROMPT, ...LONGEST }, options);
  await first((it) => it.status === "processing");
  abort.abort();

  assert.equal((await result).status, "cancelled");
});

test("an abort before the call makes nothing", async (t) => {
  const emberframe = await phone(t);

  const request = { task_type: "text2img", prompt: PROMPT } as const;
  const result = await generate(emberframe, request, { signal: AbortSignal.abort() });

  assert.equal(result.status, "cancelled");
  assert.deepEqual(await history(emberframe), { ok: true, generations: [] });
});

test("a request made offline is sent when there is a connection", async (t) => {
  const emberframe = await phone(t);
  await disableNetwork(emberframe.firestore);
  const { told, onProgress, first } = listener();

  const request = { task_type: "text2img", prompt: PROMPT, ...SMALL } as const;
  const result = generate(emberframe, request, { onProgress });
  await first((it) => !it.sent);
  assert.deepEqual(told.map((it) => [it.status, it.sent]), [["pending", false]]);
  await enableNetwork(emberframe.firestore);

  assert.equal((await result).status, "completed");
});

test("a request made and aborted offline ends as cancelled", async (t) => {
  const emberframe = await phone(t);
  await disableNetwork(emberframe.firestore);
  const { onProgress, first } = listener();
  const abort = new AbortController();
  const options = { onProgress, signal: abort.signal };

  const result = generate(emberframe, { task_type: "text2img", prompt: PROMPT, ...LONGEST }, options);
  await first((it) => !it.sent);
  abort.abort();
  await enableNetwork(emberframe.firestore);

  assert.equal((await result).status, "cancelled");
});

test("the same id twice, from two devices of one person, is one generation", async (t) => {
  const uid = `twice-${Date.now()}`;
  const [one, other] = [await phone(t, { uid }), await phone(t, { uid })];
  const id = newId(one);
  const request = { task_type: "text2img", prompt: PROMPT, ...SMALL } as const;

  const results = await Promise.all([
    generate(one, request, { id }),
    generate(one, { ...request, prompt: "a green star" }, { id }),
    generate(other, request, { id }),
  ]);
  const later = await generate(other, request, { id });

  const urls = [...results, later].map((it) => (it.status === "completed" ? it.output.image_url : ""));
  assert.match(urls[0] ?? "", /^http/);
  assert.equal(new Set(urls).size, 1);
  const page = await history(one);
  assert.deepEqual(page.ok && page.generations.map((it) => it.id), [id]);
});

test("a generation is followed from the middle to its end, and watched without waiting", async (t) => {
  const emberframe = await phone(t);
  const id = newId(emberframe);
  const request = { task_type: "text2img", prompt: PROMPT, ...SMALL } as const;
  const seen: unknown[] = [];
  const made = new Promise<void>((resolve) => {
    const stop = watch(emberframe, id, {
      onChange: (it) => {
        seen.push(it?.status);
        if (it?.status !== "completed") return;
        stop();
        resolve();
      },
    });
  });
  const first = generate(emberframe, request, { id });

  const [one, other] = await Promise.all([first, follow(emberframe, id), made]);

  assert.equal(other.status, "completed");
  assert.deepEqual(one, other);
  assert.ok(seen.includes("completed"));
});

test("following what does not exist fails as not found", async (t) => {
  const result = await follow(await phone(t), "nothing");

  assert.equal(result.status, "failed");
  assert.equal(result.error.code, "not_found");
});

test("nothing listens any more when a generation has ended", async (t) => {
  const emberframe = await phone(t);
  const listeners = { "Allocate target": 0, "Release target": 0 };
  // The SDK has no other way to say so.
  setLogLevel("debug");
  onLog(({ message }) => {
    for (const kind of ["Allocate target", "Release target"] as const) {
      if (message.endsWith(`transaction: ${kind}`)) listeners[kind] += 1;
    }
    if (listeners["Release target"] === listeners["Allocate target"]) even();
  });
  // The SDK lets go of a listener some time after it was told to; then as many are gone as came.
  let even = (): void => {};
  const { signal } = new AbortController();

  const wrong = { task_type: "text2img", prompt: PROMPT, num_images: 99 } as const;
  const refused = { task_type: "text2img", prompt: "x".repeat(9000) } as const;
  const ended = [wrong, refused].map((it) => generate(emberframe, it, { signal }));
  const during = getEventListeners(signal, "abort").length;
  await Promise.all(ended);
  await new Promise<void>((resolve) => {
    even = resolve;
    if (listeners["Release target"] === listeners["Allocate target"]) resolve();
  });
  onLog(null);
  setLogLevel("error");

  assert.deepEqual([during, getEventListeners(signal, "abort").length], [2, 0]);
  assert.ok(listeners["Allocate target"] >= 2, JSON.stringify(listeners));
  assert.equal(listeners["Release target"], listeners["Allocate target"]);
});
