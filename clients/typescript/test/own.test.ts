// What a person does with what they have made, and with nobody signed in.

import assert from "node:assert/strict";

import { signOut } from "firebase/auth";

import {
  cancel,
  follow,
  generate,
  history,
  newId,
  remove,
  resultOf,
  uploadInput,
  watch,
} from "../src/index.js";
import { LONGEST, SMALL, listener, phone, test } from "./phone.js";

const PROMPT = "a red circle on a blue background";
/** Refused at once, so that a history costs nothing. */
const WRONG = { task_type: "text2img", prompt: PROMPT, num_images: 99 } as const;

test("the history is newest first and comes in pages", async (t) => {
  const emberframe = await phone(t);
  const made: string[] = [];
  for (let number = 0; number < 5; number += 1) made.unshift((await generate(emberframe, WRONG)).id);

  const pages: string[][] = [];
  let page = await history(emberframe, { limit: 2 });
  for (;;) {
    assert.ok(page.ok);
    pages.push(page.generations.map((it) => it.id));
    assert.ok(page.generations.every((it) => it.sent && resultOf(it)?.status === "failed"));
    if (page.next === undefined) break;
    page = await history(emberframe, { limit: 2, after: page.next });
  }

  assert.deepEqual(pages, [made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
  const completed = await history(emberframe, { status: "completed" });
  assert.deepEqual(completed, { ok: true, generations: [] });
  const failed = await history(emberframe, { status: "failed" });
  assert.deepEqual(failed.ok && failed.generations.map((it) => it.id), made);
});

test("what has ended is removed with its files, and what has not is not", async (t) => {
  const emberframe = await phone(t);
  const { onProgress, first } = listener();
  const result = await generate(emberframe, { task_type: "text2img", prompt: PROMPT, ...SMALL });
  assert.equal(result.status, "completed");
  const abort = new AbortController();
  const running = generate(
    emberframe,
    { task_type: "text2img", prompt: PROMPT, ...LONGEST },
    { id: newId(emberframe), onProgress, signal: abort.signal },
  );
  await first((it) => it.status === "processing");
  const [unfinished] = await runningIds(emberframe);

  const early = await remove(emberframe, unfinished ?? "");
  abort.abort();
  // The listener has seen it gone for as long as the server took to refuse.
  assert.equal((await running).status, "cancelled");
  assert.deepEqual(await remove(emberframe, result.id), { ok: true });

  assert.equal(!early.ok && early.error.code, "unfinished");
  assert.deepEqual(await remove(emberframe, result.id), { ok: true });
  const left = await history(emberframe);
  assert.deepEqual(left.ok && left.generations.map((it) => it.id), [unfinished]);
});

test("cancelling what has ended says so, and what is not there is not found", async (t) => {
  const emberframe = await phone(t);
  const { id } = await generate(emberframe, WRONG);

  const late = await cancel(emberframe, id);
  const missing = await cancel(emberframe, "nothing");

  assert.ok(!late.ok && late.error.code === "finished");
  assert.equal(late.error.status, "failed");
  assert.equal(!missing.ok && missing.error.code, "not_found");
});

test("cancelling twice is as cancelling once", async (t) => {
  const emberframe = await phone(t);
  const { onProgress, first } = listener();
  const id = newId(emberframe);
  const request = { task_type: "text2img", prompt: PROMPT, ...LONGEST } as const;
  const ended = generate(emberframe, request, { id, onProgress });
  await first((it) => it.status === "processing");

  assert.deepEqual(await cancel(emberframe, id), { ok: true });
  assert.deepEqual(await cancel(emberframe, id), { ok: true });
  assert.equal((await ended).status, "cancelled");
  assert.deepEqual(await cancel(emberframe, id), { ok: true });
});

test("a picture is made from an image that was uploaded", async (t) => {
  const emberframe = await phone(t);
  const first = await generate(emberframe, { task_type: "text2img", prompt: PROMPT, ...SMALL });
  assert.equal(first.status, "completed");
  const picture = await (await fetch(first.output.image_url)).blob();
  const fractions: number[] = [];

  const uploaded = await uploadInput(emberframe, picture, { onProgress: (it) => fractions.push(it) });
  assert.ok(uploaded.ok, JSON.stringify(uploaded));
  const { image_url } = uploaded;
  const request = { task_type: "img2img", prompt: PROMPT, image_url, ...SMALL } as const;
  const result = await generate(emberframe, { ...request, strength: 0.9 });

  assert.match(image_url, /^gs:\/\//);
  assert.equal(fractions.at(-1), 1);
  assert.equal(result.status, "completed", JSON.stringify(result));
});

test("an image of a wrong type or size is not uploaded, nor one that is aborted", async (t) => {
  const emberframe = await phone(t);
  const upload = async (bytes: Uint8Array, contentType: string, signal?: AbortSignal) => {
    const uploaded = await uploadInput(emberframe, bytes, { contentType, ...(signal && { signal }) });
    return !uploaded.ok && uploaded.error.code;
  };

  assert.equal(await upload(new Uint8Array(9), "image/gif"), "wrong_type");
  assert.equal(await upload(new Uint8Array(0), "image/png"), "wrong_size");
  assert.equal(await upload(new Uint8Array(20 * 1024 * 1024 + 1), "image/png"), "wrong_size");
  assert.equal(await upload(new Uint8Array(9), "image/png", AbortSignal.abort()), "aborted");
  const abort = new AbortController();
  const aborted = upload(new Uint8Array(4 * 1024 * 1024), "image/png", abort.signal);
  abort.abort();
  assert.equal(await aborted, "aborted");
});

test("with nobody signed in every call says so", async (t) => {
  const emberframe = await phone(t);
  await signOut(emberframe.auth);
  const failures: unknown[] = [];

  const image = new Uint8Array(9);
  for (const told of [
    await cancel(emberframe, "any"),
    await remove(emberframe, "any"),
    await history(emberframe),
    await uploadInput(emberframe, image, { contentType: "image/png" }),
  ]) {
    failures.push(!told.ok && told.error.code);
  }
  for (const told of [await generate(emberframe, WRONG), await follow(emberframe, "any")]) {
    failures.push(told.status === "failed" && told.error.code);
  }
  const onChange = (): void => assert.fail("there is nothing to hear");
  watch(emberframe, "any", { onChange, onFailure: (error) => failures.push(error.code) });

  assert.deepEqual(failures, Array(7).fill("signed_out"));
});

async function runningIds(emberframe: Parameters<typeof history>[0]): Promise<string[]> {
  const page = await history(emberframe, { status: "processing" });
  return page.ok ? page.generations.map((it) => it.id) : [];
}
