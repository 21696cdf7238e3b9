// The programs are compiled without the names of their own types (IlcDisableReflection in aot.props): what asks for one
// compiles, works in tests, and throws in the installed program.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using Xunit;

namespace Qmta.Tests.Architecture;

public sealed class ReflectionTests
{
    // qmta itself is compiled with them: System.CommandLine needs them.
    private static readonly string[] programs =
        ["Qmta.Shared", "mini-smtpd", "qmail-filter", "qmail-local", "qmail-qmqpc", "qmail-queue", "qmail-remote", "qmta-send", "sendmail"];

    private static readonly string[] allowed = ["GetTypeFromHandle", "op_Equality", "op_Inequality"];

    private static readonly Dictionary<ushort, OpCode> codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => (ushort)c.Value);

    [Fact]
    public void NoProgramAsksForItsOwnNames()
    {
        List<string> found = [];
        foreach (Module module in programs.Select(p => Assembly.Load(p).ManifestModule))
        {
            foreach (Type type in module.GetTypes())
            {
                const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance
                    | BindingFlags.DeclaredOnly;
                foreach (MethodBase method in type.GetMethods(all).Concat<MethodBase>(type.GetConstructors(all)))
                {
                    // The compiler gives each record such a method, and nothing prints records.
                    if (method.Name == "PrintMembers") continue;
                    found.AddRange(Uses(method).Select(use => type + "." + method.Name + ": " + use));
                }
            }
        }
        Assert.Empty(found);
    }

    private enum Sample
    {
        One,
    }

    private static string Name(Sample sample) => sample.ToString();
    private static string Text(Sample sample) => $"{sample}";
    private static string TypeName(object what) => what.GetType().Name;

    [Theory]
    [InlineData(nameof(Name))]
    [InlineData(nameof(Text))]
    [InlineData(nameof(TypeName))]
    public void SuchAUseIsFound(string method)
    {
        _ = Name(Sample.One) + Text(Sample.One) + TypeName(Sample.One);
        Assert.NotEmpty(Uses(typeof(ReflectionTests).GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static)!));
    }

    // Calls of a method that need names at run time.
    private static IEnumerable<string> Uses(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not byte[] body) yield break;
        Type[] typeArguments = method.DeclaringType!.GetGenericArguments();
        Type[] methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        BinaryReader reader = new(new MemoryStream(body));
        Type? constrained = null;
        while (reader.BaseStream.Position < body.Length)
        {
            ushort value = reader.ReadByte();
            if (value == 0xfe) value = (ushort)(0xfe00 | reader.ReadByte());
            OpCode code = codes[value];
            int operand = Operand(reader, code.OperandType);
            if (code == OpCodes.Constrained) constrained = method.Module.ResolveType(operand, typeArguments, methodArguments);
            if (code.FlowControl != FlowControl.Call && code != OpCodes.Ldftn || code == OpCodes.Calli) continue;
            MethodBase called = method.Module.ResolveMethod(operand, typeArguments, methodArguments)!;
            if (NeedsNames(called, constrained)) yield return called.DeclaringType + "." + called.Name;
            constrained = null;
        }
    }

    private static bool NeedsNames(MethodBase called, Type? constrained)
    {
        Type of = called.DeclaringType!;
        if (of == typeof(Enum) || of == typeof(Activator) || of.Namespace == "System.Reflection") return true;
        if (of == typeof(Type)) return !allowed.Contains(called.Name);
        return constrained is { IsEnum: true } && called.Name == "ToString"
            || called.Name == "AppendFormatted" && called.IsGenericMethod && called.GetGenericArguments()[0].IsEnum;
    }

    // Reads what follows an instruction; the token it names.
    private static int Operand(BinaryReader reader, OperandType type)
    {
        switch (type)
        {
            case OperandType.InlineNone:
                return 0;
            case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar:
                return reader.ReadByte();
            case OperandType.InlineVar:
                return reader.ReadInt16();
            case OperandType.InlineI8 or OperandType.InlineR:
                _ = reader.ReadInt64();
                return 0;
            case OperandType.InlineSwitch:
                for (int left = reader.ReadInt32(); left > 0; left--) _ = reader.ReadInt32();
                return 0;
            default:
                return reader.ReadInt32();
        }
    }
}
