// The server a client means to talk to, and what its certificate must agree with.
using System.Collections.Generic;

namespace Qmta.Tls;

/// <summary>A TLSA record (RFC 6698 2.1) that the DNS vouches for.</summary>
/// <param name="Usage">Which certificate it speaks of: 2 a trust anchor, 3 the server's own.</param>
/// <param name="Selector">0 the whole certificate, 1 its public key.</param>
/// <param name="Matching">0 the data itself, 1 its SHA-256, 2 its SHA-512.</param>
/// <param name="Data">The certificate association data.</param>
public sealed record DaneRecord(byte Usage, byte Selector, byte Matching, byte[] Data)
{
    /// <summary>Whether mail can be secured by it (RFC 7672 3.1: DANE-TA and DANE-EE only).</summary>
    public bool IsUsable => Usage is 2 or 3 && Selector is 0 or 1
        && Matching switch { 0 => Data.Length > 0, 1 => Data.Length == 32, 2 => Data.Length == 64, _ => false };
}

/// <summary>A server.</summary>
/// <param name="Host">Its name, which it is told (SNI) and, where that is asked, must prove; or its address.</param>
/// <param name="IsAddress">Whether <paramref name="Host"/> is an IP address.</param>
/// <param name="Key">Under which its sessions are remembered: the same for connections to the same server.</param>
public sealed record TlsPeer(string Host, bool IsAddress, string Key)
{
    /// <summary>Another name that will do: the domain whose mail exchanger this is (RFC 7672 3.2.2); with DANE only.</summary>
    public string? OtherName { get; init; }

    /// <summary>The records to check its certificate by, for a context of <see cref="TlsTrust.Dane"/>.</summary>
    public IReadOnlyList<DaneRecord> Records { get; init; } = [];
}
