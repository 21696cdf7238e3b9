// A local delivery from beginning to end: checks, .qmail file, its instructions in order, then all forwards at once.
using System;
using Qmta.Posix;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>Carries out deliveries as dot-qmail(5) describes.</summary>
internal static class LocalDelivery
{
    private const int WritableByOthers = 0x12 /* 022 */, Sticky = 0x200 /* 01000 */;

    /// <summary>
    /// Runs qmail-local: the message is on descriptor 0, what was done goes to descriptor 1, why not to 2.
    /// </summary>
    /// <returns>The exit code: 0 delivered, 100 permanent failure, 111 try again later.</returns>
    internal static int Execute(ReadOnlySpan<string> arguments)
    {
        Delivery? delivery = CommandLine.Parse(arguments, out (uint Uid, uint Gid)? identity);
        try
        {
            // Before anything of the recipient's is looked at.
            if (identity is (uint uid, uint gid)) Users.Become(uid, gid);
            if (delivery == null)
            {
                Standard.Error(CommandLine.Usage);
                return DeliveryFailure.Permanent;
            }
            if ((Standard.FillGaps() & 1) != 0) throw DeliveryFailure.TryLater("Unable to read message", Errno.EBADF);
            _ = Files.Umask(0x3F /* 077 */);
            Signals.IgnorePipe();
            Run(delivery, new MessageFile(0));
            return 0;
        }
        catch (DeliveryFailure failure)
        {
            if (failure.Message.Length > 0) Standard.Error(failure.Message);
            return failure.Code;
        }
        catch (PosixException failure)
        {
            Standard.Error(failure.Message + ". (#4.3.0)");
            return DeliveryFailure.Temporary;
        }
        catch (OutOfMemoryException)
        {
            Standard.Error("Out of memory. (#4.3.0)");
            return DeliveryFailure.Temporary;
        }
    }

    private static void Run(Delivery delivery, MessageFile message)
    {
        EnterHome(delivery);
        DeliveryVariables.Set(delivery, Clocks.Realtime);
        if (!delivery.DescribeOnly) LoopCheck.Check(message, delivery);
        DotQmail? file = DotQmail.Find(delivery.Dash, delivery.Ext);
        if (file == null && delivery.Dash.Length > 0)
            throw DeliveryFailure.Bounce("Sorry, no mailbox here by that name. (#5.1.1)");
        if (file?.Default != null) Variables.Set("DEFAULT", file.Default);
        bool empty = file == null || file.Text.Length == 0;
        byte[] instructions = empty ? Latin1.Bytes(delivery.DefaultDelivery) : file!.Text;
        _ = Standard.Output(Follow(instructions, !empty && file!.ForwardsOnly, message, delivery));
    }

    private static void EnterHome(Delivery delivery)
    {
        int r = Files.ChangeDirectory(delivery.Home);
        if (r < 0) throw DeliveryFailure.TryLater("Unable to switch to " + delivery.Home, r);
        r = Files.Status(".", out FileStatus home);
        if (r < 0) throw DeliveryFailure.TryLater("Unable to stat home directory", r);
        if ((home.Mode & WritableByOthers) != 0)
            throw DeliveryFailure.TryLater("Uh-oh: home directory is writable. (#4.7.0)");
        if ((home.Mode & Sticky) == 0) return;
        if (!delivery.DescribeOnly)
            throw DeliveryFailure.TryLater("Home directory is sticky: user is editing his .qmail file. (#4.2.1)");
        Standard.Error("Warning: home directory is sticky.");
    }

    /// <summary>Follows the instructions in the current directory.</summary>
    /// <param name="instructions">The text of a .qmail file.</param>
    /// <param name="forwardsOnly">The file's x bit is set.</param>
    /// <returns>What was done: "did 1+0+0", files, forwards and programs, and "qp 4711" when something was
    /// queued.</returns>
    /// <exception cref="DeliveryFailure">An instruction failed; those before it have been followed.</exception>
    internal static string Follow(
        ReadOnlySpan<byte> instructions, bool forwardsOnly, MessageFile message, Delivery delivery)
    {
        Check(instructions, forwardsOnly);
        int files = 0, forwards = 0, programs = 0;
        ReadOnlySpan<byte> rest = instructions;
        bool goOn = true;
        while (goOn && !rest.IsEmpty)
        {
            Instruction instruction = Instruction.Next(ref rest);
            switch (instruction.Kind)
            {
                case InstructionKind.Mbox:
                    files++;
                    if (delivery.DescribeOnly) Describe("mbox", Text(instruction));
                    else Mbox.Deliver(Text(instruction), message, delivery);
                    break;
                case InstructionKind.Maildir:
                    files++;
                    if (delivery.DescribeOnly) Describe("maildir", Text(instruction));
                    else Maildir.Deliver(Text(instruction), message, delivery);
                    break;
                case InstructionKind.Program:
                    programs++;
                    if (delivery.DescribeOnly) Describe("program", Text(instruction));
                    else goOn = Command.Run(Text(instruction), message, delivery);
                    break;
                case InstructionKind.Forward:
                    forwards++;
                    if (delivery.DescribeOnly) Describe("forward", Text(instruction));
                    break;
            }
        }

        string done = $"did {files}+{forwards}+{programs}\n";
        if (forwards == 0 || delivery.DescribeOnly) return done;
        ReadOnlySpan<byte> followed = instructions[..(instructions.Length - rest.Length)];
        return done + "qp " + Forwarding.Send(followed, message, delivery) + "\n";
    }

    /// <summary>
    /// Looks for what makes a file unusable before anything is delivered: found half-way, it would have every attempt
    /// deliver the first half again.
    /// </summary>
    private static void Check(ReadOnlySpan<byte> instructions, bool forwardsOnly)
    {
        bool first = true;
        do
        {
            Instruction instruction = Instruction.Next(ref instructions);
            switch (instruction.Kind)
            {
                case InstructionKind.Blank when first:
                    throw DeliveryFailure.TryLater("Uh-oh: first line of .qmail file is blank. (#4.2.1)");
                case InstructionKind.ForwardsOnly:
                    forwardsOnly = true;
                    break;
                case InstructionKind.Mbox or InstructionKind.Maildir when forwardsOnly:
                    throw DeliveryFailure.TryLater("Uh-oh: .qmail has file delivery but has x bit set. (#4.7.0)");
                case InstructionKind.Program when forwardsOnly:
                    throw DeliveryFailure.TryLater("Uh-oh: .qmail has prog delivery but has x bit set. (#4.7.0)");
                case InstructionKind.Unknown:
                    throw DeliveryFailure.TryLater("Uh-oh: .qmail has a line that is no delivery instruction: "
                        + Shown(instruction.Text) + " (#4.3.5)");
            }
            first = false;
        }
        while (!instructions.IsEmpty);
    }

    private static string Text(Instruction instruction) => Latin1.String(instruction.Text);

    private static void Describe(string kind, string what) => _ = Standard.Output(kind + " " + what + "\n");

    private static string Shown(ReadOnlySpan<byte> line) =>
        Latin1.String(line[..Math.Min(line.Length, 80)]).Replace('\0', '?') + (line.Length > 80 ? "..." : "");
}
