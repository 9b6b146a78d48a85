// Runs calls through the fragments: a call a line in, what came of it a line out. `members` lists what the expressions use.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

public static class Program
{
    public static int Main(string[] arguments)
    {
        var output = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false));
        if (arguments.Contains("members"))
        {
            foreach (var member in Members.Used(typeof(Expressions))) { output.WriteLine(member); }
            output.Flush();
            return 0;
        }
        var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false));
        for (var line = input.ReadLine(); line != null; line = input.ReadLine())
        {
            output.WriteLine(Run(Read(line)).ToString(Formatting.None));
            output.Flush();
        }
        return 0;
    }

    private static JObject Read(string line)
    {
        var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
        return JObject.Load(reader);
    }

    private static JObject Run(JObject call)
    {
        var context = ContextOf(call);
        var result = new JObject();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        try
        {
            foreach (var step in call["steps"])
            {
                if ((string)step == "meter-outbound" && call["response"] is JObject) { context.Response = MessageOf((JObject)call["response"]); }
                if ((string)step == "meter-on-error")
                {
                    context.LastError = call["error"].ToObject<LastError>();
                    context.Response = call["response"] is JObject ? MessageOf((JObject)call["response"]) : null;
                }
                Sections.Run((string)step, context, call["namedValues"].ToObject<Dictionary<string, string>>());
            }
        }
        catch (Exception error) { result["failed"] = error.ToString(); }
        result["milliseconds"] = watch.Elapsed.TotalMilliseconds;
        result["logged"] = context.Logged;
        result["requestBody"] = TextOf(context.Request.Body);
        result["responseWasRead"] = context.Response != null && context.Response.Body != null && context.Response.Body.WasRead;
        result["responseBody"] = context.Response == null ? null : TextOf(context.Response.Body);
        return result;
    }

    private static string TextOf(Body body)
    {
        return body == null || body.Sent == null ? null : Encoding.UTF8.GetString(body.Sent);
    }

    private static Context ContextOf(JObject call)
    {
        var context = new Context
        {
            RequestId = Guid.Parse((string)call["requestId"]),
            Request = MessageOf((JObject)call["request"]),
            Api = call["api"] == null ? null : new IApi { Id = (string)call["api"] },
            Operation = call["operation"] == null ? null : new IApi { Id = (string)call["operation"] },
            Product = call["product"] == null ? null : new IApi { Id = (string)call["product"] },
            Subscription = call["subscription"] == null ? null : new IApi { Id = (string)call["subscription"] },
            Deployment = new Deployment { Region = "Sweden Central" },
            Elapsed = TimeSpan.FromTicks(12345678),
        };
        foreach (var variable in (call["variables"] as JObject ?? new JObject()).Properties())
        {
            context.Held[variable.Name] = variable.Value.Type == JTokenType.Integer ? (int)variable.Value : (object)(string)variable.Value;
        }
        if (call["validated"] is JObject) { context.Held["validated-token"] = Jwt.Of((JObject)call["validated"]); }
        return context;
    }

    private static Message MessageOf(JObject told)
    {
        var headers = new Dictionary<string, string[]>(StringComparer.OrdinalIgnoreCase);
        foreach (var header in (told["headers"] as JObject ?? new JObject()).Properties())
        {
            headers[header.Name] = new[] { (string)header.Value };
        }
        var body = told["body"] == null || told["body"].Type == JTokenType.Null ? null : new Body(Encoding.UTF8.GetBytes((string)told["body"]));
        var message = new Message { Headers = headers, Body = body, StatusCode = (int)(told["status"] ?? 0) };
        if (told["url"] != null)
        {
            message.Method = (string)told["method"];
            message.IpAddress = (string)told["ip"];
            message.OriginalUrl = UrlOf((JObject)told["url"]);
            message.Url = UrlOf((JObject)(told["backendUrl"] ?? told["url"]));
        }
        return message;
    }

    private static Url UrlOf(JObject told)
    {
        var query = told["query"].ToObject<Dictionary<string, string>>().ToDictionary(item => item.Key, item => new[] { item.Value });
        return new Url { Scheme = "https", Host = (string)told["host"], Path = (string)told["path"], Query = query };
    }
}
