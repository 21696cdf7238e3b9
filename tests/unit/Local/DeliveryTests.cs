using Qmta.Local;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class DeliveryTests
{
    private static Delivery From(string sender) => Scratch.Delivery with { Sender = sender };

    [Theory]
    [InlineData("", "Return-Path: <>\n")]
    [InlineData("joe@x.org", "Return-Path: <joe@x.org>\n")]
    [InlineData("#@[]", "Return-Path: <#@[]>\n")]
    [InlineData("j o@x", "Return-Path: <\"j o\"@x>\n")]
    [InlineData("a..b@x", "Return-Path: <\"a..b\"@x>\n")]
    [InlineData("a@b@x", "Return-Path: <\"a@b\"@x>\n")]
    [InlineData("q\"\\@x", "Return-Path: <\"q\\\"\\\\\"@x>\n")]
    [InlineData("@x", "Return-Path: <\"\"@x>\n")]
    [InlineData("x\nBcc: y@z", "Return-Path: <\"x_Bcc: y\"@z>\n")]
    [InlineData("\xE9@x", "Return-Path: <\xE9@x>\n")]
    public void ReturnPath(string sender, string line) => Assert.Equal(line, From(sender).ReturnPath);

    [Theory]
    [InlineData("", "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n")]
    [InlineData("joe@x", "From joe@x Thu Jan  1 00:00:00 1970\n")]
    [InlineData("a b\tc\nd@x", "From a-b-c-d@x Thu Jan  1 00:00:00 1970\n")]
    public void FromLine(string sender, string line) => Assert.Equal(line, From(sender).FromLine(0));

    [Fact]
    public void ANewlineInAnAddressStartsNoHeaderField() =>
        Assert.Equal("Delivered-To: a_Bcc: b@example.org\n", (Scratch.Delivery with { Local = "a\nBcc: b" }).DeliveredTo);

    [Theory]
    [InlineData("", "")]
    [InlineData("X-A: b", "X-A: b\n")]
    [InlineData("X-A: b\nX-C: d\n", "X-A: b\nX-C: d\n")]
    public void ExtraHeader(string given, string lines) =>
        Assert.Equal(lines, (Scratch.Delivery with { ExtraHeader = given }).ExtraHeaderLines);

    [Fact]
    public void PartsOfHostAndExtension()
    {
        Assert.Equal("a.b", DeliveryVariables.BeforeLastDot("a.b.c"));
        Assert.Equal("a", DeliveryVariables.BeforeLastDot("a"));
        Assert.Equal("b-c", DeliveryVariables.AfterFirstDash("a-b-c"));
        Assert.Equal("", DeliveryVariables.AfterFirstDash("a"));
    }

    [Fact]
    public void CommandLine()
    {
        string[] rest = ["joe", "/home/joe", "joe-x", "-", "x", "h", "s", "./Maildir/", "Q: q"];
        Delivery? parsed = Qmta.Local.CommandLine.Parse(["--as", "7:8", "--", .. rest], out (uint, uint)? identity);
        Assert.Equal(new Delivery("joe", "/home/joe", "joe-x", "-", "x", "h", "s", "./Maildir/", "Q: q"), parsed);
        Assert.Equal((7u, 8u), identity);
        Assert.True(Qmta.Local.CommandLine.Parse(["-n", .. rest[..8]], out identity)!.DescribeOnly);
        Assert.Null(identity);
        Assert.False(Qmta.Local.CommandLine.Parse(["-nN", .. rest], out _)!.DescribeOnly);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a home b c d e f g h")] // not absolute
    [InlineData("-x a /home b c d e f g h")]
    [InlineData("a /home b c d e f g h i")]
    [InlineData("--as")]
    [InlineData("--as 0:0 a /home b c d e f g h")]
    [InlineData("--as 1 a /home b c d e f g h")]
    [InlineData("--as -1:1 a /home b c d e f g h")]
    public void WrongCommandLines(string line) =>
        Assert.Null(Qmta.Local.CommandLine.Parse(line.Length == 0 ? [] : line.Split(' '), out _));
}
