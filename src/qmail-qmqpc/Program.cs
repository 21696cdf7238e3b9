// One executable, several names: ways for a message to leave a host that has no queue.
using System;
using Qmta.Posix;

namespace Qmta.NullClient;

internal static class Program
{
    private static int Main()
    {
        int closed = Standard.FillGaps();
        string[] arguments = Programs.Arguments;
        return Programs.CalledAs switch
        {
            // Where qmail-queue is a link to this program, everything that wants to queue a message uses it.
            QmqpClient.Name or "qmail-queue" or "" => Run(QmqpClient.Name, "[server ...]", closed, arguments, QmqpClient.Run),
            QmtpClient.Name => Run(QmtpClient.Name, "[server ...]", closed, arguments, QmtpClient.Run),
            Direct.Name => Run(Direct.Name, "", closed, arguments, Direct.Run),
            string name => Unknown(name),
        };
    }

    private static int Run(string name, string usage, int closed, string[] arguments, Action<string[]> run)
    {
        if (arguments.Length > 0 && arguments[0].StartsWith('-'))
        {
            bool known = arguments[0] is "--help" or "--version";
            string text = arguments[0] == "--version" ? name + " (qmta) " + Programs.Version
                : "usage: " + name + (usage.Length > 0 ? " " : "") + usage + " (message on descriptor 0, envelope on descriptor 1: " + name + "(8))";
            if (known) return Standard.Output(text + "\n") ? 0 : ExitCode.Configuration;
            Standard.Error(name + ": " + text);
            return ExitCode.Configuration;
        }
        if ((closed & 0b11) != 0) return Fail(name, ExitCode.Read, "message and envelope are read from descriptors 0 and 1");
        try
        {
            Signals.IgnorePipe();
            run(arguments);
            return ExitCode.Accepted;
        }
        catch (HandoverException failure)
        {
            return Fail(name, failure.ExitCode, failure.Message);
        }
        catch (PosixException failure)
        {
            return Fail(name, ExitCode.Configuration, failure.Message);
        }
        catch (FormatException failure)
        {
            return Fail(name, ExitCode.Configuration, failure.Message);
        }
        catch (OutOfMemoryException)
        {
            return Fail(name, ExitCode.OutOfMemory, "out of memory");
        }
    }

    private static int Fail(string name, int code, string sentences)
    {
        foreach (string sentence in sentences.Split('\n')) Standard.Error(name + ": " + sentence);
        return code;
    }

    private static int Unknown(string name)
    {
        Standard.Error(name + ": this program can be called as qmail-qmqpc, qmail-qmtpc or qmail-direct, not as " + name);
        return ExitCode.Configuration;
    }
}
