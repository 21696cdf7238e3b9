// SCRAM-SHA-1 and SCRAM-SHA-256, also with channel binding (RFC 5802, 7677): salted proof of the password both ways.
using System;
using System.Globalization;
using Qmta.Text;

namespace Qmta.Smtp;

/// <summary>
/// SCRAM. User and password are sent and hashed as they are: they are taken for UTF-8 that SASLprep (RFC 4013) would
/// not change, which is so for ASCII and for what keyboards give.
/// </summary>
public sealed class SaslScram : SaslMechanism
{
    /// <summary>Fewest iterations believed in (RFC 7677 4): fewer would make it cheap to guess the password.</summary>
    public const int FewestIterations = 4096;

    /// <summary>Most iterations computed: some seconds on a small board, and no server's way to keep it busy.</summary>
    public const int MostIterations = 2_000_000;

    private readonly Credentials credentials;
    private readonly string hash, clientNonce, header;
    private readonly byte[] binding;
    private readonly string firstBare;
    private byte[]? expected;
    private bool proven;

    /// <param name="name">The mechanism's name.</param>
    /// <param name="hash">The hash as <see cref="Digests"/> calls it.</param>
    /// <param name="channel">For a -PLUS mechanism, a channel with a binding.</param>
    /// <param name="plusOffered">Whether the server offers any -PLUS mechanism.</param>
    /// <param name="clientNonce">The client's nonce; null for a fresh one, as it must be outside of tests.</param>
    public SaslScram(string name, string hash, Credentials credentials, SaslChannel channel, bool plusOffered,
        string? clientNonce = null) : base(name)
    {
        this.hash = hash;
        this.credentials = credentials;
        this.clientNonce = clientNonce ?? Scram.Nonce();
        bool plus = name.EndsWith("-PLUS", StringComparison.Ordinal);
        // RFC 5802 6: "y" tells a server that does offer channel binding that somebody has taken the offer away.
        header = plus ? "p=" + channel.BindingType + ",," : channel.CanBind && !plusOffered ? "y,," : "n,,";
        binding = plus ? channel.Binding : [];
        firstBare = "n=" + Scram.Escape(Latin1.String(credentials.User)) + ",r=" + this.clientNonce;
    }

    public override string Step => expected == null ? "digest" : "server's proof";

    public override string? Unproven =>
        proven ? null : "the server did not prove that it knows the password (" + Name + ")";

    public override byte[] Start() => Latin1.Bytes(header + firstBare);

    public override byte[] Answer(ReadOnlySpan<byte> challenge)
    {
        if (challenge.IsEmpty) throw new SaslException("got no challenge");
        string text = Latin1.String(challenge);
        if (expected == null) return ClientFinal(text);
        if (proven) throw TooManyChallenges();
        string last = text.Split(',')[0];
        if (last.StartsWith("e=", StringComparison.Ordinal))
            throw new SaslException("authentication failed (" + Name + ": " + Printable(last[2..]) + ")");
        if (!last.StartsWith("v=", StringComparison.Ordinal) || Scram.Decode(last[2..]) is not byte[] signature
            || !signature.AsSpan().SequenceEqual(expected))
            throw new SaslException("the server's proof that it knows the password is wrong (" + Name + ")");
        proven = true;
        return [];
    }

    private byte[] ClientFinal(string serverFirst)
    {
        string[] attributes = serverFirst.Split(',');
        if (attributes[0].StartsWith("m=", StringComparison.Ordinal)) throw Bad("wants an extension that does not exist");
        string nonce = Value(attributes, 0, "r=");
        if (!nonce.StartsWith(clientNonce, StringComparison.Ordinal) || nonce.Length == clientNonce.Length)
            throw Bad("does not continue the nonce it was given");
        byte[]? salt = Scram.Decode(Value(attributes, 1, "s="));
        if (salt == null || salt.Length == 0) throw Bad("has no salt");
        if (!int.TryParse(Value(attributes, 2, "i="), NumberStyles.None, CultureInfo.InvariantCulture, out int iterations)
            || iterations is < FewestIterations or > MostIterations)
            throw Bad("does not have an iteration count from 4096 to 2000000");

        ScramKeys keys = credentials.Salted ? ScramKeys.Of(hash, Hex.Parse(credentials.Password))
            : ScramKeys.Of(hash, credentials.Password, salt, iterations);
        byte[] headerBytes = Latin1.Bytes(header);
        string withoutProof = "c=" + Convert.ToBase64String([.. headerBytes, .. binding]) + ",r=" + nonce;
        string authMessage = firstBare + "," + serverFirst + "," + withoutProof;
        byte[] proof = Scram.Mask(keys.Client, Scram.Sign(hash, keys.Stored, authMessage));
        expected = Scram.Sign(hash, keys.Server, authMessage);
        keys.Clear();
        return Latin1.Bytes(withoutProof + ",p=" + Convert.ToBase64String(proof));
    }

    private string Value(string[] attributes, int index, string name) =>
        index < attributes.Length && attributes[index].StartsWith(name, StringComparison.Ordinal)
            ? attributes[index][2..] : throw Bad("lacks " + name);

    // What a server says goes into a report: no line ends, no controls, and not without end.
    private static string Printable(string text)
    {
        char[] chars = text[..Math.Min(text.Length, 80)].ToCharArray();
        for (int i = 0; i < chars.Length; i++)
            if (chars[i] is < ' ' or > '~') chars[i] = '?';
        return new string(chars);
    }

    private SaslException Bad(string why) => new("the server's challenge " + why + " (" + Name + ")");
}
