// What the control files say, with the documented defaults (qmta-send(8), CONTROL FILES).
using System;
using System.Collections.Generic;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>The settings of one qmta-send. Those a HUP rereads are replaced together, or not at all.</summary>
internal sealed class Settings
{
    private readonly string directory;
    private readonly string queueName;

    /// <param name="control">The control files.</param>
    /// <param name="queue">The queue.</param>
    /// <param name="texts">The <see cref="Texts"/> of earlier settings, which are these again.</param>
    /// <exception cref="PosixException">A control file cannot be read.</exception>
    /// <exception cref="FormatException">A control file does not hold what it should.</exception>
    internal Settings(ControlFiles control, QueueLayout queue, Dictionary<string, string?>? texts = null)
    {
        directory = control.Directory;
        Texts = texts ?? [];
        ControlFiles files = new(directory, Texts);
        queueName = queue.Directory[(queue.Directory.LastIndexOf('/') + 1)..];
        string me = files.Me ?? throw new FormatException(files.PathOf("me") + " is missing");
        BounceFrom = files.Line("bouncefrom") ?? "MAILER-DAEMON";
        BounceHost = files.Line("bouncehost") ?? me;
        BounceSubject = files.Line("bouncesubject") ?? "failure notice";
        BounceMessage = files.Text("bouncemessage");
        BounceMaxBytes = files.Number("bouncemaxbytes", 50000);
        // An empty line, or an address that has its own domain, says that double bounces are not wanted.
        string? to = files.Text("doublebounceto");
        DoubleBounceTo = to == null ? "postmaster" : files.Line("doublebounceto") ?? "";
        DoubleBounceHost = files.Line("doublebouncehost") ?? me;
        DoubleBounceSubject = files.Line("doublebouncesubject") ?? "failure notice";
        DoubleBounceMessage = files.Text("doublebouncemessage");
        QueueLifetime = files.Number("queuelifetime", 604800);
        BounceLifetime = files.Number("bouncelifetime", QueueLifetime);
        DefaultDelivery = files.Text("defaultdelivery")?.TrimEnd() is { Length: > 0 } text ? text : "./Maildir/";
        Routing = null!;
        Read(files);
    }

    /// <summary>The control files that count, as they were read; null for one that was not there.</summary>
    internal Dictionary<string, string?> Texts { get; }

    internal string BounceFrom { get; }
    internal string BounceHost { get; }
    internal string BounceSubject { get; }
    /// <summary>Replaces the first paragraph of a bounce; null for our own words.</summary>
    internal string? BounceMessage { get; }
    /// <summary>Most bytes of the original message in a bounce; 0 for no limit.</summary>
    internal long BounceMaxBytes { get; }
    /// <summary>User that gets double bounces; "" or with an @: none are sent.</summary>
    internal string DoubleBounceTo { get; }
    internal string DoubleBounceHost { get; }
    internal string DoubleBounceSubject { get; }
    internal string? DoubleBounceMessage { get; }
    /// <summary>Seconds after which a temporary failure is final.</summary>
    internal long QueueLifetime { get; }
    /// <summary>The same for bounces.</summary>
    internal long BounceLifetime { get; }
    internal string DefaultDelivery { get; }

    internal AddressRouting Routing { get; private set; }
    /// <summary>Most deliveries at a time; 0 while they are on hold.</summary>
    internal int ConcurrencyLocal { get; private set; }
    internal int ConcurrencyRemote { get; private set; }

    /// <summary>Reads again what may change while the program runs: addresses, concurrency and holds.</summary>
    /// <exception cref="PosixException">A control file cannot be read; everything stays as it was.</exception>
    /// <exception cref="FormatException">A control file does not hold what it should; everything stays as it was.</exception>
    internal void Reread()
    {
        Dictionary<string, string?> texts = [];
        Read(new ControlFiles(directory, texts));
        foreach ((string name, string? text) in texts) Texts[name] = text;
    }

    private void Read(ControlFiles files)
    {
        string me = files.Line("me") ?? throw new FormatException(files.PathOf("me") + " is missing");
        AddressRouting routing = new(files.Lines("locals") ?? [me], files.Lines("percenthack"), files.Lines("virtualdomains"),
            files.Line("envnoathost") ?? me);
        int local = Concurrency(files, "concurrencylocal", "concurrencyl." + queueName, 10, "holdlocal");
        int remote = Concurrency(files, "concurrencyremote", "concurrencyr." + queueName, 20, "holdremote");
        (Routing, ConcurrencyLocal, ConcurrencyRemote) = (routing, local, remote);
    }

    private static int Concurrency(ControlFiles files, string name, string ofThisQueue, int otherwise, string hold)
    {
        if (files.Number(hold, 0) != 0) return 0;
        long number = files.Number(ofThisQueue, files.Number(name, otherwise));
        return (int)Math.Min(number, DeliveryProtocol.MostDeliveries);
    }
}
