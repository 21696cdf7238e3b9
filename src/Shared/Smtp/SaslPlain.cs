// The mechanisms that hand the password itself to the server: PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login).
using System;

namespace Qmta.Smtp;

/// <summary>PLAIN: everything in one response, without an authorization identity.</summary>
public sealed class SaslPlain : SaslMechanism
{
    private readonly Credentials credentials;

    public SaslPlain(Credentials credentials) : base("PLAIN") => this.credentials = credentials;

    public override string Step => "plain";

    public override byte[] Start()
    {
        ReadOnlySpan<byte> user = credentials.User, password = credentials.Password;
        byte[] response = new byte[user.Length + password.Length + 2];
        user.CopyTo(response.AsSpan(1));
        password.CopyTo(response.AsSpan(user.Length + 2));
        return response;
    }

    public override byte[] Answer(ReadOnlySpan<byte> challenge) => throw TooManyChallenges();
}

/// <summary>LOGIN: the user in the first response, the password in the second.</summary>
public sealed class SaslLogin : SaslMechanism
{
    private readonly Credentials credentials;
    private int said;

    public SaslLogin(Credentials credentials) : base("LOGIN") => this.credentials = credentials;

    public override string Step => said == 0 ? "username" : "password";

    public override bool ReadsChallenges => false;

    public override byte[] Answer(ReadOnlySpan<byte> challenge) => said++ switch
    {
        0 => credentials.User.ToArray(),
        1 => credentials.Password.ToArray(),
        _ => throw TooManyChallenges(),
    };
}
