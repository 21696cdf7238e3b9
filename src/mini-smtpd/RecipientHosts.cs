// Which domains' mail is accepted from anybody: rcpthosts and morercpthosts.cdb, or else the local domains.
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>
/// The domains this host receives mail for. With rcpthosts: those it lists, and those in morercpthosts.cdb. Without:
/// the local ones, which are those in locals (control/me when there is no such file) and in virtualdomains; never
/// everything.
/// </summary>
internal sealed class RecipientHosts
{
    // Domains, wildcards that begin with a dot, and single addresses of virtualdomains, in lower case.
    private readonly HashSet<string> hosts = [];
    private readonly string? moreHosts;

    private RecipientHosts(string? moreHosts) => this.moreHosts = moreHosts;

    /// <exception cref="PosixException">A control file cannot be read.</exception>
    internal static RecipientHosts Read(ControlFiles control)
    {
        List<string>? listed = control.Lines("rcpthosts");
        RecipientHosts result = new(listed == null ? null : control.PathOf("morercpthosts.cdb"));
        if (listed == null && control.Me is string me) listed = control.Lines("locals") ?? [me];
        foreach (string host in listed ?? []) result.hosts.Add(Latin1.Lower(host));
        if (result.moreHosts != null) return result;
        foreach (string line in control.Lines("virtualdomains") ?? [])
        {
            // The empty key is about all other domains, which are nobody's here; an empty value makes an exception.
            int colon = line.IndexOf(':');
            if (colon > 0 && colon < line.Length - 1) result.hosts.Add(Latin1.Lower(line[..colon]));
        }
        return result;
    }

    /// <summary>Whether anybody may send to the address. One without a domain is a local user's.</summary>
    /// <exception cref="PosixException">morercpthosts.cdb exists and cannot be read.</exception>
    internal bool Accepts(string address)
    {
        int at = address.LastIndexOf('@');
        if (at < 0) return true;
        string host = Latin1.Lower(address[(at + 1)..]);
        if (hosts.Contains(Latin1.Lower(address))) return true;
        for (string? name = host; name != null; name = Wildcard(name))
            if (hosts.Contains(name)) return true;
        if (moreHosts == null) return false;
        using CdbReader? more = CdbReader.Open(moreHosts);
        if (more == null) return false;
        for (string? name = host; name != null; name = Wildcard(name))
            if (more.Find(name) != null) return true;
        return false;
    }

    // "a.b.example", then ".b.example", then ".example"
    private static string? Wildcard(string name)
    {
        int dot = name.Length == 0 ? -1 : name.IndexOf('.', name[0] == '.' ? 1 : 0);
        return dot < 0 ? null : name[dot..];
    }
}
