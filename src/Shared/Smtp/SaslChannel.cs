// What authentication needs to know about the channel it runs over: may it carry a password, and what binds it.
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>The channel of a conversation, as SASL sees it.</summary>
/// <param name="Encrypted">Nobody but the peer can read: TLS.</param>
/// <param name="BindingType">
/// "tls-exporter" (RFC 9266, TLS 1.3) or "tls-unique" (RFC 5929, older); "" when there is no binding.
/// </param>
/// <param name="Binding">Bytes that are the same at both ends of this channel and of no other.</param>
public sealed record SaslChannel(bool Encrypted, string BindingType, byte[] Binding)
{
    // TLS 1.3 has no tls-unique (RFC 9266 3); for older versions it is what servers know.
    private static readonly string[] BindingTypes = ["tls-unique", "tls-exporter"];

    /// <summary>A plain TCP connection.</summary>
    public static SaslChannel Plain { get; } = new(false, "", []);

    /// <summary>The channel of a connection.</summary>
    public static SaslChannel Of(Connection connection)
    {
        if (connection.Tls is not TlsStream tls) return Plain;
        foreach (string type in BindingTypes)
            if (tls.ChannelBinding(type) is byte[] binding) return new SaslChannel(true, type, binding);
        return new SaslChannel(true, "", []);
    }

    /// <summary>Whether -PLUS mechanisms are possible.</summary>
    public bool CanBind => BindingType.Length > 0 && Binding.Length > 0;
}
