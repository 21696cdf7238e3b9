// The log: one line per event in the words of qmail-log(5), to standard error or to a logger's standard input.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>Writes log lines. Mail is more important: a log that cannot be written is given up on silently.</summary>
internal static class Log
{
    // So many bytes of lines are written without waiting for more.
    private const int Enough = 8192;

    private static int fd = 2, loggerInput = -1;
    private static readonly List<byte> gathered = [];
    private static bool gathering;

    /// <summary>
    /// Makes the pipe of a logger, which gets all further lines and those of helpers started from now on. The logger itself
    /// is started later: by then this process is no longer root.
    /// </summary>
    /// <exception cref="PosixException">There is no pipe to be had.</exception>
    internal static void OpenLogger() => PosixException.Check(Files.Pipe(out loggerInput, out fd), "unable to create a pipe");

    /// <summary>Starts the command that reads the logger's pipe; false when it cannot be started.</summary>
    internal static bool StartLogger(string[] command)
    {
        int pid = Processes.Start(Programs.Find(command[0]), command, [new(loggerInput, 0)]);
        _ = Files.Close(loggerInput);
        if (pid < 0) Standard.Error($"alert: unable to start logger {command[0]}: {Errno.Text(pid)}");
        return pid >= 0;
    }

    /// <summary>Where helpers and queue programs shall write what they have to say, so that the logger gets it.</summary>
    internal static int Descriptor => fd;

    /// <summary>Goes on with the descriptor of before.</summary>
    internal static void Use(int descriptor) => fd = descriptor;

    /// <summary>Writes one line; the text has no newline.</summary>
    internal static void Line(string text)
    {
        byte[] line = Latin1.Bytes(text + "\n");
        if (!gathering)
        {
            _ = Files.WriteAll(fd, line);
            return;
        }
        gathered.AddRange(line);
        if (gathered.Count >= Enough) Flush();
    }

    /// <summary>
    /// From now on, lines are written together at each <see cref="Flush"/>: for every write a logger wakes up. Or no longer so.
    /// </summary>
    internal static void Gather(bool on)
    {
        gathering = on;
        Flush();
    }

    /// <summary>Writes what was gathered: before anything is done that the lines are the only witness of.</summary>
    internal static void Flush()
    {
        if (gathered.Count == 0) return;
        _ = Files.WriteAll(fd, CollectionsMarshal.AsSpan(gathered));
        gathered.Clear();
    }

    /// <summary>
    /// A report as one word of a line: a newline becomes a slash; blanks, control characters, percent signs and eight-bit
    /// characters become underscores (qmail-log(5)).
    /// </summary>
    internal static string Safe(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (int i = 0; i < to.Length; i++)
        {
            char c = from[i];
            to[i] = c == '\n' ? '/' : c is <= ' ' or > '~' or '%' ? '_' : c;
        }
    });
}
