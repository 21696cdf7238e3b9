// The queue as tools list it, whatever its files hold (queue(5)).
using System;
using System.IO;
using System.Linq;
using Qmta.Queue;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>A message is listed with what can be read of it and a problem; every record shown is one of the file.</summary>
internal sealed class ListingTarget : Target
{
    private const ulong Number = 4711;
    private const long Now = 1_795_154_000;

    internal override string Name => "listing";
    internal override string[] Words => ["Fjoe@x\0", "Ta@here\0", "Db@there\0", "Z1795154000 later\0", "\0", "eX: y\n\0"];
    internal override long Allowance(int length) => (2 << 20) + 2000L * length;

    private readonly QueueLayout queue = new(Scratch.Folder("listing"), 3);

    public ListingTarget()
    {
        foreach (string kind in new[] { "todo", "bounce", "lock", "defer", "mess/0", "mess/1", "mess/2", "info/0", "local/0", "remote/0", "info/1", "local/1", "remote/1" })
            Directory.CreateDirectory(queue.Directory + "/" + kind);
        File.WriteAllText(queue.Mess(Number), "Subject: x\n\nbody\n");
    }

    internal override void Run(byte[] input)
    {
        int nuls = input.Count(b => b == 0);
        foreach (bool isNew in new[] { true, false })
        {
            foreach (string path in new[] { queue.Todo(Number), queue.Info(Number), queue.Local(Number), queue.Remote(Number), queue.Defer(Number) })
                File.Delete(path);
            foreach (string path in isNew ? [queue.Todo(Number)] : new[] { queue.Info(Number), queue.Local(Number), queue.Remote(Number), queue.Defer(Number) })
                File.WriteAllBytes(path, input);
            ListedMessage message = new QueueListing(queue, Now).OldestFirst().Single();
            Must(message.Id == Number && message.Size == 17 && message.IsNew == isNew && message.Arrival <= Now, "the message is listed");
            int shown = 0;
            foreach (ListedRecipient recipient in message.Recipients())
            {
                shown++;
                Must(!recipient.Address.Contains('\0') && recipient.NextAttempt >= 0, "a recipient is one");
                if (recipient.Deferral is Deferral deferral) Must(!deferral.Reason.Contains('\0'), "a reason is one");
            }
            Must(shown <= (isNew ? nuls : 2 * nuls), "no recipient is invented");
            if (input.Length > 0 && input[^1] != 0) _ = message.Problem ?? throw new ViolationException("a file that ends inside a record is a problem");
        }
    }
}
