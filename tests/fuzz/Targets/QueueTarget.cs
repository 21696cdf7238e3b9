// Envelopes as they lie in todo, taken in by the scheduler (queue(5)).
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;
using Qmta.Send;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>
/// An envelope that makes sense is split into exactly its recipients; one that does not is left where it is, with its
/// message, and nothing is made of it.
/// </summary>
internal sealed class QueueTarget : Target
{
    private const ulong Number = 4711;

    internal override string Name => "todo";
    internal override string[] Words => ["u1000\0", "p55\0", "Fjoe@x\0", "Ta@here.example\0", "Tb@there\0", "eX-A: b\n\0", "hx\0", "D", "\0", new string('y', 2100)];
    internal override int Longest => 8192;
    internal override long Allowance(int length) => (4 << 20) + 2000L * length;

    private readonly QueueLayout queue = new(Scratch.Folder("queue"), 3);
    private readonly ControlFiles control = new(Scratch.Folder("queuecontrol"));

    public QueueTarget()
    {
        File.WriteAllText(control.PathOf("me"), "here.example\n");
        foreach (string kind in new[] { "pid", "intd", "todo", "bounce", "lock", "defer" }) Directory.CreateDirectory(queue.Directory + "/" + kind);
        foreach (string kind in new[] { "mess", "info", "local", "remote" })
            for (int n = 0; n < 3; n++) Directory.CreateDirectory(queue.Directory + "/" + kind + "/" + n);
    }

    internal override void Run(byte[] input)
    {
        foreach (string path in Files(queue.Directory)) File.Delete(path);
        File.WriteAllText(queue.Mess(Number), "Subject: x\n\nbody\n");
        File.WriteAllBytes(queue.Todo(Number), input);
        File.WriteAllBytes(queue.Intd(Number), input);
        Channel[] channels = [new(ChannelKind.Local) { Concurrency = 10 }, new(ChannelKind.Remote) { Concurrency = 20 }];
        QueueClock clock = new(queue.Clock, () => new ClockReading(1_795_154_000, 1000, "boot"));
        TodoScan scan = new(queue, new Settings(control, queue), clock, new Cleaner(queue), channels, _ => true);
        scan.Begin();
        int found = 0;
        while (scan.Scanning) found += scan.Step();
        Must(File.Exists(queue.Mess(Number)), "the message stays");
        (string? sender, List<string> recipients, string extra) = Understand(Text(input));
        if (sender == null)
        {
            MustEqual(0, found, "an envelope without sense is not taken in");
            Must(File.Exists(queue.Todo(Number)) && Leftovers() == 0, "it stays where it is, and nothing is made of it");
            return;
        }
        MustEqual(1, found, "an envelope with sense is taken in");
        List<string> expected = recipients.ConvertAll(one => one.Contains('@') ? one : one + "@here.example");
        if (recipients.Count == 1 && extra.Length == 0)
        {
            Must(File.Exists(queue.Todo(Number)) && Leftovers() == 0, "one recipient is delivered from todo");
            Channel channel = channels[channels[0].DirectCount == 1 ? 0 : 1];
            Job job = channel.Next(0, (_, _) => null, _ => { })!.Value.Job;
            MustEqual((sender, expected[0]), (job.Sender, job.Only), "to the one it names");
            return;
        }
        Must(!File.Exists(queue.Todo(Number)) && !File.Exists(queue.Intd(Number)), "what is written down is out of todo");
        MustEqual("F" + sender + "\0" + (extra.Length > 0 ? "e" + extra + "\0" : ""), Text(File.ReadAllBytes(queue.Info(Number))), "the sender");
        bool Local(string one) => one.EndsWith("@here.example", StringComparison.OrdinalIgnoreCase);
        MustEqual(Records(expected.Where(Local)), Contents(queue.Local(Number)), "local recipients");
        MustEqual(Records(expected.Where(one => !Local(one))), Contents(queue.Remote(Number)), "remote recipients");
        MustEqual(recipients.Count == 0, scan.WithoutRecipients.Contains(Number), "a message for nobody is known as one");
    }

    private int Leftovers() => Files(queue.Directory + "/info").Length + Files(queue.Directory + "/local").Length + Files(queue.Directory + "/remote").Length;

    private static string[] Files(string path) => Directory.GetFiles(path, "*", SearchOption.AllDirectories);

    private static string Records(IEnumerable<string> addresses) => string.Concat(addresses.Select(each => "T" + each + "\0"));

    private static string Contents(string path) => File.Exists(path) ? Text(File.ReadAllBytes(path)) : "";

    // queue(5), todo
    private static (string? Sender, List<string> Recipients, string Extra) Understand(string text)
    {
        string? sender = null;
        string extra = "";
        List<string> recipients = [];
        if (text.Length > 0 && text[^1] != '\0') return (null, recipients, "");
        foreach (string record in text.Length == 0 ? [] : text[..^1].Split('\0'))
        {
            if (record.Length == 0 || record.Length > 1 + ExtraHeader.Longest
                || record.Length > 2 * QueueLayout.LongestAddress && record[0] is not ('e' or 'h')) return (null, recipients, "");
            string value = record[1..];
            switch (record[0])
            {
                case 'u' or 'p' when sender == null: break;
                case 'F' when sender == null: sender = value; break;
                case 'T' when sender != null: recipients.Add(value); break;
                case 'e' when sender != null: extra = value; break;
                case 'h' when sender != null: break;
                default: return (null, recipients, "");
            }
        }
        return (sender, recipients, extra);
    }
}
