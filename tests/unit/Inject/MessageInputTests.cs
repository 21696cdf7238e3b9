using System;
using System.IO;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Inject;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Inject;

public sealed class MessageInputTests : IDisposable
{
    private readonly string file = Path.GetTempFileName();

    public void Dispose() => File.Delete(file);

    private string Read(string text, bool dotEnds, int size)
    {
        File.WriteAllBytes(file, Latin1.Bytes(text));
        int fd = Files.Open(file, OpenMode.Read);
        MessageInput input = new(fd, dotEnds, size);
        StringBuilder all = new();
        for (ReadOnlySpan<byte> piece = input.Next(); !piece.IsEmpty; piece = input.Next()) all.Append(Latin1.String(piece));
        Assert.True(input.Next().IsEmpty);
        _ = Files.Close(fd);
        return all.ToString();
    }

    // The definition: the lines before the first that is a dot.
    private static string UpToDot(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            int end = text.IndexOf('\n', at);
            string line = end < 0 ? text[at..] : text[at..end];
            if (line is "." or ".\r") return text[..at];
            if (end < 0) break;
            at = end + 1;
        }
        return text;
    }

    [Theory]
    [InlineData("a\n.\nb", "a\n")]
    [InlineData(".", "")]
    [InlineData(".\n", "")]
    [InlineData("a\n.\r\nb", "a\n")]
    [InlineData("a\n..\n.x\n. \nb", "a\n..\n.x\n. \nb")]
    [InlineData("a\n\n.", "a\n\n")]
    [InlineData("a.\n", "a.\n")]
    [InlineData("", "")]
    public void DotEndsTheMessage(string text, string expected)
    {
        Assert.Equal(expected, Read(text, true, 64));
        Assert.Equal(text, Read(text, false, 64));
    }

    [Fact]
    public void PiecesOfAnySizeMakeTheSameMessage() =>
        Prop.ForAll(Arb.From(Gen.Elements("\n", ".", "\r", "x", "\n.", ".\n").ArrayOf()), Arb.From(Gen.Choose(4, 12)),
            (pieces, size) =>
            {
                string text = string.Concat(pieces);
                return Read(text, true, size) == UpToDot(text) && Read(text, false, size) == text;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
}
