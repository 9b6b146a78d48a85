// What compiled expressions use of other types, read out of their own instructions: `Namespace.Type.Member`, sorted.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;

public static class Members
{
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)).ToDictionary(code => code.Value);

    public static IEnumerable<string> Used(Type type)
    {
        var used = new HashSet<string>();
        Collect(type, used);
        return used.OrderBy(name => name, StringComparer.Ordinal);
    }

    private static void Collect(Type type, HashSet<string> used)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        foreach (var method in type.GetMethods(All)) { Read(method, used); }
        foreach (var nested in type.GetNestedTypes(All)) { Collect(nested, used); }
    }

    private static void Read(MethodInfo method, HashSet<string> used)
    {
        var body = method.GetMethodBody();
        if (body == null) { return; }
        var code = body.GetILAsByteArray();
        for (var at = 0; at < code.Length;)
        {
            var value = code[at] == 0xFE ? unchecked((short)(0xFE00 | code[at + 1])) : (short)code[at];
            var operation = Codes[value];
            at += operation.Size;
            switch (operation.OperandType)
            {
                case OperandType.InlineField:
                case OperandType.InlineMethod:
                case OperandType.InlineType:
                case OperandType.InlineTok:
                    Add(method.Module.ResolveMember(BitConverter.ToInt32(code, at), method.DeclaringType.GetGenericArguments(), method.GetGenericArguments()), used);
                    at += 4;
                    break;
                case OperandType.InlineSwitch:
                    at += 4 + 4 * BitConverter.ToInt32(code, at);
                    break;
                case OperandType.InlineNone:
                    break;
                case OperandType.ShortInlineBrTarget:
                case OperandType.ShortInlineI:
                case OperandType.ShortInlineVar:
                    at += 1;
                    break;
                case OperandType.InlineVar:
                    at += 2;
                    break;
                case OperandType.InlineI8:
                case OperandType.InlineR:
                    at += 8;
                    break;
                default:
                    at += 4;
                    break;
            }
        }
    }

    private static void Add(MemberInfo member, HashSet<string> used)
    {
        var owner = member as Type ?? member.DeclaringType;
        for (; owner.IsArray || owner.IsByRef; owner = owner.GetElementType()) { }
        if (owner.Assembly == typeof(Members).Assembly && owner.FullName.StartsWith("Expressions", StringComparison.Ordinal)) { return; }
        if (owner.IsGenericType) { owner = owner.GetGenericTypeDefinition(); }
        var name = (owner.FullName ?? owner.Name).Replace('+', '.');
        var accessor = member.Name.StartsWith("get_", StringComparison.Ordinal) || member.Name.StartsWith("set_", StringComparison.Ordinal);
        used.Add(member is Type ? name : name + "." + member.Name.Substring(accessor ? 4 : 0));
    }
}
