// Calls that cannot be made: whoever makes them is told why. In a project of its own, in which
// everybody may look and nobody may write, and nothing happens by itself.

import assert from "node:assert/strict";
import { before } from "node:test";

import {
  cancel,
  follow,
  generate,
  history,
  newId,
  remove,
  resultOf,
  watch,
} from "../src/index.js";
import type { CallFailure, Status } from "../src/index.js";
import { listener, phone, test, variable } from "./phone.js";

const PROJECT = "demo-refusing";
const RULES = `
  rules_version = '2';
  service cloud.firestore {
    match /databases/{database}/documents {
      match /{document=**} { allow read: if request.auth != null; }
    }
  }
`;
const REQUEST = { task_type: "text2img", prompt: "a red circle on a blue background" } as const;

/** As the server, whom no rule binds. */
async function asServer(method: string, path: string, body: object): Promise<void> {
  const url = `http://${variable("FIRESTORE_EMULATOR_HOST")}/${path}`;
  const headers = { "Authorization": "Bearer owner", "Content-Type": "application/json" };
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
}

before(async () => {
  const rules = { files: [{ name: "firestore.rules", content: RULES }] };
  await asServer("PUT", `emulator/v1/projects/${PROJECT}:securityRules`, { rules });
});

/** Somebody signed in, and a way to have a generation of theirs in a state. */
async function somebody(t: Parameters<typeof phone>[0]) {
  const emberframe = await phone(t, { project: PROJECT });
  const uid = emberframe.auth.currentUser?.uid;
  const put = async (id: string, status: Status, cancelRequested?: boolean): Promise<string> => {
    const error = { code: "internal", message: "Something went wrong.", retryable: false };
    const fields = {
      status: { stringValue: status },
      created_at: { timestampValue: "2026-11-24T00:00:00Z" },
      input: { mapValue: { fields: { prompt: { stringValue: REQUEST.prompt } } } },
      ...(cancelRequested !== undefined && { cancel_requested: { booleanValue: cancelRequested } }),
      ...(status === "failed" && {
        error: {
          mapValue: {
            fields: {
              code: { stringValue: error.code },
              message: { stringValue: error.message },
              retryable: { booleanValue: error.retryable },
            },
          },
        },
      }),
    };
    const name = `projects/${PROJECT}/databases/(default)/documents/users/${uid}/generations/${id}`;
    await asServer("PATCH", `v1/${name}`, { fields });
    return id;
  };
  return { emberframe, put };
}

/** The code of a failure, or what was there in its place. */
function codeOf(told: { ok: boolean; error?: { code: string } }): string {
  return told.ok ? "ok" : (told.error?.code ?? "no error");
}

test("a cancellation that the rules refuse is refused, unless it was asked for before", async (t) => {
  const { emberframe, put } = await somebody(t);
  const codes: Record<string, string> = {};
  for (const status of ["pending", "queued", "processing"] as const) {
    codes[status] = codeOf(await cancel(emberframe, await put(`${status}-1`, status)));
    codes[`${status}, declined`] = codeOf(await cancel(emberframe, await put("no", status, false)));
    codes[`${status}, asked`] = codeOf(await cancel(emberframe, await put("yes", status, true)));
  }
  for (const status of ["completed", "failed", "cancelled"] as const) {
    codes[status] = codeOf(await cancel(emberframe, await put(`${status}-1`, status, true)));
  }

  assert.deepEqual(codes, {
    "pending": "refused",
    "pending, declined": "refused",
    "pending, asked": "ok",
    "queued": "refused",
    "queued, declined": "refused",
    "queued, asked": "ok",
    "processing": "refused",
    "processing, declined": "refused",
    "processing, asked": "ok",
    "completed": "finished",
    "failed": "finished",
    "cancelled": "ok",
  });
});

test("a removal that the rules refuse is refused, and unfinished only what has not ended", async (t) => {
  const { emberframe, put } = await somebody(t);
  const codes: Record<string, string> = {};
  for (const status of ["queued", "processing", "completed", "failed", "cancelled"] as const) {
    codes[status] = codeOf(await remove(emberframe, await put(status, status)));
  }

  assert.deepEqual(codes, {
    queued: "unfinished",
    processing: "unfinished",
    completed: "refused",
    failed: "refused",
    cancelled: "refused",
  });
});

