using Qmta.Posix;
using Qmta.Reception;
using Xunit;

namespace Qmta.Tests.Reception;

public class EnvelopeTests
{
    [Theory]
    [InlineData("<a@b>", "a@b", "")]
    [InlineData(" <a@b> SIZE=1", "a@b", "SIZE=1")]
    [InlineData("<>", "", "")]
    [InlineData("a@b", "a@b", "")]
    [InlineData("a@b SIZE=1 ", "a@b", "SIZE=1")]
    [InlineData("<\"a b\"@c>", "a b@c", "")]
    [InlineData("<\"a>b\"@c>", "a>b@c", "")]
    [InlineData("<a\\ b@c>", "a b@c", "")]
    [InlineData("<\"a\\\"b\"@c>", "a\"b@c", "")]
    [InlineData("<@x,@y:a@b>", "a@b", "")]
    [InlineData("<\"@x:a\"@b>", "@x:a@b", "")]
    [InlineData("<a@[127.0.0.1]>", "a@[127.0.0.1]", "")]
    [InlineData("<caf\u00C3\u00A9@b>", "caf\u00C3\u00A9@b", "")]
    public void ReadsAddresses(string text, string address, string parameters)
    {
        Assert.True(EnvelopePath.TryRead(text, out string read, out string rest));
        Assert.Equal((address, parameters), (read, rest));
    }

    [Theory]
    [InlineData("")]
    [InlineData("<a@b")]
    [InlineData("<a b@c>")]
    [InlineData("<a@b>SIZE=1")]
    [InlineData("<\"a@b>")]
    [InlineData("<a<b@c>")]
    [InlineData("<@x>")]
    [InlineData("<a\0@b>")]
    [InlineData("<a\\")]
    [InlineData(">")]
    [InlineData("joe@host.example>")]
    public void RefusesWhatIsNone(string text) => Assert.False(EnvelopePath.TryRead(text, out _, out _));

    [Fact]
    public void AddressesHaveALongestLength()
    {
        Assert.True(EnvelopePath.TryRead("<" + new string('a', EnvelopePath.LongestAddress) + ">", out _, out _));
        Assert.False(EnvelopePath.TryRead("<" + new string('a', EnvelopePath.LongestAddress + 1) + ">", out _, out _));
    }

    [Theory]
    [InlineData("", 0, false)]
    [InlineData("SIZE=10", 10, false)]
    [InlineData("size=10 BODY=8bitmime AUTH=<> SMTPUTF8", 10, true)]
    [InlineData("SIZE=99999999999999999999", long.MaxValue, false)]
    public void ReadsParameters(string text, long size, bool utf8) =>
        Assert.Equal(new MailParameters(size, utf8), MailParameters.Read(text));

    [Theory]
    [InlineData("SIZE")]
    [InlineData("SIZE=")]
    [InlineData("SIZE=-1")]
    [InlineData("SIZE=999999999999999999999")]
    [InlineData("BODY=BINARYMIME")]
    [InlineData("SMTPUTF8=1")]
    [InlineData("X=1")]
    public void RefusesParameters(string text) => Assert.Null(MailParameters.Read(text));

    [Theory]
    [InlineData("Received: a\nreceived: b\n\nReceived: c\n", 2)]
    [InlineData("Delivered-To: a\nRECEIVED:\n", 2)]
    [InlineData("X-Received: a\n Received: b\nReceivedx: c\n", 0)]
    [InlineData("\nReceived: a\n", 0)]
    [InlineData("Received", 0)]
    public void CountsHops(string message, int hops)
    {
        byte[] bytes = Qmta.Text.Latin1.Bytes(message);
        HopCount whole = new();
        whole.Read(bytes);
        Assert.Equal(hops, whole.Hops);
        HopCount pieces = new();
        foreach (byte b in bytes) pieces.Read([b]);
        Assert.Equal(hops, pieces.Hops);
    }

    [Fact]
    public void RecipientsNeedBoundedMemory()
    {
        Transaction transaction = new("a@b");
        int count = 0;
        while (transaction.TryAdd("somebody@host.example")) count++;
        Assert.InRange(count, 10_000, 20_000);
        Assert.Equal(count, transaction.Count);
        int read = 0;
        foreach (string recipient in transaction.Recipients())
        {
            Assert.Equal("somebody@host.example", recipient);
            read++;
        }
        Assert.Equal(count, read);
    }

    [Theory]
    [InlineData("25", "::", 25)]
    [InlineData(":25", "::", 25)]
    [InlineData("*:25", "::", 25)]
    [InlineData("127.0.0.1:0", "127.0.0.1", 0)]
    [InlineData("[2001:db8::1]:465", "2001:db8::1", 465)]
    public void ReadsWhereToListen(string text, string address, int port)
    {
        Assert.True(ServerCommand.ParseAddress(text, out IpAddress read, out int number));
        Assert.Equal((address, port), (read.ToString(), number));
    }

    [Theory]
    [InlineData("")]
    [InlineData("smtp")]
    [InlineData("127.0.0.1:65536")]
    [InlineData("host.example:25")]
    [InlineData("127.0.0.1:-1")]
    public void RefusesOtherPlaces(string text) => Assert.False(ServerCommand.ParseAddress(text, out _, out _));
}
