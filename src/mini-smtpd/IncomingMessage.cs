// A message on its way from a QMQP or QMTP client to the queue program: counted, traced, and queued whole or not at all.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Reception;

/// <summary>One message. Bytes, then the sender, then recipients, then <see cref="Finish"/>.</summary>
internal sealed class IncomingMessage : IDisposable
{
    private const string Prefix = "qmail-";

    private readonly Peer peer;
    private readonly string program;
    private readonly long mostBytes, mostHops;
    private readonly QueueProgram? queue;
    private HopCount hops;
    private long size;
    private string sender = "";
    private int recipients;
    private bool closed;

    /// <param name="program">The server's name.</param>
    /// <param name="protocol">QMQP or QMTP.</param>
    /// <param name="tls">Version and cipher of the connection, or null.</param>
    /// <param name="refusal">What is wrong with the client, if something is; nothing will be queued.</param>
    internal IncomingMessage(string program, string protocol, Peer peer, QueueingSettings settings, string? tls,
        string? refusal = null)
    {
        this.program = program;
        this.peer = peer;
        Refusal = refusal;
        hops = new HopCount();
        mostHops = settings.Hops;
        mostBytes = DataBytes(peer) ?? settings.DataBytes;
        if (refusal != null) return;
        queue = peer.StartQueueProgram(out QueueResult result);
        if (queue == null) Refusal = result.Text;
        queue?.Put(ReceivedField.Of(program[Prefix.Length..], peer, null, peer.Variable("TCPLOCALHOST") ?? settings.Host, protocol,
            tls, Clocks.Realtime));
    }

    /// <summary>Why it will not be queued, with the letter Z or D first; null while nothing speaks against it.</summary>
    internal string? Refusal { get; private set; }

    /// <summary>Adds to the message.</summary>
    internal void Put(ReadOnlySpan<byte> bytes)
    {
        size += bytes.Length;
        hops.Read(bytes);
        if (mostBytes > 0 && size > mostBytes) Refuse("Dsorry, that message size exceeds my databytes limit (#5.3.4)");
        else if (hops.Hops > mostHops) Refuse("Dtoo many hops, this message is looping (#5.4.6)");
        queue?.Put(bytes);
    }

    /// <summary>Ends the message.</summary>
    internal void From(string address)
    {
        sender = address;
        if (address.Contains('\0')) Refuse("Dunacceptable sender (#5.1.7)");
        queue?.From(address);
    }

    /// <summary>Adds a recipient, an address without NUL.</summary>
    internal void To(string address)
    {
        recipients++;
        queue?.To(address);
    }

    /// <summary>Has it not be queued; the first reason counts.</summary>
    /// <param name="reason">Z or D and a sentence.</param>
    internal void Refuse(string reason)
    {
        Refusal ??= reason;
        queue?.Fail();
    }

    /// <summary>Queues it, unless something speaks against it; returns what the client is told.</summary>
    internal string Finish()
    {
        if (recipients == 0) Refuse("Dsorry, the message has no recipients (#5.5.4)");
        QueueResult result = Close();
        string answer = Refusal
            ?? (result.Accepted ? "Kok " + Clocks.Realtime + " qp " + queue!.Pid : result.Text);
        Log("from <" + Printable(sender) + "> to " + recipients + " recipients, " + size + " bytes: " + Printable(answer));
        return answer;
    }

    /// <summary>Gives up in the middle: nothing is queued.</summary>
    /// <param name="reason">Why, for the log.</param>
    internal void Abandon(string reason)
    {
        Dispose();
        Log("message abandoned: " + reason);
    }

    /// <summary>Ends the queue program if nothing else has: nothing is queued.</summary>
    public void Dispose()
    {
        if (closed) return;
        queue?.Fail();
        _ = Close();
    }

    private QueueResult Close()
    {
        closed = true;
        return queue?.Close() ?? default;
    }

    private void Log(string text) =>
        Standard.Error(program + ": pid " + Processes.Id + " from " + peer.RemoteIp + " " + text);

    private static long? DataBytes(Peer peer)
    {
        string? text = peer.Variable("DATABYTES");
        return !string.IsNullOrEmpty(text) && long.TryParse(text, out long number) && number >= 0 ? number : null;
    }

    // What strangers chose must not end the line or change the terminal.
    private static string Printable(string text) => string.Create(text.Length, text, static (to, from) =>
    {
        for (int i = 0; i < to.Length; i++) to[i] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
    });
}