test("a cancellation that fails reaches who waits, at once and with the end", async (t) => {
  const { emberframe, put } = await somebody(t);
  const id = await put("running", "processing");
  const { onProgress, first } = listener();
  const abort = new AbortController();
  let tell: (error: CallFailure) => void = () => undefined;
  const told = new Promise<CallFailure>((resolve) => (tell = resolve));

  const ended = follow(emberframe, id, {
    onProgress,
    signal: abort.signal,
    onCancelFailure: (error) => tell(error),
  });
  await first((it) => it.status === "processing");
  abort.abort();

  assert.equal((await told).code, "refused");
  await put(id, "failed");
  const result = await ended;
  assert.equal(result.status, "failed");
  assert.equal(result.error.code, "internal");
  assert.equal(result.cancel_failure?.code, "refused");
});

test("a cancellation that comes too late is no failure to who waits", async (t) => {
  const { emberframe, put } = await somebody(t);
  const id = await put("over", "failed");
  const onCancelFailure = (): void => assert.fail("its end was told");

  const signal = AbortSignal.abort();
  const result = await follow(emberframe, id, { signal, onCancelFailure });

  assert.equal(result.status, "failed");
  assert.equal("cancel_failure" in result, false);
});

test("an id that none can have fails in every call, and says what is allowed", async (t) => {
  const { emberframe } = await somebody(t);
  const wrong = ["", "a/b", "a/b/c", ".", "..", "__x__", ":a", "a b", "é", "a\n", "a".repeat(129)];
  for (const id of [...wrong, undefined, null, 7]) {
    const given = id as string;
    const failures: unknown[] = [];
    for (const told of [await cancel(emberframe, given), await remove(emberframe, given)]) {
      failures.push(!told.ok && told.error);
    }
    const ended = [follow(emberframe, given)];
    // No id is not a wrong one: a new one is made then.
    if (id !== undefined) ended.push(generate(emberframe, REQUEST, { id: given }));
    for (const told of await Promise.all(ended)) {
      failures.push(told.status === "failed" && told.error);
    }
    const onChange = (): void => assert.fail("there is nothing to hear");
    watch(emberframe, given, { onChange, onFailure: (error) => failures.push(error) });

    const shown = typeof id === "string" ? `'${id.slice(0, 128)}'` : String(id);
    const allowed =
      "1 to 128 letters, digits or . _ : @ - and neither begin with . : @ nor look like __this__";
    const expected = {
      code: "invalid_argument",
      field: "id",
      value: id,
      allowed,
      message: `id is ${shown}; it must be ${allowed}.`,
      retryable: false,
    };
    assert.deepEqual(failures, Array(id === undefined ? 4 : 5).fill(expected));
  }
});

test("ids at the edge of what is allowed are taken", async (t) => {
  const { emberframe } = await somebody(t);
  for (const id of ["a", "_", "-.:@", "__a", "a__", "a".repeat(128), newId(emberframe)]) {
    assert.equal(codeOf(await cancel(emberframe, id)), "not_found", id);
  }
});

test("a page of no length fails and says what is allowed, one of one does not", async (t) => {
  const { emberframe, put } = await somebody(t);
  await put("one", "failed");
  await put("two", "failed");
  for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "7", null]) {
    const page = await history(emberframe, { limit: limit as number });
    assert.deepEqual(page, {
      ok: false,
      error: {
        code: "invalid_argument",
        field: "limit",
        value: limit,
        allowed: "a whole number from 1",
        message: `limit is ${typeof limit === "string" ? `'${limit}'` : limit}; it must be a whole number from 1.`,
        retryable: false,
      },
    });
  }
  const page = await history(emberframe, { limit: 1 });
  assert.equal(page.ok && page.generations.length, 1);
  assert.equal(page.ok && page.generations[0] && resultOf(page.generations[0])?.status, "failed");
});

test("what Firebase's SDK throws at once is a failure too, and nothing rejects", async (t) => {
  const { emberframe } = await somebody(t);
  const request = { ...REQUEST, seed: (() => 7) as unknown as number };

  const result = await generate(emberframe, request);

  assert.ok(result.status === "failed" && result.error.code === "firebase");
  assert.equal(result.error.firebase_code, "invalid-argument");
});
