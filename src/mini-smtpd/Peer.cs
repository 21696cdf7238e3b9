// Who is at the other end, and the variables that hold for this connection alone (tcp-environ(5)).
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Reception;

/// <summary>
/// The client: from the variables a super-server such as tcpserver set, from the connection itself, or a local user
/// who started the program.
/// </summary>
internal sealed class Peer
{
    private const string Unknown = "unknown";

    // Over the process's environment; null says that the variable is not set.
    private readonly Dictionary<string, string?> variables = [];

    // Over those, while a message with this sender and these recipients is received (from.envrules).
    private readonly Dictionary<string, string?> ofMessage = [];

    private Peer() { }

    /// <summary>Whether a user of this host started the program: there is no connection.</summary>
    internal bool IsLocalUser { get; private init; }

    /// <summary>The client's address as text; "unknown" when nothing tells, or for a local user.</summary>
    internal string RemoteIp => Variable("TCPREMOTEIP") ?? Unknown;

    /// <summary>The client's name by the DNS; "unknown" when nobody looked or there is none.</summary>
    internal string RemoteHost => Variable("TCPREMOTEHOST") ?? Unknown;

    /// <summary>What the client's host, or authentication, says of the user; null for nothing.</summary>
    internal string? RemoteInfo => Variable("TCPREMOTEINFO");

    /// <summary>This end's address as text; null when nothing tells.</summary>
    internal string? LocalIp => Variable("TCPLOCALIP");

    /// <summary>
    /// The suffix for every recipient of a client that may send to anywhere, nearly always ""; null for others.
    /// </summary>
    internal string? RelayClient => Variable("RELAYCLIENT");

    /// <summary>A variable as it holds for this connection; null when it is not set.</summary>
    internal string? Variable(string name) => ofMessage.TryGetValue(name, out string? value)
        || variables.TryGetValue(name, out value) ? value : Variables.Get(name);

    /// <summary>Sets variables for the message that is being received, over those of the connection.</summary>
    internal void SetForMessage(List<(string Name, string? Value)> settings)
    {
        foreach ((string name, string? value) in settings) ofMessage[name] = value;
    }

    /// <summary>The message is over.</summary>
    internal void EndMessage() => ofMessage.Clear();

    /// <summary>Sets a variable for this connection and the programs started for it; null removes it.</summary>
    internal void Set(string name, string? value) => variables[name] = value;

    /// <summary>
    /// Starts the queue program for a message of this client: one that serves others as well, when it is qmail-queue
    /// and nothing it heeds was set for this connection.
    /// </summary>
    /// <param name="result">Why it could not be started, when the return value is null.</param>
    internal QueueProgram? StartQueueProgram(out QueueResult result)
    {
        string? program = Variable("QMAILQUEUE");
        bool alone = !string.IsNullOrEmpty(program) && program != QueueProgram.Usual;
        foreach (string name in QueueWriters.Heeded) alone |= variables.ContainsKey(name) || ofMessage.ContainsKey(name);
        return QueueWriters.Shared.Start(out result, program, alone ? Environment() : null);
    }

    /// <summary>The environment of programs started for this connection; null when it is the process's own.</summary>
    internal List<string>? Environment()
    {
        if (variables.Count + ofMessage.Count == 0) return null;
        Dictionary<string, string?> own = new(variables);
        foreach ((string name, string? value) in ofMessage) own[name] = value;
        List<string> all = Variables.All();
        all.RemoveAll(entry => own.ContainsKey(entry[..Math.Max(0, entry.IndexOf('='))]));
        foreach ((string name, string? value) in own)
            if (value != null) all.Add(name + "=" + value);
        return all;
    }

    /// <summary>The client of a connection this process was started with on descriptor 0.</summary>
    internal static Peer FromEnvironment(int fd)
    {
        if (Variables.Get("TCPREMOTEIP") != null) return new Peer();
        // inetd and systemd set no such variables; the connection itself knows.
        return ServerSockets.PeerOf(fd, out TcpEnd remote) ? OfConnection(fd, remote) : new Peer { IsLocalUser = true };
    }

    /// <summary>
    /// Whether the client may connect at all; sets the variables that the rules have for it. Names are not looked up:
    /// rules for them apply only when a super-server did.
    /// </summary>
    /// <param name="program">The server's name, for the log.</param>
    internal bool Admit(AccessRules rules, IpAddress client, string program)
    {
        AccessDecision decision = rules.Decide(client, Variable("TCPREMOTEHOST"), RemoteInfo, out string? complaint);
        if (complaint != null) Standard.Error(program + ": " + complaint);
        if (!decision.Allowed)
            Standard.Error(program + ": " + client + " may not connect" + (decision.Rule == null ? "" : ": rule " + decision.Rule));
        foreach ((string name, string value) in decision.Variables) Set(name, value);
        return decision.Allowed;
    }

    /// <summary>The client of a connection this process accepted.</summary>
    internal static Peer OfConnection(int fd, TcpEnd remote)
    {
        Peer peer = new();
        // What this process was itself started with is about somebody else.
        foreach (string name in (ReadOnlySpan<string>)["TCPREMOTEHOST", "TCPREMOTEINFO", "TCPLOCALHOST"])
            peer.Set(name, null);
        peer.Set("PROTO", remote.Address.IsV6 ? "TCP6" : "TCP");
        peer.Set("TCPREMOTEIP", remote.Address.ToString());
        peer.Set("TCPREMOTEPORT", remote.Port.ToString());
        if (!ServerSockets.LocalOf(fd, out TcpEnd local)) return peer;
        peer.Set("TCPLOCALIP", local.Address.ToString());
        peer.Set("TCPLOCALPORT", local.Port.ToString());
        return peer;
    }
}
