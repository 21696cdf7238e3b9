// Which clients may send to anywhere, by their addresses: control/relayclients (qmail-control(5)).
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>
/// Lines "address:suffix", "begin-of-address.:suffix" and "network/bits:suffix". The suffix, nearly always "", is put
/// after every recipient. What follows the last colon is the suffix.
/// </summary>
internal sealed class RelayClients
{
    private readonly List<(string Pattern, IpNetwork? Network, string Suffix)> entries = [];
    private readonly ControlFiles control;

    private RelayClients(ControlFiles control) => this.control = control;

    /// <exception cref="PosixException">The file exists and cannot be read.</exception>
    internal static RelayClients Read(ControlFiles control, string name = "relayclients")
    {
        RelayClients clients = new(control);
        foreach (string line in control.Lines(name) ?? [])
        {
            int colon = line.LastIndexOf(':');
            if (colon < 0) continue;
            string pattern = line[..colon];
            clients.entries.Add((pattern, IpNetwork.TryParse(pattern, out IpNetwork network) ? network : null,
                line[(colon + 1)..]));
        }
        return clients;
    }

    /// <summary>The suffix for a client's recipients, or null when it is not listed. The most exact entry counts.</summary>
    /// <param name="otherFile">The file to use instead (RELAYCLIENTS), or null.</param>
    /// <exception cref="PosixException">The other file exists and cannot be read.</exception>
    internal string? SuffixFor(string clientIp, string? otherFile)
    {
        if (!string.IsNullOrEmpty(otherFile)) return Read(control, otherFile).SuffixFor(clientIp, null);
        if (!IpAddress.TryParse(clientIp, out IpAddress address)) return null;
        string? found = null;
        int best = -1;
        foreach ((string pattern, IpNetwork? network, string suffix) in entries)
        {
            int exactness = network is IpNetwork known ? known.Contains(address) ? known.Bits : -1
                : pattern.Length > 0 && pattern[^1] is '.' or ':' && clientIp.StartsWith(pattern, System.StringComparison.Ordinal)
                    ? 8 * Parts(pattern) : -1;
            if (exactness > best) (best, found) = (exactness, suffix);
        }
        return found;
    }

    // In units of 8 bits.
    private static int Parts(string pattern)
    {
        int count = 0;
        foreach (char c in pattern) count += c switch { '.' => 1, ':' => 2, _ => 0 };
        return count;
    }
}
