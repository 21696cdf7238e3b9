// The TLS handshakes of a server: with what its clients' connections are secured, and what is said when that fails.
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Tls;

namespace Qmta.Reception;

/// <summary>Secures connections with the server's certificate (qmail-servercert(5)).</summary>
internal sealed class Handshakes(string program, ServerTls tls)
{
    // A handshake takes as long as the network does; whoever takes longer only holds a thread.
    private const int Milliseconds = 60_000;

    /// <summary>The server's name.</summary>
    internal string Program => program;

    /// <summary>Whether there is a certificate, so that TLS can be offered.</summary>
    internal bool HasCertificate => tls.HasCertificate;

    /// <summary>What the next connection begins with; null when that is not possible now. What is wrong is logged.</summary>
    internal TlsServerContext? Current()
    {
        TlsServerContext? context = tls.Contexts.Current(out string? complaint);
        if (complaint != null) Standard.Error(program + ": TLS: " + complaint);
        return context;
    }

    /// <summary>Does the handshake; null, or why it failed and the connection is of no more use.</summary>
    /// <exception cref="ClientGoneException">The client is gone, or takes nothing.</exception>
    internal string? Secure(ClientConnection connection)
    {
        if (Current() is not TlsServerContext context) return "there is no usable certificate";
        try
        {
            connection.Secure(context, Milliseconds);
            return null;
        }
        catch (TlsException e)
        {
            return e.Message;
        }
    }

    /// <summary>The address by which the client's certificate lets it send to anywhere (tlsclients), or null.</summary>
    internal string? RelayingClient(ClientConnection connection) =>
        connection.Tls is TlsStream stream ? tls.RelayingClient(stream) : null;
}
