using System;
using System.Linq;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Message;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Message;

public class MessageHeaderTests
{
    private static MessageHeader Read(string message, int piece = int.MaxValue)
    {
        MessageHeader header = new();
        byte[] bytes = Latin1.Bytes(message);
        int at = 0;
        while (!header.IsComplete && !header.IsTooLong && at < bytes.Length)
        {
            int n = Math.Min(piece, bytes.Length - at);
            header.Add(bytes.AsSpan(at, n));
            at += n;
        }
        if (!header.IsComplete && !header.IsTooLong) header.End();
        return header;
    }

    private static string Summary(MessageHeader header) =>
        string.Join(" ", header.Fields.Select(field => field.Kind)) + "|" + Latin1.String(header.Separator) + "|"
        + Latin1.String(header.BodyStart);

    [Theory]
    [InlineData("To: a\nSubject: b\n\nbody", "To Other|\n|body")]
    [InlineData("TO: a\ncC : b\nresent-message-id: c\n\n\n", "To Cc ResentMessageId|\n|\n")]
    [InlineData("To: a\n b\n\tc\n \nCc: d\n\n", "To Cc|\n|")]
    [InlineData("To: a\r\nCc: b\r\n\r\nbody\r\n", "To Cc|\r\n|body\r\n")]
    [InlineData("body without header\n", "||body without header\n")]
    [InlineData("To: a\nbody: no\nnot a field\nCc: b\n", "To Other||not a field\nCc: b\n")]
    [InlineData("To: a\n: no name\n", "To||: no name\n")]
    [InlineData("\nTo: a\n", "|\n|To: a\n")]
    [InlineData("", "||")]
    [InlineData("To: a", "To||")]
    [InlineData("To", "||To")]
    [InlineData("To: a\n\r", "To||\r")]
    [InlineData("To: a\n\rx", "To||\rx")]
    [InlineData(" continues nothing\n", "|| continues nothing\n")]
    [InlineData("From joe@x Thu Jan  1 00:00:00 1970\nTo: a\n\n", "MboxLine To|\n|")]
    [InlineData(">From joe\nTo: a\n\n", "MboxLine To|\n|")]
    [InlineData("From: joe\nFrom joe\n\n", "From||From joe\n\n")]
    [InlineData("From", "||From")]
    [InlineData("From \t : joe\nTo: a\n\n", "From To|\n|")]
    [InlineData("From ", "MboxLine||")]
    [InlineData(">From : joe\n\n", "MboxLine|\n|")]
    [InlineData("T\u00e9: a\n\n", "||T\u00e9: a\n\n")]
    [InlineData("To\0: a\n\n", "||To\0: a\n\n")]
    [InlineData("Bcc:\n\n", "Bcc|\n|")]
    public void FieldsAndBody(string message, string expected)
    {
        Assert.Equal(expected, Summary(Read(message)));
        for (int piece = 1; piece < 4; piece++)
        {
            MessageHeader header = Read(message, piece);
            Assert.StartsWith(Summary(header), expected); // less of the body may have arrived
        }
    }

    [Fact]
    public void AllBytesAreAccountedFor() =>
        Prop.ForAll(
            Arb.From(Gen.Elements("To", ":", "\n", "\r\n", " ", "From ", ">", "x", "Bcc: a", "\n\n", "\r", "\0", "\u00e9").ArrayOf()),
            Arb.From(Gen.Choose(1, 9)),
            (pieces, size) =>
            {
                string message = string.Concat(pieces);
                MessageHeader header = Read(message, size);
                StringBuilder all = new();
                foreach (HeaderField field in header.Fields) all.Append(Latin1.String(header.Lines(field)));
                all.Append(Latin1.String(header.Separator)).Append(Latin1.String(header.BodyStart));
                MessageHeader whole = Read(message);
                return message.StartsWith(all.ToString(), StringComparison.Ordinal)
                    && header.Fields.SequenceEqual(whole.Fields) && header.Separator.SequenceEqual(whole.Separator);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void ResentFieldsMakeTheMessageForwarded()
    {
        Assert.True(Read("Resent-Date: x\n\n").IsResent);
        Assert.False(Read("Date: x\nReturn-Path: <>\n\n").IsResent);
        Assert.True(Read("Date: x\n\n").Has(FieldKind.Date));
        Assert.False(Read("To: x\n\n").Has(FieldKind.Date));
    }

    [Fact]
    public void LongHeadersHaveABound()
    {
        Assert.Equal(2, Read("X: " + new string('x', 9 << 20) + "\nTo: a\n\n", 1 << 16).Fields.Count);
        Assert.True(Read("X: " + new string('x', 11 << 20) + "\nTo: a\n\n", 1 << 16).IsTooLong);
    }

    [Fact]
    public void ALongFirstLineOfTheBodyIsNotCollected()
    {
        MessageHeader header = Read(new string('x', 20 << 20), 1 << 16);
        Assert.True(header.IsComplete);
        Assert.True(header.BodyStart.Length <= 1 << 16);
    }

    [Fact]
    public void EveryKindHasItsOwnName()
    {
        foreach (FieldKind kind in Enum.GetValues<FieldKind>())
            if (kind is not (FieldKind.Other or FieldKind.MboxLine)) Assert.Equal(kind, FieldKinds.Find(Latin1.Bytes(kind.Name().ToUpperInvariant())));
        Assert.Equal(FieldKind.ResentMessageId, Enum.GetValues<FieldKind>().Max());
    }
}
