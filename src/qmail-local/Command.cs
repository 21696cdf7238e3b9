// Delivery to a program: a shell command that reads the message (qmail-command(8)).
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Runs the commands of .qmail files.</summary>
internal static class Command
{
    private const string Shell = "/bin/sh";

    /// <summary>Whether this process has run one: it may have left something behind that is still running.</summary>
    internal static bool HasRun { get; private set; }

    /// <summary>Runs a command with the message on its standard input; what it prints goes to the report.</summary>
    /// <returns>True to go on with the next instruction; false when the command says not to (99).</returns>
    /// <exception cref="DeliveryFailure">The command failed or could not be run; it has said why itself, if at
    /// all.</exception>
    internal static bool Run(string command, MessageFile message, DeliveryVariables variables)
    {
        message.Rewind();
        HasRun = true;
        int pid = Processes.Start(Shell, [Shell, "-c", command], message.Fd == 0 ? [] : [new(message.Fd, 0)],
            variables.OfPrograms);
        if (pid is -Errno.EAGAIN or -Errno.ENOMEM) throw DeliveryFailure.TryLater("Unable to fork", pid);
        if (pid < 0) throw DeliveryFailure.TryLater("Unable to run " + Shell, pid);
        if (Processes.Wait(pid, out ExitStatus status) < 0 || status.Crashed)
            throw DeliveryFailure.TryLater("Aack, child crashed. (#4.3.0)");
        return Judge(status.Code);
    }

    /// <summary>What an exit code means: true to go on, false to stop with success.</summary>
    /// <exception cref="DeliveryFailure">The code says that the delivery failed.</exception>
    internal static bool Judge(int code) => code switch
    {
        0 => true,
        99 => false,
        // qmail-command(8), EXIT CODES: 100, 112 and those of sysexits(3) that trying again would not change
        100 or 112 or 64 or 65 or 70 or 76 or 77 or 78 => throw DeliveryFailure.Bounce(""),
        _ => throw DeliveryFailure.TryLater(""),
    };
}
