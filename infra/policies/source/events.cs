// The events of a stream, one after the other, into `root`. Long texts grow in `texts`, under the part that they belong to.
var path = context.Request.OriginalUrl.Path.ToLowerInvariant();
var api = Regex.Match(path, "/(?:responses|messages|completions|audio/[a-z]+|images/[a-z]+)/?$").Value.Trim(new[] { (char)47 });
var parts = new Dictionary<string, JObject>();
var texts = new Dictionary<string, StringBuilder>();
var usage = new JObject();
var data = new List<string>();
var finished = false;
var failures = 0;
var typed = "^(?:audio/|images/|transcript|image_|speech)";
foreach (var line in (text + "\n\n").Split(new[] { "\r\n", "\n", "\r" }, StringSplitOptions.None)) {
  if (line.StartsWith("data:", StringComparison.Ordinal)) { data.Add(line.Substring(5).Trim()); continue; }
  var items = new List<string>();
  var ends = line == "";
  if (ends && data.Count > 0) { items.Add(string.Join("\n", data)); }
  if (!ends && !Regex.IsMatch(line, "^(?:event:|id:|retry:|:|data$)")) { items.Add(line.Trim()); }
  for (var i = 0; i < items.Count; i++) {
    if (items[i] == "[DONE]") { root["done"] = true; continue; }
    JObject payload = null;
    if (failures < 100 && items[i].EndsWith("\u007D", StringComparison.Ordinal)) {
      try { payload = JObject.Parse(items[i]); }
      catch (Exception) { failures++; }
    }
    if (payload == null) {
      if (ends && i == 0 && data.Count > 1) { items.AddRange(data); }
      else { root["damaged"] = true; }
      continue;
    }
    var kind = (payload["type"] as JValue)?.Value as string ?? "";
    if (api == "") {
      api = Regex.Match(kind, "^(?:response|transcript|image_generation|image_edit|speech)(?=[.])|^(?:message|content_block)_").Value;
      api = api == "response" ? "responses" : api.EndsWith("_", StringComparison.Ordinal) ? "messages" : api;
    }
    var pieces = new List<KeyValuePair<string, JToken>>();
    var index = (payload["output_index"] ?? payload["index"])?.ToString() ?? "0";

    if (api == "responses") {
      if (payload["response"] is JObject) {
        var error = root["error"];
        root.ReplaceAll(payload["response"].OfType<JProperty>().ToArray());
        if (error != null) { root["error"] = error; }
        finished = finished || Regex.IsMatch(kind, "^response[.](?:completed|incomplete|failed)$");
      }
      else if (kind == "error") { root["error"] = payload; }
      else if (payload["output_index"] != null) {
        if (!parts.ContainsKey(index)) { parts[index] = new JObject(); }
        if (payload["item"] is JObject) {
          parts[index]["item"] = payload["item"];
          if (kind.EndsWith(".done", StringComparison.Ordinal)) { parts[index]["done"] = true; }
        }
        if (kind.EndsWith(".delta", StringComparison.Ordinal)) {
          pieces.Add(new KeyValuePair<string, JToken>(index + kind, payload["delta"]));
        }
      }
    }
    else if (api == "messages") {
      var delta = payload["delta"] as JObject;
      var stated = payload["usage"] as JObject;
      if (kind == "message_start" && payload["message"] is JObject) {
        root.Add(payload["message"].OfType<JProperty>().Where(item => root[item.Name] == null));
        stated = payload["message"]["usage"] as JObject;
      }
      foreach (var field in (stated ?? new JObject()).Properties()) {
        var prompts = Regex.IsMatch(field.Name, "^(?:prompt|input|cache)_");
        if (field.Value.Type != JTokenType.Null && (kind == "message_delta" || prompts)) { usage[field.Name] = field.Value; }
      }
      if (kind == "message_delta" && delta != null) {
        foreach (var field in delta.Properties().Where(item => item.Value.Type != JTokenType.Null)) { root[field.Name] = field.Value; }
      }
      if (kind == "message_stop") { root["done"] = true; }
      if (kind == "error") { root["error"] = payload["error"]; }
      if (kind.StartsWith("content_block_", StringComparison.Ordinal)) {
        if (!parts.ContainsKey(index)) { parts[index] = new JObject(); }
        if (payload["content_block"] is JObject) { parts[index] = (JObject)payload["content_block"]; }
        foreach (var name in new[] { "text", "thinking", "partial_json" }) {
          pieces.Add(new KeyValuePair<string, JToken>(index + name, delta?[name]));
        }
      }
      finished = root["done"] != null || !string.IsNullOrEmpty(root["stop_reason"]?.ToString());
    }
    else if (Regex.IsMatch(api, typed)) {
      if (kind == "transcript.text.delta") { pieces.Add(new KeyValuePair<string, JToken>("text", payload["delta"])); }
      else if (payload["usage"] != null || Regex.IsMatch(kind, "[.](?:done|completed)$")) {
        foreach (var field in payload.Properties().Where(item => item.Value.Type != JTokenType.Null)) {
          if (!Regex.IsMatch(field.Name, "^(?:type|b64_json|audio)$")) { root[field.Name] = field.Value; }
        }
      }
      else if (payload["error"] != null) { root["error"] = payload["error"]; }
    }
    else {
      foreach (var name in new[] { "id", "model", "object", "created", "service_tier" }) {
        if (root[name] == null && !Regex.IsMatch(payload[name]?.ToString() ?? "", "^0?$")) { root[name] = payload[name]; }
      }
      if (payload["error"] is JObject) { root["error"] = payload["error"]; }
      var choices = payload["choices"] as JArray ?? new JArray();
      if (payload["usage"] is JObject) {
        usage = (JObject)payload["usage"];
        finished = choices.Count == 0;
      }
      foreach (var choice in choices.OfType<JObject>()) {
        var at = choice["index"]?.Type == JTokenType.Integer ? choice["index"].ToString() : choices.IndexOf(choice).ToString();
        if (!parts.ContainsKey(at)) { parts[at] = new JObject(new JProperty("index", int.Parse(at))); }
        var known = parts[at];
        var delta = choice["delta"] as JObject ?? new JObject();
        foreach (var field in new[] { choice.Property("finish_reason"), delta.Property("role") }) {
          if (!string.IsNullOrEmpty(field?.Value.ToString())) { known[field.Name] = field.Value; }
        }
        foreach (var field in ((JToken)(choice["logprobs"] as JObject) ?? new JArray()).OfType<JProperty>()) {
          var more = field.Value as JArray ?? new JArray();
          known["logprobs"] = known["logprobs"] ?? new JObject();
          if (more.Count > 0) { known["logprobs"][field.Name] = (int)(known["logprobs"][field.Name] ?? 0) + more.Count; }
        }
        pieces.Add(new KeyValuePair<string, JToken>(at + "text", choice["text"]));
        foreach (var name in new[] { "content", "refusal", "reasoning_content" }) {
          pieces.Add(new KeyValuePair<string, JToken>(at + name, delta[name]));
        }
        var calls = (delta["tool_calls"] as JArray ?? new JArray()).OfType<JObject>().ToList();
        if (delta["function_call"] is JObject) { calls.Add(new JObject(new JProperty("function", delta["function_call"]), new JProperty("index", -1))); }
        foreach (var call in calls) {
          var number = call["index"]?.Type == JTokenType.Integer ? call["index"].ToString() : calls.IndexOf(call).ToString();
          var key = at + "/" + number;
          if (!parts.ContainsKey(key)) { parts[key] = new JObject(new JProperty("of", at), new JProperty("number", int.Parse(number))); }
          if (parts[key]["id"] == null && !string.IsNullOrEmpty(call["id"]?.ToString())) { parts[key]["id"] = call["id"]; }
          if (!string.IsNullOrEmpty(call["type"]?.ToString())) { parts[key]["type"] = call["type"]; }
          var function = call["function"] as JObject;
          pieces.Add(new KeyValuePair<string, JToken>(key + "name", function?["name"]));
          pieces.Add(new KeyValuePair<string, JToken>(key + "arguments", function?["arguments"]));
        }
      }
    }
    foreach (var piece in pieces) {
      var more = (piece.Value as JValue)?.Value as string;
      if (string.IsNullOrEmpty(more)) { continue; }
      if (!texts.ContainsKey(piece.Key)) { texts[piece.Key] = new StringBuilder(); }
      texts[piece.Key].Append(more);
    }
  }
  if (ends) { data.Clear(); }
}
