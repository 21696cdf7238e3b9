// mailsubj: sends what it reads as the body of a message with a subject (mailsubj(1)).
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Inject;

/// <summary>The command mailsubj, a short form of qmail-inject.</summary>
internal static class MailSubject
{
    private const string Usage = "usage: mailsubj subject recipient ...";

    internal static int Run(string[] arguments, bool noInput) =>
        Command.Run("mailsubj", QmailInject.ExitCode, () =>
        {
            if (arguments is ["--help"]) _ = Standard.Output(Usage + "\nReads the body of a message from standard input and sends it.\n");
            else if (arguments is ["--version"]) _ = Standard.Output(Command.Version("mailsubj"));
            else Command.Inject(Parse(arguments), noInput);
        });

    /// <summary>The submission a command line describes.</summary>
    /// <exception cref="InjectException">The command line is wrong.</exception>
    internal static Submission Parse(string[] arguments)
    {
        if (arguments.Length < 2) throw new InjectException(Failure.Usage, Usage);
        foreach (string argument in arguments) _ = Words.OneLine(argument, "an argument");
        // Each recipient is text for the To field, perhaps a list; lines of one recipient each stay short.
        return new Submission
        {
            UsesHeader = true,
            Head = Latin1.Bytes("Subject: " + arguments[0] + "\nTo: " + string.Join(",\n ", arguments[1..]) + "\n\n"),
        };
    }
}
