// Envelope addresses written so that a header field can hold them: RFC 5322 quoting of the local part.
using System.Text;

namespace Qmta.Message;

/// <summary>Quoting of envelope addresses, whose local parts may hold any byte.</summary>
public static class QuotedAddress
{
    /// <summary>
    /// The address with its local part as a quoted string when it is no dot-atom (RFC 5322 3.4.1). The null sender
    /// stays empty; an address without a domain is a local part alone.
    /// </summary>
    public static string Of(string address)
    {
        if (address.Length == 0) return "";
        int at = address.LastIndexOf('@');
        string local = at < 0 ? address : address[..at];
        string domain = at < 0 ? "" : address[at..];
        if (IsDotAtom(local)) return address;
        StringBuilder quoted = new(local.Length + domain.Length + 2);
        quoted.Append('"');
        foreach (char c in local)
        {
            if (c is '"' or '\\' or '\r' or '\n') quoted.Append('\\');
            quoted.Append(c);
        }
        return quoted.Append('"').Append(domain).ToString();
    }

    private static bool IsDotAtom(string local)
    {
        if (local.Length == 0 || local[0] == '.' || local[^1] == '.') return false;
        for (int i = 0; i < local.Length; i++)
        {
            char c = local[i];
            if (c == '.' ? local[i - 1] == '.' : !char.IsAsciiLetterOrDigit(c) && !"!#$%&'*+-/=?^_`{|}~".Contains(c)) return false;
        }
        return true;
    }
}
