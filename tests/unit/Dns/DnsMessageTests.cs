using System;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Dns;
using Xunit;
using static Qmta.Tests.Dns.Packets;

namespace Qmta.Tests.Dns;

public class DnsMessageTests
{
    private static readonly byte[] Good = Response(7, "example.org", Mx,
        answers: [Record("example.org", Mx, 300, MxData(10, "mx.example.org")), Record("example.org", Mx, 300, MxData(20, "mx2.example.org"))],
        authority: [Record("example.org", Soa, 60, SoaData(50))]);

    [Fact]
    public void ReadsRecords()
    {
        DnsMessage message = Assert.IsType<DnsMessage>(DnsMessage.Parse(Good, 7, "Example.Org.", DnsType.Mx));
        Assert.Equal(["mx.example.org", "mx2.example.org"], message.Answers.ConvertAll(r => r.Host));
        Assert.Equal(50, message.NegativeSeconds);
        Assert.Equal(300, message.Answers[0].Seconds);
    }

    [Fact]
    public void TakesNothingButTheAnswerToTheQuestion()
    {
        Assert.Null(DnsMessage.Parse(Good, 8, "example.org", DnsType.Mx));
        Assert.Null(DnsMessage.Parse(Good, 7, "example.com", DnsType.Mx));
        Assert.Null(DnsMessage.Parse(Good, 7, "example.org", DnsType.A));
        byte[] query = (byte[])Good.Clone();
        query[2] &= 0x7F;
        Assert.Null(DnsMessage.Parse(query, 7, "example.org", DnsType.Mx));
        byte[] noQuestion = [.. Good];
        noQuestion[5] = 0;
        Assert.Null(DnsMessage.Parse(noQuestion, 7, "example.org", DnsType.Mx));
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        for (int length = 0; length < Good.Length; length++)
            Assert.Null(DnsMessage.Parse(Good.AsSpan(0, length), 7, "example.org", DnsType.Mx));
    }

    [Fact]
    public void ATruncatedAnswerSaysSo()
    {
        byte[] packet = Response(7, "x", A, flags: 0x8380);
        Assert.True(DnsMessage.Parse(packet, 7, "x", DnsType.A)!.Truncated);
    }

    [Fact]
    public void RecordsWithWrongLengthsAreRefused()
    {
        Assert.Null(DnsMessage.Parse(Response(7, "x", A, answers: [Record("x", A, 1, [1, 2, 3])]), 7, "x", DnsType.A));
        Assert.Null(DnsMessage.Parse(Response(7, "x", Aaaa, answers: [Record("x", Aaaa, 1, [1, 2, 3, 4])]), 7, "x", DnsType.Aaaa));
        Assert.Null(DnsMessage.Parse(Response(7, "x", Mx, answers: [Record("x", Mx, 1, [0, 1])]), 7, "x", DnsType.Mx));
        Assert.Null(DnsMessage.Parse(Response(7, "x", Mx, answers: [Record("x", Mx, 1, [0, 1, .. Name("y"), 0])]), 7, "x", DnsType.Mx));
    }

    [Fact]
    public void APointerLoopInARecordIsRefused()
    {
        byte[] packet = Response(7, "x", Mx, answers: [Record("x", Mx, 1, [0, 1, 0xC0, 0])]);
        packet[^1] = (byte)(packet.Length - 2); // at itself
        Assert.Null(DnsMessage.Parse(packet, 7, "x", DnsType.Mx));
    }

    [Fact]
    public void SixtyFourKilobytesAreReadWithinBounds()
    {
        byte[][] many = new byte[3000][];
        Array.Fill(many, Record("x", A, 1, [1, 2, 3, 4]));
        byte[] packet = Response(7, "x", A, answers: many);
        Assert.Null(DnsMessage.Parse(packet.AsSpan(0, Math.Min(packet.Length, 65535)), 7, "x", DnsType.A));
    }

    [Fact]
    public void NoPacketBringsItDown() =>
        Prop.ForAll(Arb.From(Gen.Zip(Gen.Choose(12, Good.Length - 1), ArbMap.Default.GeneratorFor<byte>()).ArrayOf()), changes =>
        {
            byte[] packet = [.. Good];
            foreach ((int at, byte value) in changes) packet[at] = value;
            DnsMessage? message = DnsMessage.Parse(packet, 7, "example.org", DnsType.Mx);
            return message == null || message.Answers.Count <= 2;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20000));

    [Fact]
    public void AsksWithRoomForLargeAnswers()
    {
        byte[] query = new byte[DnsMessage.LongestQuery];
        int length = DnsMessage.Query(query, 0x1234, "a.b", DnsType.Aaaa, true);
        Assert.Equal(
            [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, (byte)'a', 1, (byte)'b', 0, 0, 28, 0, 1, 0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0],
            query.AsSpan(0, length).ToArray());
        Assert.Equal(length - 11, DnsMessage.Query(query, 0x1234, "a.b", DnsType.Aaaa, false));
    }
}
