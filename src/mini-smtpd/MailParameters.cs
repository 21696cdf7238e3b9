// The parameters of MAIL: SIZE, BODY, SMTPUTF8, AUTH (RFC 1870, 6152, 6531, 4954).
using System;
using System.Globalization;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>What the client says of its message beforehand.</summary>
/// <param name="Size">Its bytes as sent, or 0.</param>
/// <param name="IsUtf8">Addresses or header fields may be UTF-8.</param>
internal readonly record struct MailParameters(long Size, bool IsUtf8)
{
    /// <summary>Reads them; null when one is unknown or makes no sense.</summary>
    internal static MailParameters? Read(string text)
    {
        MailParameters result = default;
        foreach (string part in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=');
            string name = Latin1.Lower(equals < 0 ? part : part[..equals]), value = equals < 0 ? "" : part[(equals + 1)..];
            switch (name)
            {
                case "size" when value.Length is > 0 and <= 20 && value.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0:
                    // RFC 1870 4: up to 20 digits
                    result = result with
                    {
                        Size = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : long.MaxValue,
                    };
                    break;
                case "body" when Latin1.Lower(value) is "7bit" or "8bitmime":
                case "auth" when value.Length > 0: // who it is from is for those to know who trust us; nobody asks
                    break;
                case "smtputf8" when equals < 0:
                    result = result with { IsUtf8 = true };
                    break;
                default:
                    return null;
            }
        }
        return result;
    }
}
