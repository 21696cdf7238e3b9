// What people are asked on a terminal, and secrets that come from a file or from standard input.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

internal static class Questions
{
    /// <summary>Asks for a line.</summary>
    internal static string Ask(string question)
    {
        _ = Standard.Output(question);
        return Line(0).Trim();
    }

    /// <summary>Asks for a line that does not show while it is typed.</summary>
    internal static string AskSecret(string question)
    {
        Terminal.Echo(0, false);
        try
        {
            _ = Standard.Output(question);
            return Line(0);
        }
        finally
        {
            Terminal.Echo(0, true);
            _ = Standard.Output("\n");
        }
    }

    /// <summary>The first line of a file, or of standard input when it is "-".</summary>
    /// <exception cref="PosixException">It cannot be opened.</exception>
    internal static string FirstLine(string file)
    {
        if (file == "-") return Line(0);
        int fd = PosixException.Check(Files.Open(file, OpenMode.Read), "unable to open " + file);
        try
        {
            return Line(fd);
        }
        finally
        {
            _ = Files.Close(fd);
        }
    }

    // Byte by byte: what follows the line is somebody else's.
    private static string Line(int fd)
    {
        Span<byte> line = stackalloc byte[1024];
        int length = 0;
        while (length < line.Length && Files.Read(fd, line.Slice(length, 1)) == 1 && line[length] != '\n') length++;
        return Latin1.String(line[..length]).TrimEnd('\r');
    }
}
