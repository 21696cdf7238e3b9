// The envelope of a message on its way: sender and recipients, in bounded memory.
using System;
using System.Collections.Generic;
using Qmta.Text;

namespace Qmta.Reception;

/// <summary>What MAIL and RCPT have said since the last message.</summary>
internal sealed class Transaction(string sender)
{
    /// <summary>The addresses of all recipients together may have so many bytes: some ten thousand recipients.</summary>
    internal const int MostBytes = 256 * 1024;

    private byte[] recipients = new byte[256];
    private int used;

    internal string Sender { get; } = sender;

    /// <summary>SMTPUTF8 was asked for (RFC 6531).</summary>
    internal bool IsUtf8 { get; init; }

    internal int Count { get; private set; }

    /// <summary>How many RCPT commands there were, accepted or not.</summary>
    internal int Attempts { get; set; }

    /// <summary>Adds a recipient; false when there is no room for more.</summary>
    internal bool TryAdd(string recipient)
    {
        int needed = used + recipient.Length + 1;
        if (needed > MostBytes) return false;
        if (needed > recipients.Length) Array.Resize(ref recipients, Math.Max(needed, 2 * recipients.Length));
        used += Latin1.Bytes(recipient, recipients.AsSpan(used));
        recipients[used++] = 0;
        Count++;
        return true;
    }

    internal IEnumerable<string> Recipients()
    {
        for (int at = 0; at < used;)
        {
            int length = recipients.AsSpan(at).IndexOf((byte)0);
            yield return Latin1.String(recipients.AsSpan(at, length));
            at += length + 1;
        }
    }
}
