// A listener that hears nothing is helped; one that hears is left alone.

import assert from "node:assert/strict";
import { mock } from "node:test";

import { collection, doc, serverTimestamp, setDoc } from "firebase/firestore";

import { QuietLook, lookUp } from "../src/quiet.js";
import { phone, test } from "./phone.js";

/** Lets promises that are settled go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function onMockedTime(body: () => Promise<void>): Promise<void> {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await body();
  } finally {
    mock.timers.reset();
  }
}

test("after a silence it looks, and after the next one again, also when a look failed", async () => {
  let looks = 0;
  const look = new QuietLook(async () => {
    looks += 1;
    if (looks === 1) throw new Error("offline");
  }, 100);

  await onMockedTime(async () => {
    look.heard();
    for (const expected of [1, 2, 3]) {
      mock.timers.tick(100);
      await settled();
      assert.equal(looks, expected);
    }
    look.stop();
    mock.timers.tick(1000);
    assert.equal(looks, 3);
  });
});

test("whoever hears something in time never looks", async () => {
  let looks = 0;
  const look = new QuietLook(async () => void (looks += 1), 100);

  await onMockedTime(async () => {
    for (let times = 0; times < 5; times += 1) {
      look.heard();
      mock.timers.tick(99);
      await settled();
    }
    look.stop();
  });
  assert.equal(looks, 0);
});

test("one that is stopped while it looks does not look again", async () => {
  let looks = 0;
  const look: QuietLook = new QuietLook(async () => {
    looks += 1;
    look.stop();
  }, 100);

  await onMockedTime(async () => {
    look.heard();
    mock.timers.tick(100);
    await settled();
    mock.timers.tick(1000);
    await settled();
  });
  assert.equal(looks, 1);
});

test("the rules let somebody look an own generation up", async (t) => {
  const { auth, firestore } = await phone(t);
  const own = doc(collection(firestore, "users", auth.currentUser!.uid, "generations"));
  const input = { prompt: "a red circle", width: 5 };
  await setDoc(own, { input, status: "pending", created_at: serverTimestamp() });

  const { docs } = await lookUp(own);

  assert.deepEqual(docs.map((it) => it.id), [own.id]);
});
