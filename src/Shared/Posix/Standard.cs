// Standard input, output and error: one-line messages for people, and making sure the three exist.
using System;

namespace Qmta.Posix;

/// <summary>The three standard descriptors.</summary>
public static class Standard
{
    /// <summary>Writes a line to standard error in one system call; there is nobody to tell when that fails.</summary>
    public static void Error(string message) => _ = Files.WriteAll(2, Text.Latin1.Bytes(message + "\n"));

    /// <summary>Writes text to standard output; false when that fails.</summary>
    public static bool Output(string text) => Files.WriteAll(1, Text.Latin1.Bytes(text)) == 0;

    /// <summary>
    /// Opens /dev/null on those of descriptors 0 to 2 that are closed, so that no file opened later becomes one of them.
    /// Returns the closed ones as a mask: bit n for descriptor n.
    /// </summary>
    public static int FillGaps()
    {
        int closed = 0;
        for (int fd = 0; fd < 3; fd++)
        {
            if (Files.IsOpen(fd)) continue;
            closed |= 1 << fd;
            int opened = Files.Open("/dev/null", OpenMode.ReadWrite);
            if (opened >= 0 && opened != fd) _ = Files.Close(opened);
        }
        return closed;
    }
}
