// The command line the three servers share, and the ways to be run: for one connection on descriptors 0 and 1, by
// tcpserver, inetd, systemd or a user, or for many.
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Smtp;

namespace Qmta.Reception;

/// <summary>One of the servers.</summary>
/// <param name="Program">Its name, which it has in messages.</param>
/// <param name="Synopsis">Its arguments after the options, for the usage line.</param>
/// <param name="CrowdedText">What a client is told that has too many connections; "" for nothing.</param>
internal sealed record Service(string Program, string Synopsis, string CrowdedText, ServicePreparation Prepare);

/// <summary>Makes a service ready, with the arguments after the options.</summary>
/// <param name="tls">TLS for those of its clients that ask for it.</param>
internal delegate SessionFactory ServicePreparation(string[] arguments, Handshakes tls);

/// <summary>The entry of mini-smtpd, qmail-qmqpd and qmail-qmtpd.</summary>
internal static class ServerCommand
{
    private const int Usage = 100, Temporary = 111, Backlog = 1024;
    private const int FirstInherited = 3; // sd_listen_fds(3)
    private const int DefaultConnections = 400, DefaultPerAddress = 100;

    internal static int Run(string calledAs, string[] arguments)
    {
        Service service = ServiceOf(calledAs);
        try
        {
            return Run(service, arguments);
        }
        catch (System.Exception e) when (e is PosixException or System.FormatException or Tls.TlsException)
        {
            Standard.Error(service.Program + ": fatal: " + e.Message);
            return Temporary;
        }
    }

    private static Service ServiceOf(string calledAs) => calledAs switch
    {
        QmqpSession.Program => QueueingService.Qmqp,
        QmtpSession.Program => QueueingService.Qmtp,
        _ => SmtpService.Service,
    };

    private static int Run(Service service, string[] arguments)
    {
        List<(IpAddress Address, int Port, bool Secure)> addresses = [];
        string? user = null;
        AccessRules? access = null;
        int at = 0;
        for (; at < arguments.Length && arguments[at].StartsWith('-'); at++)
        {
            string option = arguments[at];
            if (option is "--help" or "--version") return About(service, option);
            if (option == "--")
            {
                at++;
                break;
            }
            int equals = option.IndexOf('=');
            string? value = equals >= 0 ? option[(equals + 1)..] : at + 1 < arguments.Length ? arguments[++at] : null;
            string name = equals >= 0 ? option[..equals] : option;
            if (value == null || name is not ("--listen" or "--listen-tls" or "--user" or "--access")) return WrongUsage(service, option);
            if (name == "--user") user = value;
            else if (name == "--access") access = new AccessRules(value);
            else if (!ParseAddress(value, out IpAddress address, out int port))
            {
                Standard.Error(service.Program + ": not an address and a port: " + value);
                return Usage;
            }
            else addresses.Add((address, port, name == "--listen-tls"));
        }
        string[] rest = arguments[at..];
        bool many = addresses.Count > 0 || InheritedSockets().Count > 0;
        // May start this program over: descriptors that it would lose are opened, or closed to programs, afterwards.
        if (many) _ = Signals.BlockInEveryThread(service.Program, Signals.TERM, Signals.INT);
        List<(int Fd, bool Secure)> sockets = InheritedSockets();
        foreach ((int fd, bool _) in sockets) ServerSockets.KeepToThisProcess(fd);
        // Nor does what this program was started with reach those that check passwords and queue mail.
        PosixException.Check(Descriptors.CloseOnExecFrom(3), "unable to close inherited descriptors");
        foreach ((IpAddress address, int port, bool secure) in addresses)
            sockets.Add((PosixException.Check(ServerSockets.Listen(address, port, Backlog),
                "unable to listen at " + address + " port " + port), secure));
        Handshakes tls = new(service.Program, ServerTls.Read(ControlFiles.FromEnvironment()));
        SessionFactory begin = service.Prepare(rest, tls);
        if (!many) return ServeOne(service, begin, string.IsNullOrEmpty(Variables.Get("SMTPS")) ? null : tls, access);
        return ServeMany(service, sockets, begin, tls, user, access);
    }

    private static int ServeOne(Service service, SessionFactory begin, Handshakes? tls, AccessRules? access)
    {
        Peer peer = Peer.FromEnvironment(0);
        if (access != null && IpAddress.TryParse(peer.RemoteIp, out IpAddress client) && !peer.Admit(access, client, service.Program)) return 0;
        Conversation conversation = new(new ClientConnection(0, 1), peer, begin, tls);
        if (conversation.Greet()) _ = conversation.Serve(new ConnectionBuffers(), Hold.ForEver);
        return 0;
    }

