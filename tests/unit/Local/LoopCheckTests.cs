using System;
using Qmta.Local;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class LoopCheckTests
{
    [Theory]
    [InlineData("Delivered-To: joe@x\n\nbody", true)]
    [InlineData("Subject: a\nDelivered-To: joe@x\nTo: b\n\n", true)]
    [InlineData("Delivered-To: joe@x", false)] // no newline: no whole line
    [InlineData("Delivered-To: joe@x \n", false)]
    [InlineData("Delivered-To: joe@x.org\n", false)]
    [InlineData("Delivered-To: jo\n", false)]
    [InlineData("delivered-to: joe@x\n", false)]
    [InlineData("Delivered-To: Joe@x\n", false)]
    [InlineData(" Delivered-To: joe@x\n", false)]
    [InlineData("Delivered-To: joe@x\r\n", false)]
    [InlineData("Subject: a\n\nDelivered-To: joe@x\n", false)]
    [InlineData("\nDelivered-To: joe@x\n", false)]
    [InlineData("\r\nDelivered-To: joe@x\n", true)] // a carriage return is no empty line
    [InlineData("DeliDelivered-To: joe@x\n", false)]
    [InlineData("Delivered\nDelivered-To: joe@x\n", true)]
    [InlineData("", false)]
    public void OnlyTheExactHeaderLineCounts(string message, bool found)
    {
        byte[] bytes = Latin1.Bytes(message);
        for (int size = 1; size <= bytes.Length + 1; size++)
        {
            LoopCheck check = new("Delivered-To: joe@x\n");
            for (int at = 0; at < bytes.Length; at += size) check.Take(bytes.AsSpan(at, Math.Min(size, bytes.Length - at)));
            Assert.Equal(found, check.Count > 0);
        }
    }

    [Theory]
    [InlineData("Delivered-To: joe@x\nDelivered-To: joe@x\n\nDelivered-To: joe@x\n", 2)]
    [InlineData("Delivered-To: joe@x\nDelivered-To: sue@x\nDelivered-To: joe@x\nDelivered-To: joe@x\n", 3)]
    public void EveryTimeIsCounted(string message, int count)
    {
        LoopCheck check = new("Delivered-To: joe@x\n");
        check.Take(Latin1.Bytes(message));
        Assert.Equal(count, check.Count);
    }

    [Fact]
    public void TheBodyIsNotRead()
    {
        LoopCheck check = new("Delivered-To: joe@x\n");
        check.Take("A: b\n"u8);
        Assert.False(check.Finished);
        check.Take("\n"u8);
        Assert.True(check.Finished);
    }
}
