// The answer's body: its true size, how it stands here, and in the next line the text. A stream is read in the modes `buffer`
// and `usage-only` alone, and becomes one body in the form of docs/canonical-record.md.
var mode = context.Variables.GetValueOrDefault<string>("token-meter-mode", "").Trim().ToLowerInvariant();
var type = context.Response.Headers.GetValueOrDefault("Content-Type", "").ToLowerInvariant();
var streams = type.Contains("event-stream");
var isRead = streams ? mode == "buffer" || mode == "usage-only" : type.Contains("json");
var packed = context.Response.Headers.GetValueOrDefault("Content-Encoding", "identity").ToLowerInvariant();
if (context.Response.Body == null || !isRead || packed != "identity") {
  return context.Response.Headers.GetValueOrDefault("Content-Length", "") + " unread\n";
}
var text = "";
var original = "";
var size = "";
try {
  original = context.Response.Body.As<string>(preserveContent: true);
  text = original;
  size = Encoding.UTF8.GetByteCount(text).ToString();
  var isBulky = text.Length >= 32768 || Regex.IsMatch(text, "\"(?:embedding|b64_json|encrypted_content)\"");
  if (!streams && !isBulky) { return size + " whole\n" + text; }
  // include: parse.cs
  var root = new JObject();
  if (streams) {
    // include: events.cs
    // include: assemble.cs
  }
  else { root = JObject.Parse(text); }
  var isAnswer = true;
  // include: reduce.cs
  // include: write.cs
  return size + (root.HasValues ? " compacted\n" + written : " whole\n");
}
catch (Exception) { return size + " whole\n" + (mode == "usage-only" && streams ? "" : original); }
