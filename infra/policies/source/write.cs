// The smallest fields first, so that a body that must be cut loses its bulk and not what was reported.
var fields = root.Properties().OrderBy(item => item.Value.ToString(Newtonsoft.Json.Formatting.None).Length);
var written = new JObject(fields.ToArray()).ToString(Newtonsoft.Json.Formatting.None).Replace(mark, "");
