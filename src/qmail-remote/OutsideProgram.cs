// A program of the postmaster's that is run for one delivery: in the place of the built-in client, or after it.
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Remote;

/// <summary>How such a program ended and what it printed.</summary>
/// <param name="Error">0, or -errno when it could not be started.</param>
/// <param name="Late">It took too long and was killed, with all it had started.</param>
/// <param name="Status">How it ended, if it was started.</param>
/// <param name="Output">What it printed, up to a limit.</param>
internal sealed record ProgramResult(int Error, bool Late, ExitStatus Status, string Output);

/// <summary>Runs programs; any thread may.</summary>
internal static class OutsideProgram
{
    /// <summary>Most output that is kept, in bytes; the rest is read and dropped.</summary>
    internal const int MostOutput = 20_000;

    // How long what a program started may go on to hold its output after the program itself has ended.
    private const int GraceMilliseconds = 3000;

    private const int SliceMilliseconds = 500;

    /// <summary>
    /// Runs a program with the arguments of qmail-remote(8), the message on descriptor 0 and this process's error log
    /// on descriptor 2.
    /// </summary>
    /// <param name="path">The program; PATH is not searched.</param>
    /// <param name="message">The message; read from its start.</param>
    /// <param name="environment">Its environment; null for this process's.</param>
    /// <param name="deadline">When it is killed.</param>
    internal static ProgramResult Run(string path, RemoteMessage message, IReadOnlyList<string>? environment, long deadline)
    {
        string[] arguments = ["qmail-remote", message.Host, message.Sender, message.ExtraHeader,
            message.Size < 0 ? "0" : message.Size.ToString(System.Globalization.CultureInfo.InvariantCulture),
            .. message.Recipients];
        _ = Files.Seek(message.File, 0);
        int r = Files.Pipe(out int output, out int end);
        if (r < 0) return new ProgramResult(r, false, default, "");
        try
        {
            int pid = Processes.Start(path, arguments, [new Inherit(message.File, 0), new Inherit(end, 1)], environment,
                ownGroup: true);
            _ = Files.Close(end);
            end = -1;
            return pid < 0 ? new ProgramResult(pid, false, default, "") : Attend(pid, output, deadline);
        }
        finally
        {
            _ = Files.Close(end);
            _ = Files.Close(output);
        }
    }

    private static ProgramResult Attend(int pid, int output, long deadline)
    {
        List<byte> kept = [];
        byte[] buffer = new byte[1024];
        bool open = true, ended = false, late = false;
        ExitStatus status = default;
        int pause = 1;
        while (open || !ended)
        {
            long now = Clocks.BoottimeMilliseconds;
            if (now >= deadline)
            {
                late = !ended;
                break;
            }
            if (open && Poll.WaitFor(output, false, (int)Math.Min(SliceMilliseconds, deadline - now)))
            {
                int n = Files.Read(output, buffer);
                if (n <= 0) open = false;
                else kept.AddRange(buffer.AsSpan(0, Math.Min(n, MostOutput - kept.Count)));
                continue;
            }
            if (!ended && Processes.TryWait(pid, out status) != 0)
            {
                ended = true;
                deadline = Math.Min(deadline, Sockets.In(GraceMilliseconds));
            }
            // It has closed its output and does not end yet, which is soon as a rule.
            else if (!open)
            {
                Thread.Sleep(pause);
                pause = Math.Min(2 * pause, SliceMilliseconds);
            }
        }
        if (!ended)
        {
            _ = Processes.KillGroup(pid, Signals.KILL);
            _ = Processes.Wait(pid, out status);
        }
        return new ProgramResult(0, late, status, Latin1.String([.. kept]));
    }
}
