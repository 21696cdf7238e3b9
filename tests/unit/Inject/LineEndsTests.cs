using System;
using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Inject;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Inject;

public class LineEndsTests
{
    private static string Convert(string text)
    {
        byte[] bytes = Latin1.Bytes(text);
        return Latin1.String(bytes.AsSpan(0, new LineEnds().Convert(bytes)));
    }

    // By the definition: all of it when the first line ends in CR LF, else the lines up to the first empty one.
    private static string Expected(string text)
    {
        int first = text.IndexOf('\n');
        if (first > 0 && text[first - 1] == '\r') return text.Replace("\r\n", "\n");
        Match header = Regex.Match(text, @"\A([^\n]*\n)*?\r?\n");
        int end = header.Success && header.Length < text.Length ? header.Length : text.Length;
        return text[..end].Replace("\r\n", "\n") + text[end..];
    }

    [Theory]
    [InlineData("Subject: a\r\nTo: b\r\n\r\nline\r\nline\r\n", "Subject: a\nTo: b\n\nline\nline\n")]
    [InlineData("Subject: a\nTo: b\n\nline\r\nline\r\n", "Subject: a\nTo: b\n\nline\r\nline\r\n")]
    [InlineData("To: b\nSubject: a\nFrom: c\r\nX-Y: d\r\n\nline\r\n", "To: b\nSubject: a\nFrom: c\nX-Y: d\n\nline\r\n")]
    [InlineData("To: b\nFrom: c\r\n\r\nline\r\n", "To: b\nFrom: c\n\nline\r\n")]
    [InlineData("To: b\r\n\nold\rmac\r\n", "To: b\n\nold\rmac\n")]
    [InlineData("\r\nbody\r\n", "\nbody\n")]
    [InlineData("\nbody\r\n", "\nbody\r\n")]
    [InlineData("no end\r", "no end\r")]
    [InlineData("", "")]
    public void OfWholeMessages(string text, string expected)
    {
        Assert.Equal(expected, Convert(text));
        Assert.Equal(expected, Expected(text));
    }

    [Fact]
    public void PiecesOfAnySizeMakeTheSameMessage() =>
        Prop.ForAll(Arb.From(Gen.Elements("\n", "\r", "\r\n", "x", "\n\n", "\r\n\r\n", "y: z").ArrayOf()), Arb.From(Gen.Choose(1, 5)),
            (parts, size) =>
            {
                string text = string.Concat(parts);
                LineEnds ends = new();
                StringBuilder all = new();
                for (int at = 0, length; at < text.Length; at += length)
                {
                    length = Math.Min(size, text.Length - at);
                    if (text[at + length - 1] == '\r' && at + length < text.Length && text[at + length] == '\n') length++;
                    byte[] piece = Latin1.Bytes(text.Substring(at, length));
                    all.Append(Latin1.String(piece.AsSpan(0, ends.Convert(piece))));
                }
                return all.ToString() == Expected(text);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
