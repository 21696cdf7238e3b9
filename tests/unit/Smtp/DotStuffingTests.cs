using System;
using System.Collections.Generic;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

public class DotStuffingTests
{
    // Everything that can matter, and two bytes that cannot.
    private static readonly Gen<byte[]> Messages = Gen.Elements((byte)'\r', (byte)'\n', (byte)'.', (byte)'a', (byte)0).ArrayOf();

    [Theory]
    [InlineData("", ".\r\n")]
    [InlineData("a", "a\r\n.\r\n")]
    [InlineData("a\n", "a\r\n.\r\n")]
    [InlineData("a\r\nb\r\n", "a\r\nb\r\n.\r\n")]
    [InlineData(".", "..\r\n.\r\n")]
    [InlineData("a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\n.\r\nb\n", "a\r\n..\r\nb\r\n.\r\n")]
    [InlineData("a\r.\r\nb\n", "a .\r\nb\r\n.\r\n")]
    [InlineData("a\r\r\n.\n", "a \r\n..\r\n.\r\n")]
    [InlineData("\r", " \r\n.\r\n")]
    [InlineData("a\r\n.\r", "a\r\n.. \r\n.\r\n")]
    [InlineData("\n\n", "\r\n\r\n.\r\n")]
    public void Sends(string message, string expected) => Assert.Equal(expected, Latin1.String(Stuff(Latin1.Bytes(message), [])));

    [Fact]
    public void TheReceiverGetsTheMessageWhateverTheCuts() =>
        Prop.ForAll(Arb.From(Gen.Zip(Messages, Gen.Choose(1, 7).ArrayOf())), pair =>
        {
            (byte[] message, int[] cuts) = (pair.Item1, pair.Item2);
            byte[] sent = Stuff(message, cuts);
            Assert.Equal(Latin1.String(Normalised(message)), Latin1.String(Receive(sent, out int used)));
            Assert.Equal(sent.Length, used); // the end it found is ours, not an earlier one
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(20000));

    [Fact]
    public void NoArrangementEndsEarlyForAnyReceiver()
    {
        // Every message of up to seven of these bytes, and every end of data that some server ever believed in.
        string[] ends = ["\r\n.\r\n", "\n.\r\n", "\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\n"];
        byte[] alphabet = "\r\n.a"u8.ToArray();
        for (int length = 0; length <= 7; length++)
        {
            for (int n = 0; n < 1 << 2 * length; n++)
            {
                byte[] message = new byte[length];
                for (int i = 0; i < length; i++) message[i] = alphabet[n >> 2 * i & 3];
                string sent = "\r\n" + Latin1.String(Stuff(message, []));
                int end = sent.Length - 5;
                Assert.Equal("\r\n.\r\n", sent[end..]);
                foreach (string early in ends)
                {
                    int found = sent.IndexOf(early, StringComparison.Ordinal);
                    Assert.True(found < 0 || found >= end, $"{Escape(Latin1.String(message))} is sent as {Escape(sent)}");
                }
            }
        }
    }

    [Fact]
    public void RoomIsEnough() =>
        Prop.ForAll(Arb.From(Messages), message =>
        {
            DotStuffing stuffing = default;
            _ = stuffing.Convert("\r"u8, []); // held back: the worst beginning
            return stuffing.Convert(message, new byte[DotStuffing.Room(message.Length)]) <= DotStuffing.Room(message.Length)
                && stuffing.End(new byte[DotStuffing.EndRoom]) <= DotStuffing.EndRoom;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    private static byte[] Stuff(byte[] message, int[] cuts)
    {
        DotStuffing stuffing = default;
        List<byte> sent = [];
        int at = 0, piece = 0;
        while (at < message.Length)
        {
            int n = Math.Min(cuts.Length == 0 ? message.Length : cuts[piece++ % cuts.Length], message.Length - at);
            byte[] room = new byte[DotStuffing.Room(n)];
            sent.AddRange(room.AsSpan(0, stuffing.Convert(message.AsSpan(at, n), room)));
            at += n;
        }
        byte[] end = new byte[DotStuffing.EndRoom];
        sent.AddRange(end.AsSpan(0, stuffing.End(end)));
        return [.. sent];
    }

    // RFC 5321 4.5.2, the receiver's half, line by line.
    private static byte[] Receive(byte[] sent, out int used)
    {
        List<byte> message = [];
        for (used = 0; ;)
        {
            int length = sent.AsSpan(used).IndexOf("\r\n"u8);
            Assert.True(length >= 0);
            ReadOnlySpan<byte> line = sent.AsSpan(used, length);
            used += length + 2;
            if (line.SequenceEqual("."u8)) return [.. message];
            message.AddRange(line.StartsWith("."u8) ? line[1..] : line);
            message.Add((byte)'\n');
        }
    }

    private static byte[] Normalised(byte[] message)
    {
        string text = Latin1.String(message).Replace("\r\n", "\n").Replace('\r', ' ');
        if (text.Length > 0 && text[^1] != '\n') text += "\n";
        return Latin1.Bytes(text);
    }

    private static string Escape(string text) => text.Replace("\r", "\\r").Replace("\n", "\\n");
}
