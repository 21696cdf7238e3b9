// Who may connect, and with which variables: the rules of tcpserver(1), as tcprules(1) reads them or has compiled them.
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>What the rules say of a client.</summary>
/// <param name="Variables">For the environment of its connection, in the rule's order.</param>
/// <param name="Rule">The address of the rule that decided, as the file has it or the database finds it; null when none did.</param>
public sealed record AccessDecision(bool Allowed, IReadOnlyList<(string Name, string Value)> Variables, string? Rule);

/// <summary>
/// A file of rules (qmail-access(5)), text, or a constant database when its name ends in ".cdb". It is read again when it
/// has changed. When that fails the rules read before stay in force; without any nobody may connect. Any thread may ask.
/// </summary>
public sealed class AccessRules
{
    private readonly string path;
    private readonly Lock guard = new();
    private FileVersion? seen;
    private IAccessTable? table;
    private string? complained;

    public AccessRules(string path) => this.path = path;

    /// <summary>What holds for a client. Without a rule for it, it may connect, as with tcpserver.</summary>
    /// <param name="client">Its address; one of IPv4 that is mapped into IPv6 counts as of IPv4.</param>
    /// <param name="host">Its name (TCPREMOTEHOST); null when it has none or it is not known.</param>
    /// <param name="info">What it says of itself (TCPREMOTEINFO); null when it says nothing.</param>
    /// <param name="complaint">What is wrong with the file, to be logged, when that is news; else null.</param>
    public AccessDecision Decide(IpAddress client, string? host, string? info, out string? complaint)
    {
        complaint = null;
        AccessDecision? decision = null;
        string? flaw = null;
        lock (guard)
        {
            try
            {
                FileVersion now = FileVersion.Of(path);
                if (seen != now)
                {
                    IAccessTable read = Read();
                    (table as IDisposable)?.Dispose();
                    table = read;
                    seen = now;
                }
            }
            catch (Exception e) when (e is PosixException or FormatException)
            {
                flaw = e.Message + (table == null ? "; nobody may connect" : "; the old rules stay in force");
            }
            try
            {
                decision = table?.Find(client.Unmapped, host == null ? null : Latin1.Lower(host), info);
                if (table != null) decision ??= new AccessDecision(true, [], null);
            }
            catch (Exception e) when (e is PosixException or FormatException)
            {
                flaw ??= e.Message + "; nobody may connect";
            }
            if (flaw != complained) complaint = complained = flaw;
        }
        return decision ?? new AccessDecision(false, [], null);
    }

    private IAccessTable Read()
    {
        if (path.EndsWith(".cdb", StringComparison.Ordinal))
            return new AccessDatabase(CdbReader.Open(path) ?? throw new PosixException(Errno.ENOENT, "unable to open " + path));
        return new AccessText(path, ControlFiles.NumberedLinesOf(path)
            ?? throw new PosixException(Errno.ENOENT, "unable to open " + path));
    }
}

/// <summary>Rules from one kind of file.</summary>
internal interface IAccessTable
{
    /// <summary>The first of these that there is a rule for, in this order, which is that of tcpserver; else null.</summary>
    AccessDecision? Find(IpAddress client, string? host, string? info);
}
