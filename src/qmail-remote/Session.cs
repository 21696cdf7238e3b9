// A connection to a mail server that is ready for a message: what one delivery opens and the next may use again.
using System;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Remote;

/// <summary>
/// Everything that must be equal for a delivery to use a session that another one opened, so far as it is known before
/// a host is looked up. Two deliveries with equal keys would try the same hosts and say the same to them.
/// </summary>
/// <param name="Protocol">What is spoken.</param>
/// <param name="Destination">The relay, or the recipients' domain when its own exchangers are used; lower case.</param>
/// <param name="Port">The TCP port.</param>
/// <param name="HeloHost">The name said to the server.</param>
/// <param name="Login">How to log in; null for not at all.</param>
internal sealed record SessionKey(MailProtocol Protocol, string Destination, int Port, string HeloHost, Login? Login = null)
{
    /// <summary>The key of a delivery to a host by a route.</summary>
    internal static SessionKey For(string host, Route route, string heloHost, Login? login = null) =>
        new(route.Protocol, Latin1.Lower(route.Relay.Length > 0 ? "relay " + route.Relay : host), route.Port, heloHost, login);
}

/// <summary>
/// The connection, its conversation after the hello, and the facts about it. A session belongs to one thread at a
/// time, whose buffers it uses meanwhile.
/// </summary>
internal sealed class Session : IDisposable
{
    /// <summary>
    /// Most transactions of one session. Servers count, too, and some begin to refuse; a hundred make the cost of a
    /// connection a hundredth.
    /// </summary>
    internal const int MostTransactions = 100;

    /// <summary>A session of this age, in milliseconds, gets no other message: hosts change their minds and routes.</summary>
    internal const int LongestLife = 60_000;

    // Nobody waits for a good-bye: what the system does not take at once is not sent.
    private const int PartingMilliseconds = 100;

    private readonly Connection connection;
    private readonly long opened = Clocks.BoottimeMilliseconds;
    private int transactions;

    internal Session(SessionKey key, Connection connection, IMailConversation conversation, IpAddress? localAddress)
    {
        Key = key;
        this.connection = connection;
        Conversation = conversation;
        LocalAddress = localAddress;
    }

    internal SessionKey Key { get; }

    /// <summary>The conversation; what comes before the first message is behind it.</summary>
    internal IMailConversation Conversation { get; }

    /// <summary>The server's address.</summary>
    internal IpAddress Peer => connection.Peer;

    /// <summary>How it is secured, as a sentence; "" when it is not.</summary>
    internal string Channel => connection.Tls is not TlsStream tls ? "" : "TLS transmitted with " + tls.Facts + tls.Trust switch
    {
        TlsTrust.Authorities => ", certificate verified.",
        TlsTrust.Dane => ", verified by DANE.",
        _ => ", certificate not verified.",
    };

    /// <summary>The local address that was asked for; null for the system's choice.</summary>
    internal IpAddress? LocalAddress { get; }

    /// <summary>What else reports of deliveries over it say; "" for nothing.</summary>
    internal string Notice { get; init; } = "";

    /// <summary>It has carried a message of an earlier delivery.</summary>
    internal bool IsReused => transactions > 0;

    /// <summary>Whether it may carry one message more.</summary>
    internal bool MayGoOn => Conversation.CanContinue && transactions < MostTransactions
        && Clocks.BoottimeMilliseconds - opened < LongestLife;

    /// <summary>
    /// Whether the server has said nothing since its last reply. What it says without being asked is a good-bye.
    /// </summary>
    internal bool IsQuiet => connection.IsQuiet;

    /// <summary>Gives it to a thread for one delivery.</summary>
    /// <param name="buffers">The thread's buffers.</param>
    /// <param name="patience">Longest wait for a reply, in milliseconds.</param>
    /// <param name="deadline">When the delivery must be over.</param>
    internal void Lend(SmtpBuffers buffers, int patience, long deadline)
    {
        Conversation.UseBuffers(buffers);
        connection.Patience = patience;
        connection.Deadline = deadline;
    }

    /// <summary>Counts a transaction that has ended.</summary>
    internal void CountTransaction() => transactions++;

    /// <summary>Says good-bye when that makes sense, and closes.</summary>
    internal void End()
    {
        if (Conversation.CanContinue)
        {
            connection.Patience = PartingMilliseconds;
            connection.Deadline = Sockets.In(PartingMilliseconds);
            Conversation.Quit();
        }
        Dispose();
    }

    /// <summary>Closes without a word.</summary>
    public void Dispose() => connection.Dispose();
}
