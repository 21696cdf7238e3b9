// mini-smtpd as a service: its settings, read again when they are old, and the sessions that use them.
using System;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>What all SMTP sessions of this process share.</summary>
internal sealed class SmtpService
{
    private readonly CurrentSettings<SmtpSettings> settings = new(SmtpSettings.Read);

    internal static Service Service { get; } = new("mini-smtpd", " [HOSTNAME CHECKPROGRAM SUBPROGRAM...]",
        "421 too many connections from your address (#4.7.0)\r\n", Prepare);

    private static SessionFactory Prepare(string[] arguments, bool secure)
    {
        SmtpService service = new();
        return (connection, peer) => new SmtpSession(service, connection, peer);
    }

    /// <summary>The control files as they were a second ago at most.</summary>
    /// <exception cref="PosixException">A file cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal SmtpSettings CurrentSettings() => settings.Get();
}
