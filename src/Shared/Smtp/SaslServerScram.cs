// SCRAM-SHA-256 as a server, also with channel binding (RFC 5802, 7677): both sides prove that they know the password.
using System;
using System.Globalization;
using Qmta.Text;
using Qmta.Tls;

namespace Qmta.Smtp;

/// <summary>The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS.</summary>
public sealed class SaslServerScram : SaslServerMechanism
{
    private const string Plain = "SCRAM-SHA-256", Plus = "SCRAM-SHA-256-PLUS";
    private const string Hash = PasswordEntry.Hash;
    private const int LongestNonce = 512;

    private readonly PasswordSource source;
    private readonly Func<string, byte[]?> binding;
    private readonly bool plus, plusOffered;
    private readonly string serverNonce;

    private string header = "", firstBare = "", nonce = "", serverFirst = "";
    private byte[] bound = [];
    private ScramVerifier? verifier;
    private bool proven;

    /// <param name="plus">Whether the channel is bound: -PLUS.</param>
    /// <param name="plusOffered">Whether the client was offered a bound channel.</param>
    /// <param name="binding">What binds the channel, by its type (RFC 5929, 9266); null for types it does not have.</param>
    /// <param name="serverNonce">The server's part of the nonce; null for a fresh one, as it must be outside of tests.</param>
    public SaslServerScram(PasswordSource source, bool plus, bool plusOffered, Func<string, byte[]?> binding,
        string? serverNonce = null) : base(plus ? Plus : Plain)
    {
        this.source = source;
        this.plus = plus;
        this.plusOffered = plusOffered;
        this.binding = binding;
        this.serverNonce = serverNonce ?? Scram.Nonce();
    }

    public override SaslTurn Take(ReadOnlySpan<byte> response)
    {
        if (proven) return response.IsEmpty ? SaslTurn.End(new LoginVerdict(LoginResult.Accepted)) : SaslTurn.Malformed;
        string text = Latin1.String(response);
        return verifier == null ? ClientFirst(text) : ClientFinal(text, verifier);
    }

    // gs2-cbind-flag "," [ authzid ] "," username "," nonce ["," extensions]
    private SaslTurn ClientFirst(string text)
    {
        string[] parts = text.Split(',');
        if (parts.Length < 4 || !parts[2].StartsWith("n=", StringComparison.Ordinal)
            || !parts[3].StartsWith("r=", StringComparison.Ordinal))
            return SaslTurn.Malformed;
        if (parts[0] == "y")
        {
            // The client could bind and believes that the server cannot: somebody in between has told it so.
            if (plusOffered) return Refused("was told that the channel cannot be bound");
        }
        else if (parts[0].StartsWith("p=", StringComparison.Ordinal))
        {
            if (!plus) return SaslTurn.Malformed;
            if (binding(parts[0][2..]) is not byte[] known) return Refused("wants a binding that the channel does not have");
            bound = known;
        }
        else if (parts[0] != "n") return SaslTurn.Malformed;
        if (plus && bound.Length == 0) return SaslTurn.Malformed;

        if (Scram.Unescape(parts[2][2..]) is not string user || !TakeUser(Latin1.Bytes(user))) return SaslTurn.Malformed;
        if (parts[1].Length > 0)
        {
            if (!parts[1].StartsWith("a=", StringComparison.Ordinal)) return SaslTurn.Malformed;
            if (Scram.Unescape(parts[1][2..]) != user) return Refused("wants to act for somebody else");
        }
        string clientNonce = parts[3][2..];
        if (!IsNonce(clientNonce)) return SaslTurn.Malformed;

        verifier = source.FindScram(user, out string detail);
        if (verifier == null) return SaslTurn.End(new LoginVerdict(LoginResult.Unavailable, detail));
        header = parts[0] + "," + parts[1] + ",";
        firstBare = text[header.Length..];
        nonce = clientNonce + serverNonce;
        serverFirst = "r=" + nonce + ",s=" + Convert.ToBase64String(verifier.Salt) + ",i="
            + verifier.Iterations.ToString(CultureInfo.InvariantCulture);
        return SaslTurn.Ask(Latin1.Bytes(serverFirst));
    }

    // channel-binding "," nonce ["," extensions] "," proof
    private SaslTurn ClientFinal(string text, ScramVerifier known)
    {
        int end = text.LastIndexOf(",p=", StringComparison.Ordinal);
        if (end < 0 || Scram.Decode(text[(end + 3)..]) is not { Length: 32 } proof) return SaslTurn.Malformed;
        string withoutProof = text[..end];
        string[] parts = withoutProof.Split(',');
        if (parts.Length < 2 || !parts[0].StartsWith("c=", StringComparison.Ordinal)
            || !parts[1].StartsWith("r=", StringComparison.Ordinal) || Scram.Decode(parts[0][2..]) is not byte[] channel)
            return SaslTurn.Malformed;
        if (parts[1][2..] != nonce) return Refused("does not have the nonce it was given");
        byte[] expected = [.. Latin1.Bytes(header), .. bound];
        if (!Digests.Same(channel, expected)) return Refused("has come through another channel");

        (byte[] stored, byte[] server) = known.Keys;
        string authMessage = firstBare + "," + serverFirst + "," + withoutProof;
        byte[] clientKey = Scram.Mask(proof, Scram.Sign(Hash, stored, authMessage));
        bool right = Digests.Same(Digests.Hash(Hash, clientKey), stored);
        Array.Clear(clientKey);
        if (!right) return SaslTurn.End(new LoginVerdict(LoginResult.Refused));
        proven = true;
        return SaslTurn.Ask(Latin1.Bytes("v=" + Convert.ToBase64String(Scram.Sign(Hash, server, authMessage))));
    }

    private static SaslTurn Refused(string detail) => SaslTurn.End(new LoginVerdict(LoginResult.Refused, detail));

    private static bool IsNonce(string text)
    {
        foreach (char c in text)
            if (c is < '!' or > '~') return false; // a comma ended it
        return text.Length is > 0 and <= LongestNonce;
    }
}
