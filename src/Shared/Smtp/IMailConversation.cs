// What conversations of every mail protocol have in common for those who keep their connections.
namespace Qmta.Smtp;

/// <summary>A conversation in which any number of messages can be sent.</summary>
public interface IMailConversation
{
    /// <summary>
    /// The server waits for the next message: nothing has failed, and it has not said that it closes.
    /// </summary>
    bool CanContinue { get; }

    /// <summary>
    /// The end of the message may have reached the server, and its verdict has not come back: a failure now may mean
    /// a message delivered twice.
    /// </summary>
    bool InDoubt { get; }

    /// <summary>Works with other memory from now on; only between messages.</summary>
    void UseBuffers(SmtpBuffers other);

    /// <summary>Says good-bye, where the protocol has a word for it, and does not wait for an answer.</summary>
    void Quit();
}
