// /etc/hosts: addresses of names that this host knows without asking anybody (hosts(5)).
using System;
using System.Collections.Generic;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>Looks names up in the text of a hosts file.</summary>
public static class HostsFile
{
    /// <summary>
    /// The addresses of a name, IPv4 first. "localhost" has the loopback addresses when the file does not know it (RFC 6761 6.3).
    /// </summary>
    public static List<IpAddress> Find(string? text, string name)
    {
        List<IpAddress> addresses = [];
        foreach (string whole in (text ?? "").Split('\n'))
        {
            int comment = whole.IndexOf('#');
            string[] words = (comment < 0 ? whole : whole[..comment]).Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || !IpAddress.TryParse(words[0], out IpAddress address)) continue;
            for (int i = 1; i < words.Length; i++)
            {
                if (!Latin1.EqualsIgnoreCase(words[i], name)) continue;
                if (!addresses.Contains(address)) addresses.Add(address);
                break;
            }
        }
        if (addresses.Count == 0 && Latin1.EqualsIgnoreCase(name, "localhost")) return [IpAddress.LoopbackV4, IpAddress.LoopbackV6];
        List<IpAddress> ordered = new(addresses.Count);
        foreach (IpAddress address in addresses)
            if (!address.IsV6) ordered.Add(address);
        foreach (IpAddress address in addresses)
            if (address.IsV6) ordered.Add(address);
        return ordered;
    }
}
