// Sender rewriting (SRS): the sender of forwarded mail becomes an address of ours, which SPF at the destination accepts
// and from which a bounce finds its way back. The addresses are those of libsrs2, hash for hash.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Srs;

/// <summary>How a host rewrites senders: the control files srs_*, each overridden by the variable of its name in capitals
/// (qmail-srs(5)).</summary>
public sealed class SenderRewriting
{
    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private const long SecondsPerDay = 86400;
    private const int DaySlots = 1024; // two characters of five bits
    private const int LongestHash = 26; // whole characters of six bits in SHA-1's 160

    /// <summary>The domain of rewritten addresses.</summary>
    public required string Domain { get; init; }

    /// <summary>Keys of the hashes: the first signs, all are accepted.</summary>
    public required IReadOnlyList<string> Secrets { get; init; }

    /// <summary>Days for which a rewritten address is accepted.</summary>
    public long MaxAge { get; init; } = 21;

    /// <summary>Length of the hash in addresses made here.</summary>
    public int HashLength { get; init; } = 4;

    /// <summary>Shortest hash accepted.</summary>
    public int HashMin { get; init; } = 4;

    /// <summary>What follows SRS0 or SRS1: '=', '-' or '+'.</summary>
    public char Separator { get; init; } = '=';

    /// <summary>Rewrite senders of our own domains too.</summary>
    public bool AlwaysRewrites { get; init; }

    /// <summary>Our own domains, whose senders need no rewriting; one with a leading dot stands for all below it.</summary>
    public IReadOnlyList<string> OwnDomains { get; init; } = [];

    /// <summary>Whether senders are rewritten here at all.</summary>
    /// <exception cref="PosixException">A control file exists and cannot be read.</exception>
    public static bool IsSetUp(ControlFiles control) => Setting(control, "srs_domain") != null;

    /// <summary>The settings; null when there is no srs_domain, which turns rewriting off.</summary>
    /// <exception cref="PosixException">A control file exists and cannot be read.</exception>
    /// <exception cref="FormatException">A setting makes no sense, or there is no secret.</exception>
    public static SenderRewriting? FromControl(ControlFiles control)
    {
        string? domain = Setting(control, "srs_domain");
        if (domain == null) return null;
        string? secrets = Variables.Get("SRS_SECRETS");
        List<string> keys = string.IsNullOrEmpty(secrets) ? control.Lines("srs_secrets") ?? [] : [.. secrets.Split('\n')];
        keys.RemoveAll(static key => key.Length == 0);
        if (keys.Count == 0) throw new FormatException("srs_domain is set, and there is no secret in " + control.PathOf("srs_secrets"));
        string separator = Setting(control, "srs_separator") ?? "=";
        if (separator is not ("=" or "-" or "+")) throw new FormatException("srs_separator must be =, - or +, not " + separator);
        int length = (int)Number(control, "srs_hashlength", 4, 1, LongestHash);
        return new SenderRewriting
        {
            Domain = domain,
            Secrets = keys,
            MaxAge = Number(control, "srs_maxage", 21, 0, DaySlots - 1),
            HashLength = length,
            HashMin = (int)Number(control, "srs_hashmin", Math.Min(4, length), 1, length),
            Separator = separator[0],
            AlwaysRewrites = Number(control, "srs_alwaysrewrite", 0, 0, 1) == 1,
            OwnDomains = control.Lines("rcpthosts") ?? control.Lines("locals") ?? (control.Me is string me ? [me] : []),
        };
    }

    /// <summary>The sender under which to send a message on; the same when it needs no rewriting.</summary>
    /// <param name="now">Seconds since 1970.</param>
    /// <exception cref="TlsException">There is no OpenSSL.</exception>
    public string Forward(string sender, long now)
    {
        int at = sender.LastIndexOf('@');
        // Bounces have no sender; "@[]" is no domain (double bounces, one sender per recipient).
        if (at < 0 || sender.EndsWith("@[]", StringComparison.Ordinal)) return sender;
        string user = sender[..at], host = sender[(at + 1)..];
        if (Latin1.EqualsIgnoreCase(host, Domain) || !AlwaysRewrites && IsOwn(host)) return sender;
        switch (Kind(user))
        {
            case '0':
                // The first forwarder's address stays whole; what comes back goes to it and not through us all.
                return Guarded(host, user[4..]);
            case '1':
                string[] parts = user[5..].Split('=', 3);
                if (parts.Length == 3) return Guarded(parts[1], parts[2]);
                break;
        }
        string stamp = Stamp(now);
        return "SRS0" + Separator + Hash(Secrets[0], stamp + host + user) + "=" + stamp + "=" + host + "=" + user + "@" + Domain;
    }

