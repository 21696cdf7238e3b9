// The host names that complete a message: from the environment, else from control files (qmail-inject(8)).
using Qmta.Control;
using Qmta.Message;
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>defaulthost, defaultdomain, plusdomain and idhost; each file is read when its name is first needed.</summary>
internal sealed class HostNames
{
    private readonly ControlFiles control;

    internal HostNames(ControlFiles control)
    {
        this.control = control;
        Completion = new HostCompletion(
            () => Find("QMAILDEFAULTHOST", "defaulthost"),
            () => Find("QMAILDEFAULTDOMAIN", "defaultdomain"),
            () => Find("QMAILPLUSDOMAIN", "plusdomain"));
    }

    /// <summary>Completes host names and addresses with these names.</summary>
    internal HostCompletion Completion { get; }

    /// <summary>The host name for Message-IDs.</summary>
    internal string IdHost => Find("QMAILIDHOST", "idhost");

    // Without any of them the name itself: wrong, and plain to see why (qmail-inject(8), CONTROL FILES).
    private string Find(string variable, string file)
    {
        string? name = Variables.Get(variable);
        if (string.IsNullOrEmpty(name)) name = control.LineOrMe(file) ?? file;
        return Words.OneLine(name, variable + " or " + control.PathOf(file));
    }
}
