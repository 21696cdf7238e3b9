// The stub resolver: asks the name servers of /etc/resolv.conf, and tells a real "no" from not knowing.
using System;
using System.Collections.Generic;
using System.Threading;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Dns;

/// <summary>How a question was answered.</summary>
public enum DnsStatus
{
    /// <summary>There are records.</summary>
    Found,
    /// <summary>There is no such name (NXDOMAIN).</summary>
    NoName,
    /// <summary>There is the name, but no record of this type.</summary>
    NoData,
    /// <summary>Nobody knows: time-out, server failure, or answers that make no sense. Trying later may help.</summary>
    Failed,
}

/// <summary>A host that takes mail for a domain.</summary>
/// <param name="Preference">The lower the better.</param>
/// <param name="Host">Its name; "" in a null MX (RFC 7505).</param>
public readonly record struct MailExchanger(int Preference, string Host);

/// <summary>The answer to a question.</summary>
/// <param name="Reason">With <see cref="DnsStatus.Failed"/>, a sentence that says why.</param>
public sealed record DnsAnswer(DnsStatus Status, string Reason)
{
    public IReadOnlyList<IpAddress> Addresses { get; init; } = [];
    public IReadOnlyList<MailExchanger> Exchangers { get; init; } = [];

    internal static DnsAnswer NoName { get; } = new(DnsStatus.NoName, "");
    internal static DnsAnswer NoData { get; } = new(DnsStatus.NoData, "");
    internal static DnsAnswer Failed(string reason) => new(DnsStatus.Failed, reason);
}

/// <summary>Answers questions, from memory while an answer lives. Any thread may ask.</summary>
public sealed class Resolver
{
    private const string SettingsFile = "/etc/resolv.conf";
    private const int LongestFile = 1 << 20;
    private const int MostRemembered = 1000;
    private const int LongestSeconds = 3600, LongestNegativeSeconds = 300;

    // Aliases of aliases: longer chains are mistakes, and circles have no end.
    private const int LongestChain = 10;

    private readonly Lock guard = new();
    private readonly Dictionary<(string Name, DnsType Type), (DnsAnswer Answer, long Until)> remembered = [];
    private readonly HostsFile hosts = new("/etc/hosts");
    private readonly ResolverSettings? fixedSettings;
    private ResolverSettings? settings;
    private FileVersion settingsVersion;
    private long settingsChecked;
    private int rotation;

    /// <param name="settings">What to use in place of /etc/resolv.conf, which is read again when it changes.</param>
    public Resolver(ResolverSettings? settings = null) => fixedSettings = settings;

    /// <summary>The mail exchangers of a domain, in no particular order.</summary>
    /// <param name="end">When to give up (<see cref="Sockets.In"/>).</param>
    public DnsAnswer MailExchangers(string domain, long end) => Ask(domain, DnsType.Mx, end);

    /// <summary>
    /// The addresses of a name in the DNS, IPv4 first. The answer may be Found and lack those of one kind that could
    /// not be had.
    /// </summary>
    /// <param name="end">When to give up.</param>
    public DnsAnswer Addresses(string name, long end)
    {
        DnsAnswer v4 = Ask(name, DnsType.A, end);
        if (v4.Status == DnsStatus.NoName) return v4;
        DnsAnswer v6 = Ask(name, DnsType.Aaaa, end);
        if (v4.Addresses.Count == 0 || v6.Addresses.Count == 0)
            return v4.Addresses.Count > 0 ? v4 : v6.Addresses.Count > 0 ? v6 : v4.Status == DnsStatus.Failed ? v4 : v6;
        return new DnsAnswer(DnsStatus.Found, "") { Addresses = [.. v4.Addresses, .. v6.Addresses] };
    }

    /// <summary>
    /// The addresses of a host as the system's own look-up finds them: /etc/hosts, then the DNS, where a name without
    /// a dot is tried with the suffixes of resolv.conf first.
    /// </summary>
    /// <param name="end">When to give up.</param>
    public DnsAnswer HostAddresses(string name, long end)
    {
        IReadOnlyList<IpAddress> local = hosts.Find(name);
        if (local.Count > 0) return new DnsAnswer(DnsStatus.Found, "") { Addresses = local };
        DnsAnswer? failed = null;
        if (!name.Contains('.'))
        {
            foreach (string suffix in Settings().Suffixes)
            {
                DnsAnswer answer = Addresses(name + "." + suffix, end);
                if (answer.Status == DnsStatus.Found) return answer;
                if (answer.Status == DnsStatus.Failed) failed ??= answer;
            }
        }
        DnsAnswer plain = Addresses(name, end);
        return plain.Status == DnsStatus.Found ? plain : failed ?? plain;
    }

    private DnsAnswer Ask(string name, DnsType type, long end)
    {
        string key = Latin1.Lower(name.TrimEnd('.'));
        Span<byte> encoded = stackalloc byte[DnsName.LongestEncoded + 1];
        // A name that cannot be asked for, or is the root, is no host's.
        if (key.Length == 0 || DnsName.Encode(key, encoded) == 0 || key.Contains('\0')) return DnsAnswer.NoName;
        lock (guard)
        {
            if (remembered.TryGetValue((key, type), out (DnsAnswer Answer, long Until) known)
                && known.Until > Clocks.BoottimeMilliseconds)
                return known.Answer;
        }
        DnsAnswer found = FollowAliases(key, type, end, out long seconds);
        if (seconds > 0) Remember((key, type), found, seconds);
        return found;
    }

