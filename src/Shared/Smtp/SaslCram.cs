// CRAM-MD5 (RFC 2195) and its relatives with other hashes: proof of the password by a keyed digest of the challenge.
using System;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>CRAM with any hash: "user hex(HMAC(password, challenge))".</summary>
public sealed class SaslCram : SaslMechanism
{
    private readonly Credentials credentials;
    private readonly string hash;
    private bool said;

    /// <param name="name">The mechanism's name.</param>
    /// <param name="hash">The hash as <see cref="Digests"/> calls it.</param>
    public SaslCram(string name, string hash, Credentials credentials) : base(name)
    {
        this.hash = hash;
        this.credentials = credentials;
    }

    public override string Step => "username+digest";

    public override byte[] Answer(ReadOnlySpan<byte> challenge)
    {
        if (said) throw TooManyChallenges();
        said = true;
        // RFC 2195 2: without a challenge that is new each time, the answer could be replayed.
        if (challenge.IsEmpty) throw new SaslException("got no challenge");
        ReadOnlySpan<byte> user = credentials.User;
        byte[] digest = Digests.Hmac(hash, credentials.Password, challenge);
        byte[] response = new byte[user.Length + 1 + 2 * digest.Length];
        user.CopyTo(response);
        response[user.Length] = (byte)' ';
        Hex.Write(digest, response.AsSpan(user.Length + 1));
        return response;
    }
}
