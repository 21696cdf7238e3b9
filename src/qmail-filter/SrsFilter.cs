// srsfilter: takes bounces that come to rewritten senders to whom they belong, and only those (srsfilter(1)).
using System;
using Qmta.Control;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Srs;

namespace Qmta.Filter;

internal static class SrsFilter
{
    internal const string Usage = "srsfilter [-f sender]";

    internal static int Run(string[] arguments)
    {
        if (arguments is ["-f", string sender])
        {
            string forwarding = SenderRewriting.FromControl(ControlFiles.FromEnvironment())?.Forward(sender, Clocks.Realtime) ?? sender;
            return Standard.Output(forwarding + "\n") ? 0 : 111;
        }
        if (arguments.Length > 0) throw Program.UsageError(Usage);
        if (!Incoming.IsBounce(Incoming.Variable("SENDER")))
            throw Failure.BounceSaying("Sorry, this address accepts nothing but bounces. (#5.7.1)");
        string rewritten = Variables.Get("DEFAULT") ?? Incoming.Variable("EXT");
        SenderRewriting srs = SenderRewriting.FromControl(ControlFiles.FromEnvironment())
            ?? throw Failure.TryLater("there is no srs_domain in the control files");
        string original = srs.Reverse(rewritten, Clocks.Realtime, out string reason)
            ?? throw Failure.BounceSaying("Sorry, " + rewritten.Replace('\n', '_') + " " + reason + ". (#5.1.1)");
        Send(original);
        return 0;
    }

    private static void Send(string original)
    {
        Incoming.Rewind();
        ByteReader reader = Incoming.Reader();
        MessageHeader header = Incoming.Header(reader);
        if (header.BodyStart.IsEmpty && reader.Fill().IsEmpty)
            throw Failure.BounceSaying("Sorry, a bounce without a body says nothing. (#5.6.0)");
        QueueProgram queue = Resending.Start();
        queue.Put(Incoming.Variable("DTLINE"));
        queue.Put("To: " + QuotedAddress.Of(original).Replace('\n', '_') + "\n");
        foreach (HeaderField field in header.Fields)
            if (field.Kind != FieldKind.To) queue.Put(header.Lines(field));
        queue.Put(header.Separator);
        queue.Put(header.BodyStart);
        Resending.Copy(reader, queue);
        Resending.Finish("srsfilter", queue, "", [original]);
    }
}
