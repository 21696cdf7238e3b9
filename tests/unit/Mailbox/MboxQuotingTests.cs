using System;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Qmta.Mailbox;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Mailbox;

public sealed partial class MboxQuotingTests
{
    [Theory]
    [InlineData("", "\n")]
    [InlineData("a", "a\n\n")]
    [InlineData("a\n", "a\n\n")]
    [InlineData("\n", "\n\n")]
    [InlineData("From x\n", ">From x\n\n")]
    [InlineData("From", "From\n\n")]
    [InlineData("From ", ">From \n\n")]
    [InlineData("From\nFrom x", "From\n>From x\n\n")]
    [InlineData(">>From x\n", ">>>From x\n\n")]
    [InlineData(">> From x\n", ">> From x\n\n")]
    [InlineData(" From x\n", " From x\n\n")]
    [InlineData("from x\nFrom:x\n", "from x\nFrom:x\n\n")]
    [InlineData("FFrom x\nF>From x\nFrFrom x\n", "FFrom x\nF>From x\nFrFrom x\n\n")]
    [InlineData(">", ">\n\n")]
    [InlineData("x\r\nFrom y\0z", "x\r\n>From y\0z\n\n")]
    public void Lines(string message, string quoted)
    {
        for (int size = 1; size <= message.Length + 1; size++) Assert.Equal(quoted, Quote(message, size));
    }

    [Fact]
    public void UnquotingGivesTheMessageBackAndNoLineIsASeparator()
    {
        Gen<string> text = Gen.Elements("From ", "From", "Fro", ">", ">>", "\n", "\n\n", " ", "x", "\0", "\xFF").ArrayOf()
            .Select(parts => string.Concat(parts));
        Prop.ForAll(text.ToArbitrary(), Gen.Choose(1, 9).ToArbitrary(), (message, size) =>
        {
            string quoted = Quote(message, size);
            string ending = message.Length == 0 || message[^1] == '\n' ? "\n" : "\n\n";
            return Quoted().Replace(quoted, "$1") == message + ending && !("\n" + quoted).Contains("\nFrom ", StringComparison.Ordinal);
        }).QuickCheckThrowOnFailure();
    }

    private static string Quote(string message, int pieceSize)
    {
        // A file in memory would do; a pipe is the nearest thing a descriptor can be.
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        ByteWriter output = new(write, "pipe", 16);
        MboxQuoting quoting = new(output);
        byte[] bytes = Latin1.Bytes(message);
        for (int at = 0; at < bytes.Length; at += pieceSize) quoting.Put(bytes.AsSpan(at, Math.Min(pieceSize, bytes.Length - at)));
        quoting.End();
        output.Flush();
        Files.Close(write);
        byte[] buffer = new byte[65536];
        int length = 0;
        for (int n; (n = Files.Read(read, buffer.AsSpan(length))) > 0;) length += n;
        Files.Close(read);
        return Latin1.String(buffer.AsSpan(0, length));
    }

    [GeneratedRegex("^>(>*From )", RegexOptions.Multiline)]
    private static partial Regex Quoted();
}
