// The command line of queue-fix(8).
using System.CommandLine;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Admin;

internal static class QueueFixCommand
{
    internal static Command Create()
    {
        Argument<string> directory = new("directory") { Description = "The queue directory; it is created when missing." };
        Option<string> split = new("-s", "--split")
        {
            Description = $"Number of sub-directories of mess, info, local and remote. [default: CONFSPLIT or {QueueLayout.DefaultSplit}]",
            HelpName = "number",
        };
        Option<int> bigTodo = new("-b", "--bigtodo") { Description = "1 splits todo and intd too.", HelpName = "0|1" };
        bigTodo.AcceptOnlyFromAmong("0", "1");
        Option<bool> modes = new("-m") { Description = "Owners and modes for qmta-send. Every queue gets them: this changes nothing." };
        Option<string?> user = new("-u", "--user")
        {
            Description = "As root: a queue for this one user instead of the mail system's own users.",
            HelpName = "name",
        };
        Option<bool> test = new("-N", "--test") { Description = "Change nothing; say what would be changed. The exit code is 1 when there is something." };
        Option<bool> ask = new("-i", "--interactive") { Description = "Ask before each change." };
        Option<bool> verbose = new("-v", "--verbose") { Description = "Say each change, and how far the work is." };
        Option<bool> rates = new("-r", "--ratelimit") { Description = "Make the directory for delivery rates, too (drate(8))." };
        Command command = new("queue-fix", "Creates a queue, or repairs one: directories, owners, modes, misnamed messages.")
        {
            directory, split, bigTodo, modes, user, test, ask, verbose, rates,
        };
        command.SetAction(parsed =>
        {
            string? number = parsed.GetValue(split) ?? Variables.Get("CONFSPLIT");
            int? parts = string.IsNullOrEmpty(number) ? QueueLayout.DefaultSplit : QueueLayout.ParseSplit(number);
            Repairs repairs = new() { TestOnly = parsed.GetValue(test), Interactive = parsed.GetValue(ask), Verbose = parsed.GetValue(verbose) };
            if (parts is int count)
                return QueueFix.Run(new QueueLayout(parsed.GetRequiredValue(directory), count, parsed.GetValue(bigTodo) == 1), parsed.GetValue(user),
                    repairs, parsed.GetValue(rates));
            Standard.Error("queue-fix: fatal: the split is a number from 1 to 10000, not " + number);
            return 100;
        });
        return command;
    }
}
