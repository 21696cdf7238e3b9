// mini-smtpd as a service: its settings, read again when they are old, and the sessions that use them.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Reception;

/// <summary>What all SMTP sessions of this process share.</summary>
internal sealed class SmtpService
{
    private readonly CurrentSettings<SmtpSettings> settings = new(SmtpSettings.Read);

    private readonly ControlFiles control = ControlFiles.FromEnvironment();
    private readonly ServerTls tls;

    private SmtpService(ServerTls tls) => this.tls = tls;

    internal static Service Service { get; } = new("mini-smtpd", " [HOSTNAME CHECKPROGRAM SUBPROGRAM...]",
        "421 too many connections from your address (#4.7.0)\r\n", Prepare);

    private static SessionFactory Prepare(string[] arguments, ServerTls tls)
    {
        SmtpService service = new(tls);
        return (connection, peer) => new SmtpSession(service, connection, peer);
    }

    /// <summary>Whether there is a certificate, so that TLS can be offered.</summary>
    internal bool HasCertificate => tls.HasCertificate;

    /// <summary>Does the TLS handshake; null, or why it failed.</summary>
    internal string? Secure(ClientConnection connection) => tls.Secure(connection);

    /// <summary>Whether TLS can begin now.</summary>
    internal bool CanSecure => tls.Current() != null;

    /// <summary>Whether one of the addresses that a client certificate proves may send to anywhere (tlsclients).</summary>
    internal bool MayRelay(IReadOnlyList<string> proven)
    {
        if (proven.Count == 0) return false;
        List<string>? allowed = control.Lines("tlsclients");
        foreach (string address in proven)
            foreach (string client in allowed ?? [])
                if (Latin1.EqualsIgnoreCase(address, client)) return true;
        return false;
    }

    /// <summary>The control files as they were a second ago at most.</summary>
    /// <exception cref="PosixException">A file cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal SmtpSettings CurrentSettings() => settings.Get();
}
