// condredirect, bouncesaying and except: what becomes of a message depends on another program's exit code.
using System;
using Qmta.Posix;

namespace Qmta.Filter;

/// <summary>The programs of condredirect(1), bouncesaying(1) and except(1).</summary>
internal static class Conditions
{
    internal const string RedirectUsage = "condredirect [-r] newaddress program [argument ...]";
    internal const string BounceUsage = "bouncesaying error [program [argument ...]]";
    internal const string ExceptUsage = "except program [argument ...]";

    private const int SkipRest = 99;

    /// <summary>Sends the message elsewhere, and skips the rest of the .qmail file, when the program says so.</summary>
    internal static int Redirect(string[] arguments)
    {
        bool reverse = arguments is ["-r", ..];
        ReadOnlySpan<string> words = arguments.AsSpan(reverse ? 1 : 0);
        if (words.Length > 0 && words[0] == "--") words = words[1..];
        if (words.Length < 2) throw Program.UsageError(RedirectUsage);
        int code = Child.Run(words[1..]);
        if (code is Failure.Permanent or Failure.Temporary) return code;
        if (code == 0 == reverse) return Proceed();
        Resending.Send("condredirect", Incoming.Variable("SENDER"), [words[0]]);
        return SkipRest;
    }

    /// <summary>Bounces the message with a text when the program says so, or always without one.</summary>
    internal static int Bounce(string[] arguments)
    {
        ReadOnlySpan<string> words = arguments.AsSpan();
        if (words.Length > 0 && words[0] == "--") words = words[1..];
        if (words.IsEmpty) throw Program.UsageError(BounceUsage);
        if (words.Length > 1)
        {
            int code = Child.Run(words[1..]);
            if (code == Failure.Temporary) return code;
            if (code != 0) return Proceed();
        }
        throw Failure.BounceSaying(words[0]);
    }

    /// <summary>Turns success into failure and failure into success.</summary>
    internal static int Except(string[] arguments)
    {
        ReadOnlySpan<string> words = arguments.AsSpan();
        if (words.Length > 0 && words[0] == "--") words = words[1..];
        if (words.IsEmpty) throw Program.UsageError(ExceptUsage);
        // No rewinding: except is of use outside of .qmail files, too.
        int pid = Child.Start(words, []);
        return (pid == -1 ? Child.NotFound : Child.Wait(pid, words[0])) switch
        {
            0 => Failure.Permanent,
            Failure.Temporary => Failure.Temporary,
            _ => 0,
        };
    }

    // The message goes on to the next line of the .qmail file, which starts at its beginning.
    private static int Proceed()
    {
        Incoming.Rewind();
        return 0;
    }
}
