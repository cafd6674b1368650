package emberframe.rules;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.SettableFuture;
import com.google.gson.JsonObject;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;

/**
 * Everything said about one verification: its questions for Firestore documents and its verdict.
 *
 * <p>firebase-tools keeps exactly one listener for a request id. A question consumes it, and only the
 * answer puts it back. So under one id at most one message of ours may be unanswered: further
 * questions wait in line, and so does the verdict while an answer is on its way (an evaluation may
 * end early, at the first true side of an "or"). A document is fetched once a verification.
 */
final class Conversation {
  private record Question(String path, SettableFuture<Optional<JsonObject>> answer) {}

  private final int id;
  private final Wire wire;
  private final Runnable onEnd;
  private final Map<String, ListenableFuture<Optional<JsonObject>>> documents = new HashMap<>();
  private final Queue<Question> waiting = new ArrayDeque<>();
  private Question unanswered;
  private JsonObject verdict;

  Conversation(int id, Wire wire, Runnable onEnd) {
    this.id = id;
    this.wire = wire;
    this.onEnd = onEnd;
  }

  /** The document at {@code path} ("/databases/…/documents/…") as Firestore REST JSON, if any. */
  synchronized ListenableFuture<Optional<JsonObject>> document(String path) {
    if (verdict != null) { // an evaluation that was given up, still running
      return Futures.immediateCancelledFuture();
    }
    return documents.computeIfAbsent(
        path,
        key -> {
          Question question = new Question(key, SettableFuture.create());
          waiting.add(question);
          speak();
          return question.answer();
        });
  }

  /** Takes firebase-tools' answer to the question that is out. */
  void hear(JsonObject message) {
    Question answered;
    synchronized (this) {
      answered = unanswered;
      unanswered = null;
      speak();
    }
    if (answered != null) {
      boolean found = "ok".equals(message.get("status").getAsString());
      // Outside the lock: listeners go on evaluating the rule, and may ask again.
      answered.answer().set(
          found ? Optional.of(message.getAsJsonObject("result")) : Optional.empty());
    }
  }

  /** Ends the conversation with {@code body}, now or when the answer on its way has come. */
  synchronized void conclude(JsonObject body) {
    verdict = body;
    waiting.clear();
    speak();
  }

  private void speak() {
    if (unanswered != null) {
      return;
    }
    if (verdict != null) {
      onEnd.run();
      wire.reply(id, verdict);
      return;
    }
    unanswered = waiting.poll();
    if (unanswered != null) {
      JsonObject context = new JsonObject();
      context.addProperty("path", unanswered.path());
      JsonObject question = new JsonObject();
      question.addProperty("id", id);
      question.addProperty("server_request_id", id);
      question.addProperty("action", "fetch_firestore_document");
      question.add("context", context);
      wire.send(question);
    }
  }
}
