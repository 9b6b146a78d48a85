// The body that asks for usage, where a stream did not and its API knows how to; else nothing. All that the client wrote
// stays, its other options too.
var asks = context.Variables.GetValueOrDefault<string>("token-meter-include-usage", "").Trim().ToLowerInvariant();
var path = context.Request.OriginalUrl.Path.TrimEnd((char)47);
var version = context.Request.OriginalUrl.Query.GetValueOrDefault("api-version", "");
var isOlder = version != "" && string.CompareOrdinal(version, "2024-09-01") < 0;
if (asks != "true" || isOlder || context.Request.Body == null || !path.EndsWith("/completions", StringComparison.OrdinalIgnoreCase)) { return ""; }
try {
  var sent = context.Request.Body.As<string>(preserveContent: true);
  if (!Regex.IsMatch(sent, "\"stream\"[ \t\r\n]*:[ \t\r\n]*true")) { return ""; }
  var text = sent;
  // include: parse.cs
  var root = JObject.Parse(text);
  var options = root["stream_options"];
  var streams = root["stream"] != null && root["stream"].Type == JTokenType.Boolean && (bool)root["stream"];
  if (!streams || root["data_sources"] != null || root["dataSources"] != null) { return ""; }
  if (options == null) {
    var end = sent.LastIndexOf("\u007D", StringComparison.Ordinal);
    return sent.Substring(0, end) + ",\"stream_options\":{\"include_usage\":true}" + sent.Substring(end);
  }
  if (options.Type == JTokenType.Null) { root["stream_options"] = new JObject(new JProperty("include_usage", true)); }
  else if (options is JObject && options["include_usage"] == null) { options["include_usage"] = true; }
  else { return ""; }
  return root.ToString(Newtonsoft.Json.Formatting.None).Replace(mark, "");
}
catch (Exception) { return ""; }
