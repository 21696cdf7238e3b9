// Rules as tcprules(1) compiles them: the address is the key; "D" for deny and "+NAME=value", each with a NUL, the data.
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>A database of rules. Addresses are keys as they were written; those in their usual form are found.</summary>
internal sealed class AccessDatabase : IAccessTable, IDisposable
{
    private readonly CdbReader database;

    internal AccessDatabase(CdbReader database) => this.database = database;

    public void Dispose() => database.Dispose();

    /// <exception cref="PosixException">The database cannot be read.</exception>
    /// <exception cref="FormatException">The database is damaged.</exception>
    public AccessDecision? Find(IpAddress client, string? host, string? info)
    {
        foreach (string key in Keys(client, host, info))
            if (database.Find(Latin1.Bytes(key)) is byte[] data) return Decode(key, data);
        return null;
    }

    private static IEnumerable<string> Keys(IpAddress client, string? host, string? info)
    {
        string text = client.ToString();
        if (info != null)
        {
            yield return info + "@" + text;
            if (host != null) yield return info + "@=" + host;
        }
        yield return text;
        if (host != null) yield return "=" + host;
        // "2001:db8::" of 2001:db8::1: a prefix of the text that hides how many numbers it has
        int gap = text.IndexOf("::", StringComparison.Ordinal);
        if (gap >= 0) yield return text[..(gap + 2)];
        int group = client.IsV6 ? 16 : 8;
        for (int bits = client.Bits; bits >= 0; bits--)
        {
            if (bits < client.Bits && bits > 0 && bits % group == 0) yield return Prefix(client, bits / group);
            yield return client.Network(bits) + "/" + bits.ToString(CultureInfo.InvariantCulture);
        }
        if (host != null)
        {
            for (int dot = host.IndexOf('.'); dot >= 0; dot = host.IndexOf('.', dot + 1)) yield return "=" + host[dot..];
            yield return "=";
        }
        yield return "";
    }

    // The first numbers of the address, "10.1." or "2001:db8:0:".
    private static string Prefix(IpAddress client, int numbers)
    {
        byte[] bytes = new byte[16];
        _ = client.Write(bytes);
        string prefix = "";
        for (int i = 0; i < numbers; i++)
            prefix += client.IsV6
                ? (bytes[2 * i] << 8 | bytes[2 * i + 1]).ToString("x", CultureInfo.InvariantCulture) + ":"
                : bytes[i].ToString(CultureInfo.InvariantCulture) + ".";
        return prefix;
    }

    private static AccessDecision Decode(string key, byte[] data)
    {
        bool allowed = true;
        List<(string, string)> variables = [];
        ReadOnlySpan<byte> rest = data;
        for (int end; (end = rest.IndexOf((byte)0)) >= 0; rest = rest[(end + 1)..])
        {
            if (end == 0) continue;
            if (rest[0] == 'D') allowed = false;
            if (rest[0] != '+') continue;
            string variable = Latin1.String(rest[1..end]);
            int equals = variable.IndexOf('=');
            if (equals > 0) variables.Add((variable[..equals], variable[(equals + 1)..]));
        }
        return new AccessDecision(allowed, variables, key);
    }
}
