using System;
using System.IO;
using System.Threading.Tasks;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

[Collection("alone")]
public sealed class CheckProgramTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("qmta-check").FullName;

    public void Dispose() => Directory.Delete(directory, true);

    private CheckProgram Program(string script, int milliseconds = 60_000) =>
        new(["/bin/sh", "-c", script, "sh", directory], hasCram: true, milliseconds: milliseconds);

    private static LoginVerdict Try(CheckProgram program, string user = "tim", string password = "secret") =>
        program.CheckPassword(user, Latin1.Bytes(password));

    [Fact]
    public void HandsOverUserAndPassword()
    {
        CheckProgram program = Program("cat <&3 >$1/got");
        Assert.Equal(new LoginVerdict(LoginResult.Accepted), Try(program, "tim@example.org", "s\u00E9 cret"));
        Assert.Equal("tim@example.org\0s\u00E9 cret\0\0", Latin1.String(File.ReadAllBytes(directory + "/got")));
    }

    [Fact]
    public void HandsOverChallengeAndAnswer()
    {
        CheckProgram program = Program("cat <&3 >$1/got; exit 1");
        Assert.Equal(new LoginVerdict(LoginResult.Refused), program.CheckCram("tim", "<1@a>"u8, "b913"u8));
        Assert.Equal("tim\0<1@a>\0b913\0", File.ReadAllText(directory + "/got"));
    }

    [Theory]
    [InlineData("exit 0", LoginResult.Accepted, "")]
    [InlineData("exit 1", LoginResult.Refused, "")]
    [InlineData("exit 3", LoginResult.AcceptedWithoutRelay, "")]
    [InlineData("exit 100", LoginResult.Refused, "")]
    [InlineData("exit 2", LoginResult.Unavailable, "/bin/sh exited 2")]
    [InlineData("exit 111", LoginResult.Unavailable, "/bin/sh exited 111")]
    [InlineData("kill -9 $$", LoginResult.Unavailable, "/bin/sh crashed")]
    [InlineData("exec 3<&-; exit 1", LoginResult.Refused, "")] // it has not even read
    public void ExitCodesDecide(string script, LoginResult result, string detail) =>
        Assert.Equal(new LoginVerdict(result, detail), Try(Program(script)));

    [Fact]
    public void MissingProgramsAreNamed() =>
        Assert.Equal(new LoginVerdict(LoginResult.Unavailable, "unable to start /no/such/program: No such file or directory"),
            Try(new CheckProgram(["/no/such/program"], false)));

    [Fact]
    public void ProgramsThatHangAreEnded()
    {
        long begun = Environment.TickCount64;
        Assert.Equal(new LoginVerdict(LoginResult.Unavailable, "/bin/sh took too long"),
            Try(Program("echo $$ >$1/pid; sleep 600 & wait", 300)));
        Assert.InRange(Environment.TickCount64 - begun, 250, 30_000);
    }

    [Fact]
    public void WhatItStartsMayLiveOn()
    {
        // It holds on to standard output, and the verdict does not wait for it.
        long begun = Environment.TickCount64;
        Assert.Equal(LoginResult.Accepted, Try(Program("sleep 20 & exit 0")).Result);
        Assert.InRange(Environment.TickCount64 - begun, 0, 15_000);
    }

    [Fact]
    public void ItCannotReachTheClient()
    {
        Assert.Equal(LoginResult.Accepted, Try(Program("cat <&0 >$1/in; readlink /proc/self/fd/0 >$1/where; exit 0")).Result);
        Assert.Equal("", File.ReadAllText(directory + "/in"));
        Assert.Equal("/dev/null\n", File.ReadAllText(directory + "/where"));
    }

    [Fact]
    public void ItHasAnEnvironment()
    {
        CheckProgram program = new(["/bin/sh", "-c", "echo $TCPREMOTEIP$HOME >$1/got", "sh", directory], false, ["TCPREMOTEIP=192.0.2.1"]);
        Assert.Equal(LoginResult.Accepted, Try(program).Result);
        Assert.Equal("192.0.2.1\n", File.ReadAllText(directory + "/got"));
    }

    [Fact]
    public void ManyAtOnce() => Parallel.For(0, 24, new ParallelOptions { MaxDegreeOfParallelism = 6 }, i =>
        Assert.Equal(i % 2 == 0 ? LoginResult.Accepted : LoginResult.Refused, Try(Program("exit " + i % 2)).Result));
}
