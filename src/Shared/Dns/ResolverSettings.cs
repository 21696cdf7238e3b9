// /etc/resolv.conf: which name servers to ask, and how patiently (resolv.conf(5)).
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>A name server's address and port.</summary>
public readonly record struct NameServer(IpAddress Address, int Port)
{
    public override string ToString() => Port == 53 ? Address.ToString() : $"{Address} port {Port}";
}

/// <summary>What resolv.conf says, within the limits that its manual page states.</summary>
public sealed class ResolverSettings
{
    private const int MostServers = 3, MostSuffixes = 6, LongestTimeout = 30, MostAttempts = 5;

    /// <summary>The servers, in the order in which they are asked; at least one.</summary>
    public List<NameServer> Servers { get; init; } = [];

    /// <summary>Domains that are appended to names without a dot.</summary>
    public List<string> Suffixes { get; private set; } = [];

    /// <summary>How long the first server is given for its answer, in seconds.</summary>
    public int Timeout { get; init; } = 5;

    /// <summary>How often all servers are asked before giving up.</summary>
    public int Attempts { get; init; } = 2;

    /// <summary>Begins with another server each time.</summary>
    public bool Rotate { get; init; }

    /// <summary>Reads the text of the file; null stands for a file that does not exist.</summary>
    public static ResolverSettings Parse(string? text)
    {
        List<NameServer> servers = [];
        List<string> suffixes = [];
        int timeout = 5, attempts = 2;
        bool rotate = false;
        foreach (string line in (text ?? "").Split('\n'))
        {
            if (line.Length == 0 || line[0] is '#' or ';') continue;
            string[] words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2) continue;
            switch (words[0])
            {
                case "nameserver":
                    int zone = words[1].IndexOf('%');
                    string address = zone < 0 ? words[1] : words[1][..zone];
                    if (servers.Count < MostServers && IpAddress.TryParse(address, out IpAddress server))
                        servers.Add(new(server, 53));
                    break;
                case "domain" or "search":
                    suffixes.Clear(); // the last line counts
                    for (int i = 1; i < words.Length && i <= MostSuffixes; i++)
                        suffixes.Add(Latin1.Lower(words[i].TrimEnd('.')));
                    break;
                case "options":
                    for (int i = 1; i < words.Length; i++)
                    {
                        if (words[i] == "rotate") rotate = true;
                        else if (Value(words[i], "timeout:") is int t) timeout = Math.Clamp(t, 1, LongestTimeout);
                        else if (Value(words[i], "attempts:") is int a) attempts = Math.Clamp(a, 1, MostAttempts);
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
        };
    }

    private static int? Value(string word, string option) => word.StartsWith(option)
        && int.TryParse(word.AsSpan(option.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        ? value : null;
}
