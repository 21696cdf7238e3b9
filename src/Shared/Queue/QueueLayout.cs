// Where everything is in a queue directory: the layout of qmail, which its tools read and write too (queue(5)).
using System;
using System.Globalization;
using Qmta.Posix;

namespace Qmta.Queue;

/// <summary>The paths of one queue. A message is known by its number: the inode number of its mess file.</summary>
public sealed class QueueLayout
{
    /// <summary>The queue when QUEUEDIR does not name one.</summary>
    public const string DefaultDirectory = "/var/indimail/queue/qmta";

    /// <summary>Sub-directories of mess, info, local and remote when CONFSPLIT does not say.</summary>
    public const int DefaultSplit = 23;

    /// <summary>Longest envelope address, in bytes, that enters a queue; qmail's own limit.</summary>
    public const int LongestAddress = 1003;

    public QueueLayout(string directory, int split = DefaultSplit, bool bigTodo = false)
    {
        Directory = directory.Length > 1 ? directory.TrimEnd('/') : directory;
        Split = split;
        BigTodo = bigTodo;
    }

    /// <summary>The queue directory, without a trailing slash.</summary>
    public string Directory { get; }

    /// <summary>Number of sub-directories; message N is in number N mod Split.</summary>
    public int Split { get; }

    /// <summary>Whether todo and intd are split like mess (BIGTODO).</summary>
    public bool BigTodo { get; }

    /// <summary>The queue that QUEUEDIR, CONFSPLIT and BIGTODO describe.</summary>
    public static QueueLayout FromEnvironment()
    {
        string? directory = Variables.Get("QUEUEDIR");
        return new QueueLayout(string.IsNullOrEmpty(directory) ? DefaultDirectory : directory,
            ParseSplit(Variables.Get("CONFSPLIT")) ?? DefaultSplit, Variables.Get("BIGTODO") is not (null or "" or "0"));
    }

    /// <summary>A split value as a number, or null unless it is one from 1 to 10,000.</summary>
    public static int? ParseSplit(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int split) && split is > 0 and <= 10000 ? split : null;

    /// <summary>A file name as a message number; only the canonical decimal form is one.</summary>
    public static bool TryParseId(string name, out ulong id) =>
        ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out id) && name.Length > 0 && (name[0] != '0' || name.Length == 1);

    public string Mess(ulong id) => InSplit("mess", id);
    public string Info(ulong id) => InSplit("info", id);
    public string Local(ulong id) => InSplit("local", id);
    public string Remote(ulong id) => InSplit("remote", id);
    public string Todo(ulong id) => BigTodo ? InSplit("todo", id) : Path("todo", id);
    public string Intd(ulong id) => BigTodo ? InSplit("intd", id) : Path("intd", id);
    public string Bounce(ulong id) => Path("bounce", id);

    /// <summary>Why recipients of a message wait; not part of qmail's layout.</summary>
    public string Defer(ulong id) => Path("defer", id);

    /// <summary>The file that lists a message's recipients on a channel.</summary>
    public string Recipients(ChannelKind channel, ulong id) => channel == ChannelKind.Local ? Local(id) : Remote(id);

    /// <summary>"5/12345": the message's path below mess, as delivery commands name it.</summary>
    public string MessName(ulong id) => Name(id % (ulong)Split) + "/" + Name(id);

    /// <summary>The directory that holds a file, for SyncDirectory.</summary>
    public static string DirectoryOf(string path) => path[..path.LastIndexOf('/')];

    /// <summary>A second link to a message's file while the operator holds it back; not part of qmail's layout.</summary>
    public string Hold(ulong id) => Path("hold", id);

    public string Pid => Directory + "/pid";

    /// <summary>The FIFO that tells qmta-send of new mail.</summary>
    public string Trigger => Directory + "/lock/trigger";

    /// <summary>Locked by the one qmta-send that works on the queue.</summary>
    public string SendMutex => Directory + "/lock/sendmutex";

    /// <summary>Where a running qmta-send takes messages; not part of qmail's layout. See <see cref="QueueWriter"/>.</summary>
    public string Submit => Directory + "/lock/submit";

    /// <summary>qmail-remote's table of hosts that timed out.</summary>
    public string TcpTo => Directory + "/lock/tcpto";

    /// <summary>What qmta-send remembers of the clock across restarts; not part of qmail's layout.</summary>
    public string Clock => Directory + "/lock/clock";

    /// <summary>Tells qmta-send that there is new mail; it does not matter whether one is listening.</summary>
    public void PullTrigger()
    {
        int fd = Files.Open(Trigger, OpenMode.Write | OpenMode.NonBlocking);
        if (fd < 0) return;
        _ = Files.Write(fd, [0]);
        _ = Files.Close(fd);
    }

    private string InSplit(string kind, ulong id) => Directory + "/" + kind + "/" + MessName(id);

    private string Path(string kind, ulong id) => Directory + "/" + kind + "/" + Name(id);

    // Concatenated: what interpolation needs is not in the programs that start for each message.
    private static string Name(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
