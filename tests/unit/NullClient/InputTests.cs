using System;
using System.Linq;
using Qmta.NullClient;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.NullClient;

/// <summary>What qmail-qmqpc reads: a message from a pipe, and an envelope.</summary>
public sealed class InputTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(32767)]
    [InlineData(32768)]
    [InlineData(32769)]
    [InlineData(1_000_000)]
    public void AMessageFromAPipeIsKept(int size)
    {
        byte[] message = [.. Enumerable.Range(0, size).Select(i => (byte)(i * 7 + i / 256))];
        Assert.Equal(message, Contents(FromPipe(message, Spool.Of)));
    }

    [Fact]
    public void AnEnvelopeBecomesNetstrings() =>
        Assert.Equal("8:joe@here,0:,3:a\xFF@,", Read("Fjoe@here\0T\0Ta\xFF@\0\0what follows does not matter"));

    [Theory]
    [InlineData("", 54)]
    [InlineData("Fjoe@here", 54)]
    [InlineData("Fjoe@here\0", 54)]
    [InlineData("Fjoe@here\0Ta", 54)]
    [InlineData("Tjoe@here\0\0", 91)]
    [InlineData("\0", 91)]
    [InlineData("Fjoe@here\0Fa@b\0\0", 91)]
    [InlineData("Fjoe@here\0x\0\0", 91)]
    public void OthersAreRefused(string envelope, int code) =>
        Assert.Equal(code, Assert.Throws<HandoverException>(() => Read(envelope)).ExitCode);

    [Fact]
    public void LongAddressesArePermanentlyRefused()
    {
        string longest = new('x', 1003);
        Assert.Equal("1003:" + longest + ",", Read("F" + longest + "\0\0"));
        Assert.Equal(11, Assert.Throws<HandoverException>(() => Read("F" + longest + "x\0\0")).ExitCode);
        Assert.Equal(11, Assert.Throws<HandoverException>(() => Read("F\0T" + longest + "x\0\0")).ExitCode);
    }

    private static string Read(string envelope) =>
        Latin1.String(Contents(FromPipe(Latin1.Bytes(envelope), fd => new Envelope(fd).AsNetstrings())));

    private static FilePart FromPipe(byte[] bytes, Func<int, FilePart> read)
    {
        Assert.Equal(0, Files.Pipe(out int readEnd, out int writeEnd));
        System.Threading.Thread writer = new(() =>
        {
            _ = Files.WriteAll(writeEnd, bytes);
            _ = Files.Close(writeEnd);
        });
        writer.Start();
        try
        {
            return read(readEnd);
        }
        finally
        {
            byte[] rest = new byte[4096];
            while (Files.Read(readEnd, rest) > 0)
            {
            }
            writer.Join();
            _ = Files.Close(readEnd);
        }
    }

    private static byte[] Contents(FilePart part)
    {
        byte[] bytes = new byte[part.Length];
        for (int n = 0; n < bytes.Length;) n += PosixException.Check(Files.ReadAt(part.Fd, bytes.AsSpan(n), part.Start + n), "read");
        _ = Files.Close(part.Fd);
        return bytes;
    }
}
