// Logins that a program checks: D. J. Bernstein's checkpassword interface, as qmail-smtpd's AUTH has it.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>
/// Runs a program for each login. On descriptor 3 it reads the user, a NUL, the password or the challenge, a NUL, the
/// answer to the challenge, which is empty for a password, and a NUL; its exit code is the verdict. What it and the
/// programs that it starts write to standard error is the server's log; standard input and output lead nowhere.
/// </summary>
public sealed class CheckProgram : PasswordSource
{
    // What the program exits with (qmail-smtpd(8), checkpassword(8)).
    private const int Accepted = 0, NoRelay = 3, Misused = 2, Temporary = 111;

    private const int DefaultMilliseconds = 60_000;
    private const int LookMilliseconds = 50;

    private readonly string[] command;
    private readonly IReadOnlyList<string>? environment;
    private readonly int milliseconds;

    /// <param name="command">The program and its arguments, which are a program to run after success.</param>
    /// <param name="hasCram">Whether the program can check answers to challenges.</param>
    /// <param name="environment">"NAME=value" strings for it; null passes this process's environment on.</param>
    /// <param name="milliseconds">How long it may take.</param>
    public CheckProgram(IReadOnlyList<string> command, bool hasCram, IReadOnlyList<string>? environment = null,
        int milliseconds = DefaultMilliseconds)
    {
        this.command = [.. command];
        HasCram = hasCram;
        this.environment = environment;
        this.milliseconds = milliseconds;
    }

    public override bool HasCram { get; }

    public override bool HasScram => false;

    public override LoginVerdict CheckPassword(string user, ReadOnlySpan<byte> password) => Ask(user, password, []);

    public override LoginVerdict CheckCram(string user, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> digest) =>
        Ask(user, challenge, digest);

    public override ScramVerifier? FindScram(string user, out string detail)
    {
        detail = "a program cannot check SCRAM";
        return null;
    }

    private LoginVerdict Ask(string user, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> answer)
    {
        byte[] login = new byte[user.Length + secret.Length + answer.Length + 3];
        _ = Latin1.Bytes(user, login);
        secret.CopyTo(login.AsSpan(user.Length + 1));
        answer.CopyTo(login.AsSpan(user.Length + secret.Length + 2));
        int loginRead = -1, loginWrite = -1, endRead = -1, endWrite = -1, nowhere = -1;
        try
        {
            if (Files.Pipe(out loginRead, out loginWrite) < 0 || Files.Pipe(out endRead, out endWrite) < 0
                || (nowhere = Files.Open("/dev/null", OpenMode.Read)) < 0)
                return Unavailable("unable to make a pipe");
            // Less than a page: a pipe takes it at once. It is there before anybody can close the other end.
            int written = Files.WriteAll(loginWrite, login);
            Close(ref loginWrite);
            if (written < 0) return Unavailable("unable to write a pipe: " + Errno.Text(written));
            int pid = Processes.Start(Programs.Find(command[0]), command,
                [new Inherit(nowhere, 0), new Inherit(endWrite, 1), new Inherit(loginRead, 3)], environment, ownGroup: true);
            if (pid < 0) return Unavailable("unable to start " + command[0] + ": " + Errno.Text(pid));
            Close(ref loginRead);
            Close(ref endWrite);
            return Verdict(pid, endRead);
        }
        finally
        {
            Array.Clear(login);
            Close(ref loginRead);
            Close(ref loginWrite);
            Close(ref endRead);
            Close(ref endWrite);
            Close(ref nowhere);
        }
    }

    // The end of the program's output is a sign that it has ended, but not the only one: something that it started may
    // hold on to it.
    private LoginVerdict Verdict(int pid, int end)
    {
        long limit = Sockets.In(milliseconds);
        byte[] dropped = new byte[512];
        bool open = true;
        while (true)
        {
            int r = Processes.TryWait(pid, out ExitStatus status);
            if (r < 0) return Unavailable("unable to wait for " + command[0] + ": " + Errno.Text(r));
            if (r > 0) return Verdict(status);
            if (Clocks.BoottimeMilliseconds >= limit)
            {
                _ = Processes.KillGroup(pid, Signals.KILL);
                _ = Processes.Wait(pid, out _);
                return Unavailable(command[0] + " took too long");
            }
            if (Poll.WaitFor(open ? end : -1, false, LookMilliseconds) && open && Files.Read(end, dropped) <= 0)
            {
                open = false;
                // Between closing its files and being gone, a process needs a moment.
                _ = Poll.WaitFor(-1, false, 1);
            }
        }
    }

    private LoginVerdict Verdict(ExitStatus status)
    {
        if (status.Crashed) return Unavailable(command[0] + " crashed");
        return status.Code switch
        {
            Accepted => new LoginVerdict(LoginResult.Accepted),
            NoRelay => new LoginVerdict(LoginResult.AcceptedWithoutRelay),
            Misused or Temporary => Unavailable(command[0] + " exited " + status.Code),
            _ => new LoginVerdict(LoginResult.Refused),
        };
    }

    private static LoginVerdict Unavailable(string detail) => new(LoginResult.Unavailable, detail);

    private static void Close(ref int fd)
    {
        _ = Files.Close(fd);
        fd = -1;
    }
}
