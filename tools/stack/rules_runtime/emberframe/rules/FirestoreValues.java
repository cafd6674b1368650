package emberframe.rules;

import com.google.firebase.rules.runtime.utils.ExpressionValueUtils;
import com.google.firebase.rules.runtime.utils.PathUtils;
import com.google.firebase.rules.runtime.v1.ExpressionListValue;
import com.google.firebase.rules.runtime.v1.ExpressionMapValue;
import com.google.firebase.rules.runtime.v1.ExpressionValue;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.ByteString;
import com.google.protobuf.util.Timestamps;
import com.google.type.LatLng;
import java.text.ParseException;
import java.util.Base64;
import java.util.Map;

/** Turns values of Firestore's REST JSON ({@code {"stringValue": "x"}}) into rules expressions. */
final class FirestoreValues {
  private FirestoreValues() {}

  static ExpressionValue string(String text) {
    return ExpressionValue.newBuilder().setStringValue(text).build();
  }

  static ExpressionValue map(JsonObject fields) {
    ExpressionMapValue.Builder map = ExpressionMapValue.newBuilder();
    for (Map.Entry<String, JsonElement> field : fields.entrySet()) {
      map.putFields(field.getKey(), value(field.getValue().getAsJsonObject()));
    }
    return ExpressionValue.newBuilder().setMapValue(map).build();
  }

  private static ExpressionValue value(JsonObject tagged) {
    Map.Entry<String, JsonElement> entry = tagged.entrySet().iterator().next();
    JsonElement content = entry.getValue();
    ExpressionValue.Builder value = ExpressionValue.newBuilder();
    return switch (entry.getKey()) {
      case "nullValue" -> ExpressionValueUtils.NULL;
      case "stringValue" -> string(content.getAsString());
      case "booleanValue" -> value.setBoolValue(content.getAsBoolean()).build();
      case "integerValue" -> value.setIntValue(content.getAsLong()).build();
      case "doubleValue" -> value.setFloatValue(content.getAsDouble()).build();
      case "timestampValue" -> timestamp(content.getAsString());
      case "bytesValue" ->
          value
              .setBytesValue(ByteString.copyFrom(Base64.getDecoder().decode(content.getAsString())))
              .build();
      case "referenceValue" -> reference(content.getAsString());
      case "geoPointValue" -> point(content.getAsJsonObject());
      case "arrayValue" -> list(content.getAsJsonObject());
      case "mapValue" -> map(orEmpty(content.getAsJsonObject().getAsJsonObject("fields")));
      default ->
          throw new IllegalArgumentException(
              "A field has the unknown Firestore type " + entry.getKey() + ".");
    };
  }

  private static ExpressionValue list(JsonObject array) {
    ExpressionListValue.Builder list = ExpressionListValue.newBuilder();
    if (array.has("values")) {
      for (JsonElement element : array.getAsJsonArray("values")) {
        list.addValues(value(element.getAsJsonObject()));
      }
    }
    return ExpressionValue.newBuilder().setListValue(list).build();
  }

  private static ExpressionValue timestamp(String rfc3339) {
    try {
      return ExpressionValue.newBuilder().setTimestampValue(Timestamps.parse(rfc3339)).build();
    } catch (ParseException notATime) {
      throw new IllegalArgumentException("Not a timestamp: " + rfc3339, notATime);
    }
  }

  /** "projects/p/databases/…" becomes the path that rules compare with: "/databases/…". */
  private static ExpressionValue reference(String name) {
    int start = name.indexOf("/databases/");
    return ExpressionValue.newBuilder()
        .setPathValue(PathUtils.parse(start < 0 ? name : name.substring(start)))
        .build();
  }

  private static ExpressionValue point(JsonObject degrees) {
    LatLng point =
        LatLng.newBuilder()
            .setLatitude(number(degrees, "latitude"))
            .setLongitude(number(degrees, "longitude"))
            .build();
    return ExpressionValue.newBuilder().setLatlngValue(point).build();
  }

  /** REST leaves a zero coordinate out. */
  private static double number(JsonObject object, String key) {
    return object.has(key) ? object.get(key).getAsDouble() : 0;
  }

  private static JsonObject orEmpty(JsonObject fields) {
    return fields == null ? new JsonObject() : fields;
  }
}
