using System;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

public class SmtpReplyParserTests
{
    [Theory]
    [InlineData("250 ok\r\n", 250, "250 ok\n")]
    [InlineData("250\r\n", 250, "250\n")]
    [InlineData("354 go\n", 354, "354 go\n")]
    [InlineData("250-a\r\n250-b\r\n250 c\r\n", 250, "250-a\n250-b\n250 c\n")]
    [InlineData("550 \0\xE9\r\n", 550, "550 ?\xE9\n")]
    public void Reads(string bytes, int code, string text)
    {
        SmtpReply reply = Assert.IsType<SmtpReply>(Parse(bytes, out int left));
        Assert.Equal((code, text, 0), (reply.Code, reply.Text, left));
    }

    [Fact]
    public void LeavesTheNextReply()
    {
        Assert.NotNull(Parse("250 a\r\n550 b\r\n", out int left));
        Assert.Equal(7, left);
    }

    [Theory]
    [InlineData("hello\r\n")]
    [InlineData("\r\n")]
    [InlineData("25\r\n")]
    [InlineData("150 early\r\n")]
    [InlineData("650 late\r\n")]
    [InlineData("250-yes\r\n550 no\r\n")]
    [InlineData("250-yes\r\nno\r\n")]
    public void RefusesWhatIsNoReply(string bytes) => Assert.Throws<FormatException>(() => Parse(bytes, out _));

    [Fact]
    public void RefusesALineWithoutEnd() =>
        Assert.Throws<FormatException>(() => Parse("250 " + new string('x', SmtpReplyParser.LongestLine), out _));

    [Fact]
    public void RefusesALineOfCarriageReturnsWithoutEnd() =>
        Assert.Throws<FormatException>(() => Parse(new string('\r', SmtpReplyParser.LongestLine + 1), out _));

    [Fact]
    public void RefusesLinesWithoutEnd() =>
        Assert.Throws<FormatException>(() => Parse(string.Concat(System.Linq.Enumerable.Repeat("250-x\r\n", 10_000)), out _));

    [Fact]
    public void KeepsTheBeginningOfALongReply()
    {
        string lines = string.Concat(System.Linq.Enumerable.Repeat("250-" + new string('x', 400) + "\r\n", 100));
        SmtpReply reply = Assert.IsType<SmtpReply>(Parse(lines + "250 end\r\n", out _));
        Assert.Equal(SmtpReplyParser.LongestText, reply.Text.Length);
        Assert.EndsWith("\n", reply.Text);
    }

    [Fact]
    public void ItDoesNotMatterHowTheNetworkCuts() =>
        Prop.ForAll(Arb.From(Gen.Choose(1, 9).ArrayOf()), cuts =>
        {
            byte[] bytes = Latin1.Bytes("250-first\r\n250-second\r\n250 third\r\n");
            SmtpReplyParser parser = new();
            int at = 0, i = 0;
            while (true)
            {
                int n = Math.Min(cuts.Length == 0 ? bytes.Length : cuts[i++ % cuts.Length], bytes.Length - at);
                ReadOnlySpan<byte> piece = bytes.AsSpan(at, n);
                at += n;
                if (parser.Take(ref piece) is SmtpReply reply)
                    return at == bytes.Length && reply.Text == "250-first\n250-second\n250 third\n";
                if (at == bytes.Length) return false;
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void GarbageEndsInAReplyOrARefusal() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            try
            {
                _ = Parse(Latin1.String(bytes), out _);
            }
            catch (FormatException e)
            {
                return e.Message.Length < 200;
            }
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static SmtpReply? Parse(string text, out int left)
    {
        ReadOnlySpan<byte> bytes = Latin1.Bytes(text);
        SmtpReply? reply = new SmtpReplyParser().Take(ref bytes);
        left = bytes.Length;
        return reply;
    }
}
