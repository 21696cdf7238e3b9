// Variables that depend on who sends a message to whom, the queue it goes to among them: from.envrules and domainqueue.
using System;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>The rules for senders and for recipients' domains (mail-environment(7)).</summary>
internal sealed class EnvelopeRules
{
    private readonly EnvironmentRules senders;
    private readonly EnvironmentRules domains;

    private EnvelopeRules(EnvironmentRules senders, EnvironmentRules domains)
    {
        this.senders = senders;
        this.domains = domains;
    }

    /// <summary>Whether nothing depends on the envelope.</summary>
    internal bool IsEmpty => senders.IsEmpty && domains.IsEmpty;

    /// <exception cref="PosixException">A file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A line is no rule.</exception>
    internal static EnvelopeRules Read(ControlFiles control) =>
        new(EnvironmentRules.Read(control, "from.envrules", "FROMRULES"), EnvironmentRules.OfDomains(control));

    /// <summary>Sets the variables for an envelope.</summary>
    /// <param name="sender">Its sender.</param>
    /// <param name="recipients">Hands over its recipients.</param>
    /// <exception cref="FormatException">A pattern is no regular expression.</exception>
    internal void Apply(string sender, Action<Action<string>> recipients)
    {
        senders.Apply(sender);
        if (!domains.IsEmpty) recipients(recipient => domains.Apply(recipient[(recipient.LastIndexOf('@') + 1)..]));
    }
}
