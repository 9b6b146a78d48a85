// The request's body as the client sent it: its true size, how it stands here, and in the next line the text. One that is long,
// or that may hold a key, is reduced; what is no JSON is not read.
var type = context.Request.Headers.GetValueOrDefault("Content-Type", "json").ToLowerInvariant();
var packed = context.Request.Headers.GetValueOrDefault("Content-Encoding", "identity").ToLowerInvariant();
if (context.Request.Body == null || !type.Contains("json") || packed != "identity") {
  return context.Request.Headers.GetValueOrDefault("Content-Length", "") + " unread\n";
}
var keys = "\"(?:data_?[sS]ources|server_label|image_url|input_audio|file_url|file_data|source)\"";
var text = "";
var original = "";
var size = "";
try {
  original = context.Request.Body.As<string>(preserveContent: true);
  text = original;
  size = Encoding.UTF8.GetByteCount(text).ToString();
  if (text.Length < 32768 && !Regex.IsMatch(text, keys)) { return size + " whole\n" + text; }
  // include: parse.cs
  var root = JObject.Parse(text);
  var isAnswer = false;
  // include: reduce.cs
  // include: write.cs
  return size + " compacted\n" + written;
}
catch (Exception) { return size + " whole\n" + (Regex.IsMatch(original, keys) ? "" : original); }
