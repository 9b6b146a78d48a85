// Newtonsoft takes a text that looks like a time for one, and writes it anew in its own way. A mark that nobody can know, at the
// beginning of such texts, keeps them as they are; it goes when the body is written.
var mark = "\uE000" + Guid.NewGuid().ToString("N");
var times = new Regex("\"(?=[0-9]{4}-[0-9]{2}-[0-9]{2}T|[\\\\]?/Date)");
text = times.Replace(text, "\"" + mark);
