// A small model of what API Management gives an expression as `context`: the members that the policy expressions' reference
// lists and that the fragments use, with the behaviour that it states.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

public sealed class Context
{
    public IApi Api;
    public Deployment Deployment;
    public TimeSpan Elapsed;
    public LastError LastError;
    public IApi Operation;
    public IApi Product;
    public Message Request;
    public Guid RequestId;
    public Message Response;
    public IApi Subscription;
    public IReadOnlyDictionary<string, object> Variables { get { return Held; } }
    public readonly Dictionary<string, object> Held = new Dictionary<string, object>();
    public readonly JArray Logged = new JArray();

    public void SetVariable(string name, object value)
    {
        if (!(value is string || value is bool || value is int || value is long))
        {
            throw new InvalidOperationException("set-variable takes basic types only: " + name);
        }
        Held[name] = value;
    }

    public void Log(string logger, string partitionKey, string text)
    {
        Logged.Add(new JObject { { "logger", logger }, { "partitionKey", partitionKey }, { "record", text } });
    }
}

public sealed class IApi
{
    public string Id;
    public string Name;
    public string Key = "a-secret-subscription-key";
}

public sealed class Deployment
{
    public string Region;
}

public sealed class LastError
{
    public string Source;
    public string Reason;
    public string Message;
    public string Section;
}

public sealed class Url
{
    public string Scheme;
    public string Host;
    public string Path;
    public IReadOnlyDictionary<string, string[]> Query;
}

public sealed class Message
{
    public Body Body;
    public IReadOnlyDictionary<string, string[]> Headers;
    public string IpAddress;
    public string Method;
    public Url OriginalUrl;
    public Url Url;
    public int StatusCode;
}

public sealed class Body
{
    private readonly byte[] content;
    private bool consumed;
    public bool WasRead;

    public Body(byte[] content)
    {
        this.content = content;
    }

    public byte[] Sent { get { return consumed ? null : content; } }

    public T As<T>(bool preserveContent = false)
    {
        if (consumed)
        {
            throw new InvalidOperationException("the body was read before, without preserveContent");
        }
        consumed = !preserveContent;
        WasRead = true;
        var text = Encoding.UTF8.GetString(content);
        if (typeof(T) == typeof(string)) { return (T)(object)text; }
        if (typeof(T) == typeof(byte[])) { return (T)(object)content; }
        return (T)(object)JToken.Parse(text);
    }
}

public sealed class Jwt
{
    public IReadOnlyDictionary<string, string[]> Claims;

    public static Jwt Of(JObject claims)
    {
        var texts = new Dictionary<string, string[]>();
        foreach (var claim in claims.Properties())
        {
            texts[claim.Name] = new[] { claim.Value.ToString() };
        }
        return new Jwt { Claims = texts };
    }
}

public static class Extensions
{
    public static string GetValueOrDefault(this IReadOnlyDictionary<string, string[]> values, string name, string otherwise)
    {
        string[] found;
        return values.TryGetValue(name, out found) ? string.Join(",", found) : otherwise;
    }

    public static T GetValueOrDefault<T>(this IReadOnlyDictionary<string, object> variables, string name, T otherwise)
    {
        object found;
        return variables.TryGetValue(name, out found) ? (T)found : otherwise;
    }

    // Null where the text is no token, as the reference says; nothing is verified.
    public static Jwt AsJwt(this string text)
    {
        var parts = (text ?? "").Split('.');
        if (parts.Length != 3) { return null; }
        var body = parts[1].Replace('-', '+').Replace('_', '/');
        try { return Jwt.Of(JObject.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(body.PadRight((body.Length + 3) / 4 * 4, '='))))); }
        catch (Exception) { return null; }
    }
}