    private DnsAnswer FollowAliases(string name, DnsType type, long end, out long seconds)
    {
        seconds = long.MaxValue;
        string current = name;
        for (int links = 0; links <= LongestChain;)
        {
            DnsMessage? message = AskServers(current, type, end, out string reason);
            if (message == null)
            {
                seconds = 0;
                return DnsAnswer.Failed(reason);
            }
            int before = links;
            while (links <= LongestChain && Alias(message, current) is DnsRecord alias)
            {
                current = alias.Host;
                seconds = Math.Min(seconds, alias.Seconds);
                links++;
            }
            if (links > LongestChain) break;
            DnsAnswer answer = Collect(message, current, type, ref seconds);
            if (answer.Status == DnsStatus.Found) return answer;
            // An alias whose target the response does not tell about has to be asked about itself.
            bool targetUntold = links > before && message.Code == DnsCode.Success && message.NegativeSeconds == null;
            if (targetUntold) continue;
            seconds = Math.Min(Math.Min(seconds, message.NegativeSeconds ?? 0), LongestNegativeSeconds);
            return message.Code == DnsCode.NoName ? DnsAnswer.NoName : DnsAnswer.NoData;
        }
        seconds = 0;
        return DnsAnswer.Failed(
            $"CNAME lookup failed temporarily: {name} is an alias of an alias, more than {LongestChain} times.");
    }

    private static DnsRecord? Alias(DnsMessage message, string name)
    {
        foreach (DnsRecord record in message.Answers)
            if (record.Type == DnsType.CName && record.Owner == name) return record;
        return null;
    }

    private static DnsAnswer Collect(DnsMessage message, string name, DnsType type, ref long seconds)
    {
        List<IpAddress> addresses = [];
        List<MailExchanger> exchangers = [];
        foreach (DnsRecord record in message.Answers)
        {
            if (record.Type != type || record.Owner != name) continue;
            seconds = Math.Min(seconds, record.Seconds);
            if (type == DnsType.Mx) exchangers.Add(new MailExchanger(record.Preference, record.Host));
            else if (!addresses.Contains(record.Address)) addresses.Add(record.Address);
        }
        if (addresses.Count == 0 && exchangers.Count == 0) return DnsAnswer.NoData;
        return new DnsAnswer(DnsStatus.Found, "") { Addresses = addresses, Exchangers = exchangers };
    }

    // A response that settles the question, or null when no server has one.
    private DnsMessage? AskServers(string name, DnsType type, long end, out string reason)
    {
        ResolverSettings current = Settings();
        int servers = current.Servers.Count;
        int first = current.Rotate ? (int)((uint)Interlocked.Increment(ref rotation) % (uint)servers) : 0;
        reason = "the delivery took too long";
        long timeout = current.Timeout * 1000L;
        for (int attempt = 0; attempt < current.Attempts; attempt++)
        {
            for (int i = 0; i < servers && Clocks.BoottimeMilliseconds < end; i++)
            {
                NameServer server = current.Servers[(first + i) % servers];
                long limit = Math.Min(end, Sockets.In(timeout));
                DnsMessage? message = DnsExchange.Ask(server, name, type, true, limit, out string why);
                // RFC 6891 7: it may be too old for EDNS0
                if (message is { Code: DnsCode.FormatError or DnsCode.NotImplemented })
                    message = DnsExchange.Ask(server, name, type, false, limit, out why);
                if (message != null && Problem(message) is string problem) (message, why) = (null, problem);
                if (message != null) return message;
                reason = $"name server {server}: {why}";
            }
            // resolv.conf(5): servers get the more time the more often they are asked
            timeout = attempt == 0 ? Math.Max(1000, timeout * 2 / servers) : timeout * 2;
        }
        reason = $"The DNS look-up of {type.ToString().ToUpperInvariant()} {name} failed: {reason}.";
        return null;
    }

    // Why a response settles nothing, or null when it does.
    private static string? Problem(DnsMessage message) => message.Code switch
    {
        DnsCode.NoName => null,
        // Neither an answer nor a server that looks for one: it points elsewhere (a lame delegation).
        DnsCode.Success => message.Answers.Count > 0 || message.Authoritative || message.RecursionAvailable
            || message.NegativeSeconds != null ? null : "it knows nothing and looks nowhere",
        DnsCode.ServerFailure => "it reports a failure (SERVFAIL)",
        DnsCode.Refused => "it refuses to answer (REFUSED)",
        _ => $"it answers with error {(int)message.Code}",
    };

    private void Remember((string Name, DnsType Type) key, DnsAnswer answer, long seconds)
    {
        long now = Clocks.BoottimeMilliseconds;
        lock (guard)
        {
            if (remembered.Count >= MostRemembered)
            {
                List<(string, DnsType)> stale = [];
                foreach (var entry in remembered)
                    if (entry.Value.Until <= now) stale.Add(entry.Key);
                foreach ((string, DnsType) old in stale) remembered.Remove(old);
                if (remembered.Count >= MostRemembered) remembered.Clear();
            }
            remembered[key] = (answer, now + Math.Min(seconds, LongestSeconds) * 1000);
        }
    }

    private ResolverSettings Settings()
    {
        if (fixedSettings != null) return fixedSettings;
        lock (guard)
        {
            long now = Clocks.BoottimeMilliseconds;
            if (settings != null && now - settingsChecked < 1000) return settings;
            settingsChecked = now;
            FileVersion version = FileVersion.Of(SettingsFile);
            if (settings != null && version == settingsVersion) return settings;
            settings = ResolverSettings.Parse(ReadText(SettingsFile));
            settingsVersion = version;
            remembered.Clear(); // another network may have other answers
            return settings;
        }
    }

    private static string? ReadText(string path)
    {
        byte[]? bytes = Files.ReadWhole(path, LongestFile, out _);
        return bytes == null ? null : Latin1.String(bytes);
    }
}
