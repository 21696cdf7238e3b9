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

/// <summary>What a server's certificate must be (RFC 6698 2.1).</summary>
/// <param name="Usage">0 to 3; for mail only 2 (a trust anchor) and 3 (the server's own) count (RFC 7672 3.1).</param>
/// <param name="Selector">0 for the whole certificate, 1 for its public key.</param>
/// <param name="Matching">0 for the bytes themselves, 1 for their SHA-256, 2 for their SHA-512.</param>
/// <param name="Data">What has to match.</param>
public sealed record TlsaRecord(int Usage, int Selector, int Matching, byte[] Data);

/// <summary>The answer to a question.</summary>
/// <param name="Reason">With <see cref="DnsStatus.Failed"/>, a sentence that says why.</param>
public sealed record DnsAnswer(DnsStatus Status, string Reason)
{
    public IReadOnlyList<IpAddress> Addresses { get; init; } = [];
    public IReadOnlyList<MailExchanger> Exchangers { get; init; } = [];

    /// <summary>The names of PTR records.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The texts of TXT records, each with its strings joined, one char a byte.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];

    public IReadOnlyList<TlsaRecord> TlsaRecords { get; init; } = [];

    /// <summary>
    /// Whether the name server has verified the signatures from the root down, and resolv.conf says that it is to be
    /// believed (trust-ad). It is said of a "no", too; of addresses it is said when both kinds are.
    /// </summary>
    public bool Authenticated { get; init; }

    // What it costs to remember, in bytes, roughly.
    internal int Weight
    {
        get
        {
            int weight = 200 + 2 * Reason.Length + 32 * Addresses.Count;
            foreach (MailExchanger exchanger in Exchangers) weight += 64 + 2 * exchanger.Host.Length;
            foreach (string name in Names) weight += 40 + 2 * name.Length;
            foreach (string text in Texts) weight += 40 + 2 * text.Length;
            foreach (TlsaRecord record in TlsaRecords) weight += 80 + record.Data.Length;
            return weight;
        }
    }

    internal static DnsAnswer NoName { get; } = new(DnsStatus.NoName, "");
    internal static DnsAnswer NoData { get; } = new(DnsStatus.NoData, "");
    internal static DnsAnswer Failed(string reason) => new(DnsStatus.Failed, reason);
}

/// <summary>Answers questions, from memory while an answer lives. Any thread may ask.</summary>
public sealed class Resolver
{
    private const string SettingsFile = "/etc/resolv.conf";
    private const int LongestFile = 1 << 20;
    // Together and each, in bytes (DnsAnswer.Weight): strangers decide how long answers are.
    private const int MostRemembered = 512 << 10, LargestRemembered = 32 << 10;
    private const int LongestSeconds = 3600, LongestNegativeSeconds = 300;

    // Aliases of aliases: longer chains are mistakes, and circles have no end.
    private const int LongestChain = 10;

    private readonly Lock guard = new();
    private readonly Dictionary<(string Name, DnsType Type), (DnsAnswer Answer, long Until)> remembered = [];
    private readonly Dictionary<(string Name, DnsType Type), Question> asked = [];
    private int weight;
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

    /// <summary>The texts of a name.</summary>
    /// <param name="end">When to give up.</param>
    public DnsAnswer Texts(string name, long end) => Ask(name, DnsType.Txt, end);

    /// <summary>The names of an address.</summary>
    /// <param name="end">When to give up.</param>
    public DnsAnswer Names(IpAddress address, long end) => Ask(ReverseName(address), DnsType.Ptr, end);

    /// <summary>What is said about the certificate of a server (RFC 6698 3).</summary>
    /// <param name="host">The server's name.</param>
    /// <param name="port">Its TCP port.</param>
    /// <param name="end">When to give up.</param>
    public DnsAnswer Tlsa(string host, int port, long end) => Ask("_" + port + "._tcp." + host, DnsType.Tlsa, end);

