// The control files of mini-smtpd, read together and then unchanging (qmail-control(5)).
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>What holds for all connections until the files are read again.</summary>
internal sealed class SmtpSettings
{
    private const int DefaultTimeoutSeconds = 1200, DefaultTarpitSeconds = 5, DefaultHops = 100;
    private const int LongestTimeoutSeconds = 2_000_000; // of milliseconds an int holds that many

    /// <summary>This host's name, first word of the greeting.</summary>
    internal required string Host { get; init; }

    /// <summary>The lines of smtpgreeting, or control/me.</summary>
    internal required IReadOnlyList<string> Greeting { get; init; }

    internal required RecipientHosts Recipients { get; init; }
    internal required LocalAddresses LocalAddresses { get; init; }
    internal required RelayClients RelayClients { get; init; }
    internal required SenderAndRecipientLists Lists { get; init; }

    /// <summary>Variables for mail from a sender (from.envrules).</summary>
    internal required EnvironmentRules SenderRules { get; init; }

    /// <summary>Variables for mail from a sender who may send to anywhere (auth.envrules).</summary>
    internal required EnvironmentRules AuthorisedRules { get; init; }

    /// <summary>Variables for mail to a domain (domainqueue).</summary>
    internal required EnvironmentRules DomainRules { get; init; }

    /// <summary>Most bytes of a message as stored; 0 for no limit.</summary>
    internal long DataBytes { get; private init; }

    internal int Hops { get; private init; }
    internal int TimeoutMilliseconds { get; private init; }

    /// <summary>Most recipients of a message; 0 for what memory is meant for.</summary>
    internal long MostRecipients { get; private init; }

    internal long TarpitCount { get; private init; }
    internal long TarpitSeconds { get; private init; }

    /// <exception cref="PosixException">A file cannot be read, or there is neither smtpgreeting nor me.</exception>
    /// <exception cref="System.FormatException">A file makes no sense.</exception>
    internal static SmtpSettings Read(ControlFiles control)
    {
        List<string> greeting = control.Lines("smtpgreeting") is { Count: > 0 } lines ? lines
            : [control.Me ?? throw new PosixException(Errno.ENOENT, "unable to read " + control.PathOf("me"))];
        int space = greeting[0].IndexOf(' ');
        return new SmtpSettings
        {
            Host = space < 0 ? greeting[0] : greeting[0][..space],
            Greeting = greeting,
            Recipients = RecipientHosts.Read(control),
            LocalAddresses = LocalAddresses.Read(control),
            RelayClients = RelayClients.Read(control),
            Lists = new SenderAndRecipientLists(control),
            SenderRules = EnvironmentRules.Read(control, "from.envrules", "FROMRULES"),
            AuthorisedRules = EnvironmentRules.Read(control, "auth.envrules", "AUTHRULES"),
            DomainRules = EnvironmentRules.OfDomains(control),
            DataBytes = control.Number("databytes", 0),
            Hops = (int)System.Math.Clamp(control.Number("maxhops", DefaultHops), 1, int.MaxValue),
            TimeoutMilliseconds = 1000 * (int)System.Math.Clamp(control.Number("timeoutsmtpd", DefaultTimeoutSeconds), 1,
                LongestTimeoutSeconds),
            MostRecipients = control.Number("maxrecipients", 0),
            TarpitCount = control.Number("tarpitcount", 0),
            TarpitSeconds = control.Number("tarpitdelay", DefaultTarpitSeconds),
        };
    }
}
