using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class EnvelopeReaderTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    private static readonly Gen<char> Byte = Gen.Choose(1, 255).Select(n => (char)n);

    private static readonly Gen<string> Value =
        Gen.OneOf(Byte.ArrayOf().Select(chars => new string(chars)), Gen.Choose(900, 2005).Select(n => new string('x', n)));

    private static readonly Gen<(char Kind, string Value)[]> Records = Gen.Zip(Byte, Value).ArrayOf();

    public void Dispose() => File.Delete(path);

    [Fact]
    public void WhatWasWrittenIsRead() =>
        Prop.ForAll(Arb.From(Gen.Zip(Records, Gen.Choose(1, 40))), given =>
        {
            string bytes = string.Concat(given.Item1.Select(record => record.Kind + record.Value + "\0"));
            List<(char, string, long)> read = Read(bytes, given.Item2);
            return read.Select(one => (one.Item1, one.Item2)).SequenceEqual(given.Item1)
                && read.All(one => bytes[(int)one.Item3] == one.Item1 && (one.Item3 == 0 || bytes[(int)one.Item3 - 1] == '\0'));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void AFileCutInsideARecordIsNeverTakenForWhole() =>
        Prop.ForAll(Arb.From(Gen.Zip(Records.Where(records => records.Length > 0), Gen.Choose(0, 1_000_000))), given =>
        {
            string bytes = string.Concat(given.Item1.Select(record => record.Kind + record.Value + "\0"));
            int cut = given.Item2 % bytes.Length;
            bool between = cut == 0 || bytes[cut - 1] == '\0';
            return between == (Record.Exception(() => Read(bytes[..cut], 4096)) == null);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Theory]
    [InlineData("Fa\0\0Tb\0", "empty")]
    [InlineData("\0", "empty")]
    [InlineData("T", "inside")]
    public void WhatIsNoRecordIsNamed(string bytes, string word) =>
        Assert.Matches($"^{path} .*{word}", Assert.Throws<FormatException>(() => Read(bytes, 16)).Message);

    [Fact]
    public void AnAbsurdRecordCostsNoMemory()
    {
        Assert.Contains("too long", Assert.Throws<FormatException>(() => Read("T" + new string('x', 2006) + "\0", 64)).Message);
        Assert.Contains("too long", Assert.Throws<FormatException>(() => Read("T" + new string('x', 3_000_000) + "\0", 64)).Message);
    }

    [Fact]
    public void AnExtraHeaderMayBeLonger()
    {
        string longest = new('x', ExtraHeader.Longest);
        Assert.Equal(longest, Read("Fa\0Tb\0e" + longest + "\0", 4096)[2].Value);
        Assert.Contains("too long", Assert.Throws<FormatException>(() => Read("e" + longest + "x\0", 4096)).Message);
    }

    private List<(char Kind, string Value, long Position)> Read(string bytes, int bufferSize)
    {
        File.WriteAllBytes(path, Latin1.Bytes(bytes));
        int fd = Files.Open(path, OpenMode.Read);
        try
        {
            List<(char, string, long)> all = [];
            EnvelopeReader reader = new(fd, path, bufferSize);
            while (reader.Next()) all.Add((reader.Kind, reader.Value, reader.Position));
            return all;
        }
        finally
        {
            Files.Close(fd);
        }
    }
}