    /// <summary>The name under which the names of an address are found (RFC 1035 3.5, RFC 3596 2.5).</summary>
    public static string ReverseName(IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..address.Write(bytes)];
        System.Text.StringBuilder name = new(73);
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            if (!address.IsV6) name.Append((int)bytes[i]).Append('.');
            else name.Append("0123456789abcdef"[bytes[i] & 15]).Append('.').Append("0123456789abcdef"[bytes[i] >> 4]).Append('.');
        }
        return name.Append(address.IsV6 ? "ip6.arpa" : "in-addr.arpa").ToString();
    }

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
        return new DnsAnswer(DnsStatus.Found, "")
        {
            Addresses = [.. v4.Addresses, .. v6.Addresses],
            Authenticated = v4.Authenticated && v6.Authenticated,
        };
    }

    /// <summary>
    /// The addresses of a host as the system's own look-up finds them: /etc/hosts, then the DNS, where the suffixes of
    /// resolv.conf are tried first when the name has fewer dots than its option ndots says, otherwise last, and not at
    /// all when it ends with a dot.
    /// </summary>
    /// <param name="end">When to give up.</param>
    public DnsAnswer HostAddresses(string name, long end)
    {
        IReadOnlyList<IpAddress> local = hosts.Find(name);
        if (local.Count > 0) return new DnsAnswer(DnsStatus.Found, "") { Addresses = local };
        if (name.EndsWith('.')) return Addresses(name, end);
        ResolverSettings current = Settings();
        int dots = 0;
        foreach (char c in name)
            if (c == '.') dots++;
        DnsAnswer? plain = dots >= current.Dots ? Addresses(name, end) : null;
        // Not knowing is not a "no": a relay must not become another host while its own name server is down.
        if (plain is { Status: DnsStatus.Found or DnsStatus.Failed }) return plain;
        DnsAnswer? failed = null;
        foreach (string suffix in current.Suffixes)
        {
            DnsAnswer answer = Addresses(name + "." + suffix, end);
            if (answer.Status == DnsStatus.Found) return answer;
            if (answer.Status == DnsStatus.Failed) failed ??= answer;
        }
        plain ??= Addresses(name, end);
        return plain.Status == DnsStatus.Found ? plain : failed ?? plain;
    }

    /// <summary>A question that is being asked; who has the same one waits for the answer.</summary>
    private sealed class Question
    {
        internal long End;
        internal bool Over;
        internal DnsAnswer? Answer;
    }

    private DnsAnswer Ask(string name, DnsType type, long end)
    {
        string key = Latin1.Lower(name.TrimEnd('.'));
        Span<byte> encoded = stackalloc byte[DnsName.LongestEncoded + 1];
        // A name that cannot be asked for, or is the root, is no host's.
        if (key.Length == 0 || DnsName.Encode(key, encoded) == 0 || key.Contains('\0')) return DnsAnswer.NoName;
        Question? other;
        Question mine = new() { End = end };
        lock (guard)
        {
            if (remembered.TryGetValue((key, type), out (DnsAnswer Answer, long Until) known)
                && known.Until > Clocks.BoottimeMilliseconds)
                return known.Answer;
            if (!asked.TryGetValue((key, type), out other)) asked.Add((key, type), mine);
        }
        if (other != null)
        {
            if (AnswerOf(other, end) is DnsAnswer answer) return answer;
            return FollowAliases(key, type, end, out _);
        }
        try
        {
            DnsAnswer found = FollowAliases(key, type, end, out long seconds);
            mine.Answer = found;
            if (seconds > 0) Remember((key, type), found, seconds);
            return found;
        }
        finally
        {
            lock (guard) asked.Remove((key, type));
            lock (mine)
            {
                mine.Over = true;
                Monitor.PulseAll(mine);
            }
        }
    }

    // Null when the one who asks got none, perhaps for having less time.
    private static DnsAnswer? AnswerOf(Question question, long end)
    {
        lock (question)
        {
            while (!question.Over)
            {
                long left = end - Clocks.BoottimeMilliseconds;
                if (left <= 0) return DnsAnswer.Failed("The DNS look-up failed: the delivery took too long.");
                Monitor.Wait(question, (int)Math.Min(left, int.MaxValue));
            }
        }
        return question.Answer is { Status: DnsStatus.Failed } && question.End < end ? null : question.Answer;
    }

    private DnsAnswer FollowAliases(string name, DnsType type, long end, out long seconds)
    {
        seconds = long.MaxValue;
        string current = name;
        bool authenticated = Settings().TrustAuthenticated;
        for (int links = 0; links <= LongestChain;)
        {
            DnsMessage? message = AskServers(current, type, end, out string reason);
            if (message == null)
            {
                seconds = 0;
                return DnsAnswer.Failed(reason);
            }
            authenticated &= message.Authenticated;
            int before = links;
            while (links <= LongestChain && Alias(message, current) is DnsRecord alias)
            {
                current = alias.Host;
                seconds = Math.Min(seconds, alias.Seconds);
                links++;
            }
            if (links > LongestChain) break;
            DnsAnswer answer = Collect(message, current, type, ref seconds);
            if (answer.Status == DnsStatus.Found) return answer with { Authenticated = authenticated };
            // An alias whose target the response does not tell about has to be asked about itself.
            bool targetUntold = links > before && message.Code == DnsCode.Success && message.NegativeSeconds == null;
            if (targetUntold) continue;
            seconds = Math.Min(Math.Min(seconds, message.NegativeSeconds ?? 0), LongestNegativeSeconds);
            answer = message.Code == DnsCode.NoName ? DnsAnswer.NoName : DnsAnswer.NoData;
            return authenticated ? answer with { Authenticated = true } : answer;
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
        List<string> names = [], texts = [];
        List<TlsaRecord> certificates = [];
        foreach (DnsRecord record in message.Answers)
        {
            if (record.Type != type || record.Owner != name) continue;
            seconds = Math.Min(seconds, record.Seconds);
            switch (type)
            {
                case DnsType.Mx:
                    exchangers.Add(new MailExchanger(record.Preference, record.Host));
                    break;
                case DnsType.Ptr:
                    names.Add(record.Host);
                    break;
                case DnsType.Txt:
                    texts.Add(Latin1.String(record.Data));
                    break;
                case DnsType.Tlsa:
                    certificates.Add(new TlsaRecord(record.Data[0], record.Data[1], record.Data[2], record.Data[3..]));
                    break;
                default:
                    if (!addresses.Contains(record.Address)) addresses.Add(record.Address);
                    break;
            }
        }
        if (addresses.Count + exchangers.Count + names.Count + texts.Count + certificates.Count == 0) return DnsAnswer.NoData;
        return new DnsAnswer(DnsStatus.Found, "")
        {
            Addresses = addresses,
            Exchangers = exchangers,
            Names = names,
            Texts = texts,
            TlsaRecords = certificates,
        };
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
                // Something on the way may drop what has EDNS0 in it: the last attempt is without.
                bool extended = attempt == 0 || attempt + 1 < current.Attempts;
                DnsMessage? message = DnsExchange.Ask(server, name, type, extended, current, limit, out string why);
                // RFC 6891 7: it may be too old for EDNS0
                if (extended && message is { Code: DnsCode.FormatError or DnsCode.NotImplemented })
                    message = DnsExchange.Ask(server, name, type, false, current, limit, out why);
                if (message != null && Problem(message) is string problem) (message, why) = (null, problem);
                if (message != null) return message;
                reason = $"name server {server}: {why}";
            }
            // resolv.conf(5): servers get the more time the more often they are asked
            timeout = attempt == 0 ? Math.Max(1000, timeout * 2 / servers) : timeout * 2;
        }
        reason = $"The DNS look-up of {NameOf(type)} {name} failed: {reason}.";
        return null;
    }

    // The program does not know names of its own (aot.props).
    private static string NameOf(DnsType type) => type switch
    {
        DnsType.A => "A",
        DnsType.Aaaa => "AAAA",
        DnsType.Mx => "MX",
        DnsType.Ptr => "PTR",
        DnsType.Tlsa => "TLSA",
        DnsType.Txt => "TXT",
        _ => "type " + (int)type,
    };

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
        int added = WeightOf(key, answer);
        if (added > LargestRemembered) return;
        lock (guard)
        {
            if (remembered.Remove(key, out (DnsAnswer Answer, long Until) replaced)) weight -= WeightOf(key, replaced.Answer);
            if (weight + added > MostRemembered) Forget(now);
            remembered[key] = (answer, now + Math.Min(seconds, LongestSeconds) * 1000);
            weight += added;
        }
    }

    // What has outlived itself; everything when that leaves more than half.
    private void Forget(long now)
    {
        List<(string, DnsType)> stale = [];
        foreach (var entry in remembered)
        {
            if (entry.Value.Until > now) continue;
            stale.Add(entry.Key);
            weight -= WeightOf(entry.Key, entry.Value.Answer);
        }
        foreach ((string, DnsType) old in stale) remembered.Remove(old);
        if (weight <= MostRemembered / 2) return;
        remembered.Clear();
        weight = 0;
    }

    private static int WeightOf((string Name, DnsType) key, DnsAnswer answer) => 2 * key.Name.Length + answer.Weight;

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
            settings = ResolverSettings.FromEnvironment(ReadText(SettingsFile));
            settingsVersion = version;
            remembered.Clear(); // another network may have other answers
            weight = 0;
            return settings;
        }
    }

    private static string? ReadText(string path)
    {
        byte[]? bytes = Files.ReadWhole(path, LongestFile, out _);
        return bytes == null ? null : Latin1.String(bytes);
    }
}
