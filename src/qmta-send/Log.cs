// The log: one line per event in the words of qmail-log(5), to standard error or to a logger's standard input.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>Writes log lines. Mail is more important: a log that cannot be written is given up on silently.</summary>
internal static class Log
{
    private static int fd = 2;

    /// <summary>Sends all further lines to the standard input of a command; false when it cannot be started.</summary>
    internal static bool StartLogger(string[] command)
    {
        int error = Files.Pipe(out int readEnd, out int writeEnd);
        if (error < 0) return Failed(command, error);
        int pid = Processes.Start(Programs.Find(command[0]), command, [new(readEnd, 0)]);
        _ = Files.Close(readEnd);
        if (pid < 0)
        {
            _ = Files.Close(writeEnd);
            return Failed(command, pid);
        }
        fd = writeEnd;
        return true;
    }

    /// <summary>Where helpers and queue programs shall write what they have to say, so that the logger gets it.</summary>
    internal static int Descriptor => fd;

    /// <summary>Writes one line; the text has no newline.</summary>
    internal static void Line(string text) => _ = Files.WriteAll(fd, Latin1.Bytes(text + "\n"));

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

    private static bool Failed(string[] command, int error)
    {
        Line($"alert: unable to start logger {command[0]}: {Errno.Text(error)}");
        return false;
    }
}
