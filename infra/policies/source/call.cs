// What is known of a call before it is answered, as the text of a JSON object. Nothing is copied that could be a key: of
// the query only the API's version, of the headers only those named here.
var call = new JObject();
try {
  call["version"] = 1;
  call["kind"] = "exchange";
  call["requestId"] = context.RequestId.ToString();
  call["time"] = DateTime.UtcNow.Subtract(context.Elapsed).ToString("o");
  call["method"] = context.Request.Method;
  var version = context.Request.OriginalUrl.Query.GetValueOrDefault("api-version", "");
  version = Regex.IsMatch(version, "^[0-9A-Za-z.-]+$") ? "?api-version=" + version : "";
  call["url"] = context.Request.OriginalUrl.Path + version;
  call["apiId"] = context.Api?.Id;
  call["operationId"] = context.Operation?.Id;
  call["productId"] = context.Product?.Id;
  call["subscriptionId"] = context.Subscription?.Id;
  call["gatewayRegion"] = context.Deployment?.Region;
  call["clientIp"] = context.Request.IpAddress;

  // The token that a policy validated and put into the variable `validated-token`; else the one that the client sent,
  // which nobody vouches for.
  object validated = null;
  context.Variables.TryGetValue("validated-token", out validated);
  var token = validated as Jwt;
  var sent = context.Request.Headers.GetValueOrDefault("Authorization", "");
  var claims = (token ?? sent.Substring(sent.LastIndexOf(" ") + 1).AsJwt())?.Claims;
  if (claims != null) {
    call["appId"] = claims.GetValueOrDefault("appid", claims.GetValueOrDefault("azp", ""));
    call["appIdVerified"] = token != null;
    call["entraTenantId"] = claims.GetValueOrDefault("tid", "");
    call["userObjectId"] = claims.GetValueOrDefault("oid", "");
  }

  var headers = new JObject();
  foreach (var name in new[] { "anthropic-beta", "anthropic-version", "user-agent", "x-ms-client-request-id" }) {
    headers[name] = context.Request.Headers.GetValueOrDefault(name, "");
  }
  call["requestHeaders"] = headers;

  // The customer's own dimensions: a JSON object of strings in the variable `token-meter-custom`, whole or not at all.
  object dimensions = null;
  context.Variables.TryGetValue("token-meter-custom", out dimensions);
  if (dimensions != null) {
    try {
      var custom = Newtonsoft.Json.JsonConvert.DeserializeObject<Dictionary<string, string>>(dimensions.ToString());
      var text = JObject.FromObject(custom).ToString(Newtonsoft.Json.Formatting.None);
      if (Encoding.UTF8.GetByteCount(text) > 8192) { custom.Clear(); }
      call["custom"] = JObject.FromObject(custom);
    }
    catch (Exception) { call.Remove("custom"); }
  }
}
catch (Exception) { call["kind"] = "exchange"; }

// No field is empty, and none is longer than the meter would keep.
foreach (var value in call.Descendants().OfType<JValue>().ToList()) {
  var text = value.Value as string;
  if (text == null ? value.Value == null : text == "") { value.Parent.Remove(); }
  else if (text != null) { value.Value = text.Substring(0, Math.Min(text.Length, 2048)); }
}
return call.ToString(Newtonsoft.Json.Formatting.None);
