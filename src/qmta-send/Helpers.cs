// Starting delivery helpers: by this process when everything runs under one uid, through the root helper otherwise.
//
// As root, qmta-send starts one process that stays root, qmail-lspawn, and gives up its own privileges before it looks
// at any mail. From then on it cannot start anything under another uid; it asks the root helper, which knows two
// requests: a delivery under the recipient's uid, and qmail-rspawn on the pipes that come with the request.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Send;

/// <summary>Starts the helper of a channel.</summary>
internal sealed class Helpers
{
    private readonly Options options;
    private readonly string defaultDelivery;
    private int rootHelper = -1;

    /// <param name="options">The command line.</param>
    /// <param name="defaultDelivery">The delivery instructions for users without any.</param>
    /// <param name="rootHelper">The root helper's socket, when that runs already.</param>
    internal Helpers(Options options, string defaultDelivery, int rootHelper = -1)
    {
        this.options = options;
        this.defaultDelivery = defaultDelivery;
        this.rootHelper = rootHelper;
    }

    /// <summary>The socket for requests to the root helper; -1 when there is none.</summary>
    internal int RootHelper => rootHelper;

    /// <summary>Whether local deliveries run under their recipients' uids, by a helper that stays.</summary>
    internal bool ByRole => rootHelper >= 0;

    /// <summary>
    /// Starts the root helper and becomes the queue's owner for good. The helper is qmail-lspawn with its pipes and, as
    /// descriptor 3, the socket for requests.
    /// </summary>
    /// <exception cref="PosixException">A user is missing or a step failed; nothing else may be done then.</exception>
    internal Helper? StartRootHelper()
    {
        (uint owner, uint group) = Owner();
        PosixException.Check(DescriptorSocket.Pair(out rootHelper, out int theirs), "unable to create a socket pair");
        Helper? helper = Helper.Start("qmail-lspawn", (command, report) => Processes.Start(LocalProgram, ["qmail-lspawn", defaultDelivery],
            [new(command, 0), new(report, 1), new(Log.Descriptor, 2), new(theirs, 3)]));
        _ = Files.Close(theirs);
        Users.Become(owner, group);
        return helper;
    }

    /// <summary>Becomes the queue's owner for good, when started as root.</summary>
    /// <exception cref="PosixException">A user is missing or a step failed; nothing else may be done then.</exception>
    internal static void BecomeOwner()
    {
        if (Users.EffectiveUid != 0) return;
        (uint owner, uint group) = Owner();
        Users.Become(owner, group);
    }

    private static (uint Owner, uint Group) Owner() =>
    (
        Users.ByName("qmailq")?.Uid ?? throw new PosixException(Errno.ENOENT, "unable to find the user qmailq"),
        Users.GroupByName("qmail") ?? throw new PosixException(Errno.ENOENT, "unable to find the group qmail")
    );

    /// <summary>Starts the helper of a channel; null after saying why it cannot be started.</summary>
    internal Helper? Start(ChannelKind channel)
    {
        if (channel == ChannelKind.Local)
        {
            // Only root could start another one.
            if (!ByRole) return Helper.Start("qmail-lspawn", (command, report) => Run(LocalProgram, ["qmail-lspawn", defaultDelivery], command, report));
            Log.Line("alert: qmail-lspawn is gone: restart qmta-send");
            return null;
        }
        return ByRole
            ? Helper.Start("qmail-rspawn", AskRootHelper)
            : Helper.Start("qmail-rspawn", (command, report) => Run(RemoteProgram, ["qmail-rspawn"], command, report));
    }

    // -l and -r are for qmail's own programs, or somebody's; without them only ours will do.
    private string LocalProgram => (options.ForeignLocal ? Programs.FindInPath("qmail-lspawn") : null) ?? Programs.Find("qmail-lspawn");

    private string RemoteProgram => (options.ForeignRemote ? Programs.FindInPath("qmail-rspawn") : null) ?? Programs.Find("qmail-rspawn");

    private static int Run(string program, string[] arguments, int command, int report) =>
        Processes.Start(program, arguments, [new(command, 0), new(report, 1), new(Log.Descriptor, 2)]);

    private int AskRootHelper(int command, int report)
    {
        int sent = DescriptorSocket.Send(rootHelper, (byte)'r', [command, report]);
        if (sent < 0) return sent;
        Span<byte> answer = stackalloc byte[512];
        int n = Files.Read(rootHelper, answer);
        if (n >= 1 && answer[0] == 0) return 0;
        if (n > 1) Log.Line("alert: " + Text.Latin1.String(answer[1..n]));
        return n < 0 ? n : -Errno.EPIPE;
    }
}
