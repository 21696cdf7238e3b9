// Rules as people write them: lines "address:allow,VAR="value"" and "address:deny".
using System;
using System.Collections.Generic;
using System.Globalization;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Control;

/// <summary>A text of rules in memory. Of rules for the same address the first counts, as in a database.</summary>
internal sealed class AccessText : IAccessTable
{
    // Networks by their bits; a single address is a network, too. Names begin with "=", "user@..." is as it is written.
    private readonly Dictionary<IpNetwork, AccessDecision> networks = [];
    private readonly Dictionary<string, AccessDecision> others = [];

    /// <exception cref="FormatException">A line makes no sense; the message names it.</exception>
    internal AccessText(string path, List<(int Number, string Line)> lines)
    {
        foreach ((int number, string line) in lines)
        {
            try
            {
                if (line.Contains('\0')) throw new FormatException("has a NUL byte, which no variable can hold");
                Add(line);
            }
            catch (FormatException e)
            {
                string why = e.Message.Length > 200 ? e.Message[..200] + "..." : e.Message;
                throw new FormatException("line " + number + " of " + path + " " + why);
            }
        }
    }

    public AccessDecision? Find(IpAddress client, string? host, string? info)
    {
        if (info != null)
        {
            if (others.TryGetValue(info + "@" + client, out AccessDecision? told)) return told;
            if (host != null && others.TryGetValue(info + "@=" + host, out told)) return told;
        }
        int bits = client.Bits;
        if (networks.TryGetValue(new IpNetwork(client, bits), out AccessDecision? found)) return found;
        if (host != null && others.TryGetValue("=" + host, out found)) return found;
        while (--bits >= 0)
            if (networks.TryGetValue(new IpNetwork(client.Network(bits), bits), out found)) return found;
        if (host != null)
        {
            for (int dot = host.IndexOf('.'); dot >= 0; dot = host.IndexOf('.', dot + 1))
                if (others.TryGetValue("=" + host[dot..], out found)) return found;
            if (others.TryGetValue("=", out found)) return found;
        }
        return others.GetValueOrDefault("");
    }

    private void Add(string line)
    {
        // An address of IPv6 has colons, too: the one that counts has an instruction after it.
        for (int colon = line.IndexOf(':'); colon >= 0; colon = line.IndexOf(':', colon + 1))
        {
            ReadOnlySpan<char> rest = line.AsSpan(colon + 1);
            bool allow = Begins(rest, "allow");
            if (!allow && !Begins(rest, "deny")) continue;
            string address = line[..colon];
            Add(address, new AccessDecision(allow, Variables(line, colon + 1 + (allow ? 5 : 4)), address));
            return;
        }
        throw new FormatException("has neither :allow nor :deny after an address");
    }

    private static bool Begins(ReadOnlySpan<char> rest, string word) =>
        rest.StartsWith(word, StringComparison.Ordinal) && (rest.Length == word.Length || rest[word.Length] == ',');

    // ,NAME="value" any number of times; any character may stand for the quotes
    private static List<(string, string)> Variables(string line, int at)
    {
        List<(string, string)> variables = [];
        while (at < line.Length)
        {
            int equals = line.IndexOf('=', at);
            if (line[at] != ',' || equals <= at + 1 || equals + 1 >= line.Length)
                throw new FormatException("has something after its instruction that is not ,NAME=\"value\"");
            int end = line.IndexOf(line[equals + 1], equals + 2);
            if (end < 0) throw new FormatException("has a value without its closing quote");
            variables.Add((line[(at + 1)..equals], line[(equals + 2)..end]));
            at = end + 1;
        }
        return variables;
    }

    private void Add(string address, AccessDecision decision)
    {
        int user = address.IndexOf('@');
        if (user >= 0)
        {
            string where = address[(user + 1)..];
            bool host = where.StartsWith('=') && where.Length > 1;
            if (!host && !IpAddress.TryParse(where, out _))
                throw new FormatException("has neither an address nor =host after the @");
            if (!host && IpAddress.TryParse(where, out IpAddress ip)) where = ip.Unmapped.ToString();
            others.TryAdd(address[..user] + "@" + Latin1.Lower(where), decision);
        }
        else if (address.Length == 0 || address[0] == '=') others.TryAdd(Latin1.Lower(address), decision);
        else if (address.Contains('-')) AddRange(address, decision);
        else AddNetwork(address, decision);
    }

    // 1.2.3.37-53 and 10.2-3. stand for one rule each number
    private void AddRange(string address, AccessDecision decision)
    {
        int dash = address.IndexOf('-');
        int start = address.LastIndexOf('.', dash) + 1, end = address.IndexOf('.', dash);
        if (end < 0) end = address.Length;
        if (!Number(address[start..dash], out int first) || !Number(address[(dash + 1)..end], out int last) || first > last)
            throw new FormatException("has a range that is not of two numbers from 0 to 255: " + address);
        for (int number = first; number <= last; number++)
            AddNetwork(address[..start] + number.ToString(CultureInfo.InvariantCulture) + address[end..], decision);
    }

    private void AddNetwork(string text, AccessDecision decision)
    {
        if (text.EndsWith("::", StringComparison.Ordinal))
            throw new FormatException("does not say how many bits count: " + text + ", or " + text + "/64?");
        if (!IpNetwork.TryParse(text, out IpNetwork network) && !TryParsePrefix(text, out network))
            throw new FormatException("has no address before its instruction: " + text);
        (IpAddress address, int bits) = network;
        if (address.IsV6 && !address.Unmapped.IsV6 && bits >= 96)
        {
            address = address.Unmapped;
            bits -= 96;
        }
        networks.TryAdd(new IpNetwork(address.Network(bits), bits), decision);
    }

    // The first numbers of an address, with a dot or, of IPv6, a colon after each.
    private static bool TryParsePrefix(string text, out IpNetwork network)
    {
        network = default;
        bool isV6 = text.EndsWith(':');
        int numbers = isV6 ? text.AsSpan().Count(':') : text.AsSpan().Count('.');
        if (!isV6 && (!text.EndsWith('.') || numbers > 3)) return false;
        if (!IpAddress.TryParse(isV6 ? text + ":" : text + "0.0.0"[(2 * (numbers - 1))..], out IpAddress address)) return false;
        network = new IpNetwork(address, numbers * (isV6 ? 16 : 8));
        return true;
    }

    private static bool Number(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= 255;
}
