// Takes out of `root` what no count needs: pictures but for their size, sounds but for their length, files, vectors; and what
// opens other services: addresses of pictures, the keys of "on your data", the headers of MCP servers.
foreach (var property in root.Descendants().OfType<JProperty>().ToList()) {
  var name = property.Name;
  var owner = property.Parent as JObject;
  if (owner == null) { continue; }
  var kind = owner["type"]?.ToString() ?? "";
  var holder = (owner.Parent as JProperty)?.Name ?? "";
  var list = property.Value as JArray;
  if ((Regex.IsMatch(kind, "^(?:file|input_file|document)$") && owner.Parent is JArray && name != "type") || name == "embedding"
    || (Regex.IsMatch(name, "^(?:headers|authorization)$") && owner["server_label"] != null)
    || (isAnswer && list != null && Regex.IsMatch(name, "^(?:annotations|logprobs)$"))) {
    property.Remove();
    continue;
  }
  if (name == "data_sources" || name == "dataSources") {
    property.Value = new JArray((list ?? new JArray()).OfType<JObject>().Select(item => new JObject(new JProperty("type", item["type"]))));
  }
  if (isAnswer && name == "logprobs") {
    foreach (var listed in property.Value.OfType<JProperty>().Where(item => item.Value is JArray).ToList()) { listed.Value = listed.Value.Count(); }
  }

  var value = (property.Value as JValue)?.Value as string ?? "";
  var isPicture = name == "image_url" || (name == "url" && Regex.IsMatch(holder, "^(?:image_url|source)$"));
  if (isPicture && !value.StartsWith("data:", StringComparison.Ordinal)) {
    if (value != "") { property.Value = "https://"; }
    continue;
  }
  var isBulk = isPicture || Regex.IsMatch(name, "^(?:b64_json|encrypted_content|file_data|partial_image_b64)$")
    || (name == "data" && (kind == "base64" || holder == "input_audio" || holder == "audio"))
    || (name == "result" && kind == "image_generation_call");
  if (value == "" || !isBulk) { continue; }
  property.Remove();
  var start = value.StartsWith("data:", StringComparison.Ordinal) ? value.IndexOf(",", StringComparison.Ordinal) + 1 : 0;

  // The size of a picture, out of the first bytes of PNG, JPEG, GIF or WebP.
  var head = new byte[0];
  try { head = Convert.FromBase64String(value.Substring(start, Math.Min(value.Length - start, 699048) / 4 * 4)); }
  catch (Exception) { }
  if (head.Length < 32) { head = head.Concat(new byte[32]).ToArray(); }
  var latin = Encoding.GetEncoding(28591);
  var magic = latin.GetString(head, 0, 16);
  var width = 0L;
  var height = 0L;
  if (magic.StartsWith("\u0089PNG\r\n\u001A\n", StringComparison.Ordinal)) {
    width = head[16] * 16777216L + head[17] * 65536 + head[18] * 256 + head[19];
    height = head[20] * 16777216L + head[21] * 65536 + head[22] * 256 + head[23];
  }
  else if (magic.StartsWith("GIF8", StringComparison.Ordinal)) {
    width = head[6] + head[7] * 256;
    height = head[8] + head[9] * 256;
  }
  else if (magic.EndsWith("WEBPVP8X", StringComparison.Ordinal)) {
    width = 1 + head[24] + head[25] * 256 + head[26] * 65536;
    height = 1 + head[27] + head[28] * 256 + head[29] * 65536;
  }
  else if (magic.EndsWith("WEBPVP8L", StringComparison.Ordinal)) {
    var bits = head[21] + head[22] * 256L + head[23] * 65536 + head[24] * 16777216L;
    width = bits % 16384 + 1;
    height = bits / 16384 % 16384 + 1;
  }
  else if (magic.EndsWith("WEBPVP8 ", StringComparison.Ordinal)) {
    width = (head[26] + head[27] * 256) % 16384;
    height = (head[28] + head[29] * 256) % 16384;
  }
  else if (head[0] == 255 && head[1] == 216) {
    var at = 2;
    while (at + 9 <= head.Length && head[at] == 255) {
      var marker = head[at + 1];
      if (marker / 16 == 12 && (marker % 4 != 0 || marker == 192)) {
        height = head[at + 5] * 256 + head[at + 6];
        width = head[at + 7] * 256 + head[at + 8];
        break;
      }
      var alone = marker == 1 || (marker >= 208 && marker <= 217);
      at += marker == 255 ? 1 : alone ? 2 : 2 + head[at + 2] * 256 + head[at + 3];
    }
  }
  if (width > 0 && height > 0) {
    owner["width"] = width;
    owner["height"] = height;
  }
  // The length of a sound: a WAV's bytes of sound over its bytes a second.
  var speed = 0L;
  var isWav = magic.StartsWith("RIFF", StringComparison.Ordinal) && magic.IndexOf("WAVE", StringComparison.Ordinal) == 8;
  for (var place = 12L; isWav && place + 8 <= head.Length;) {
    var title = latin.GetString(head, (int)place, 4);
    var span = head[place + 4] + head[place + 5] * 256L + head[place + 6] * 65536L + head[place + 7] * 16777216L;
    if (title == "fmt " && place + 20 <= head.Length) {
      speed = head[place + 16] + head[place + 17] * 256L + head[place + 18] * 65536L + head[place + 19] * 16777216L;
    }
    if (title == "data") {
      var whole = (value.Length - start) * 3L / 4 - value.Substring(Math.Max(0, value.Length - 2)).Count(letter => letter == (char)61);
      if (speed > 0) { owner["seconds"] = Math.Min(span, whole - place - 8) / (double)speed; }
      break;
    }
    place += 8 + span + span % 2;
  }
}
