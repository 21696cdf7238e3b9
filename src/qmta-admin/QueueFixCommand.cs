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
        Option<int> split = new("-s", "--split")
        {
            Description = "Number of sub-directories of mess, info, local and remote.",
            HelpName = "number",
            DefaultValueFactory = _ => QueueLayout.ParseSplit(Variables.Get("CONFSPLIT")) ?? QueueLayout.DefaultSplit,
        };
        split.Validators.Add(static result =>
        {
            if (QueueLayout.ParseSplit(result.GetValueOrDefault<int>().ToString()) == null)
                result.AddError("The split is a number from 1 to 10000.");
        });
        Option<int> bigTodo = new("-b", "--bigtodo") { Description = "1 splits todo and intd too.", HelpName = "0|1" };
        bigTodo.AcceptOnlyFromAmong("0", "1");
        Option<bool> modes = new("-m") { Description = "Owners and modes for qmta-send. Every queue gets them: this changes nothing." };
        Option<string?> user = new("-u", "--user")
        {
            Description = "As root: a queue for this one user instead of the mail system's own users.",
            HelpName = "name",
        };
        Command command = new("queue-fix", "Creates a queue, or repairs one: directories, owners, modes, misnamed messages.")
        {
            directory, split, bigTodo, modes, user,
        };
        command.SetAction(parsed => QueueFix.Run(
            new QueueLayout(parsed.GetRequiredValue(directory), parsed.GetValue(split), parsed.GetValue(bigTodo) == 1),
            parsed.GetValue(user)));
        return command;
    }
}
