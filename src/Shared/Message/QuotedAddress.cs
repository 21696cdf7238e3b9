// Envelope addresses written so that a header field or an SMTP command can hold them.
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
        return at < 0 ? AddressList.Quote(address) : AddressList.Quote(address[..at]) + address[at..];
    }
}
