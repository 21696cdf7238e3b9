using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Qmta.Control;
using Qmta.NullClient;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Smtp;
using Qmta.Text;
using Qmta.Tests.Remote;
using Xunit;

namespace Qmta.Tests.NullClient;

/// <summary>Messages over QMQP to hubs that play their parts.</summary>
public sealed class HandoverTests : IDisposable
{
    private const int Quiet = 1; // a port of loopback where nobody listens
    private const string Envelope = "8:joe@here,7:a@there,7:b@there,";

    private readonly string path = Path.GetTempFileName();
    private readonly string control = Directory.CreateTempSubdirectory().FullName;
    private readonly List<int> open = [];

    public void Dispose()
    {
        foreach (int fd in open) _ = Files.Close(fd);
        File.Delete(path);
        Directory.Delete(control, recursive: true);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(34)]
    [InlineData(41)]
    [InlineData(63)]
    [InlineData(4096)]
    public void AMessageArrivesByteForByte(int bufferSize)
    {
        const string message = "Subject: x\n\n.\r\n\0no line end\xFF";
        for (int extra = 0; extra < 40; extra++)
        {
            string body = message + new string('x', extra), heard = "";
            using FakeMailServer server = new(s =>
            {
                heard = HearRequest(s);
                s.Say("3:Kok,");
            });
            Assert.Equal(0, HandOver(body, [server.Port], bufferSize));
            string inner = Latin1.String(Netstring.Of(Latin1.Bytes(body))) + Envelope;
            Assert.Equal(inner.Length + ":" + inner + ",", heard);
        }
    }

    [Theory]
    [InlineData("3:Kok,", 0)]
    [InlineData("30:Kok", 0)] // the verdict is there, the rest is lost
    [InlineData("1:K", 0)]
    [InlineData("9:Znot now.,", 71)]
    [InlineData("7:Dno way,", 31)]
    [InlineData("4:Dno", 31)]
    [InlineData("0:,", 74)]
    [InlineData("2:Xx,", 74)]
    [InlineData(":Kok,", 74)]
    [InlineData("220 smtp\r\n", 74)]
    [InlineData("9999999999:K", 74)]
    [InlineData("", 74)]
    public void TheAnswerDecidesAndNoOtherHubIsAsked(string answer, int code)
    {
        using FakeMailServer other = new(s => s.Say("3:Kok,"));
        using FakeMailServer server = new(s =>
        {
            _ = HearRequest(s);
            s.Say(answer);
        });
        Assert.Equal(code, HandOver("x\n", [server.Port, other.Port]));
        Assert.Empty(other.Sessions);
    }

    [Fact]
    public void AHubThatCannotBeReachedHasASubstitute()
    {
        using FakeMailServer server = new(s =>
        {
            _ = HearRequest(s);
            s.Say("3:Kok,");
        });
        Assert.Equal(0, HandOver("x\n", [Quiet, server.Port]));
        Assert.Equal(73, HandOver("x\n", [Quiet, Quiet], out string sentences));
        Assert.Equal(2, sentences.Split('\n').Length);
        Assert.Contains("127.0.0.1 port 1: Connection refused", sentences);
    }

    [Fact]
    public void AHubThatLeavesInTheMiddleHasASubstitute()
    {
        // So large that it cannot all be under way when the first hub leaves.
        const long size = 40_000_000;
        using FakeMailServer first = new(s => _ = s.HearBytes(1000));
        long heard = 0;
        using FakeMailServer second = new(s =>
        {
            while (s.HearBytes(1) is string c && c != ":") heard++;
            long rest = size + 9 + 1 + Envelope.Length + 1;
            while (rest > 0 && s.HearBytes((int)Math.Min(rest, 1 << 16)) is string piece) rest -= piece.Length;
            s.Say(rest == 0 ? "3:Kok," : "4:Dbad,");
        });
        using (FileStream file = new(path, FileMode.Create)) file.SetLength(size);
        Assert.Equal(0, HandOver(OpenFile(), [first.Port, second.Port], 16384, out _));
    }

    [Fact]
    public void ARefusalThatComesEarlyCounts()
    {
        using FakeMailServer other = new(s => s.Say("3:Kok,"));
        using FakeMailServer server = new(s =>
        {
            s.Say("9:Dnot you.,");
            while (s.HearBytes(1 << 16) != null)
            {
            }
        });
        Assert.Equal(31, HandOver(new string('x', 100_000), [server.Port, other.Port], out string sentence));
        Assert.Contains("not you.", sentence);
        Assert.Empty(other.Sessions);
    }

    [Fact]
    public void OnlyWhatIsLeftOfTheFileIsSent()
    {
        string heard = "";
        using FakeMailServer server = new(s =>
        {
            heard = HearRequest(s);
            s.Say("3:Kok,");
        });
        File.WriteAllText(path, "before after");
        int fd = OpenFile();
        _ = Files.Seek(fd, 7);
        Assert.Equal(0, HandOver(fd, [server.Port], 64, out _));
        Assert.Contains(":5:after,", heard);
    }

    [Fact]
    public void AFileThatShrinksIsNotSentToItsEnd()
    {
        using FakeMailServer server = new(s => _ = s.HearBytes(1000));
        File.WriteAllText(path, "12345");
        FilePart message = Spool.Of(OpenFile());
        File.WriteAllText(path, "1");
        HandoverException failure = Assert.Throws<HandoverException>(() => new Handover(new ControlFiles(control))
            .Run([new Hub("127.0.0.1", server.Port)], new QmqpClient(new QmqpMessage(message, EnvelopePart()))));
        Assert.Equal(54, failure.ExitCode);
    }

    private int HandOver(string message, int[] ports, int bufferSize = 16384) => HandOver(message, ports, out _, bufferSize);

    private int HandOver(string message, int[] ports, out string sentences, int bufferSize = 16384)
    {
        File.WriteAllText(path, message, Encoding.Latin1);
        return HandOver(OpenFile(), ports, bufferSize, out sentences);
    }

    private int HandOver(int fd, int[] ports, int bufferSize, out string sentences)
    {
        QmqpMessage message = new(Spool.Of(fd), EnvelopePart());
        sentences = "";
        try
        {
            new Handover(new ControlFiles(control))
                .Run([.. ports.Select(port => new Hub("127.0.0.1", port))], new SmallBuffer(message, bufferSize));
            return 0;
        }
        catch (HandoverException e)
        {
            sentences = e.Message;
            return e.ExitCode;
        }
    }

    private static FilePart EnvelopePart()
    {
        Spool spool = new();
        spool.Put(Latin1.Bytes(Envelope));
        return spool.Finish();
    }

    private int OpenFile()
    {
        int fd = Files.Open(path, OpenMode.Read);
        open.Add(fd);
        return fd;
    }

    // The whole outer netstring, as it came.
    private static string HearRequest(FakeSession session)
    {
        string length = "";
        while (session.HearBytes(1) is string digit && digit != ":") length += digit;
        if (length.Length == 0) throw new IOException("the client left");
        return length + ":" + session.HearBytes(int.Parse(length) + 1);
    }

    private sealed class SmallBuffer(QmqpMessage message, int size) : IOutgoing
    {
        public (int Code, string Sentence) Send(Connection connection, out bool inDoubt) =>
            new QmqpClient(message, new byte[size]).Send(connection, out inDoubt);
    }
}
