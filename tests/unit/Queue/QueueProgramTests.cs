using System;
using System.IO;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Queue;

[Collection("alone")]
public sealed class QueueProgramTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-qq-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void MessageAndEnvelopeArriveByteForByte()
    {
        QueueResult result = Run("cat >message; cat <&1 >envelope", program =>
        {
            program.Put("Subject: \u00e9\n\n");
            program.Put([0, 255, (byte)'\n']);
            program.From("s@\u00fc.example");
            program.To("a@b");
            program.To("");
        });
        Assert.Equal(new QueueResult(0, ""), result);
        Assert.True(result.Accepted);
        Assert.Equal("Subject: \u00e9\n\n\0\u00ff\n", Read("message"));
        Assert.Equal("Fs@\u00fc.example\0Ta@b\0T\0\0", Read("envelope"));
    }

    [Theory]
    [InlineData(11, "Denvelope address too long for qq (#5.1.3)")]
    [InlineData(31, "Dmail server permanently rejected message (#5.3.0)")]
    [InlineData(51, "Zqq out of memory (#4.3.0)")]
    [InlineData(52, "Zqq timeout (#4.3.0)")]
    [InlineData(53, "Zqq write error or disk full (#4.3.0)")]
    [InlineData(54, "Zqq read error (#4.3.0)")]
    [InlineData(55, "Zqq unable to read configuration (#4.3.0)")]
    [InlineData(56, "Zqq trouble making network connection (#4.3.0)")]
    [InlineData(61, "Zqq trouble in home directory (#4.3.0)")]
    [InlineData(62, "Zqq trouble in queue directory (#4.3.0)")]
    [InlineData(63, "Zqq trouble creating files in queue (#4.3.0)")]
    [InlineData(66, "Zqq trouble creating files in queue (#4.3.0)")]
    [InlineData(71, "Zmail server temporarily rejected message (#4.3.0)")]
    [InlineData(72, "Zconnection to mail server timed out (#4.4.1)")]
    [InlineData(73, "Zconnection to mail server rejected (#4.4.1)")]
    [InlineData(74, "Zcommunication with mail server failed (#4.4.2)")]
    [InlineData(81, "Zqq internal bug (#4.3.0)")]
    [InlineData(91, "Zqq internal bug (#4.3.0)")]
    [InlineData(120, "Zunable to exec qq (#4.3.0)")]
    [InlineData(12, "DQQEH does not hold header fields, or is too long (#5.6.0)")]
    [InlineData(13, "Dqq permanent problem (#5.3.0)")]
    [InlineData(40, "Dqq permanent problem (#5.3.0)")]
    [InlineData(10, "Zqq temporary problem (#4.3.0)")]
    [InlineData(41, "Zqq temporary problem (#4.3.0)")]
    [InlineData(255, "Zqq temporary problem (#4.3.0)")]
    public void ExitCodesHaveQmailsWords(int code, string text)
    {
        QueueResult result = Run($"cat >/dev/null; cat <&1 >/dev/null; exit {code}", Small);
        Assert.Equal(new QueueResult(code, text), result);
        Assert.False(result.Accepted);
        Assert.Equal(text[0] == 'D', result.Permanent);
    }

    [Theory]
    [InlineData("Dtoo many stamps (#5.7.1)", "Dtoo many stamps (#5.7.1)")]
    [InlineData("Znot before noon\n", "Znot before noon")]
    [InlineData("Dtwo\nlines\r\n", "Dtwo lines")]
    [InlineData("unlettered", "Zqq temporary problem (#4.3.0)")]
    [InlineData("D", "Zqq temporary problem (#4.3.0)")]
    [InlineData("", "Zqq temporary problem (#4.3.0)")]
    public void AProgramMayUseItsOwnWords(string said, string text)
    {
        foreach (string descriptor in (string[])["4", "$ERROR_FD"])
            Assert.Equal(new QueueResult(88, text),
                Run($"cat >/dev/null; eval 'printf \"%s\" \"{said}\" >&{descriptor}'; exit 88", Small));
        // Words without the code are none, and nobody waits for one who keeps the descriptor.
        Assert.True(Run($"cat >/dev/null; cat <&1 >/dev/null; printf '%s' '{said}' >&4; exit 0", Small).Accepted);
        Assert.Equal(text, Run($"cat >/dev/null; (exec >/dev/null 2>&1 <&1; sleep 5) & printf '%s' '{said}' >&4; exit 88", Small).Text);
    }

    [Fact]
    public void WordsAreCut() =>
        Assert.Equal("D" + new string('x', 399), Run("cat >/dev/null; { printf D; head -c 60000 /dev/zero | tr '\\0' x; } >&4; exit 88", Small).Text);

    [Fact]
    public void ACrashIsTemporary() => Assert.Equal("Zqq crashed (#4.3.0)", Run("kill -9 $$", Small).Text);

    [Fact]
    public void AProgramThatDoesNotReadItsMessageAcceptsNothing()
    {
        static void Large(QueueProgram program)
        {
            for (int i = 0; i < 1024; i++) program.Put(new byte[1024]);
            program.From("a");
            program.To("b");
        }
        Assert.Equal("Dmail server permanently rejected message (#5.3.0)", Run("exit 31", Large).Text);
        Assert.Equal("Zqq internal bug (#4.3.0)", Run("exit 0", Large).Text);
    }

    [Fact]
    public void AProgramThatDoesNotReadItsEnvelopeAcceptsNothing() =>
        Assert.Equal("Zqq internal bug (#4.3.0)", Run("cat >/dev/null; exit 0", program =>
        {
            program.From("a");
            for (int i = 0; i < 10_000; i++) program.To(new string('x', 100));
        }).Text);

    [Fact]
    public void WithoutSenderOrAfterGivingUpTheEnvelopeIsTruncated()
    {
        const string keep = "cat >/dev/null; cat <&1 >envelope; exit 54";
        Assert.False(Run(keep, program => program.Put("x")).Accepted);
        Assert.Equal("", Read("envelope"));
        Assert.False(Run(keep, program =>
        {
            Small(program);
            program.Fail();
        }).Accepted);
        Assert.False(Read("envelope").EndsWith("\0\0"));
    }

    [Fact]
    public void ANulInAnAddressCannotAddRecipients()
    {
        Assert.False(Run("cat >/dev/null; cat <&1 >envelope; exit 0", program =>
        {
            program.From("a");
            program.To("b\0Tvictim");
        }).Accepted);
        Assert.DoesNotContain("victim", Read("envelope"));
    }

    [Fact]
    public void WhatCannotBeStartedIsNamed()
    {
        Assert.Null(QueueProgram.Start(out QueueResult result, directory + "/none"));
        Assert.Equal($"Zunable to exec qq: {directory}/none: No such file or directory (#4.3.0)", result.Text);
    }

    [Fact]
    public void NothingStaysOpen()
    {
        int before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        for (int i = 0; i < 30; i++)
        {
            _ = QueueProgram.Start(out _, directory + "/none");
            _ = Run("exit 0", Small);
            _ = Run("exit 0", static program => program.Put("x"));
        }
        Assert.InRange(Directory.GetFileSystemEntries("/proc/self/fd").Length, 0, before + 10); // the runtime has some of its own
    }

    private static void Small(QueueProgram program)
    {
        program.Put("x\n");
        program.From("a");
        program.To("b");
    }

    private QueueResult Run(string script, Action<QueueProgram> use)
    {
        string path = directory + "/" + Guid.NewGuid().ToString("N");
        File.WriteAllText(path, $"#!/bin/sh\ncd {directory}\n{script}\n");
        Assert.Equal(0, Files.ChangeMode(path, 0x1C0));
        QueueProgram? program;
        QueueResult result;
        // Another test's child may hold the script open for writing for a moment between its fork and its exec.
        do program = QueueProgram.Start(out result, path);
        while (program == null && result.Text.Contains("busy"));
        Assert.NotNull(program);
        use(program);
        return program.Close();
    }

    private string Read(string name) => Latin1.String(File.ReadAllBytes(directory + "/" + name));
}
