// qmail-direct: qmail-queue's interface for hosts where all mail is one user's; it goes right into the Maildir (qmail-direct(8)).
using System;
using Qmta.Mailbox;
using Qmta.Posix;
using Qmta.Qmqp;
using Qmta.Text;

namespace Qmta.NullClient;

internal static class Direct
{
    internal const string Name = "qmail-direct";

    /// <summary>Delivers the message on descriptor 0 with the envelope on descriptor 1 to the Maildir of the user USER.</summary>
    internal static void Run(string[] arguments)
    {
        if (arguments.Length > 0) throw new HandoverException(ExitCode.Configuration, "there are no arguments: " + arguments[0]);
        string maildir = Home() + "/Maildir/";
        _ = Files.Umask(0x3F /* 077 */);
        FilePart message = Spool.Of(0);
        try
        {
            using MaildirFile file = MaildirFile.Create(maildir);
            Deliver(message, new Envelope(1), file);
        }
        catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.EACCES)
        {
            throw new HandoverException(ExitCode.Home, e.Message);
        }
        catch (PosixException e)
        {
            throw new HandoverException(ExitCode.Write, e.Message);
        }
    }

    // Whose mail it is USER says. Where that is who runs this, HOME says where home is.
    private static string Home()
    {
        string? name = Variables.Get("USER"), home = Variables.Get("HOME");
        User? user = string.IsNullOrEmpty(name) ? Users.ByUid(Users.RealUid) : Users.ByName(name);
        bool own = user == null ? Users.EffectiveUid != 0 : user.Uid == Users.RealUid;
        if (own && !string.IsNullOrEmpty(home)) return home;
        if (user == null) throw new HandoverException(ExitCode.Home, "there is no user "
            + (string.IsNullOrEmpty(name) ? "of uid " + Users.RealUid : name));
        // With the user's own rights it cannot be led to anywhere else by what is in the Maildir.
        if (Users.EffectiveUid == 0 && user.Uid != 0) Users.Become(user.Uid, user.Gid, user.Name);
        return user.Home;
    }

    private static void Deliver(FilePart message, Envelope envelope, MaildirFile file)
    {
        file.Writer.Put("Return-Path: <");
        file.Writer.Put(Printable(envelope.Sender()));
        file.Writer.Put(">\nX-Recipients: ");
        for (bool first = true; envelope.Recipient() is byte[] recipient; first = false)
        {
            // Each on a line of its own: header lines have a limit, and envelopes have none.
            if (!first) file.Writer.Put(",\n\t");
            file.Writer.Put(Printable(recipient));
        }
        file.Writer.Put("\nReceived: qmta direct " + Processes.Id + " by host " + Programs.HostName + " (invoked by uid "
            + Users.RealUid + "); " + Dates.Rfc5322(Clocks.Realtime) + "\n");
        byte[] buffer = GC.AllocateUninitializedArray<byte>(16384);
        for (long done = 0; done < message.Length;)
        {
            int room = (int)Math.Min(message.Length - done, buffer.Length);
            int n = Files.ReadAt(message.Fd, buffer.AsSpan(0, room), message.Start + done);
            if (n <= 0) throw new HandoverException(ExitCode.Read, "unable to read the message: "
                + (n < 0 ? Errno.Text(n) : "it is shorter than it was"));
            file.Writer.Put(buffer.AsSpan(0, n));
            done += n;
        }
        file.Publish();
    }

    // A newline in an address would end the header field.
    private static string Printable(byte[] address) => Latin1.String(address).Replace('\n', '_').Replace('\r', '_');
}