    private static int ServeMany(Service service, List<(int Fd, bool Secure)> sockets, SessionFactory begin, Handshakes tls,
        string? user, AccessRules? access)
    {
        int signals = PosixException.Check(Signals.Descriptor(Signals.TERM, Signals.INT), "unable to read signals");
        ListeningSocket[] all = new ListeningSocket[sockets.Count];
        for (int i = 0; i < all.Length; i++)
        {
            bool secure = sockets[i].Secure;
            if (secure && !tls.HasCertificate)
                throw new System.FormatException("there is no certificate for TLS; see qmail-servercert(5)");
            all[i] = new ListeningSocket(sockets[i].Fd, service.Program, begin, secure ? tls : null, access, secure ? "" : service.CrowdedText);
        }
        // While this is root, which alone may be able to read the key.
        if (tls.HasCertificate) _ = tls.Current();
        BecomeQmaild(user);
        long descriptors = Processes.RaiseDescriptorLimit();
        int connections = Limit("MAXDAEMONS", DefaultConnections), perAddress = Limit("MAXPERIP", DefaultPerAddress);
        // Each may have a message under way, which takes more than one.
        if (connections * 4L + 32 > descriptors)
            Standard.Error(service.Program + ": warning: " + descriptors + " open files may not be enough for "
                + connections + " connections");
        foreach (ListeningSocket socket in all)
            if (ServerSockets.LocalOf(socket.Fd, out TcpEnd end))
                Standard.Error(service.Program + ": listening at " + end.Address + " port " + end.Port + (socket.Tls == null ? "" : " with TLS"));
        new Listener(all, new ConnectionLimits(connections, perAddress), signals).Run();
        return 0;
    }

    private static int Limit(string variable, int otherwise)
    {
        string? text = Variables.Get(variable);
        if (string.IsNullOrEmpty(text)) return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0 ? number
            : throw new System.FormatException(variable + " is not a number greater than 0: " + text);
    }

    // The ports below 1024 need root, serving needs nothing of it.
    private static void BecomeQmaild(string? name)
    {
        if (Users.EffectiveUid != 0) return;
        name ??= "qmaild";
        User user = Users.ByName(name) ?? throw new PosixException(Errno.ENOENT, "unable to find the user " + name);
        Users.Become(user.Uid, user.Gid);
    }

    // Sockets that listen and were opened by systemd for this process (sd_listen_fds(3)); LISTEN_FDNAMES says which
    // begin with TLS: those whose name begins with "smtps", "qmqps" or "qmtps".
    private static List<(int Fd, bool Secure)> InheritedSockets()
    {
        List<(int, bool)> sockets = [];
        if (!int.TryParse(Variables.Get("LISTEN_FDS"), out int count) || Variables.Get("LISTEN_PID") != Processes.Id.ToString())
            return sockets;
        string[] names = (Variables.Get("LISTEN_FDNAMES") ?? "").Split(':');
        for (int i = 0; i < count; i++)
        {
            int fd = FirstInherited + i;
            if (!ServerSockets.IsListening(fd)) continue;
            sockets.Add((fd, i < names.Length && names[i].Length >= 5 && names[i][..5] is "smtps" or "qmqps" or "qmtps"));
        }
        return sockets;
    }

    /// <summary>Reads "192.0.2.1:25", "[2001:db8::1]:25", ":25" or "25"; without an address it is ::, every one.</summary>
    internal static bool ParseAddress(string text, out IpAddress address, out int port)
    {
        int colon = text.LastIndexOf(':');
        string host = colon <= 0 ? "::" : text[..colon];
        if (host.Length > 2 && host[0] == '[' && host[^1] == ']') host = host[1..^1];
        if (host == "*") host = "::";
        port = 0;
        return IpAddress.TryParse(host, out address)
            && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 0 and < 65536;
    }

    private static int About(Service service, string option)
    {
        string text = option == "--version" ? service.Program + " (qmta) " + Programs.Version + "\n"
            : UsageOf(service) + "\nWithout --listen: for one client, on descriptors 0 and 1. See " + service.Program + "(8).\n";
        return Standard.Output(text) ? 0 : Temporary;
    }

    private static int WrongUsage(Service service, string option)
    {
        Standard.Error(service.Program + ": unknown or incomplete option: " + option + "\n" + UsageOf(service));
        return Usage;
    }

    private static string UsageOf(Service service) => service.Program + ": usage: " + service.Program
        + " [--listen [ADDRESS:]PORT]... [--listen-tls [ADDRESS:]PORT]... [--user NAME] [--access FILE]" + service.Synopsis;
}
