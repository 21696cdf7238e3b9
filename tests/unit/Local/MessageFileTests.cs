// Reading a message again and again.
using System.Text;
using Qmta.Local;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class MessageFileTests
{
    private static string Rest(MessageFile message)
    {
        StringBuilder text = new();
        while (true)
        {
            string piece = Latin1.String(message.Read());
            if (piece.Length == 0) return text.ToString();
            text.Append(piece);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32767)]
    [InlineData(32768)]
    [InlineData(32769)]
    [InlineData(100_000)]
    public void EveryReaderGetsAllOfIt(int length)
    {
        using Scratch scratch = new();
        string text = string.Create(length, 0, static (to, _) =>
        {
            for (int i = 0; i < to.Length; i++) to[i] = (char)(i % 251);
        });
        scratch.Message(text, message =>
        {
            Assert.Equal(text, Rest(message));
            Assert.Equal("", Latin1.String(message.Read()));
            message.Rewind();
            _ = message.Read(); // a part of it, as whoever looks at the header only
            message.Rewind();
            Assert.Equal(text, Rest(message));
        });
    }

    [Fact]
    public void TheNextMessageIsNotTheLastOne()
    {
        using Scratch scratch = new();
        scratch.Message("first", message =>
        {
            Assert.Equal("first", Rest(message));
            int fd = Files.Open(scratch.Write("other", "second message"), OpenMode.Read);
            message.Open(fd);
            Assert.Equal("second message", Rest(message));
            message.Rewind();
            Assert.Equal("second message", Rest(message));
            Files.Close(fd);
        });
    }
}
