package emberframe.rules;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.google.firebase.rules.runtime.common.AsyncRuntimeFunction;
import com.google.firebase.rules.runtime.utils.ExpressionValueUtils;
import com.google.firebase.rules.runtime.v1.ExecutionRequest;
import com.google.firebase.rules.runtime.v1.ExecutionResponse;
import com.google.firebase.rules.runtime.v1.ExpressionMapValue;
import com.google.firebase.rules.runtime.v1.ExpressionPathSegmentValue;
import com.google.firebase.rules.runtime.v1.ExpressionValue;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.Optional;

/** {@code firestore.get(path)} and {@code firestore.exists(path)}, answered by a conversation. */
final class DocumentFunction implements AsyncRuntimeFunction {
  private interface Answer {
    ExpressionValue of(List<String> segments, Optional<JsonObject> document);
  }

  private final String name;
  private final Conversation conversation;
  private final Answer answer;

  private DocumentFunction(String name, Conversation conversation, Answer answer) {
    this.name = name;
    this.conversation = conversation;
    this.answer = answer;
  }

  static DocumentFunction get(Conversation conversation) {
    return new DocumentFunction("firestore.get", conversation, DocumentFunction::resource);
  }

  static DocumentFunction exists(Conversation conversation) {
    return new DocumentFunction(
        "firestore.exists",
        conversation,
        (segments, document) -> ExpressionValueUtils.createValue(document.isPresent()));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public ListenableFuture<ExecutionResponse> execute(ExecutionRequest request) {
    List<String> segments =
        request.getArguments(0).getPathValue().getSegmentsList().stream()
            .map(ExpressionPathSegmentValue::getSimple)
            .toList();
    return Futures.transform(
        conversation.document("/" + String.join("/", segments)),
        document -> ExpressionValueUtils.createResponse(answer.of(segments, document)),
        MoreExecutors.directExecutor());
  }

  /** The rules language's resource of a document: data, id and name; null if there is none. */
  private static ExpressionValue resource(List<String> segments, Optional<JsonObject> document) {
    if (document.isEmpty()) {
      return ExpressionValueUtils.NULL;
    }
    JsonObject fields = document.get().getAsJsonObject("fields");
    ExpressionMapValue resource =
        ExpressionMapValue.newBuilder()
            .putFields("data", FirestoreValues.map(fields == null ? new JsonObject() : fields))
            .putFields("id", FirestoreValues.string(segments.get(segments.size() - 1)))
            .putFields("__name__", ExpressionValueUtils.segmentsToPathExpressions(segments))
            .build();
    return ExpressionValue.newBuilder().setMapValue(resource).build();
  }
}
