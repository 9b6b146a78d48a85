// Takes out of `root` what no count needs: pictures but for their size, sounds, files, vectors, and what would open other
// services (the keys of "on your data", the headers of MCP servers).
foreach (var property in root.Descendants().OfType<JProperty>().ToList()) {
  var name = property.Name;
  if (property.Value is JArray && name == "embedding") { property.Value = new JArray(); }
  if (property.Value is JArray && (name == "data_sources" || name == "dataSources")) {
    var kinds = property.Value.OfType<JObject>().Select(source => new JObject(new JProperty("type", source["type"])));
    property.Value = new JArray(kinds);
  }
  if (name == "logprobs") {
    foreach (var listed in property.Value.OfType<JProperty>().Where(item => item.Value is JArray).ToList()) {
      listed.Value = listed.Value.Count();
    }
  }
  if ((name == "headers" || name == "authorization") && property.Parent["server_label"] != null) { property.Value = ""; }

  var value = (property.Value as JValue)?.Value as string ?? "";
  var holder = (property.Parent.Parent as JProperty)?.Name ?? "";
  var kind = property.Parent["type"]?.ToString() ?? "";
  var isBulk = Regex.IsMatch(name, "^(?:b64_json|encrypted_content|embedding|file_data|partial_image_b64)$")
    || (name == "data" && (kind == "base64" || holder == "input_audio" || holder == "audio"))
    || (name == "result" && kind == "image_generation_call");
  var isUrl = Regex.IsMatch(name, "^(?:url|image_url|file_data)$") && value.StartsWith("data:", StringComparison.Ordinal);
  var start = isUrl ? value.IndexOf("base64,", StringComparison.Ordinal) + 7 : 0;
  if (value.Length < 256 || !(isUrl ? start > 6 : isBulk)) { continue; }

  // The size of a picture, out of the first bytes of PNG, JPEG, GIF or WebP.
  var head = new byte[0];
  try { head = Convert.FromBase64String(value.Substring(start, Math.Min(value.Length - start, 699048) / 4 * 4)); }
  catch (Exception) { }
  if (head.Length < 32) { head = new byte[32]; }
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
  var owner = (JObject)property.Parent;
  property.Remove();
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
      var whole = (value.Length - start) * 3L / 4 - value.Substring(value.Length - 2).Count(letter => letter == (char)61);
      if (speed > 0) { owner["seconds"] = Math.Min(span, whole - place - 8) / (double)speed; }
      break;
    }
    place += 8 + span + span % 2;
  }
}
