// What the three protocols have in common for the one that serves their connections.
namespace Qmta.Reception;

/// <summary>One client's conversation. It is called by one thread at a time, not always by the same.</summary>
internal interface ISession
{
    /// <summary>
    /// What the server says before the client has said anything, in Latin-1; "" for protocols in which the client
    /// begins. Must not take long: one thread asks for the greetings of all connections.
    /// </summary>
    string Greeting { get; }

    /// <summary>What a client is told that was silent for too long, in Latin-1; "" for nothing.</summary>
    string TimeoutText { get; }

    /// <summary>What a client is told that has to go, because the program ends or others need its place.</summary>
    string FarewellText { get; }

    /// <summary>
    /// Serves the client as long as it has something to say; waits for the rest of what has begun. Returns true when it
    /// may go on later, once the client has said more; false when the conversation is over.
    /// </summary>
    /// <exception cref="ClientGoneException">The client is gone, or too slow.</exception>
    bool Serve();
}
