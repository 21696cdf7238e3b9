// The argument of MAIL and RCPT: an address between angle brackets, and parameters (RFC 5321 4.1.2).
using System.Text;

namespace Qmta.Reception;

/// <summary>Reads addresses as clients write them.</summary>
internal static class EnvelopePath
{
    /// <summary>Longest address in bytes; longer ones no host handles.</summary>
    internal const int LongestAddress = 900;

    /// <summary>
    /// Reads what follows "MAIL FROM:" or "RCPT TO:". Quotes and backslashes are taken off the address, as the queue
    /// has it, and a source route goes. Brackets may be missing. False when there is no sense in it.
    /// </summary>
    /// <param name="parameters">What follows the address, "" for nothing.</param>
    internal static bool TryRead(string text, out string address, out string parameters)
    {
        text = text.TrimStart(' ');
        address = parameters = "";
        bool bracketed = text.Length > 0 && text[0] == '<';
        int at = bracketed ? 1 : 0;
        if (bracketed && text.Length > 1 && text[1] == '@')
        {
            // RFC 5321 appendix C: the route "@a,@b:" is to be ignored
            int colon = text.IndexOf(':');
            if (colon < 0) return false;
            at = colon + 1;
        }
        StringBuilder read = new(64);
        bool quoted = false, closed = false;
        for (; at < text.Length && !closed; at++)
        {
            char c = text[at];
            if (c is '\0' or '\r' or '\n') return false;
            if (c == '\\')
            {
                if (++at == text.Length || text[at] is '\0' or '\r' or '\n') return false;
                read.Append(text[at]);
            }
            else if (c == '"') quoted = !quoted;
            else if (!quoted && bracketed && c == '>') closed = true;
            else if (!quoted && (c is '<' or '>' || c == ' ' && bracketed)) return false;
            else if (!quoted && c == ' ') break;
            else read.Append(c);
        }
        if (quoted || bracketed && !closed || read.Length > LongestAddress) return false;
        address = read.ToString();
        string rest = text[at..];
        if (rest.Length > 0 && rest[0] != ' ') return false;
        parameters = rest.Trim(' ');
        return bracketed || address.Length > 0;
    }
}
