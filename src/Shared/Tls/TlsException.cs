// The one exception of everything done through OpenSSL: what failed, in OpenSSL's words.
using System;

namespace Qmta.Tls;

/// <summary>OpenSSL is missing or said no. The message is a sentence without its full stop.</summary>
public sealed class TlsException : Exception
{
    public TlsException(string reason) : base(reason) { }

    /// <summary>OpenSSL is not installed: nobody is to blame, and what needs no TLS goes on without.</summary>
    public bool IsMissing { get; init; }
}
