// The one answer of a QMQP server (D. J. Bernstein, qmqp.html): K for a queued message, Z or D for one that is not.
namespace Qmta.Qmqp;

/// <summary>What a server says of a message.</summary>
/// <param name="Verdict">K when it will deliver the message, Z when trying again may help, D when it will not.</param>
/// <param name="Text">Its sentence, which may be cut short; any bytes.</param>
public readonly record struct QmqpReply(char Verdict, string Text)
{
    public bool Accepted => Verdict == 'K';

    public bool Permanent => Verdict == 'D';
}
