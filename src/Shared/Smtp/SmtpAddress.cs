// An envelope address as SMTP commands write it.
using System;
using System.Text;

namespace Qmta.Smtp;

/// <summary>Addresses between the angle brackets of MAIL and RCPT (RFC 5321 4.1.2).</summary>
public static class SmtpAddress
{
    /// <summary>Whether a command can carry the address at all: CR, LF and NUL have no form there.</summary>
    public static bool IsSendable(string address) => address.AsSpan().IndexOfAny('\r', '\n', '\0') < 0;

    /// <summary>
    /// The address with its local part quoted when it is not a dot-string. Bytes from 128 up (RFC 6531) count as
    /// letters.
    /// </summary>
    public static string Quoted(string address)
    {
        int at = address.LastIndexOf('@');
        if (at < 0) at = address.Length;
        if (address.Length == 0 || IsDotString(address, at)) return address;
        StringBuilder quoted = new("\"", address.Length + 8);
        for (int i = 0; i < at; i++)
        {
            if (address[i] is '"' or '\\') quoted.Append('\\');
            quoted.Append(address[i]);
        }
        return quoted.Append('"').Append(address, at, address.Length - at).ToString();
    }

    private static bool IsDotString(string address, int length)
    {
        if (length == 0 || address[length - 1] == '.') return false;
        bool atomStarts = true;
        for (int i = 0; i < length; i++)
        {
            char c = address[i];
            if (c == '.')
            {
                if (atomStarts) return false;
                atomStarts = true;
                continue;
            }
            atomStarts = false;
            if (!char.IsAsciiLetterOrDigit(c) && c < 128 && !"!#$%&'*+-/=?^_`{|}~".Contains(c)) return false;
        }
        return true;
    }
}
