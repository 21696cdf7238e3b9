// The programs that programs of .qmail files run: found in PATH, given the message, judged by their exit codes.
using System;
using Qmta.Posix;

namespace Qmta.Filter;

/// <summary>Runs a program with the message on its descriptor 0.</summary>
internal static class Child
{
    /// <summary>The exit code of a program that cannot be found or executed; that of a shell.</summary>
    internal const int NotFound = 127;

    /// <summary>Runs it from the beginning of the message; returns its exit code.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <exception cref="Failure">It was ended by a signal, or there is no memory to run anything.</exception>
    internal static int Run(ReadOnlySpan<string> command)
    {
        Incoming.Rewind();
        int pid = Start(command, []);
        return pid == -1 ? NotFound : Wait(pid, command[0]);
    }

    /// <summary>Starts it; -1 when there is no such program.</summary>
    /// <exception cref="Failure">There is no memory to run anything.</exception>
    internal static int Start(ReadOnlySpan<string> command, ReadOnlySpan<Inherit> descriptors)
    {
        int pid = Processes.Start(Programs.Find(command[0]), command, descriptors);
        if (pid >= 0) return pid;
        if (pid is -Errno.EAGAIN or -Errno.ENOMEM or -Errno.EMFILE or -Errno.ENFILE or -Errno.EIO)
            throw Failure.TryLater("unable to run " + command[0] + ": " + Errno.Text(pid));
        Standard.Error("unable to run " + command[0] + ": " + Errno.Text(pid));
        return -1;
    }

    /// <summary>Waits for it to end; returns its exit code.</summary>
    /// <exception cref="Failure">It was ended by a signal.</exception>
    internal static int Wait(int pid, string name)
    {
        int r = Processes.Wait(pid, out ExitStatus status);
        if (r < 0) throw Failure.TryLater("unable to wait for " + name + ": " + Errno.Text(r));
        if (status.Crashed) throw Failure.TryLater(name + " crashed");
        return status.Code;
    }

    /// <summary>Runs it with some lines in front of what is left of the message; returns its exit code.</summary>
    /// <param name="lines">The lines, with their ends.</param>
    /// <param name="command">The program and its arguments.</param>
    /// <exception cref="Failure">It was ended by a signal, or there is no memory to run anything.</exception>
    /// <exception cref="PosixException">The message cannot be read.</exception>
    internal static int RunWith(string lines, ReadOnlySpan<string> command)
    {
        PosixException.Check(Files.Pipe(out int readEnd, out int writeEnd), "unable to create a pipe");
        int pid = Start(command, [new(readEnd, 0)]);
        if (pid < 0) return Failure.Temporary;
        _ = Files.Close(readEnd);
        try
        {
            Feed(lines, writeEnd);
        }
        catch (PosixException)
        {
            // Its message would end here as if it were whole.
            _ = Processes.Kill(pid, Signals.KILL);
            throw;
        }
        _ = Files.Close(writeEnd);
        return Wait(pid, command[0]);
    }

    private static void Feed(string lines, int fd)
    {
        ByteWriter output = new(fd, "program", 16384);
        ByteReader message = Incoming.Reader();
        ReadOnlySpan<byte> piece;
        try
        {
            output.Put(lines);
            while (!(piece = message.Fill()).IsEmpty)
            {
                output.Put(piece);
                message.Consume(piece.Length);
            }
            output.Flush();
        }
        catch (PosixException failure) when (failure.Errno == Errno.EPIPE)
        {
            // It has read what it wants; its exit code says what it thinks.
        }
    }
}