    /// <summary>The address a rewritten one was made from; null when it is none or none of ours.</summary>
    /// <param name="address">The address; only its local part counts.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="reason">Why it is null: part of a sentence about the address.</param>
    /// <exception cref="TlsException">There is no OpenSSL.</exception>
    public string? Reverse(string address, long now, out string reason)
    {
        int at = address.LastIndexOf('@');
        string user = at < 0 ? address : address[..at];
        reason = "is not an SRS address";
        char kind = Kind(user);
        if (kind == '\0') return null;
        string[] parts = user[5..].Split('=', kind == '0' ? 4 : 3);
        reason = "is an incomplete SRS address";
        if (parts.Length < (kind == '0' ? 4 : 3) || Array.IndexOf(parts, "") >= 0) return null;
        if (kind == '0' && !IsFresh(parts[1], now))
        {
            reason = "is an SRS address that has expired";
            return null;
        }
        reason = "is an SRS address with a wrong hash";
        if (!IsSigned(parts[0], string.Join("", parts, 1, parts.Length - 1))) return null;
        reason = "";
        return kind == '0' ? parts[3] + "@" + parts[2] : "SRS0" + parts[2] + "@" + parts[1];
    }

    // '0' or '1' for a local part of that form, else NUL.
    private static char Kind(string user) =>
        user.Length > 5 && Latin1.EqualsIgnoreCase(user.AsSpan(0, 3), "SRS") && user[3] is '0' or '1' && user[4] is '=' or '-' or '+'
            ? user[3] : '\0';

    private string Guarded(string host, string user) =>
        "SRS1" + Separator + Hash(Secrets[0], host + user) + "=" + host + "=" + user + "@" + Domain;

    private bool IsOwn(string host)
    {
        foreach (string domain in OwnDomains)
            if (Latin1.EqualsIgnoreCase(domain, host) || domain.StartsWith('.') && host.Length > domain.Length
                && Latin1.EqualsIgnoreCase(host.AsSpan(host.Length - domain.Length), domain))
                return true;
        return false;
    }

    private static string Stamp(long now)
    {
        long day = now / SecondsPerDay;
        return new string([Base32[(int)(day >> 5 & 31)], Base32[(int)(day & 31)]]);
    }

    private bool IsFresh(string stamp, long now)
    {
        if (stamp.Length != 2) return false;
        int high = Base32.IndexOf(char.ToUpperInvariant(stamp[0])), low = Base32.IndexOf(char.ToUpperInvariant(stamp[1]));
        if (high < 0 || low < 0) return false;
        long age = (now / SecondsPerDay - (high << 5 | low)) % DaySlots;
        return (age < 0 ? age + DaySlots : age) <= MaxAge;
    }

    // Systems on the way may have changed the case of a local part, so it does not count.
    private bool IsSigned(string hash, string data)
    {
        if (hash.Length < HashMin) return false;
        if (hash.Length > HashLength) hash = hash[..HashLength];
        foreach (string secret in Secrets)
            if (Latin1.EqualsIgnoreCase(hash, Hash(secret, data).AsSpan(0, hash.Length))) return true;
        return false;
    }

    private string Hash(string secret, string data) =>
        Convert.ToBase64String(Digests.Hmac("SHA1", Latin1.Bytes(secret), Latin1.Bytes(Latin1.Lower(data))))[..HashLength];

    private static string? Setting(ControlFiles control, string name)
    {
        string? value = Variables.Get(name.ToUpperInvariant());
        return string.IsNullOrEmpty(value) ? control.Line(name) : value;
    }

    private static long Number(ControlFiles control, string name, long otherwise, long least, long most)
    {
        string? text = Setting(control, name);
        if (text == null) return otherwise;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
            ? number
            : throw new FormatException(name + " must be a number from " + least.ToString(CultureInfo.InvariantCulture) + " to "
                + most.ToString(CultureInfo.InvariantCulture) + ", not " + text);
    }
}
