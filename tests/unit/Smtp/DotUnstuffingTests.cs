using System;
using System.Collections.Generic;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

public class DotUnstuffingTests
{
    private static readonly Gen<byte[]> Bytes = Gen.Elements((byte)'\r', (byte)'\n', (byte)'.', (byte)'a', (byte)0).ArrayOf();

    private static (string Message, bool Ended, bool Refused, int Used) Receive(byte[] sent, int[] cuts, BareLineFeed bare)
    {
        DotUnstuffing unstuffing = new(bare);
        List<byte> message = [];
        int at = 0, piece = 0;
        while (at < sent.Length && !unstuffing.Ended && !unstuffing.Refused)
        {
            int length = cuts.Length == 0 ? sent.Length : cuts[piece++ % cuts.Length];
            byte[] from = sent[at..System.Math.Min(sent.Length, at + length)];
            byte[] to = new byte[DotUnstuffing.Room(from.Length)];
            int n = unstuffing.Convert(from, to, out int consumed);
            message.AddRange(to[..n]);
            at += consumed;
        }
        return (Latin1.String(message.ToArray()), unstuffing.Ended, unstuffing.Refused, at);
    }

    [Theory]
    [InlineData(".\r\n", "")]
    [InlineData("a\r\n.\r\n", "a\n")]
    [InlineData("..\r\n.\r\n", ".\n")]
    [InlineData("...\r\n.\r\n", "..\n")]
    [InlineData(".a\r\n.\r\n", "a\n")]
    [InlineData("a.\r\n.\r\n", "a.\n")]
    [InlineData("a\r.\r\n.\r\n", "a\r.\n")]
    [InlineData("a\r\r\n.\r\n", "a\r\n")]
    [InlineData("a\r\n.\rb\r\n.\r\n", "a\n\rb\n")]
    [InlineData("\0\r\n.\r\n", "\0\n")]
    public void Ends(string sent, string message)
    {
        foreach (BareLineFeed bare in (BareLineFeed[])[BareLineFeed.Refused, BareLineFeed.EndsLine, BareLineFeed.EndsMessage])
            Assert.Equal((message, true, false, sent.Length), Receive(Latin1.Bytes(sent), [], bare));
    }

    [Theory]
    [InlineData("a\n.\n")]
    [InlineData("a\n.\r\n")]
    [InlineData("a\r\n.\n")]
    [InlineData("\n")]
    public void RefusesLineFeedsAlone(string sent) => Assert.True(Receive(Latin1.Bytes(sent), [], BareLineFeed.Refused).Refused);

    [Theory]
    [InlineData("a\n.\nb", "a\n.\nb")]
    [InlineData("a\n.\r\nb", "a\n.\nb")]
    [InlineData("a\r\n.\nb", "a\n.\nb")]
    public void LineFeedsAloneEndLinesAndNoMessage(string sent, string message) =>
        Assert.Equal((message, false, false, sent.Length), Receive(Latin1.Bytes(sent), [], BareLineFeed.EndsLine));

    [Fact]
    public void LineFeedsAloneCanBeAsGoodAsAny() =>
        Assert.Equal((".\n", true, false, 5), Receive("..\n.\nb"u8.ToArray(), [], BareLineFeed.EndsMessage));

    [Fact]
    public void CutsDoNotMatter() =>
        Prop.ForAll(Arb.From(Gen.Zip(Bytes, Gen.Choose(1, 4).ArrayOf())), pair =>
        {
            foreach (BareLineFeed bare in (BareLineFeed[])[BareLineFeed.Refused, BareLineFeed.EndsLine, BareLineFeed.EndsMessage])
            {
                var whole = Receive(pair.Item1, [], bare);
                var cut = Receive(pair.Item1, pair.Item2, bare);
                Assert.Equal((whole.Ended, whole.Refused, whole.Used), (cut.Ended, cut.Refused, cut.Used));
                Assert.Equal(whole.Message, cut.Message);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(10000));

    [Fact]
    public void OnlyOneSequenceEndsAMessage() =>
        Prop.ForAll(Arb.From(Bytes), bytes =>
        {
            foreach (BareLineFeed bare in (BareLineFeed[])[BareLineFeed.Refused, BareLineFeed.EndsLine])
            {
                (_, bool ended, _, int used) = Receive(bytes, [], bare);
                string before = "\r\n" + Latin1.String(bytes.AsSpan(0, used).ToArray());
                if (ended) Assert.EndsWith("\r\n.\r\n", before);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(10000));

    [Fact]
    public void WhatIsSentArrives() =>
        Prop.ForAll(Arb.From(Gen.Elements((byte)'\n', (byte)'.', (byte)'a', (byte)0).ArrayOf()), message =>
        {
            DotStuffing stuffing = default;
            byte[] sent = new byte[DotStuffing.Room(message.Length) + DotStuffing.EndRoom];
            int n = stuffing.Convert(message, sent);
            n += stuffing.End(sent.AsSpan(n));
            string expected = Latin1.String(message);
            if (expected.Length > 0 && expected[^1] != '\n') expected += "\n";
            Assert.Equal((expected, true, false, n), Receive(sent[..n], [], BareLineFeed.Refused));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
}
