using System;
using System.Collections.Generic;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Posix;
using Qmta.Reception;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Reception;

/// <summary>What clients of QMQP and QMTP may send, and what not.</summary>
public sealed class NetstringInputTests
{
    [Theory]
    [InlineData("0:,", "")]
    [InlineData("1:a,", "a")]
    [InlineData("11:hello world,", "hello world")]
    [InlineData("3:,:,,", ",:,")]
    [InlineData("4:long,", null)]
    public void Texts(string sent, string? expected) =>
        Assert.Equal(expected, With(sent, input => input.Text(sent.StartsWith('4') ? 3 : 100)));

    [Theory]
    [InlineData("-1:")]
    [InlineData("+1:a,")]
    [InlineData(" 1:a,")]
    [InlineData("1 :a,")]
    [InlineData(":a,")]
    [InlineData("01:a,")]
    [InlineData("00:,")]
    [InlineData("a")]
    [InlineData("1:ab")]
    [InlineData("1234567890123456789:")]
    [InlineData("99999999999999999999999999")]
    public void OthersAreMistakes(string sent) =>
        Assert.Throws<FormatException>(() => With(sent, input => input.Text(100)));

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1:")]
    [InlineData("1:a")]
    [InlineData("123456789012345678:x")]
    public void AClientThatLeavesIsGone(string sent) =>
        Assert.Throws<ClientGoneException>(() => With(sent, input => input.Text(100)));

    [Theory]
    [InlineData("4:2:ab,,")] // the inner one is not whole
    [InlineData("3:9:a,,")]
    [InlineData("1:1:a,,")]
    [InlineData("5:1:a,x,")]
    public void NothingIsLongerThanWhatIsAroundIt(string sent) => Assert.Throws<FormatException>(() => With(sent, input =>
    {
        input.Enter(input.Length());
        while (input.Left > 0) _ = input.Text(100);
        input.Leave();
        return 0;
    }));

    [Fact]
    public void ListsAreReadAsTheyWereWritten() => Prop.ForAll<byte[][]>(texts =>
    {
        List<byte> inside = [];
        foreach (byte[] text in texts) inside.AddRange(Netstring.Of(text));
        List<string> read = [];
        With(Latin1.String(Netstring.Of([.. inside])), input =>
        {
            input.Enter(input.Length());
            while (input.Left > 0) read.Add(input.Text(1000)!);
            input.Leave();
            return 0;
        });
        return string.Join('|', read) == string.Join('|', Array.ConvertAll(texts, text => Latin1.String(text)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AnythingElseEndsInOneOfTwoWays() => Prop.ForAll<byte[]>(bytes =>
    {
        try
        {
            With(Latin1.String(bytes), input =>
            {
                input.Enter(input.Length());
                while (input.Left > 0) _ = input.Text(10);
                input.Leave();
                return 0;
            });
        }
        catch (Exception e) when (e is FormatException or ClientGoneException)
        {
            return true;
        }
        return true;
    }).QuickCheckThrowOnFailure();

    private static T With<T>(string sent, Func<NetstringInput, T> read)
    {
        Assert.Equal(0, Files.Pipe(out int readEnd, out int writeEnd));
        Assert.Equal(0, Files.WriteAll(writeEnd, Latin1.Bytes(sent)));
        _ = Files.Close(writeEnd);
        using ClientConnection connection = new(readEnd, Files.Open("/dev/null", OpenMode.Write));
        connection.Lend(new ConnectionBuffers());
        return read(new NetstringInput(connection));
    }
}
