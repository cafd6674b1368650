package emberframe.rules;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.util.concurrent.Callable;

/** Writes protocol lines, whole and one at a time, and knows the shape of a reply. */
final class Wire {
  /** The id under which firebase-tools waits for the runtime's first sign of life. */
  private static final int GREETING_ID = -1;

  private final PrintStream out;

  Wire(PrintStream out) {
    this.out = out;
  }

  void greet() {
    reply(GREETING_ID, new JsonObject());
  }

  /** Sends {@code body} as the answer to request {@code id}; absent error lists become empty. */
  void reply(int id, JsonObject body) {
    body.addProperty("id", id);
    body.addProperty("status", "ok");
    for (String list : new String[] {"errors", "warnings"}) {
      if (!body.has(list)) {
        body.add(list, new JsonArray());
      }
    }
    send(body);
  }

  synchronized void send(JsonObject message) {
    out.println(message);
  }

  static JsonObject error(String reason) {
    JsonArray errors = new JsonArray();
    errors.add(reason);
    JsonObject body = new JsonObject();
    body.add("errors", errors);
    return body;
  }

  /** What {@code work} returns, or an error body: a request is always answered. */
  static JsonObject orError(Callable<JsonObject> work) {
    try {
      return work.call();
    } catch (Exception | LinkageError failure) {
      return error(failure.toString());
    }
  }
}
