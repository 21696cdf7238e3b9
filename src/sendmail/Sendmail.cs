// sendmail: the command every program calls that sends mail (sendmail(8)); mailq is its listing of the queue.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Inject;

/// <summary>The command sendmail, by this or another name.</summary>
internal static class Sendmail
{
    /// <summary>Runs it; returns an exit code of sysexits.h.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="noInput">Whether standard input was closed when the program started.</param>
    /// <param name="name">The name it is called by.</param>
    internal static int Run(string[] arguments, bool noInput, string name)
    {
        int code = 0;
        int failed = Command.Run(name, ExitCode, () =>
        {
            if (arguments is ["--help"]) _ = Standard.Output(Help(name));
            else if (arguments is ["--version"]) _ = Standard.Output(Command.Version(name));
            else code = Do(SendmailOptions.Parse(arguments, name), noInput);
        });
        return failed != 0 ? failed : code;
    }

    // sysexits.h
    internal static int ExitCode(Failure failure) => failure switch
    {
        Failure.Usage => 64,
        Failure.Data => 65,
        Failure.NoInput => 66,
        Failure.Unavailable => 69,
        Failure.NotAllowed => 77,
        Failure.Configuration => 78,
        _ => 75,
    };

    private static int Do(SendmailOptions options, bool noInput)
    {
        switch (options.Mode)
        {
            case SendmailMode.List:
                return MailQueue.Show(options.Json);
            case SendmailMode.Retry:
                return Retry(options.Verbose);
            case SendmailMode.Aliases:
                // newaliases is this command by another name in other mail systems; here the other way round.
                throw Become("newaliases");
            case SendmailMode.Session:
                BecomeLocalClient();
                throw Become("mini-smtpd");
            default:
                Command.Inject(options.Submission, noInput);
                return 0;
        }
    }

    // Whoever runs a program here may send to anywhere. PROTO says that a super-server has told who the client is.
    private static void BecomeLocalClient()
    {
        if (Variables.Get("PROTO") != null) return;
        foreach (string name in (ReadOnlySpan<string>)["TCPREMOTEIP", "TCPREMOTEHOST", "TCPREMOTEINFO", "TCPREMOTEPORT",
            "TCPLOCALIP", "TCPLOCALHOST", "TCPLOCALPORT"]) Variables.Set(name, null);
        Variables.Set("RELAYCLIENT", "");
    }

    // Everything that waits is tried now: by the daemon, or else by a run of our own.
    private static int Retry(bool verbose)
    {
        QueueLayout queue = QueueLayout.FromEnvironment();
        try
        {
            if (QueueRetry.Begin(queue) > 0) return 0;
        }
        catch (PosixException failure)
        {
            throw MailQueue.Explained(queue, failure);
        }
        // Its log is on standard error, and a queue run is silent.
        int log = verbose ? 2 : PosixException.Check(Files.Open("/dev/null", OpenMode.Write), "unable to open /dev/null");
        int pid = Processes.Start(Programs.Find("qmta-send"), ["qmta-send"], [new(log, 2)]);
        if (pid < 0) throw new InjectException(Failure.Unavailable, "unable to run qmta-send: " + Errno.Text(pid));
        PosixException.Check(Processes.Wait(pid, out ExitStatus status), "unable to wait for qmta-send");
        if (status.Raw != 0) throw new InjectException(Failure.Temporary, "qmta-send could not try everything; sendmail -q -v shows its log");
        return 0;
    }

    private static InjectException Become(string program)
    {
        int error = Processes.Replace(Programs.Find(program), [program]);
        return new InjectException(Failure.Unavailable, "unable to run " + program + ": " + Errno.Text(error));
    }

    private static string Help(string name) => name == "mailq"
        ? "usage: mailq [--json]\nLists the messages in the queue.\n"
        : SendmailOptions.Usage + "\nReads a message from standard input and sends it; -t takes recipients from its header too.\n";
}
