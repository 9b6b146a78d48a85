// The parts that the events built, in the form of the whole answer.
var said = texts.ToDictionary(item => item.Key, item => item.Value.ToString());
if (api == "responses") {
  usage = root["usage"] as JObject ?? usage;
  root.Remove("instructions");
  if (!finished || ((root["output"] as JArray)?.Count ?? 0) == 0) {
    var output = new JArray();
    foreach (var part in parts.OrderBy(item => int.Parse(item.Key))) {
      var item = part.Value["item"] as JObject ?? new JObject();
      output.Add(item);
      if (part.Value["done"] != null) { continue; }
      item = (JObject)output.Last;
      var kinds = new[] { "output_text", "refusal", "function_call_arguments", "reasoning_summary_text" };
      var found = kinds.Select(name => part.Key + "response." + name + ".delta").Select(key => said.ContainsKey(key) ? said[key] : "").ToList();
      if (found[2] != "") { item["arguments"] = found[2]; }
      else if (found[3] != "") {
        item["summary"] = new JArray(new JObject(new JProperty("type", "summary_text"), new JProperty("text", found[3])));
      }
      else if (found[0] != "" || found[1] != "") {
        if (item["type"] == null) { item["type"] = "message"; }
        if (item["role"] == null) { item["role"] = "assistant"; }
        var content = new JArray();
        if (found[0] != "") { content.Add(new JObject(new JProperty("type", "output_text"), new JProperty("text", found[0]))); }
        if (found[1] != "") { content.Add(new JObject(new JProperty("type", "refusal"), new JProperty("refusal", found[1]))); }
        item["content"] = content;
      }
    }
    root["output"] = output;
  }
}
else if (api == "messages") {
  var blocks = new JArray();
  foreach (var part in parts.OrderBy(item => int.Parse(item.Key))) {
    var block = part.Value;
    block.Remove("signature");
    foreach (var name in new[] { "text", "thinking" }) {
      if (said.ContainsKey(part.Key + name)) { block[name] = (block[name] ?? "").ToString() + said[part.Key + name]; }
    }
    if (said.ContainsKey(part.Key + "partial_json")) {
      var arguments = times.Replace(said[part.Key + "partial_json"].Replace(mark, ""), "\"" + mark);
      try { block["input"] = JToken.Parse(arguments); }
      catch (Exception) { block["input"] = arguments; }
    }
    blocks.Add(block);
  }
  if (blocks.Count > 0) { root["content"] = blocks; }
}
else if (Regex.IsMatch(api, typed)) {
  if (said.ContainsKey("text")) { root["text"] = root["text"] ?? said["text"]; }
}
else {
  var choices = new JArray();
  foreach (var part in parts.Where(item => !item.Key.Contains("/")).OrderBy(item => int.Parse(item.Key))) {
    var choice = new JObject(part.Value.Properties().Where(item => item.Name != "role"));
    if (choice["finish_reason"] == null) { choice["finish_reason"] = null; }
    if (choice["logprobs"] != null && !choice["logprobs"].HasValues) { choice.Remove("logprobs"); }
    if (said.ContainsKey(part.Key + "text")) { choice["text"] = said[part.Key + "text"]; }
    else if (root["object"]?.ToString() == "text_completion") { choice["text"] = ""; }
    else {
      var message = new JObject(new JProperty("role", part.Value["role"] ?? "assistant"), new JProperty("content", null));
      foreach (var name in new[] { "content", "refusal", "reasoning_content" }) {
        if (said.ContainsKey(part.Key + name)) { message[name] = said[part.Key + name]; }
      }
      var calls = new JArray();
      foreach (var call in parts.Where(item => item.Value["of"]?.ToString() == part.Key).OrderBy(item => (int)item.Value["number"])) {
        var function = new JObject();
        foreach (var name in new[] { "name", "arguments" }) {
          function[name] = said.ContainsKey(call.Key + name) ? said[call.Key + name] : "";
        }
        if ((int)call.Value["number"] < 0) { message["function_call"] = function; continue; }
        calls.Add(new JObject(new JProperty("id", call.Value["id"] ?? ""), new JProperty("type", call.Value["type"] ?? "function"),
          new JProperty("function", function)));
      }
      if (calls.Count > 0) { message["tool_calls"] = calls; }
      choice["message"] = message;
    }
    choices.Add(choice);
  }
  root["choices"] = choices;
  if (root["object"]?.ToString() == "chat.completion.chunk") { root["object"] = "chat.completion"; }
  finished = finished || choices.Count > 0 && choices.All(item => !string.IsNullOrEmpty(item["finish_reason"].ToString()));
}
// Of a usage that was stated before the end only what it says of the prompt is final.
foreach (var field in usage.Properties().ToList()) {
  if (!finished && !Regex.IsMatch(field.Name, "^(?:prompt|input|cache)_")) { field.Remove(); }
}
if (usage.HasValues) { root["usage"] = usage; }
if (mode == "usage-only") {
  foreach (var field in root.Properties().ToList()) {
    if (!Regex.IsMatch(field.Name, "^(?:id|object|model|created(?:_at)?|service_tier|status|type|role|usage|stop_reason|done|damaged)$")) { field.Remove(); }
  }
}
