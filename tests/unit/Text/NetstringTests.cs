using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Text;

public class NetstringTests
{
    [Theory]
    [InlineData("", "0:,")]
    [InlineData("hello world!", "12:hello world!,")]
    [InlineData("1:,", "3:1:,,")]
    public void Writes(string contents, string expected) =>
        Assert.Equal(expected, Encoding.Latin1.GetString(Netstring.Of(Encoding.Latin1.GetBytes(contents))));

    [Theory]
    [InlineData(0, "0:")]
    [InlineData(9, "9:")]
    [InlineData(10, "10:")]
    [InlineData(long.MaxValue, "9223372036854775807:")]
    public void StartsWithTheLength(long length, string expected) =>
        Assert.Equal(expected, Encoding.Latin1.GetString(Netstring.Start(length)));

    [Theory]
    [InlineData("5:hello;")]
    [InlineData("5hello,")]
    [InlineData("-1:,")]
    [InlineData(":,")]
    [InlineData("05:hello,")]
    [InlineData("00:,")]
    [InlineData("1001:")]
    [InlineData("99999999999999999999:")]
    [InlineData(" 1:x,")]
    [InlineData("<")]
    public void RefusesWhatIsNone(string text)
    {
        Assert.Throws<FormatException>(() =>
        {
            ReadOnlySpan<byte> bytes = Encoding.Latin1.GetBytes(text);
            _ = new NetstringReader(1000).Take(ref bytes);
        });
    }

    private static readonly Gen<byte[]> Bytes = Gen.Choose(0, 255).Select(i => (byte)i).ArrayOf();

    // However the stream is cut, what was written is read, and nothing more is taken.
    [Fact]
    public void ReadsWhatWasWritten() => Prop.ForAll(Arb.From(Bytes.ArrayOf()), Arb.From(Bytes), Arb.From(Gen.Choose(1, 40)),
        (strings, rest, piece) =>
        {
            byte[] stream = [.. strings.SelectMany(s => Netstring.Of(s)), .. rest];
            NetstringReader reader = new(100_000);
            List<byte[]> read = [];
            int at = 0;
            while (read.Count < strings.Length)
            {
                ReadOnlySpan<byte> bytes = stream.AsSpan(at, Math.Min(piece, stream.Length - at));
                int before = bytes.Length;
                if (reader.Take(ref bytes) is byte[] found) read.Add(found);
                at += before - bytes.Length;
            }
            return !reader.InMiddle && at == stream.Length - rest.Length
                && read.Zip(strings).All(p => p.First.SequenceEqual(p.Second));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void TheLengthIsKnownBefore() => Prop.ForAll(Arb.From(Gen.Choose(0, 20_000)),
        length => Netstring.LengthOf(length) == Netstring.Of(new byte[length]).Length)
        .Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void HostileBytesEndInAFormatExceptionOrNothing() => Prop.ForAll(
        Arb.From(Gen.Elements<byte>([.. "0123456789:,:,x"u8]).ArrayOf()), bytes =>
        {
            try
            {
                ReadOnlySpan<byte> left = bytes;
                NetstringReader reader = new(20);
                while (!left.IsEmpty)
                    if (reader.Take(ref left) is byte[] found && found.Length > 20) return false;
                return true;
            }
            catch (FormatException)
            {
                return true;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));
}
