// qmail-queue: puts one message into the queue. Message on descriptor 0, envelope on descriptor 1, verdict as exit
// code (qmail-queue(8)). Installed setuid qmailq: whoever starts it is not trusted, and neither is what it inherits.
using System;
using Qmta.Posix;
using Qmta.Queue;

namespace Qmta.Enqueue;

internal static class Program
{
    private static int Main()
    {
        try
        {
            // Nothing is readable by others. The group may read messages: it is qmail, qmail-remote's, by the
            // set-group-id bit of the queue's directories.
            _ = Files.Umask(0x17 /* 027 */);
            int closed = Standard.FillGaps();
            if ((closed & 0b11) != 0) return ExitCode.Read; // a file opened now must not become message or envelope
            Signals.IgnorePipe();
            Signals.Ignore(Signals.XFSZ); // where files may not grow, a write fails like any other
            // Only for the queue's owner itself: whoever borrows its privileges answers for its own messages.
            if (Programs.Arguments is ["--serve"] && Users.RealUid == Users.EffectiveUid) return new Service(OpenQueue()).Run();
            bool keeps = Variables.Get("NULLQUEUE") == null;
            // What passes no boundaries is one message; what does is a program of qmta's with one after the other.
            if (DescriptorSocket.IsEnd(0)) return new MessageSeries(keeps ? OpenQueue() : null).Run(0);
            SubmissionInput input = new DescriptorInput(Deadline.OfProcess());
            return keeps ? Submission.Run(OpenQueue(), Submitter.Caller, input, new byte[Submission.BufferSize]) : input.Discard();
        }
        catch (QueueingException failure)
        {
            return failure.ExitCode;
        }
        catch (OutOfMemoryException)
        {
            return ExitCode.OutOfMemory;
        }
    }

    /// <summary>Makes the queue directory the current one. Paths in it stay short, and its parents do not matter.</summary>
    private static QueueLayout OpenQueue()
    {
        QueueLayout named = QueueLayout.FromEnvironment();
        if (Files.ChangeDirectory(named.Directory) < 0) throw new QueueingException(ExitCode.QueueDirectory);
        // With borrowed privileges, only a queue of the lender's own: a directory that others can write could lead
        // anywhere.
        if (Users.RealUid != Users.EffectiveUid
            && (Files.Status(".", out FileStatus status) < 0 || status.Uid != Users.EffectiveUid || (status.Mode & 0x12 /* 022 */) != 0))
            throw new QueueingException(ExitCode.QueueDirectory);
        return new QueueLayout(".", named.Split, named.BigTodo);
    }
}
