"""What expressions may use, of the types that the fragments' expressions do use.

Source: Microsoft Learn, "API Management policy expressions", its table of .NET types and members and its table of the
context variable, and the same list as Microsoft's policy toolkit checks it (Azure/azure-api-management-policy-toolkit,
src/Analyzers/ExpressionTypeUsed.Analyzer.cs, 2026-05), which adds System.Object. None stands for all members.
"""

TYPES: dict[str, frozenset[str] | None] = {
    "Newtonsoft.Json.JsonConvert": frozenset({"SerializeObject", "DeserializeObject"}),
    "Newtonsoft.Json.Linq.JArray": None,
    "Newtonsoft.Json.Linq.JContainer": None,
    "Newtonsoft.Json.Linq.JObject": None,
    "Newtonsoft.Json.Linq.JProperty": None,
    "Newtonsoft.Json.Linq.JToken": None,
    "Newtonsoft.Json.Linq.JValue": None,
    "System.Array": None,
    "System.Boolean": None,
    "System.Byte": None,
    "System.Char": None,
    "System.Collections.Generic.Dictionary`2": None,
    "System.Collections.Generic.IEnumerable`1": None,
    "System.Collections.Generic.IEnumerator`1": None,
    "System.Collections.Generic.IReadOnlyDictionary`2": None,
    "System.Collections.Generic.KeyValuePair`2": None,
    "System.Collections.Generic.List`1": None,
    "System.Convert": None,
    "System.DateTime": frozenset({"Subtract", "ToString", "UtcNow"}),
    "System.Guid": None,
    "System.Int32": None,
    "System.Int64": None,
    "System.Linq.Enumerable": None,
    "System.Math": None,
    "System.Nullable`1": None,
    "System.Object": None,
    "System.String": None,
    "System.Text.Encoding": None,
    "System.Text.RegularExpressions.Capture": frozenset({"Index", "Length", "Value"}),
    "System.Text.RegularExpressions.Regex": frozenset(
        {".ctor", "IsMatch", "Match", "Matches", "Replace", "Unescape", "Split"}
    ),
    "System.Text.StringBuilder": None,
    "System.TimeSpan": None,
}
CONTEXT: dict[str, frozenset[str]] = {
    "Context": frozenset(
        {"Api", "Deployment", "Elapsed", "LastError", "Operation", "Product", "Request", "RequestId", "Response"}
        | {"Subscription", "Variables"}
    ),
    "IApi": frozenset({"Id"}),
    "Deployment": frozenset({"Region"}),
    "LastError": frozenset({"Reason", "Section"}),
    "Message": frozenset({"Body", "Headers", "IpAddress", "Method", "OriginalUrl", "StatusCode", "Url"}),
    "Body": frozenset({"As"}),
    "Url": frozenset({"Host", "Path", "Query", "Scheme"}),
    "Jwt": frozenset({"Claims"}),
    "Extensions": frozenset({"AsJwt", "GetValueOrDefault"}),
}
"""Of the context, by the names that Context.cs gives its parts (`Message` is the request and the response)."""
BY_THE_COMPILER = frozenset(
    {
        "System.Collections.Generic.List`1.Enumerator",
        "System.Collections.Generic.List`1.Enumerator.Current",
        "System.Collections.Generic.List`1.Enumerator.MoveNext",
        "System.Collections.IEnumerator.MoveNext",
        "System.Func`2..ctor",
        "System.IDisposable.Dispose",
    }
)
"""What no expression names: the compiler writes it for `foreach` and for lambdas."""
