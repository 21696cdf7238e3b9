// The log: one line per event in the words of qmail-log(5), to standard error or to a logger's standard input.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Send;

/// <summary>Writes log lines. Mail is more important: a log that cannot be written is given up on silently.</summary>
internal static class Log
{
    private static int fd = 2, loggerInput = -1;

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
}
