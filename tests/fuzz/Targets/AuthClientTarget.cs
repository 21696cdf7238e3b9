// Logging in at a server that may say anything (qmail-remote(8), RFC 4954).
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// In the clear no password is sent, not in base64 either, unless that is allowed; what the server says is passed on without
/// secrets; and a server that has to prove that it knows the password is not believed without the proof.
/// </summary>
internal sealed class AuthClientTarget : ClientTarget
{
    private const string Password = "Secr3t-of-joe";

    internal override string Name => "smtp-auth";
    internal override string[] Words => ["250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256\r\n", "250 AUTH=LOGIN\r\n", "334 \r\n", "334 VXNlcm5hbWU6\r\n", "235 ok\r\n",
        "504 no\r\n", "535 no\r\n", "SCRAM-SHA-256-PLUS ", "cj1hLHM9YixpPTQwOTY=", "==", "=", Password, "U2VjcjN0LW9mLWpvZQ==", "\r\n"];

    internal override long Allowance(int length) => (16 << 20) + 4000L * length;

    internal override void Run(byte[] input)
    {
        SmtpAuthOutcome? outcome = null;
        bool clear = Chance(input).Next(2) == 0;
        List<byte[]> script = SmtpClientTarget.Split(input);
        Converse(script, heard => Server.Said == 0 ? 0 : heard.IndexOf("\r\n", StringComparison.Ordinal) is int line and >= 0 ? line + 2 : -1, (connection, _) =>
        {
            SmtpConversation conversation = new(connection, Buffers);
            if (!conversation.Greeting().IsPositive || !conversation.Hello("here.example").IsPositive) return;
            outcome = conversation.Authenticate(new Credentials("joe", Password), SaslPolicy.Read(_ => null, clear), SaslChannel.Plain, "mx.example");
            conversation.Quit();
        });
        string heard = Server.Heard;
        bool told = heard.Contains(Password, StringComparison.Ordinal) || heard.Split(' ', '\r', '\n').Any(Decodes);
        Must(clear || !told, "no password is sent in the clear");
        if (outcome == null) return;
        string words = outcome.Reason + outcome.Reply?.Text;
        Must(!words.Contains(Password, StringComparison.Ordinal) && !words.Contains("U2VjcjN0LW9mLWpvZQ", StringComparison.Ordinal), "no secret is passed on: " + words);
        if (outcome.Status != SmtpAuthStatus.Done) return;
        Must(script.Exists(piece => Text(piece) is ['2', '3', '5', ..]), "the server said yes");
        Must(!outcome.Mechanism.StartsWith("SCRAM", StringComparison.Ordinal) && outcome.Mechanism != "DIGEST-MD5", "a server without proof is not believed");
    }

    private static bool Decodes(string word)
    {
        byte[] bytes = new byte[word.Length];
        return Convert.TryFromBase64String(word, bytes, out int length) && Latin1.String(bytes.AsSpan(0, length)).Contains(Password, StringComparison.Ordinal);
    }
}
