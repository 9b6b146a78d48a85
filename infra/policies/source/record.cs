// The record: what is known of the call, and both bodies as far as they fit. The answer comes first, since it holds what the
// service counted; a prompt that does not fit beside it still gets a quarter of the room.
var call = context.Variables.GetValueOrDefault<string>("token-meter-call", "");
try {
  var rest = new JObject();
  var error = context.LastError;
  object attempt = null;
  if (context.Variables.TryGetValue("token-meter-attempt", out attempt)) { rest["attempt"] = Convert.ToInt32(attempt); }
  object backend = null;
  if (context.Variables.TryGetValue("token-meter-backend", out backend)) { rest["backendId"] = backend?.ToString() ?? ""; }
  if (error == null || error.Section != "inbound") {
    rest["backendUrl"] = context.Request.Url.Scheme + "://" + context.Request.Url.Host + context.Request.Url.Path;
  }
  var type = context.Response?.Headers.GetValueOrDefault("Content-Type", "") ?? "";
  if (context.Response != null && context.Response.StatusCode >= 100) {
    rest["status"] = context.Response.StatusCode;
    rest["responseContentType"] = type;
    var headers = new JObject();
    foreach (var name in new[] { "apim-request-id", "azureai-fe-offer-type", "azureai-processed-tier", "request-id", "retry-after",
      "retry-after-ms", "x-ms-deployment-name", "x-ms-is-spilled-over", "x-ms-rai-invoked", "x-ms-region", "x-ms-served-model",
      "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-request-id" }) {
      var value = context.Response.Headers.GetValueOrDefault(name, "");
      if (value != "") { headers[name] = value.Substring(0, Math.Min(value.Length, 512)); }
    }
    rest["responseHeaders"] = headers;
  }
  // Where the gateway gave up on an answer, the service may have charged for it all the same; only this half is known.
  var lost = error != null && (error.Section == "outbound" || Regex.IsMatch(error.Reason ?? "", "^(?:Timeout|ClientConnectionFailure)$"));
  if (lost && !context.Variables.ContainsKey("token-meter-answer")) { rest["kind"] = "request"; }

  var names = new[] { "request", "response" };
  var bodies = new[] { context.Variables.GetValueOrDefault<string>("token-meter-request", ""),
    context.Variables.GetValueOrDefault<string>("token-meter-answer", "") };
  var sizes = new int[2];
  var unread = bodies[1].Split((char)10)[0].EndsWith("unread", StringComparison.Ordinal);
  if (!(unread && type.Contains("event-stream"))) { rest["durationMs"] = Math.Round(context.Elapsed.TotalMilliseconds, 1); }
  for (var i = 0; i < 2; i++) {
    var about = bodies[i].Split(new[] { (char)10 }, 2);
    var told = about[0].Split((char)32);
    var bytes = 0L;
    if (long.TryParse(told[0], out bytes)) { rest[names[i] + "Bytes"] = bytes; }
    if (about[0].EndsWith("compacted", StringComparison.Ordinal)) { rest[names[i] + "Compacted"] = true; }
    bodies[i] = about.Length > 1 ? about[1] : "";
    sizes[i] = Encoding.UTF8.GetByteCount(Newtonsoft.Json.JsonConvert.SerializeObject(bodies[i]));
  }

  // 200,000 bytes, the narrower reading of the 200 KB at which APIM cuts a message.
  var room = 199800 - Encoding.UTF8.GetByteCount(call + rest.ToString(Newtonsoft.Json.Formatting.None));
  var answer = Math.Min(sizes[1], room - Math.Min(sizes[0], room / 4));
  var shares = new[] { room - answer, answer };
  for (var i = 0; i < 2; i++) {
    if (sizes[i] > shares[i]) {
      rest[names[i] + "CutFrom"] = Encoding.UTF8.GetByteCount(bodies[i]);
      var least = 0;
      var most = Math.Min(bodies[i].Length, shares[i]);
      while (least < most) {
        var middle = (least + most + 1) / 2;
        var fits = Encoding.UTF8.GetByteCount(Newtonsoft.Json.JsonConvert.SerializeObject(bodies[i].Substring(0, middle))) <= shares[i];
        if (fits) { least = middle; }
        else { most = middle - 1; }
      }
      if (least > 0 && char.IsHighSurrogate(bodies[i][least - 1])) { least--; }
      bodies[i] = bodies[i].Substring(0, least);
    }
  }
  for (var i = 0; i < 2; i++) {
    if (bodies[i] != "") { rest[names[i] + "Body"] = bodies[i]; }
  }
  if (rest["kind"] != null) { call = call.Replace("\"kind\":\"exchange\",", ""); }
  return call.Substring(0, call.Length - 1) + "," + rest.ToString(Newtonsoft.Json.Formatting.None).Substring(1);
}
catch (Exception) { return call; }
