// replier: sends what a program makes of the message to one address, as a list of one (replier(1)).
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Message;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Text;

namespace Qmta.Filter;

internal static class Replier
{
    internal const string Usage = "replier directory address program [argument ...]";

    private const int SkipRest = 99;

    internal static int Run(string[] arguments)
    {
        if (arguments is ["--", ..]) arguments = arguments[1..];
        if (arguments.Length < 3) throw Program.UsageError(Usage);
        if (Incoming.IsBounce(Variables.Get("SENDER") ?? "?"))
            throw Failure.BounceSaying("Sorry, bounces are not answered here. (#5.7.2)");
        PosixException.Check(Files.ChangeDirectory(arguments[0]), "unable to change to directory " + arguments[0]);
        ControlFiles settings = new(Programs.CurrentDirectory);
        string action = Action(Incoming.Variable("LOCAL"), settings.Line("inlocal") ?? "");
        SetRequest(action);
        string local = settings.Line("outlocal") ?? "";
        string host = Need(settings, "outhost");
        Incoming.Rewind();
        PosixException.Check(Files.Pipe(out int readEnd, out int writeEnd), "unable to create a pipe");
        int pid = Child.Start(arguments.AsSpan(2), [new(writeEnd, 1)]);
        _ = Files.Close(writeEnd);
        if (pid < 0) return 0;
        string deliveredTo = "Delivered-To: replier " + local + action.Replace('\n', '_') + "@" + host + "\n";
        ByteReader output = new(readEnd, "the output of " + arguments[2]);
        MessageHeader header = Incoming.Header(output);
        QueueProgram queue = Resending.StartNew();
        queue.Put("Mailing-List: " + Need(settings, "mailinglist") + "\n");
        foreach (string field in settings.Lines("headeradd") ?? []) queue.Put(field + "\n");
        queue.Put(deliveredTo);
        string? refused = PutHeader(header, queue, [.. settings.Lines("headerremove") ?? []], Latin1.Bytes(deliveredTo));
        queue.Put(header.BodyStart);
        Resending.Copy(output, queue);
        int code;
        try
        {
            code = Child.Wait(pid, arguments[2]);
        }
        catch (Failure)
        {
            Resending.Abandon(queue);
            throw;
        }
        if (code != 0 || refused != null)
        {
            Resending.Abandon(queue);
            return code == Failure.Temporary ? throw Failure.TryLater(arguments[2] + " failed for now")
                : code == 0 ? throw Failure.BounceSaying(refused!) : 0;
        }
        Resending.Finish("replier", queue, local + "return-@" + host, [arguments[1]]);
        return SkipRest;
    }

    // The header as it goes on; why the message must not, or null.
    private static string? PutHeader(MessageHeader header, QueueProgram queue, string[] removed, byte[] deliveredTo)
    {
        string? refused = null;
        foreach (HeaderField field in header.Fields)
        {
            ReadOnlySpan<byte> lines = header.Lines(field);
            if (lines.SequenceEqual(deliveredTo))
                refused = "This message is looping: it already has my Delivered-To line. (#5.4.6)";
            if (HeaderText.IsNamed(lines, ["Mailing-List"])) refused ??= "Sorry, this message comes from a mailing list. (#5.7.2)";
            if (!HeaderText.IsNamed(lines, removed)) queue.Put(lines);
        }
        queue.Put(header.Separator);
        return refused;
    }

    // What follows "inlocal-" in the address; all of it when inlocal is empty.
    private static string Action(string local, string prefix)
    {
        if (prefix.Length == 0) return local;
        if (local.Length <= prefix.Length || local[prefix.Length] != '-'
            || !Latin1.EqualsIgnoreCase(local.AsSpan(0, prefix.Length), prefix))
            throw Failure.BounceSaying("Sorry, messages are not accepted at this address. (#5.1.1)");
        return local[(prefix.Length + 1)..];
    }

    private static void SetRequest(string action)
    {
        foreach (string name in (ReadOnlySpan<string>)["REQUEST", "REQUEST2", "REQUEST3", "REQUEST4"])
        {
            Variables.Set(name, action);
            int dash = action.IndexOf('-');
            action = dash < 0 ? "" : action[(dash + 1)..];
        }
    }

    private static string Need(ControlFiles settings, string name) =>
        settings.Line(name) ?? throw Failure.TryLater("there is no " + settings.PathOf(name));
}
