// forward: sends the message on to addresses given on the command line (forward(1)).
namespace Qmta.Filter;

internal static class Forward
{
    internal const string Usage = "forward address ...";

    internal static int Run(string[] arguments)
    {
        if (arguments is ["--", ..]) arguments = arguments[1..];
        if (arguments.Length == 0) throw Program.UsageError(Usage);
        Resending.Send("forward", Incoming.Variable("NEWSENDER"), arguments);
        return 0;
    }
}
