// What node's test runner finds, as JSON lines: {name, passed, error}.
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details.error;
    const told = error && String(error.cause?.stack ?? error.stack ?? error);
    yield JSON.stringify({ name: data.name, passed: type === "test:pass", error: told }) + "\n";
  }
}
