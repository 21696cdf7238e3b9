// mini-smtpd as a service: what its sessions share.
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Reception;

/// <summary>What all SMTP sessions of this process share.</summary>
internal sealed class SmtpService
{
    private readonly CurrentSettings<SmtpSettings> settings;
    private readonly PasswordSource? program, file;
    private readonly string passwordFile;

    internal SmtpService(CurrentSettings<SmtpSettings> settings, string[] arguments, Handshakes tls)
    {
        this.settings = settings;
        Tls = tls;
        // HOSTNAME CHECKPROGRAM SUBPROGRAM...: the program runs the next, as checkpassword programs do.
        if (arguments.Length > 0) ChallengeHost = arguments[0];
        if (arguments.Length > 1)
            program = new CheckProgram(arguments[1..], !string.IsNullOrEmpty(Variables.Get("ENABLE_CRAM")));
        passwordFile = ControlFiles.FromEnvironment().PathOf("smtpusers");
        file = new PasswordFile(passwordFile);
        Offers = SaslOffers.Read(Variables.Get);
    }

    internal static Service Service { get; } = new("mini-smtpd", " [HOSTNAME CHECKPROGRAM [SUBPROGRAM...]]",
        "421 too many connections from your address (#4.7.0)\r\n", Prepare);

    private static SessionFactory Prepare(string[] arguments, Handshakes tls)
    {
        SmtpService service = new(new CurrentSettings<SmtpSettings>(SmtpSettings.Read), arguments, tls);
        return (connection, peer) => new SmtpSession(service, connection, peer);
    }

    internal Handshakes Tls { get; }

    /// <summary>Which mechanisms of AUTH may be offered.</summary>
    internal SaslOffers Offers { get; }

    /// <summary>The name in challenges; null for this host's.</summary>
    internal string? ChallengeHost { get; }

    /// <summary>Who checks logins: the program of the command line, else the file smtpusers; null without either.</summary>
    internal PasswordSource? Passwords => program ?? (CertificateFiles.Exists(passwordFile) ? file : null);

    /// <summary>The control files as they were a second ago at most.</summary>
    /// <exception cref="PosixException">A file cannot be read.</exception>
    /// <exception cref="FormatException">A file makes no sense.</exception>
    internal SmtpSettings CurrentSettings() => settings.Get();
}
