// Running another program and reading what it says.
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Admin;

internal static class ProgramOutput
{
    private const int Longest = 65536;

    /// <summary>Runs a program to its end with nothing on its standard input.</summary>
    /// <param name="name">Looked for beside this program, then in PATH.</param>
    /// <param name="arguments">The words after its name.</param>
    /// <param name="withErrors">Whether what it writes to standard error counts, too; else that is dropped.</param>
    /// <returns>Its exit code (111 when it crashed) and the first 64 KiB of its output.</returns>
    /// <exception cref="PosixException">It cannot be started.</exception>
    internal static (int Code, string Text) Of(string name, IReadOnlyList<string> arguments, bool withErrors = true)
    {
        string path = Programs.Find(name);
        int nothing = PosixException.Check(Files.Open("/dev/null", OpenMode.ReadWrite), "unable to open /dev/null");
        PosixException.Check(Files.Pipe(out int read, out int write), "unable to create a pipe");
        int pid = Processes.Start(path, [name, .. arguments], [new(nothing, 0), new(write, 1), new(withErrors ? write : nothing, 2)]);
        _ = Files.Close(nothing);
        _ = Files.Close(write);
        try
        {
            PosixException.Check(pid, "unable to start " + path);
            ByteReader reader = new(read, name);
            string text = "";
            for (ReadOnlySpan<byte> piece = reader.Fill(); !piece.IsEmpty; piece = reader.Fill())
            {
                if (text.Length < Longest) text += Latin1.String(piece);
                reader.Consume(piece.Length);
            }
            _ = Processes.Wait(pid, out ExitStatus status);
            return (status.Crashed ? 111 : status.Code, text);
        }
        finally
        {
            _ = Files.Close(read);
        }
    }
}
