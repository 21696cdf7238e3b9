// One connection with its session, from the greeting to the end, in a thread's hands or waiting for the client.
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>Makes the session of a new connection.</summary>
internal delegate ISession SessionFactory(ClientConnection connection, Peer peer);

/// <summary>A client being served.</summary>
internal sealed class Conversation
{
    private readonly ClientConnection connection;
    private readonly ISession session;
    private Handshakes? handshake;

    /// <param name="tls">TLS comes first; null for not.</param>
    internal Conversation(ClientConnection connection, Peer peer, SessionFactory begin, Handshakes? tls)
    {
        this.connection = connection;
        handshake = tls;
        session = begin(connection, peer);
    }

    internal int Fd => connection.Fd;

    /// <summary>How long the client may be silent, in milliseconds.</summary>
    internal int Patience => connection.Patience;

    /// <summary>Whether the client has ever sent anything.</summary>
    internal bool HasSpoken { get; private set; }

    /// <summary>Greets without waiting; false when the client is gone already.</summary>
    internal bool Greet() =>
        handshake != null || session.Greeting.Length == 0 || connection.TrySend(session.Greeting);

    /// <summary>
    /// Serves the client while it speaks; waits at most so long for it to go on. Returns false when it is over and the
    /// connection closed.
    /// </summary>
    /// <param name="hold">How long to wait at a point where the conversation can be left, in milliseconds; -1 for ever.</param>
    internal bool Serve(ConnectionBuffers buffers, int hold)
    {
        HasSpoken = true;
        connection.Lend(buffers);
        try
        {
            while (handshake != null ? Handshake() : session.Serve())
            {
                connection.Flush();
                if (hold >= 0 && !connection.WaitFor(hold))
                {
                    connection.TakeBuffers();
                    return true;
                }
            }
            connection.Flush();
        }
        catch (ClientGoneException e)
        {
            if (e.TimedOut && handshake == null) _ = connection.TrySend(session.TimeoutText);
        }
        connection.Dispose();
        return false;
    }

    private bool Handshake()
    {
        if (handshake!.Secure(connection) is string failure)
        {
            Standard.Error(handshake.Program + ": TLS handshake failed: " + failure);
            return false;
        }
        handshake = null;
        connection.Write(session.Greeting);
        return true;
    }

    /// <summary>Ends a conversation because the client was silent for too long.</summary>
    internal void TimeOut() => End(session.TimeoutText);

    /// <summary>Ends a conversation for reasons of our own.</summary>
    internal void Dismiss() => End(session.FarewellText);

    private void End(string text)
    {
        if (text.Length > 0 && handshake == null) _ = connection.TrySend(text);
        connection.Dispose();
    }
}
