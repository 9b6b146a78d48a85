// The request's body as the client sent it: its true size, a flag, and in the next line the text. One that is long or holds a
// key is reduced; what is no JSON is not read.
var length = context.Request.Headers.GetValueOrDefault("Content-Length", "");
var type = context.Request.Headers.GetValueOrDefault("Content-Type", "json").ToLowerInvariant();
var packed = context.Request.Headers.GetValueOrDefault("Content-Encoding", "identity").ToLowerInvariant();
if (context.Request.Body == null || !type.Contains("json") || packed != "identity") { return length + " whole\n"; }
var text = "";
var size = "";
try {
  text = context.Request.Body.As<string>(preserveContent: true);
  size = Encoding.UTF8.GetByteCount(text).ToString();
  if (text.Length < 32768 && !Regex.IsMatch(text, "\"(?:data_?[sS]ources|server_label)\"")) { return size + " whole\n" + text; }
  // include: parse.cs
  var root = JObject.Parse(text);
  // include: reduce.cs
  // include: write.cs
  return size + " compacted\n" + written;
}
catch (Exception) {
  // Whatever could not be read may still be counted by its beginning; it must hold no key.
  return Regex.IsMatch(text, "\"(?:data_?[sS]ources|server_label)\"") ? size + " whole\n" : size + " whole\n" + text;
}
