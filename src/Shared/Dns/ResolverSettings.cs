// /etc/resolv.conf: which name servers to ask, and how patiently (resolv.conf(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>A name server's address and port.</summary>
/// <param name="Zone">The number of the interface on whose link it is, for link-local addresses; else 0.</param>
public readonly record struct NameServer(IpAddress Address, int Port, uint Zone = 0)
{
    public override string ToString() => Port == 53 ? Address.ToString() : $"{Address} port {Port}";
}

/// <summary>What resolv.conf says, within the limits that its manual page states.</summary>
public sealed class ResolverSettings
{
    private const int MostServers = 3, MostSuffixes = 6, LongestTimeout = 30, MostAttempts = 5, MostDots = 15;

    /// <summary>The servers, in the order in which they are asked; at least one.</summary>
    public List<NameServer> Servers { get; init; } = [];

    /// <summary>Domains that are appended to names with few dots.</summary>
    public List<string> Suffixes { get; init; } = [];

    /// <summary>How long the first server is given for its answer, in seconds.</summary>
    public int Timeout { get; init; } = 5;

    /// <summary>How often all servers are asked before giving up.</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>Begins with another server each time.</summary>
    public bool Rotate { get; init; }

    /// <summary>Asks by TCP only (use-vc).</summary>
    public bool AlwaysTcp { get; init; }

    /// <summary>The servers, and the way to them, are trusted to have verified what they say they have (trust-ad).</summary>
    public bool TrustAuthenticated { get; init; }

    /// <summary>A name with fewer dots is tried with the suffixes first.</summary>
    public int Dots { get; init; } = 1;

    /// <summary>
    /// What the file says, changed by the environment as the C library does it: LOCALDOMAIN replaces the suffixes and
    /// RES_OPTIONS adds options. DNSCACHEIP, as in D. J. Bernstein's programs, replaces the servers: addresses with
    /// spaces between them, each as it is or with a port, 127.0.0.1:5353 or [::1]:5353.
    /// </summary>
    /// <param name="text">The text of the file; null stands for a file that does not exist.</param>
    public static ResolverSettings FromEnvironment(string? text)
    {
        string all = text ?? "";
        if (Variables.Get("LOCALDOMAIN") is string domains) all += "\nsearch " + OneLine(domains);
        if (Variables.Get("RES_OPTIONS") is string options) all += "\noptions " + OneLine(options);
        ResolverSettings settings = Parse(all);
        List<NameServer> servers = [];
        foreach (string word in (Variables.Get("DNSCACHEIP") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
            if (servers.Count < MostServers && TryParseServer(word, out NameServer server)) servers.Add(server);
        if (servers.Count > 0)
        {
            settings.Servers.Clear();
            settings.Servers.AddRange(servers);
        }
        return settings;
    }

    private static string OneLine(string value) => value.Replace('\n', ' ');

    private static bool TryParseServer(string word, out NameServer server)
    {
        server = default;
        if (TryParseAddress(word, out server)) return true;
        int colon = word.LastIndexOf(':');
        if (colon < 0 || !int.TryParse(word.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            || port is 0 or > 65535) return false;
        string host = word[..colon];
        if (host.StartsWith('[') && host.EndsWith(']')) host = host[1..^1];
        else if (host.Contains(':')) return false;
        if (!TryParseAddress(host, out server)) return false;
        server = server with { Port = port };
        return true;
    }

    private static bool TryParseAddress(string word, out NameServer server)
    {
        int percent = word.IndexOf('%');
        server = default;
        if (!IpAddress.TryParse(percent < 0 ? word : word[..percent], out IpAddress address)) return false;
        uint zone = 0;
        // the interface after % is a name or a number (RFC 4007 11.2)
        if (percent >= 0 && !uint.TryParse(word.AsSpan(percent + 1), NumberStyles.None, CultureInfo.InvariantCulture, out zone))
            zone = Sockets.Zone(word[(percent + 1)..]);
        server = new NameServer(address, 53, zone);
        return true;
    }

    /// <summary>Reads the text of the file; null stands for a file that does not exist.</summary>
    public static ResolverSettings Parse(string? text)
    {
        List<NameServer> servers = [];
        List<string> suffixes = [];
        int timeout = 5, attempts = 2, dots = 1;
        bool rotate = false, tcp = false, trust = false;
        foreach (string line in (text ?? "").Split('\n'))
        {
            if (line.Length == 0 || line[0] is '#' or ';') continue;
            string[] words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2) continue;
            switch (words[0])
            {
                case "nameserver":
                    if (servers.Count < MostServers && TryParseAddress(words[1], out NameServer server)) servers.Add(server);
                    break;
                case "domain" or "search":
                    suffixes.Clear(); // the last line counts
                    for (int i = 1; i < words.Length && i <= MostSuffixes; i++)
                        suffixes.Add(Latin1.Lower(words[i].TrimEnd('.')));
                    break;
                case "options":
                    for (int i = 1; i < words.Length; i++)
                    {
                        // edns0 goes without saying
                        if (words[i] == "rotate") rotate = true;
                        else if (words[i] is "use-vc" or "usevc") tcp = true;
                        else if (words[i] == "trust-ad") trust = true;
                        else if (Value(words[i], "timeout:") is int t) timeout = Math.Clamp(t, 1, LongestTimeout);
                        else if (Value(words[i], "attempts:") is int a) attempts = Math.Clamp(a, 1, MostAttempts);
                        else if (Value(words[i], "ndots:") is int n) dots = Math.Min(n, MostDots);
                    }
                    break;
            }
        }
        if (servers.Count == 0) servers.Add(new(IpAddress.LoopbackV4, 53));
        suffixes.RemoveAll(static suffix => suffix.Length == 0);
        return new ResolverSettings
        {
            Servers = servers,
            Suffixes = suffixes,
            Timeout = timeout,
            Attempts = attempts,
            Rotate = rotate,
            AlwaysTcp = tcp,
            TrustAuthenticated = trust,
            Dots = dots,
        };
    }

    private static int? Value(string word, string option) => word.StartsWith(option)
        && int.TryParse(word.AsSpan(option.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        ? value : null;
}
