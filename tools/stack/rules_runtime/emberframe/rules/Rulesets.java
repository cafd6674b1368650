package emberframe.rules;

import com.google.cloud.datastore.core.auth.rules.DebugFunction;
import com.google.firebase.rules.lang.CompileResult;
import com.google.firebase.rules.lang.FirebaseRulesProtoCompiler;
import com.google.firebase.rules.lang.common.FirebaseRulesLangOptions;
import com.google.firebase.rules.runtime.evaluators.AuthRuleEvaluator.RuleContext;
import com.google.firebase.rules.runtime.impl.DefaultEvaluator;
import com.google.firebase.rules.runtime.v1.ExpressionValue;
import com.google.firebase.rules.runtime.v1.RulesetAst;
import com.google.firebase.rules.v1.File;
import com.google.firebase.rules.v1.Issue;
import com.google.firebase.rules.v1.Source;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Compiles rulesets, keeps them by name and decides requests with them. */
final class Rulesets {
  /** A verdict that takes longer denies: the emulator's client would have given up. */
  private static final long VERDICT_TIMEOUT_SECONDS = 30;

  private static final FirebaseRulesLangOptions LANGUAGE =
      FirebaseRulesLangOptions.builder()
          .allowTernaryOperator(true)
          .allowCrossServiceRules(true)
          .allowLetBindings(true)
          .build();
  private static final JsonFormat.Parser EXPRESSIONS = JsonFormat.parser().ignoringUnknownFields();

  private final Map<String, RulesetAst> byName = new ConcurrentHashMap<>();

  /** Body of the reply to {@code load_ruleset}: the issues found, and the version if none is an error. */
  JsonObject load(JsonObject context) {
    CompileResult compiled =
        FirebaseRulesProtoCompiler.createStandalone(LANGUAGE).compile(source(context));
    JsonArray errors = new JsonArray();
    JsonArray warnings = new JsonArray();
    for (Issue issue : compiled.getIssues()) {
      boolean isError = issue.getSeverity() == Issue.Severity.ERROR;
      (isError ? errors : warnings).add(describe(issue));
    }
    if (compiled.hasCompilationError() && errors.isEmpty()) {
      errors.add("The rules do not compile, and the compiler named no reason.");
    }
    JsonObject body = new JsonObject();
    body.add("errors", errors);
    body.add("warnings", warnings);
    if (errors.isEmpty()) {
      byName.put(context.get("rulesetName").getAsString(), compiled.getRulesetAst());
      JsonObject result = new JsonObject();
      result.addProperty("rulesVersion", compiled.getRulesetAst().getVersionValue());
      body.add("result", result);
    }
    return body;
  }

  /** Body of the reply to {@code verify}. A rule that cannot be evaluated denies, with a warning. */
  JsonObject verify(JsonObject context, Conversation conversation)
      throws InvalidProtocolBufferException, InterruptedException {
    String name = context.get("rulesetName").getAsString();
    RulesetAst ruleset = byName.get(name);
    if (ruleset == null) {
      throw new IllegalStateException("No ruleset is called " + name + ".");
    }
    JsonArray warnings = new JsonArray();
    boolean permit = false;
    try {
      permit =
          new DefaultEvaluator(ruleset)
              .evaluate(request(context, conversation))
              .get(VERDICT_TIMEOUT_SECONDS, TimeUnit.SECONDS)
              .permit();
    } catch (ExecutionException denied) {
      warnings.add(String.valueOf(denied.getCause()));
    } catch (TimeoutException late) {
      warnings.add("No verdict within " + VERDICT_TIMEOUT_SECONDS + " seconds: denied.");
    }
    JsonObject result = new JsonObject();
    result.addProperty("permit", permit);
    JsonObject body = new JsonObject();
    body.add("result", result);
    body.add("warnings", warnings);
    return body;
  }

  private static RuleContext request(JsonObject context, Conversation conversation)
      throws InvalidProtocolBufferException {
    RuleContext.Builder request =
        RuleContext.builder()
            .service(context.get("service").getAsString())
            .method(context.get("method").getAsString())
            .path(context.get("path").getAsString());
    for (Map.Entry<String, JsonElement> variable :
        context.getAsJsonObject("variables").entrySet()) {
      ExpressionValue.Builder value = ExpressionValue.newBuilder();
      EXPRESSIONS.merge(variable.getValue().toString(), value);
      request.supplyVariable(variable.getKey(), value.build());
    }
    return request
        .supplyFunction(DocumentFunction.get(conversation))
        .supplyFunction(DocumentFunction.exists(conversation))
        .supplyFunction(DebugFunction.NOOP)
        .build();
  }

  private static Source source(JsonObject context) {
    Source.Builder source = Source.newBuilder();
    for (JsonElement element : context.getAsJsonObject("source").getAsJsonArray("files")) {
      JsonObject file = element.getAsJsonObject();
      source.addFiles(
          File.newBuilder()
              .setName(file.get("name").getAsString())
              .setContent(file.get("content").getAsString()));
    }
    return source.build();
  }

  private static String describe(Issue issue) {
    return String.format(
        "%s:%d:%d - %s %s",
        issue.getSourcePosition().getFileName(),
        issue.getSourcePosition().getLine(),
        issue.getSourcePosition().getColumn(),
        issue.getSeverity(),
        issue.getDescription());
  }
}
