// The one exception of everything done through OpenSSL: what failed, in OpenSSL's words.
using System;

namespace Qmta.Tls;

/// <summary>OpenSSL is missing or said no. The message is a sentence without its full stop.</summary>
public sealed class TlsException : Exception
{
    public TlsException(string reason) : base(reason) { }
}
