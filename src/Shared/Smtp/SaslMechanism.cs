// What all SASL mechanisms have in common (RFC 4422): responses to a server's challenges until both sides are content.
using System;

namespace Qmta.Smtp;

/// <summary>
/// A server's challenge cannot be answered; the message is what qmail-remote says after "Connected to ... but", without
/// its full stop, and holds no secrets.
/// </summary>
public sealed class SaslException : Exception
{
    public SaslException(string reason) : base(reason) { }
}

/// <summary>
/// The client's side of one authentication. Calls come in the protocol's order: <see cref="Start"/>, then
/// <see cref="Answer"/> for each challenge, then <see cref="Unproven"/>. What is returned is the caller's to wipe.
/// </summary>
public abstract class SaslMechanism
{
    protected SaslMechanism(string name) => Name = name;

    /// <summary>Its registered name, as in the AUTH command.</summary>
    public string Name { get; }

    /// <summary>What the next response is, in the words of qmail-remote(8): a rejection names it.</summary>
    public abstract string Step { get; }

    /// <summary>
    /// Whether challenges mean something. LOGIN's are prompts for people, which some servers do not even encode.
    /// </summary>
    public virtual bool ReadsChallenges => true;

    /// <summary>The initial response; null when the server speaks first.</summary>
    public virtual byte[]? Start() => null;

    /// <summary>The response to a challenge; may be empty.</summary>
    /// <param name="challenge">The decoded challenge.</param>
    /// <exception cref="SaslException">The challenge makes no sense, or proves that the server is an impostor.</exception>
    public abstract byte[] Answer(ReadOnlySpan<byte> challenge);

    /// <summary>
    /// After the server has said yes: what it still owes, as a <see cref="SaslException"/>'s message, or null when
    /// there is nothing. A mechanism that authenticates the server, too, believes no yes before that.
    /// </summary>
    public virtual string? Unproven => null;

    /// <summary>For a challenge that comes after everything was said.</summary>
    protected SaslException TooManyChallenges() => new($"got more challenges than {Name} has");
}
