package emberframe.rules;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The process that firebase-tools' Storage emulator asks about security rules: one JSON object a
 * line on stdin and stdout, evaluated by the rules engine that lies in the Firestore emulator's jar.
 *
 * <p>A line with an {@code action} is a request; a line without one answers a document question that
 * a running {@link Conversation} asked. Ends when stdin closes, so it never outlives its emulator.
 */
public final class RulesRuntime {
  private final Wire wire;
  private final Rulesets rulesets = new Rulesets();
  private final Map<Integer, Conversation> conversations = new ConcurrentHashMap<>();
  private final ExecutorService verdicts =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "verdict");
            thread.setDaemon(true);
            return thread;
          });

  private RulesRuntime(Wire wire) {
    this.wire = wire;
  }

  public static void main(String[] arguments) throws IOException {
    PrintStream protocol =
        new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    System.setOut(System.err); // whatever the engine prints must not land between protocol lines
    Wire wire = new Wire(protocol);
    wire.greet();
    new RulesRuntime(wire).serve();
  }

  private void serve() throws IOException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!line.isBlank()) {
        receive(JsonParser.parseString(line).getAsJsonObject());
      }
    }
  }

  private void receive(JsonObject message) {
    int id = message.get("id").getAsInt();
    if (!message.has("action")) {
      Conversation conversation = conversations.get(id);
      if (conversation != null) {
        conversation.hear(message);
      }
      return;
    }
    JsonObject context = message.getAsJsonObject("context");
    switch (message.get("action").getAsString()) {
      case "load_ruleset" -> wire.reply(id, Wire.orError(() -> rulesets.load(context)));
      case "verify" -> verify(id, context);
      default -> wire.reply(id, Wire.error("unknown action " + message.get("action")));
    }
  }

  private void verify(int id, JsonObject context) {
    Conversation conversation = new Conversation(id, wire, () -> conversations.remove(id));
    conversations.put(id, conversation);
    verdicts.submit(
        () -> conversation.conclude(Wire.orError(() -> rulesets.verify(context, conversation))));
  }
}
