// The programs of .qmail files, one executable: the name it is called by decides which of them it is.
using System;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Tls;

namespace Qmta.Filter;

internal static class Program
{
    private const string Own = "qmail-filter";

    private readonly record struct Tool(string Name, string Usage, Func<string[], int> Run, bool Message = true, bool Sends = false);

    private static readonly Tool[] Tools =
    [
        new("autoresponder", Autoresponder.Usage, Autoresponder.Run, Sends: true),
        new("bouncesaying", Conditions.BounceUsage, Conditions.Bounce),
        new("condredirect", Conditions.RedirectUsage, Conditions.Redirect, Sends: true),
        new("except", Conditions.ExceptUsage, Conditions.Except),
        new("fastforward", FastForward.Usage, FastForward.Run, Sends: true),
        new("forward", Forward.Usage, Forward.Run, Sends: true),
        new("ismaildup", Duplicates.Usage, Duplicates.Run),
        new("maildir2mbox", MaildirToMbox.Usage, MaildirToMbox.Run, Message: false),
        new("maildirmake", MaildirMake.Usage, MaildirMake.Run, Message: false),
        new("newaliases", NewAliases.Usage, NewAliases.Run, Message: false),
        new("predate", Predate.Usage, Predate.Run),
        new("preline", Preline.Usage, Preline.Run),
        new("replier", Replier.Usage, Replier.Run, Sends: true),
        new("srsfilter", SrsFilter.Usage, SrsFilter.Run, Sends: true),
    ];

    private static int Main()
    {
        string name = Programs.CalledAs;
        string[] arguments = Programs.Arguments;
        if (name == Own && arguments.Length > 0)
        {
            if (arguments[0] == "--version") return Say(Own + " " + Programs.Version + "\n");
            name = arguments[0];
            arguments = arguments[1..];
        }
        foreach (Tool tool in Tools)
            if (tool.Name == name) return Run(tool, arguments);
        string names = "";
        foreach (Tool tool in Tools) names += " " + tool.Name;
        if (name == "--help") return Say("usage: " + Own + " program [argument ...]\nPrograms:" + names + "\n");
        Standard.Error(Own + ": fatal: the program must be one of these, not " + name + ":" + names);
        return Failure.Permanent;
    }

    private static int Run(Tool tool, string[] arguments)
    {
        if (arguments is ["--help"]) return Say("usage: " + tool.Usage + "\nSee " + tool.Name + "(1).\n");
        if (arguments is ["--version"]) return Say(tool.Name + " " + Programs.Version + "\n");
        string sentence;
        try
        {
            if ((Standard.FillGaps() & 1) != 0 && tool.Message)
                throw Failure.TryLater("standard input is closed: there is no message");
            Signals.IgnorePipe();
            if (tool.Sends) MailEnvironment.Apply(tool.Name, rootToo: false);
            return tool.Run(arguments);
        }
        catch (Failure failure)
        {
            if (failure.Message.Length > 0)
                Standard.Error(failure.IsBare ? failure.Message : tool.Name + ": fatal: " + failure.Message);
            return failure.Code;
        }
        catch (PosixException failure)
        {
            sentence = failure.Message;
        }
        catch (FormatException failure)
        {
            sentence = failure.Message;
        }
        catch (TlsException failure)
        {
            sentence = failure.Message;
        }
        catch (OutOfMemoryException)
        {
            sentence = "out of memory";
        }
        Standard.Error(tool.Name + ": fatal: " + sentence);
        return Failure.Temporary;
    }

    /// <summary>A wrong command line.</summary>
    internal static Failure UsageError(string usage) => Failure.Bounce("usage: " + usage);

    private static int Say(string text) => Standard.Output(text) ? 0 : Failure.Temporary;
}
