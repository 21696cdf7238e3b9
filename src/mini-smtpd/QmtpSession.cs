// The server's side of QMTP (D. J. Bernstein, qmtp.txt): any number of messages, and an answer for each recipient.
using System;
using System.Collections.Generic;
using Qmta.Posix;

namespace Qmta.Reception;

/// <summary>
/// Packages of a message, its sender and its recipients. Who may send where is as for SMTP: rcpthosts, relayclients and
/// RELAYCLIENT decide (qmail-qmtpd(8)).
/// </summary>
internal sealed class QmtpSession : ISession
{
    internal const string Program = "qmail-qmtpd";

    // For so many recipients it is remembered what is wrong with each; what comes after them is told to try again.
    private const int MostRecipients = 100_000;

    private const byte Newline = 10, Return = 13;

    private static readonly string
        relayed = AsNetstring("Dsorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        unusable = AsNetstring("Dsorry, I can't handle that recipient (#5.1.3)"),
        tooMany = AsNetstring("Zsorry, too many recipients at once (#4.5.3)");

    private enum Verdict : byte
    {
        Accepted, Relayed, Unusable,
    }

    private readonly ClientConnection connection;
    private readonly Peer peer;
    private readonly Handshakes tls;
    private readonly CurrentSettings<QueueingSettings> settings;
    private readonly NetstringInput input;
    private readonly List<Verdict> verdicts = [];
    private long unread;
    private bool heldReturn;

    internal QmtpSession(ClientConnection connection, Peer peer, Handshakes tls,
        CurrentSettings<QueueingSettings> settings)
    {
        this.connection = connection;
        this.peer = peer;
        this.tls = tls;
        this.settings = settings;
        input = new NetstringInput(connection);
    }

    public string Greeting => "";
    public string TimeoutText => "";
    public string FarewellText => "";

    /// <summary>Serves one package.</summary>
    public bool Serve()
    {
        // Before the first byte of a package the client is in the middle of nothing, and may leave.
        input.Await();
        QueueingSettings current;
        string? suffix;
        try
        {
            current = settings.Get();
            suffix = current.RelaySuffix(peer, connection, tls);
        }
        catch (Exception e) when (e is PosixException or FormatException)
        {
            Standard.Error(Program + ": " + e.Message);
            return false;
        }
        using IncomingMessage message = new(Program, "QMTP", peer, current, connection.Tls?.Facts);
        try
        {
            ReadMessage(message);
            ReadSender(message);
            ReadRecipients(message, current.Recipients, suffix);
        }
        catch (Exception e) when (e is FormatException or ClientGoneException or PosixException)
        {
            message.Abandon(e is FormatException ? "the client sent " + e.Message : e.Message);
            return false;
        }
        Answer(message);
        return true;
    }

    private void ReadMessage(IncomingMessage message)
    {
        long rest = input.Length();
        if (rest == 0) throw new FormatException("a message without its first byte, which says how lines end");
        byte kind = input.Take(1)[0];
        if (kind is not (Newline or Return)) throw new FormatException("a message whose lines end in an unknown way");
        for (rest--; rest > 0;)
        {
            ReadOnlySpan<byte> piece = input.Take(rest);
            rest -= piece.Length;
            if (kind == Newline) message.Put(piece);
            else PutWithoutReturns(message, piece, rest == 0);
        }
        input.Comma();
    }

    // A CR belongs to the line's end when a LF follows, which may be in the next piece.
    private void PutWithoutReturns(IncomingMessage message, ReadOnlySpan<byte> piece, bool last)
    {
        if (heldReturn && piece[0] != Newline) message.Put([Return]);
        heldReturn = false;
        while (!piece.IsEmpty)
        {
            int at = piece.IndexOf(Return);
            if (at < 0) at = piece.Length;
            message.Put(piece[..at]);
            if (at == piece.Length) return;
            piece = piece[(at + 1)..];
            if (piece.IsEmpty) heldReturn = !last;
            if (piece.IsEmpty ? last : piece[0] != Newline) message.Put([Return]);
        }
    }

    private void ReadSender(IncomingMessage message)
    {
        string? sender = input.Text(QueueingSettings.LongestAddress);
        if (sender == null) message.Refuse("Dunacceptable sender (#5.1.7)");
        message.From(sender ?? "");
    }

    private void ReadRecipients(IncomingMessage message, RecipientHosts own, string? suffix)
    {
        verdicts.Clear();
        unread = 0;
        input.Enter(input.Length());
        while (input.Left > 0)
        {
            string? recipient = input.Text(QueueingSettings.LongestAddress - (suffix?.Length ?? 0));
            if (verdicts.Count == MostRecipients)
            {
                unread++;
                continue;
            }
            Verdict verdict = string.IsNullOrEmpty(recipient) || recipient.Contains('\0') ? Verdict.Unusable
                : suffix == null && !own.Accepts(recipient) ? Verdict.Relayed : Verdict.Accepted;
            verdicts.Add(verdict);
            if (verdict == Verdict.Accepted) message.To(recipient + suffix);
        }
        input.Leave();
    }

    private void Answer(IncomingMessage message)
    {
        string answer = AsNetstring(message.Finish());
        foreach (Verdict verdict in verdicts)
            connection.Write(verdict switch
            {
                Verdict.Accepted => answer,
                Verdict.Relayed => relayed,
                _ => unusable,
            });
        for (; unread > 0; unread--) connection.Write(tooMany);
    }

    private static string AsNetstring(string text) => text.Length + ":" + text + ",";
}
