// One QMTP session of mailsink.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace Qmta.Tests.Sink;

/// <summary>
/// Receives packages, strictly. Messages are kept as they came, without the first byte; it must say that lines end
/// with LF.
/// </summary>
internal sealed class QmtpSession : IDisposable
{
    private const long LongestAddress = 10_000;

    private readonly Options options;
    private readonly Store store;
    private readonly Stream stream;
    private readonly Socket socket;

    internal QmtpSession(Socket socket, Options options, Store store)
    {
        socket.NoDelay = true;
        this.socket = socket;
        this.options = options;
        this.store = store;
        stream = new BufferedStream(new NetworkStream(socket), 16384);
    }

    public void Dispose() => stream.Dispose();

    internal void Run()
    {
        while (ReadLength(long.MaxValue) is long length and > 0)
        {
            string file = store.NewFile();
            if (stream.ReadByte() != '\n') return;
            using (FileStream kept = new(file, FileMode.Create, FileAccess.Write, FileShare.None, 16384))
                for (long left = length - 1; left > 0; left--) kept.WriteByte(ReadByte());
            if (!Comma()) return;
            string? sender = ReadAddress(out _);
            long? list = ReadLength(long.MaxValue);
            if (sender == null || list == null) return;
            StringBuilder envelope = new("MAIL FROM:<" + sender + ">\n");
            List<string> responses = [];
            bool any = false;
            while (list > 0)
            {
                string? recipient = ReadAddress(out long taken);
                if (recipient == null) return;
                list -= taken;
                if (options.RejectRecipient.Find(r => r.Matches(recipient)) is Rejection bad)
                {
                    responses.Add((bad.Reply[0] == '5' ? "D" : "Z") + bad.Reply);
                    continue;
                }
                any = true;
                responses.Add("Kok " + store.CountEnd());
                envelope.Append("RCPT TO:<" + recipient + ">\n");
            }
            if (list < 0 || !Comma()) return;
            if (any) store.Keep(file, envelope.ToString());
            else File.Delete(file);
            Thread.Sleep(options.DelayMilliseconds);
            StringBuilder all = new();
            foreach (string response in responses) all.Append(response.Length + ":" + response + ",");
            socket.Send(Encoding.Latin1.GetBytes(all.ToString()));
        }
    }

    private string? ReadAddress(out long taken)
    {
        taken = 0;
        if (ReadLength(LongestAddress) is not long length) return null;
        StringBuilder address = new();
        for (long i = 0; i < length; i++) address.Append((char)ReadByte());
        taken = length.ToString(System.Globalization.CultureInfo.InvariantCulture).Length + 1 + length + 1;
        return Comma() ? address.ToString() : null;
    }

    // Null for what is no length, and at the end.
    private long? ReadLength(long most)
    {
        long length = 0;
        for (int digits = 0; ; digits++)
        {
            int b = stream.ReadByte();
            if (b == ':' && digits > 0) return length;
            if (b is < '0' or > '9' || digits > 15 || (digits == 1 && length == 0)) return null;
            length = 10 * length + (b - '0');
            if (length > most) return null;
        }
    }

    private bool Comma() => stream.ReadByte() == ',';

    private byte ReadByte()
    {
        int b = stream.ReadByte();
        return b >= 0 ? (byte)b : throw new EndOfStreamException();
    }
}
