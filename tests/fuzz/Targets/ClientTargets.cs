// The clients of SMTP, QMTP and QMQP, whatever a server says: no recipient counts as done without the server's word for it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Qmtp;
using Qmta.Smtp;
using Qmta.Text;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>What the clients have in common: a message and a server that says what the input says.</summary>
internal abstract class ClientTarget : Target
{
    protected const string Message = "Subject: x\n\n.\nA line\n..\nno end";
    protected static readonly string[] Recipients = ["joe@example.net", "jane doe@example.net"];
    protected readonly ScriptedServer Server = new();
    protected readonly SmtpBuffers Buffers = new();
    private readonly string path;

    protected ClientTarget() => path = Scratch.Write("sent", Latin1.Bytes(Message));

    internal override int Longest => 8192;
    internal override long Allowance(int length) => (8 << 20) + 2000L * length;

    /// <summary>Runs a conversation; what is wrong with the server is no finding.</summary>
    protected void Converse(List<byte[]> script, Func<string, int> until, Action<Connection, int> client)
    {
        using (Connection connection = Server.Open(script, until, Buffers))
        {
            int message = Files.Open(path, OpenMode.Read);
            try
            {
                client(connection, message);
            }
            catch (ConnectionException) { }
            finally
            {
                _ = Files.Close(message);
            }
        }
        Server.Finish();
    }

    protected static int Size => Message.Length;
}

/// <summary>SMTP: a message counts as sent when the server had all of it and said 2xx to it.</summary>
internal sealed class SmtpClientTarget : ClientTarget
{
    internal override string Name => "smtp-client";
    internal override string[] Words => ["220 x ESMTP\r\n", "250 ok\r\n", "250-PIPELINING\r\n", "250-SIZE 100\r\n", "250 8BITMIME\r\n", "354 go\r\n", "421 bye\r\n", "452 full\r\n", "550 no\r\n",
        "250-AUTH PLAIN\r\n", "250-SMTPUTF8\r\n", "\n", "\r\n", "200", "600 x\r\n", "25\r\n"];

    internal override void Run(byte[] input)
    {
        SmtpOutcome? outcome = null;
        bool inDoubt = false, data = false;
        // A reply is due after a line; after 354, when the message has come to its end.
        List<byte[]> script = Split(input);
        int Until(string heard)
        {
            if (Server.Said == 0) return 0;
            if (data)
            {
                int dot = heard.StartsWith(".\r\n", StringComparison.Ordinal) ? -2 : heard.IndexOf("\r\n.\r\n", StringComparison.Ordinal);
                if (dot == -1) return -1;
                data = false;
                return dot + 5;
            }
            int line = heard.IndexOf("\r\n", StringComparison.Ordinal);
            if (line < 0) return -1;
            data = heard.StartsWith("DATA\r\n", StringComparison.Ordinal) && Text(script[Server.Said]) is ['3', ..];
            return line + 2;
        }

        Converse(script, Until, (connection, message) =>
        {
            SmtpConversation conversation = new(connection, Buffers);
            try
            {
                if (!conversation.Greeting().IsPositive || !conversation.Hello("here.example").IsPositive) return;
                outcome = conversation.Transact("sender@here.example", Recipients, Size, message);
                conversation.Quit();
            }
            finally
            {
                inDoubt = conversation.InDoubt;
            }
        });
        string heard = Server.Heard;
        bool whole = heard.Contains("\r\n..\r\nA line\r\n...\r\nno end\r\n.\r\n", StringComparison.Ordinal);
        Must(!inDoubt || whole, "it is in doubt only when the server may have all of the message");
        if (outcome == null) return;
        Must(outcome.Recipients.Count <= Recipients.Length, "no answer is invented");
        Must(outcome.Stage == SmtpStage.Sender || outcome.Recipients.Count == Recipients.Length, "each recipient has an answer");
        if (outcome.Stage == SmtpStage.Message && outcome.Reply.IsPositive)
        {
            Must(whole, "what counts as sent was sent whole");
            Must(outcome.Recipients.Any(each => each.IsPositive), "somebody was accepted");
            int positive = script.Count(piece => Text(piece) is ['2', ..]);
            Must(positive >= 4, "the server said yes to hello, sender, a recipient and message");
        }
        Must(heard.StartsWith("EHLO here.example\r\n", StringComparison.Ordinal), "the client says hello first");
        Must(!heard.Replace("\r\n", "").Contains('\n'), "every line ends in CR LF");
    }

