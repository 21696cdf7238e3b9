// qmail-inject: qmail's own way of sending a message (qmail-inject(8)).
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>The command qmail-inject.</summary>
internal static class QmailInject
{
    private const string Usage = "usage: qmail-inject [-nNaAhHs] [-f sender] [recipient ...]";

    internal static int Run(string[] arguments, bool noInput) =>
        Command.Run("qmail-inject", ExitCode, () =>
        {
            if (arguments is ["--help"]) _ = Standard.Output(Usage + "\nReads a message from standard input and sends it.\n");
            else if (arguments is ["--version"]) _ = Standard.Output(Command.Version("qmail-inject"));
            else Command.Inject(Parse(arguments), noInput);
        });

    internal static int ExitCode(Failure failure) => failure is Failure.Temporary or Failure.Configuration ? 111 : 100;

    /// <summary>The submission a command line describes.</summary>
    /// <exception cref="InjectException">The command line is wrong.</exception>
    internal static Submission Parse(string[] arguments)
    {
        Submission submission = new();
        char strategy = 'A';
        OptionReader options = new(arguments, "f");
        while (options.Next())
        {
            switch (options.Letter)
            {
                case 'a' or 'A' or 'h' or 'H':
                    strategy = options.Letter;
                    break;
                case 'n':
                    submission.Print = true;
                    break;
                case 'N':
                    submission.Print = false;
                    break;
                case 's':
                    submission.IgnoresReturnPath = true;
                    break;
                case 'f':
                    submission.Sender = Words.OneLine(options.Value == "<>" ? "" : options.Value, "the sender given with -f");
                    break;
                default:
                    throw new InjectException(Failure.Usage, "unknown option -" + Words.Shown(options.Letter.ToString()) + "; " + Usage);
            }
        }
        foreach (string recipient in options.Rest)
        {
            if (recipient.Length == 0) throw new InjectException(Failure.Usage, "a recipient on the command line is empty");
            submission.Recipients.Add(Words.OneLine(recipient, "a recipient on the command line"));
        }
        submission.UsesArguments = strategy != 'h';
        submission.UsesHeader = strategy is 'h' or 'H' || strategy == 'A' && submission.Recipients.Count == 0;
        return submission;
    }
}
