// Every control file there is: what it says, and what holds without it (qmail-control(5)).
namespace Qmta.Admin;

/// <summary>How a control file is read, and therefore shown.</summary>
internal enum ControlKind
{
    /// <summary>The first line.</summary>
    Line,
    /// <summary>The first line; without it that of me.</summary>
    LineOrMe,
    /// <summary>A number.</summary>
    Number,
    /// <summary>Its lines.</summary>
    List,
    /// <summary>Its lines; without the file that of me.</summary>
    ListOrMe,
    /// <summary>The whole of it, as it is.</summary>
    Text,
    /// <summary>Lines of which everything but the first word may be a password.</summary>
    Routes,
    /// <summary>Lines that are secret.</summary>
    Secret,
    /// <summary>A file or directory that other tools show.</summary>
    Other,
}

/// <summary>One control file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How it is read.</param>
/// <param name="Meaning">What its value says, as the beginning of a line.</param>
/// <param name="Otherwise">What holds when there is no such file.</param>
internal sealed record KnownControl(string Name, ControlKind Kind, string Meaning, string Otherwise = "");

internal static class KnownControls
{
    internal static readonly KnownControl[] All =
    [
        new("me", ControlKind.Line, "This host is", "nameless: mail cannot go"),
        new("auth.envrules", ControlKind.List, "Variables by sender, for clients that have logged in", "none"),
        new("badmailfrom", ControlKind.List, "Senders refused", "none"),
        new("badrcptto", ControlKind.List, "Recipients refused", "none"),
        new("bindroutes", ControlKind.List, "Own addresses for destinations", "the system chooses"),
        new("bouncefrom", ControlKind.Line, "Bounces are from the user", "MAILER-DAEMON"),
        new("bouncehost", ControlKind.LineOrMe, "Bounces are from the host"),
        new("bouncelifetime", ControlKind.Number, "Seconds after which a bounce is given up", "queuelifetime"),
        new("bouncemaxbytes", ControlKind.Number, "Most bytes of the message in its bounce", "50000"),
        new("bouncemessage", ControlKind.Text, "Bounces begin with", "this program's own words"),
        new("bouncesubject", ControlKind.Line, "Subject of bounces", "failure notice"),
        new("clientcipherlist", ControlKind.Line, "Ciphers offered to servers", "OpenSSL's"),
        new("clientciphersuite", ControlKind.Line, "Ciphers of TLS 1.3 offered to servers", "OpenSSL's"),
        new("concurrencylocal", ControlKind.Number, "Most local deliveries at a time", "10"),
        new("concurrencyremote", ControlKind.Number, "Most remote deliveries at a time", "20"),
        new("databytes", ControlKind.Number, "Most bytes of a message, 0 for no limit", "0"),
        new("defaultdelivery", ControlKind.Text, "Users without a .qmail have", "./Maildir/"),
        new("defaultdomain", ControlKind.LineOrMe, "Added to host names without a dot"),
        new("defaulthost", ControlKind.LineOrMe, "Added to addresses without a host"),
        new("defaultqueue", ControlKind.Other, "Variables of programs that send mail, see -E", "none"),
        new("domainbindings", ControlKind.List, "Own addresses for senders' domains", "the system chooses"),
        new("domainqueue", ControlKind.List, "Variables by recipients' domains", "none"),
        new("doublebouncehost", ControlKind.LineOrMe, "Double bounces go to the host"),
        new("doublebouncemessage", ControlKind.Text, "Double bounces begin with", "this program's own words"),
        new("doublebouncesubject", ControlKind.Line, "Subject of double bounces", "failure notice"),
        new("doublebounceto", ControlKind.Line, "Double bounces go to the user", "postmaster"),
        new("envnoathost", ControlKind.LineOrMe, "Host of recipients without one"),
        new("from.envrules", ControlKind.List, "Variables by senders", "none"),
        new("helohost", ControlKind.LineOrMe, "Name in the greeting of servers"),
        new("helohostbyip", ControlKind.List, "Names in greetings, by own address", "helohost"),
        new("holdlocal", ControlKind.Number, "Local deliveries are on hold unless 0", "0"),
        new("holdremote", ControlKind.Number, "Remote deliveries are on hold unless 0", "0"),
        new("idhost", ControlKind.LineOrMe, "Host in Message-IDs"),
        new("localiphost", ControlKind.LineOrMe, "Stands for this host's addresses in brackets"),
        new("locals", ControlKind.ListOrMe, "Delivered here is mail for"),
        new("maxdeliveredto", ControlKind.Number, "Most Delivered-To fields, 0 for no limit", "0"),
        new("maxhops", ControlKind.Number, "Most Received fields of a message that comes in", "100"),
        new("maxrecipients", ControlKind.Number, "Most recipients of a message, 0 for no limit", "0"),
        new("morercpthosts.cdb", ControlKind.Other, "Further domains as in rcpthosts", "none"),
        new("moreipme", ControlKind.List, "Addresses that are this host's, too", "none"),
        new("notipme", ControlKind.List, "Addresses that are not this host's", "none"),
        new("notlshosts", ControlKind.List, "Servers with which TLS is not tried", "none"),
        new("outgoingip", ControlKind.Line, "Own address of connections to servers", "the system chooses"),
        new("percenthack", ControlKind.List, "user%host is rewritten for", "none"),
        new("plusdomain", ControlKind.LineOrMe, "Takes the place of a plus sign at the end of host names"),
        new("qmqpservers", ControlKind.List, "Hubs by QMQP", "none"),
        new("qmqptls", ControlKind.Other, "Hubs by QMQP are spoken to with TLS", "without TLS"),
        new("qmtproutes", ControlKind.List, "Routes by QMTP", "none"),
        new("qmtpservers", ControlKind.List, "Hubs by QMTP", "none"),
        new("qmtptls", ControlKind.Other, "Hubs by QMTP are spoken to with TLS", "without TLS"),
        new("queuelifetime", ControlKind.Number, "Seconds after which a message is returned", "604800"),
        new("rcpthosts", ControlKind.List, "Mail comes in by SMTP for", "locals and virtualdomains"),
        new("relayclients", ControlKind.List, "Clients that may send to anywhere", "none"),
        new("remote_auth", ControlKind.Secret, "Accounts at relays", "none"),
        new("remote_auth.cdb", ControlKind.Other, "Accounts at relays, as a database", "none"),
        new("servercipherlist", ControlKind.Line, "Ciphers offered to clients", "OpenSSL's"),
        new("serverciphersuite", ControlKind.Line, "Ciphers of TLS 1.3 offered to clients", "OpenSSL's"),
        new("smtpgreeting", ControlKind.LineOrMe, "Clients are greeted with"),
        new("smtproutes", ControlKind.Routes, "Routes by SMTP", "mail exchangers"),
        new("smtproutes.cdb", ControlKind.Other, "Routes by SMTP, as a database", "none"),
        new("smtpusers", ControlKind.Secret, "Users that may log in by SMTP", "none"),
        new("srs_alwaysrewrite", ControlKind.Number, "All senders are rewritten unless 0", "0"),
        new("srs_domain", ControlKind.Line, "Senders are rewritten to the domain", "they are not"),
        new("srs_hashlength", ControlKind.Number, "Digits in rewritten senders", "4"),
        new("srs_hashmin", ControlKind.Number, "Digits that rewritten senders must have", "4"),
        new("srs_maxage", ControlKind.Number, "Days for which rewritten senders hold", "21"),
        new("srs_secrets", ControlKind.Secret, "Keys of rewritten senders", "none"),
        new("srs_separator", ControlKind.Line, "Separator in rewritten senders", "="),
        new("tarpitcount", ControlKind.Number, "Recipients until a client is slowed down, 0 for never", "0"),
        new("tarpitdelay", ControlKind.Number, "Seconds for each recipient after that", "5"),
        new("timeoutconnect", ControlKind.Number, "Seconds to wait for a connection", "60"),
        new("timeoutlocal", ControlKind.Number, "Seconds for a local delivery", "3600"),
        new("timeoutremote", ControlKind.Number, "Seconds to wait for a server", "1200"),
        new("timeoutsmtpd", ControlKind.Number, "Seconds to wait for a client", "1200"),
        new("tlsadomains", ControlKind.List, "DANE is looked for at", "all domains"),
        new("tlsclientmethod", ControlKind.Line, "Versions of TLS with servers", "SSLv23"),
        new("tlsclients", ControlKind.List, "Clients known by certificates", "none"),
        new("tlsservermethod", ControlKind.Line, "Versions of TLS with clients", "TLSv1_2:TLSv1_3"),
        new("virtualdomains", ControlKind.List, "Virtual domains", "none"),
    ];

    /// <summary>Files for one queue or host each: their names begin so.</summary>
    internal static readonly KnownControl[] Families =
    [
        new("concurrencyl.", ControlKind.Number, "Most local deliveries at a time from this queue"),
        new("concurrencyr.", ControlKind.Number, "Most remote deliveries at a time from this queue"),
        new("outgoingip.", ControlKind.Line, "Own address of connections to this host"),
    ];

    /// <summary>What is known of a file; null for nothing.</summary>
    internal static KnownControl? Find(string name)
    {
        foreach (KnownControl known in All)
            if (known.Name == name) return known;
        foreach (KnownControl known in Families)
            if (name.StartsWith(known.Name, System.StringComparison.Ordinal) && name.Length > known.Name.Length) return known with { Name = name };
        return null;
    }
}
