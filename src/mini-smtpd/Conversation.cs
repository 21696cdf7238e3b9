// One connection with its session, from the greeting to the end, in a thread's hands or waiting for the client.
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>Makes the session of a new connection.</summary>
internal delegate ISession SessionFactory(ClientConnection connection, Peer peer);

/// <summary>How long a conversation is held on to at a point where it can be left: until the client goes on.</summary>
internal enum Hold
{
    /// <summary>Only when it has gone on already.</summary>
    No,

    /// <summary>The next command is probably on its way (<see cref="ServerSockets.ReadMilliseconds"/>).</summary>
    AMoment,

    /// <summary>As long as the client may be silent.</summary>
    ForEver,
}

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
    /// Serves the client while it speaks. Returns false when it is over and the connection closed.
    /// </summary>
    internal bool Serve(ConnectionBuffers buffers, Hold hold)
    {
        connection.Lend(buffers);
        try
        {
            do
            {
                connection.Flush();
                if (hold != Hold.ForEver && !connection.Continues(wait: hold == Hold.AMoment, take: handshake == null))
                {
                    connection.TakeBuffers();
                    return true;
                }
                HasSpoken = true;
            }
            while (handshake != null ? Handshake() : session.Serve());
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
