// A delivery helper: another process, under another uid as a rule, reached by two pipes.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>A running qmail-lspawn or qmail-rspawn.</summary>
internal sealed class Helper
{
    private byte[] unsent = [];
    private int unsentStart, unsentEnd;
    private readonly DeliveryStream reports = DeliveryStream.OfReports(false);
    private readonly byte[] buffer = new byte[4096];
    private int announcementBytes;

    /// <param name="name">What the log calls it.</param>
    /// <param name="commandFd">Write end of the command pipe; owned.</param>
    /// <param name="reportFd">Read end of the report pipe; owned.</param>
    private Helper(string name, int commandFd, int reportFd)
    {
        Name = name;
        CommandFd = commandFd;
        ReportFd = reportFd;
    }

    /// <summary>One that has said already how much it takes.</summary>
    internal Helper(string name, int commandFd, int reportFd, int capacity, bool wide) : this(name, commandFd, reportFd)
    {
        Capacity = capacity;
        reports.Wide = wide;
    }

    internal string Name { get; }

    /// <summary>Where its commands go.</summary>
    internal int CommandFd { get; private set; }

    /// <summary>Whether delivery numbers have two bytes.</summary>
    internal bool Wide => reports.Wide;

    /// <summary>Whether it is ready, and nothing is half sent or half received.</summary>
    internal bool IsQuiet => Capacity > 0 && unsentStart == unsentEnd && CommandFd >= 0 && !reports.InMiddle;

    /// <summary>Readable when there is something for <see cref="Receive"/>.</summary>
    internal int ReportFd { get; }

    /// <summary>Deliveries it runs at once; 0 until it has said so.</summary>
    internal int Capacity { get; private set; }

    /// <summary>The descriptor to wait on for writing; -1 when everything is sent.</summary>
    internal int WaitingToSend => unsentStart < unsentEnd ? CommandFd : -1;

    /// <summary>Starts a helper by a function that is given its descriptors 0 and 1; null after saying what failed.</summary>
    internal static Helper? Start(string name, Func<int, int, int> start)
    {
        int error = Files.Pipe(out int commandRead, out int commandWrite);
        if (error >= 0)
        {
            error = Files.Pipe(out int reportRead, out int reportWrite);
            if (error >= 0)
            {
                error = start(commandRead, reportWrite);
                _ = Files.Close(commandRead);
                _ = Files.Close(reportWrite);
                if (error >= 0)
                {
                    _ = Files.SetNonBlocking(commandWrite, true);
                    _ = Files.SetNonBlocking(reportRead, true);
                    return new Helper(name, commandWrite, reportRead);
                }
                _ = Files.Close(reportRead);
                _ = Files.Close(commandWrite);
            }
            else
            {
                _ = Files.Close(commandRead);
                _ = Files.Close(commandWrite);
            }
        }
        Log.Line($"alert: unable to start {name}: {Errno.Text(error)}");
        return null;
    }

    /// <summary>
    /// Asks for a delivery at the next <see cref="Flush"/>. Only after the announcement: the form of numbers follows
    /// from it.
    /// </summary>
    internal void Ask(DeliveryCommand command)
    {
        byte[] bytes = command.Encode(reports.Wide);
        if (unsent.Length - unsentEnd < bytes.Length)
            Array.Resize(ref unsent, Math.Max(2 * unsent.Length, unsentEnd + bytes.Length));
        bytes.CopyTo(unsent.AsSpan(unsentEnd));
        unsentEnd += bytes.Length;
    }

    /// <summary>
    /// Writes what the pipe takes, all commands at once: the helper can see which go together. When that fails, the helper
    /// is given no more: it finishes what it knows of and goes, and the end of its reports tells that the rest was not done.
    /// </summary>
    internal void Flush()
    {
        while (unsentStart < unsentEnd)
        {
            int n = Files.Write(CommandFd, unsent.AsSpan(unsentStart, unsentEnd - unsentStart));
            if (n == -Errno.EAGAIN) return;
            if (n < 0)
            {
                _ = Files.Close(CommandFd);
                CommandFd = -1;
                unsentStart = unsentEnd;
                break;
            }
            unsentStart += n;
        }
        unsentStart = unsentEnd = 0;
        if (unsent.Length > 65536) unsent = [];
    }

    /// <summary>Takes the reports that have arrived; false when the helper has gone.</summary>
    internal bool Receive(Action<DeliveryReport> take)
    {
        while (true)
        {
            int n = Files.Read(ReportFd, buffer);
            if (n <= 0) return n == -Errno.EAGAIN;
            ReadOnlySpan<byte> bytes = buffer.AsSpan(0, n);
            Announced(ref bytes);
            while (reports.Take(ref bytes)) take(reports.Report());
        }
    }

    /// <summary>Tells the helper to finish what it has and go: it sees the end of its commands.</summary>
    internal void Close()
    {
        _ = Files.Close(CommandFd);
        _ = Files.Close(ReportFd);
    }

    private void Announced(ref ReadOnlySpan<byte> bytes)
    {
        while (Capacity == 0 && bytes.Length > 0)
        {
            byte b = bytes[0];
            bytes = bytes[1..];
            announcementBytes++;
            if (announcementBytes == 1 && b != 0) Capacity = b;
            else if (announcementBytes == 1) reports.Wide = true;
            else if (announcementBytes == 2) low = b;
            else Capacity = Math.Max(1, low | b << 8);
        }
    }

    private int low;
}
