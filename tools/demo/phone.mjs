// A phone: Firebase's JavaScript SDK against the emulators, driven by JSON lines.
//
// Commands on stdin, one a line:  {"op": "sign_in"} · {"op": "generate", "id", "input"} ·
// {"op": "cancel", "id"}. Events on stdout, one a line, each with `at` (epoch milliseconds):
// ready · signed_in {uid} · created {id} · document {id, data} · cancelled {id} ·
// error {op, id, code, message}. Ends when stdin does. Everything goes through the rules.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.EMBERFRAME_NODE_PACKAGE);
const { initializeApp } = require("firebase/app");
const { getAuth, connectAuthEmulator, signInAnonymously } = require("firebase/auth");
const firestore = require("firebase/firestore");

const now = () => performance.timeOrigin + performance.now();
const say = (event) => process.stdout.write(JSON.stringify({ at: now(), ...event }) + "\n");

function plain(value) {
  if (value instanceof firestore.Timestamp) return value.toDate().toISOString();
  if (value instanceof firestore.Bytes) return { bytes: value.toBase64() };
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}

const app = initializeApp({
  projectId: process.env.GOOGLE_CLOUD_PROJECT,
  apiKey: "any key will do on the emulator",
});
const auth = getAuth(app);
connectAuthEmulator(auth, `http://${process.env.FIREBASE_AUTH_EMULATOR_HOST}`, {
  disableWarnings: true,
});
const db = firestore.getFirestore(app);
const [host, port] = process.env.FIRESTORE_EMULATOR_HOST.split(":");
firestore.connectFirestoreEmulator(db, host, Number(port));

const generation = (id) => firestore.doc(db, "users", auth.currentUser.uid, "generations", id);
const listeners = new Map();

// The Firestore emulator (not the real one) now and then tells a listener nothing of a change: a
// document that was silent for so long is asked for, by a query that no listener answers.
const QUIET_MILLISECONDS = 30_000;
const FINAL = ["completed", "failed", "cancelled"];
const silent = new Map();

function heard(id, status) {
  clearTimeout(silent.get(id));
  if (FINAL.includes(status)) return;
  const look = async () => {
    const own = firestore.where(firestore.documentId(), "==", id);
    await firestore.getDocsFromServer(firestore.query(generation(id).parent, own)).catch(() => {});
    if (silent.get(id) === timer) heard(id, status);
  };
  const timer = setTimeout(look, QUIET_MILLISECONDS);
  silent.set(id, timer);
}

// Resolves once the server has said what is there, or that nothing is.
function listen(id) {
  if (!listeners.has(id))
    listeners.set(
      id,
      new Promise((listening) => {
        firestore.onSnapshot(
          generation(id),
          // Snapshots of our own write before the server has it would count as seen too early.
          { includeMetadataChanges: true },
          (snapshot) => {
            if (!snapshot.metadata.fromCache) listening();
            if (snapshot.metadata.hasPendingWrites || !snapshot.exists()) return;
            heard(id, snapshot.get("status"));
            say({ event: "document", id, data: plain(snapshot.data()) });
          },
          (error) => {
            say({ event: "error", op: "listen", id, code: error.code, message: error.message });
            listening();
          },
        );
      }),
    );
  return listeners.get(id);
}

const operations = {
  async sign_in() {
    const { user } = await signInAnonymously(auth);
    say({ event: "signed_in", uid: user.uid });
  },
  async generate({ id, input }) {
    // Listening first, and for certain: the Firestore emulator (not the real one) keeps from a
    // listener what is committed while it is being added.
    await listen(id);
    say({ event: "creating", id });
    await firestore.setDoc(generation(id), {
      input,
      status: "pending",
      created_at: firestore.serverTimestamp(),
    });
    say({ event: "created", id });
  },
  async listen({ id }) {
    await listen(id);
  },
  async cancel({ id }) {
    await firestore.updateDoc(generation(id), { cancel_requested: true });
    say({ event: "cancel_requested", id });
  },
};

say({ event: "ready" });
const lines = createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const command = JSON.parse(line);
  try {
    await operations[command.op](command);
  } catch (error) {
    say({
      event: "error",
      op: command.op,
      id: command.id,
      code: error.code ?? "unknown",
      message: error.message,
    });
  }
});
lines.on("close", () => process.exit(0));