    // Replies: lines up to one that has no dash after its code.
    internal static List<byte[]> Split(byte[] input)
    {
        List<byte[]> pieces = [];
        int start = 0;
        for (int line = 0; line < input.Length;)
        {
            int end = Array.IndexOf(input, (byte)'\n', line);
            if (end < 0) end = input.Length - 1;
            bool more = line + 3 < input.Length && input[line + 3] == '-';
            line = end + 1;
            if (more && line < input.Length) continue;
            pieces.Add(input[start..line]);
            start = line;
        }
        return pieces;
    }
}

/// <summary>QMTP: each recipient has the server's own answer.</summary>
internal sealed class QmtpClientTarget : ClientTarget
{
    internal override string Name => "qmtp-client";
    internal override string[] Words => ["3:Kok,", "5:Zwait,", "3:Dno,", "0:,", "1:K,", "10001:", ",", ":", "00:"];

    internal override void Run(byte[] input)
    {
        IReadOnlyList<QmtpResponse>? answers = null;
        string package = Package();
        bool early = Chance(input).Next(3) == 0;
        Converse([input], heard => early || heard.Length >= package.Length ? 0 : -1, (connection, message) =>
            answers = new QmtpConversation(connection, Buffers).Transact("sender@here.example", Recipients, Size, message));
        if (answers == null) return;
        MustEqual(package, Server.Heard, "the package was sent as it is");
        string text = Text(input);
        int at = 0;
        MustEqual(Recipients.Length, answers.Count, "each recipient has an answer");
        foreach (QmtpResponse answer in answers)
            MustEqual(QmqpServerTarget.One(text, ref at, text.Length), answer.Letter + answer.Text, "it is the one the server gave");
    }

    private static string Package()
    {
        string all = string.Concat(Recipients.Select(each => each.Length + ":" + each + ","));
        return (Message.Length + 1) + ":\n" + Message + ",19:sender@here.example," + all.Length + ":" + all + ",";
    }
}

/// <summary>QMQP: the one answer is the server's, and "accepted" counts only for a whole package.</summary>
internal sealed class QmqpClientTarget : ClientTarget
{
    internal override string Name => "qmqp-client";
    internal override string[] Words => ["3:Kok,", "5:Zwait,", "3:Dno,", "0:,", "1:K,", "999999999:K", "1000:", ",", ":"];

    internal override void Run(byte[] input)
    {
        QmqpReply? reply = null;
        bool inDoubt = false;
        string envelope = string.Concat(Recipients.Prepend("sender@here.example").Select(each => each.Length + ":" + each + ","));
        string inner = Message.Length + ":" + Message + "," + envelope, package = inner.Length + ":" + inner + ",";
        string path = Scratch.Write("package", Latin1.Bytes(Message + envelope));
        bool early = Chance(input).Next(3) == 0;
        Converse([input], heard => early || heard.Length >= package.Length ? 0 : -1, (connection, _) =>
        {
            int fd = Files.Open(path, OpenMode.Read);
            QmqpConversation conversation = new(connection, new byte[64]);
            try
            {
                reply = conversation.Submit(new QmqpMessage(new FilePart(fd, 0, Message.Length), new FilePart(fd, Message.Length, envelope.Length)));
            }
            finally
            {
                inDoubt = conversation.InDoubt;
                _ = Files.Close(fd);
            }
        });
        Must(!inDoubt || Server.Heard == package, "it is in doubt only when the server may have all of it");
        if (reply is not QmqpReply answer) return;
        string text = Text(input);
        int colon = text.IndexOf(':');
        Must(colon > 0 && text[..colon].All(char.IsAsciiDigit) && text[colon + 1] == answer.Verdict, "the verdict is the server's");
        if (answer.Accepted) MustEqual(package, Server.Heard, "what counts as accepted was sent whole");
        Must(answer.Text.Length <= QmqpConversation.LongestText && text.Contains(answer.Text, StringComparison.Ordinal), "its words are the server's");
    }
}
