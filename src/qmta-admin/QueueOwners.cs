// Whom the parts of a queue belong to, and with which modes: by role when root set the system up, else one user's.
using Qmta.Posix;

namespace Qmta.Admin;

/// <param name="Queue">Owner of the queue: who runs qmta-send and qmail-queue.</param>
/// <param name="Remote">Owner of the remote helper's table of hosts.</param>
/// <param name="Group">The group through which the remote helper reads messages.</param>
/// <param name="Shared">Whether several users have a part in it.</param>
internal sealed record QueueOwners(uint Queue, uint Remote, uint Group, bool Shared)
{
    /// <summary>
    /// Mode of the queue itself and of lock: everybody passes on to the socket lock/submit, and sees nothing else.
    /// </summary>
    internal int Entrance => Shared ? 0x5E9 /* 02751 */ : Private;

    /// <summary>
    /// Mode of what the remote helper passes through. The set-group-id bit gives new files the group, whatever the group
    /// of who creates them.
    /// </summary>
    internal int Passage => Shared ? 0x5E8 /* 02750 */ : Private;

    /// <summary>Mode of what only the queue's owner sees.</summary>
    internal const int Private = 0x1C0 /* 0700 */;

    /// <summary>As <see cref="Private"/>, for files that will be linked where the group reads them.</summary>
    internal int Staging => Shared ? 0x5C0 /* 02700 */ : Private;

    /// <summary>The users for a queue made by this process; null after saying what is missing.</summary>
    /// <exception cref="PosixException">The user database cannot be read.</exception>
    internal static QueueOwners? Determine(string? oneUser)
    {
        if (Users.EffectiveUid != 0)
        {
            if (oneUser == null) return new QueueOwners(Users.EffectiveUid, Users.EffectiveUid, Users.EffectiveGid, false);
            Standard.Error("queue-fix: fatal: only root can make a queue for somebody else");
            return null;
        }
        if (oneUser != null)
        {
            if (Users.ByName(oneUser) is User one) return new QueueOwners(one.Uid, one.Uid, one.Gid, false);
            Standard.Error($"queue-fix: fatal: there is no user {oneUser}");
            return null;
        }
        if (Users.ByName("qmailq") is User queue && Users.ByName("qmailr") is User remote && Users.GroupByName("qmail") is uint group)
            return new QueueOwners(queue.Uid, remote.Uid, group, true);
        Standard.Error("queue-fix: fatal: the users qmailq and qmailr and the group qmail are needed; create them "
            + "(groupadd -r qmail; useradd -r -g qmail qmailq; useradd -r -g qmail qmailr) or name one user with -u");
        return null;
    }
}
