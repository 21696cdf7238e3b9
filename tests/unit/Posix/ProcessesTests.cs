using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Posix;

[Collection("alone")]
public sealed class ProcessesTests
{
    [Fact]
    public void DescriptorsMayChangePlaces()
    {
        // What is 20 and more here, and what has its own or another's number there, all arrive.
        int[] read = new int[4], write = new int[4];
        for (int i = 0; i < 4; i++) Assert.Equal(0, Files.Pipe(out read[i], out write[i]));
        int pid = Start("echo A >&3; echo B >&4; echo C >&5; echo D >&1",
            new(write[0], 3), new(write[1], 4), new(write[2], 5), new(write[3], 1));
        string[] said = new string[4];
        for (int i = 0; i < 4; i++)
        {
            Files.Close(write[i]);
            said[i] = ReadAll(read[i]);
        }
        Assert.Equal(["A\n", "B\n", "C\n", "D\n"], said);
        Assert.Equal(0, Code(pid));
    }

    [Fact]
    public void InputAndOutputChangePlaces()
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        int pid = Start("for n in 0 1 2; do was=$(readlink /proc/$$/fd/$n); echo $was >&3; done", new(0, 1), new(1, 0), new(write, 2), new(write, 3));
        Files.Close(write);
        string pipe = Files.ReadLink($"/proc/self/fd/{read}")!;
        Assert.Equal($"{Files.ReadLink("/proc/self/fd/1")}\n{Files.ReadLink("/proc/self/fd/0")}\n{pipe}\n", ReadAll(read));
        Assert.Equal(0, Code(pid));
    }

    [Fact]
    public void NothingElseIsInherited()
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        int extra = Files.Open("/dev/null", OpenMode.Read);
        int pid = Start("for f in /proc/$$/fd/*; do echo ${f##*/}; done", new Inherit(write, 1));
        Files.Close(write);
        string all = ReadAll(read);
        Files.Close(extra);
        Assert.Equal(0, Code(pid));
        Assert.DoesNotContain($"\n{extra}\n", all);
    }

    [Theory]
    [InlineData("exit 0", 0)]
    [InlineData("exit 111", 111)]
    [InlineData("exit 255", 255)]
    public void ExitCodes(string script, int code) => Assert.Equal(code, Code(Start(script)));

    [Fact]
    public void SignalsAreNoExitCodes()
    {
        Assert.Equal(0, Processes.Wait(Start("kill -TERM $$; sleep 60"), out ExitStatus status));
        Assert.True(status.Crashed);
        Assert.Equal(Signals.TERM, status.Signal);
    }

    [Fact]
    public void WhatCannotStartIsTold()
    {
        Assert.Equal(-Errno.ENOENT, Processes.Start("/nowhere/program", ["program"], []));
        Assert.Equal(-Errno.EACCES, Processes.Start("/etc/passwd", ["passwd"], []));
        Assert.Equal(-Errno.EBADF, Processes.Start("/bin/true", ["true"], [new(-1, 0)]));
        Assert.Equal(-Errno.ECHILD, Processes.Wait(Processes.Id, out _));
    }

    [Fact]
    public void ArgumentsAndEnvironmentAreBytes()
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        int pid = Processes.Start("/bin/sh", ["sh", "-c", "printf '%s|' \"$@\" \"$V\" \"$0\" \"$W\"", "\u00ff", "", "a b\n"], [new(write, 1)],
            (List<string>)["V=\u00e9\u0001", "W="]);
        Files.Close(write);
        Assert.Equal("|a b\n|\u00e9\u0001|\u00ff||", ReadAll(read));
        Assert.Equal(0, Code(pid));
    }

    [Fact]
    public void AGroupEndsWithItsLeader()
    {
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        int pid = Processes.Start("/bin/sh", ["sh", "-c", "sleep 60 & echo up; wait"], [new(write, 1)], ownGroup: true);
        Files.Close(write);
        Assert.Equal(3, Files.Read(read, new byte[10]));
        Assert.Equal(0, Processes.KillGroup(pid, Signals.KILL));
        Assert.Equal("", ReadAll(read)); // ends only when the sleep has gone too
        Assert.Equal(0, Processes.Wait(pid, out ExitStatus status));
        Assert.Equal(Signals.KILL, status.Signal);
    }

    [Fact]
    public void VariablesAreBytesAndGoAway()
    {
        const string name = "QMTA_TEST_VARIABLE";
        Assert.Null(Variables.Get(name));
        Variables.Set(name, "\u00e9=\u00ff");
        Assert.Equal("\u00e9=\u00ff", Variables.Get(name));
        Assert.Contains(name + "=\u00e9=\u00ff", Variables.All());
        Variables.Set(name, "");
        Assert.Equal("", Variables.Get(name));
        Variables.Set(name, null);
        Assert.Null(Variables.Get(name));
    }

    [Fact]
    public void ProgramsAreFound()
    {
        Assert.Equal("/x/none", Programs.Find("/x/none"));
        Assert.Equal("no-such-program-anywhere", Programs.Find("no-such-program-anywhere"));
        Assert.EndsWith("/sh", Programs.FindInPath("sh"));
        Assert.Null(Programs.FindInPath("no-such-program-anywhere"));
        Assert.StartsWith("/", Programs.Directory);
        Assert.NotEqual("", Programs.HostName);
    }

    private static int Start(string script, params ReadOnlySpan<Inherit> descriptors)
    {
        int pid = Processes.Start("/bin/sh", ["sh", "-c", script], descriptors);
        Assert.True(pid > 0);
        return pid;
    }

    private static int Code(int pid)
    {
        Assert.Equal(0, Processes.Wait(pid, out ExitStatus status));
        Assert.False(status.Crashed);
        return status.Code;
    }

    private static string ReadAll(int fd)
    {
        string all = "";
        byte[] buffer = new byte[1000];
        for (int n = Files.Read(fd, buffer); n > 0; n = Files.Read(fd, buffer)) all += Latin1.String(buffer.AsSpan(0, n));
        Files.Close(fd);
        return all;
    }
}
