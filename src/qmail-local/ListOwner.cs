// The envelope sender of forwarded mail: the owner of a mailing list, when the list has one (dot-qmail(5)).
using Qmta.Posix;

namespace Qmta.Local;

/// <summary>Finds out whether bounces of what is forwarded go to an owner instead of the sender.</summary>
internal static class ListOwner
{
    /// <summary>
    /// The owner's address when the current directory has .qmail-list-owner; with .qmail-list-owner-default too, the
    /// form that asks for one address per recipient (VERP). Null for the original sender, always so for a bounce.
    /// </summary>
    /// <exception cref="DeliveryFailure">Whether there is such a file cannot be told now.</exception>
    internal static string? Find(Delivery delivery)
    {
        if (delivery.Sender is "" or "#@[]") return null;
        string file = ".qmail" + delivery.Dash + DotQmail.SafeExtension(delivery.Ext) + "-owner";
        if (!Exists(file)) return null;
        return Exists(file + "-default")
            ? delivery.Local + "-owner-@" + delivery.Host + "-@[]"
            : delivery.Local + "-owner@" + delivery.Host;
    }

    private static bool Exists(string file)
    {
        int r = Files.Status(file, out _);
        return r switch
        {
            0 => true,
            -Errno.ENOENT or -Errno.ENOTDIR or -Errno.ENAMETOOLONG or -Errno.ELOOP => false,
            _ => throw DeliveryFailure.TryLater("Unable to open " + file, r),
        };
    }
}
