// What is short first and the long texts last, so that a body that must be cut loses some of these alone.
var fields = root.Properties().OrderBy(item => Regex.IsMatch(item.Name, "^(?:messages|input|prompt|choices|output|content|data)$"))
  .ThenBy(item => item.Value.ToString(Newtonsoft.Json.Formatting.None).Length);
var written = new JObject(fields.ToArray()).ToString(Newtonsoft.Json.Formatting.None).Replace(mark, "");
