// A local delivery from beginning to end: checks, .qmail file, its instructions in order, then all forwards at once.
using System;
using System.Collections.Generic;
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
        Delivery? delivery = CommandLine.Parse(arguments, out _);
        if (delivery == null)
        {
            Standard.Error(CommandLine.Usage);
            return DeliveryFailure.Permanent;
        }
        if ((Standard.FillGaps() & 1) != 0)
        {
            Standard.Error("Unable to read message: " + Errno.Text(Errno.EBADF) + ". (#4.3.0)");
            return DeliveryFailure.Temporary;
        }
        Prepare();
        return Perform(delivery, new MessageFile(0));
    }

    /// <summary>What must hold in a process that performs deliveries.</summary>
    internal static void Prepare()
    {
        _ = Files.Umask(0x3F /* 077 */);
        Signals.IgnorePipe();
    }

    /// <summary>Performs one delivery; the current directory becomes the recipient's home directory.</summary>
    /// <returns>The exit code, as of <see cref="Execute"/>.</returns>
    internal static int Perform(Delivery delivery, MessageFile message)
    {
        int code = Try(() => Run(delivery, message), out string sentence);
        if (sentence.Length > 0) Standard.Error(sentence);
        return code;
    }

    /// <summary>Does a part of a delivery, or all of it.</summary>
    /// <param name="sentence">What went wrong, or "".</param>
    /// <returns>The exit code, as of <see cref="Execute"/>.</returns>
    internal static int Try(Action part, out string sentence)
    {
        try
        {
            part();
            sentence = "";
            return 0;
        }
        catch (DeliveryFailure failure)
        {
            sentence = failure.Message;
            return failure.Code;
        }
        catch (PosixException failure)
        {
            sentence = failure.Message + ". (#4.3.0)";
            return DeliveryFailure.Temporary;
        }
        catch (OutOfMemoryException)
        {
            sentence = "Out of memory. (#4.3.0)";
            return DeliveryFailure.Temporary;
        }
    }

    private static void Run(Delivery delivery, MessageFile message)
    {
        EnterHome(delivery.Home, delivery.DescribeOnly);
        if (!delivery.DescribeOnly) LoopCheck.Check(message, delivery);
        byte[] instructions = Instructions(delivery, out DotQmail? file, out bool byDefault);
        string done = Follow(instructions, !byDefault && file!.ForwardsOnly, message,
            delivery with { Default = file?.Default, Owner = ListOwner.Find(delivery) }, makeMaildir: byDefault);
        _ = Standard.Output(done);
    }

    /// <summary>What to do with the recipient's mail; the current directory is his home directory.</summary>
    /// <param name="file">The address's .qmail file; null when it has none.</param>
    /// <param name="byDefault">The instructions are the default delivery's.</param>
    /// <exception cref="DeliveryFailure">Nobody is there, or the file cannot be used.</exception>
    private static byte[] Instructions(Delivery delivery, out DotQmail? file, out bool byDefault)
    {
        file = DotQmail.Find(delivery.Dash, delivery.Ext);
        if (file == null && delivery.Dash.Length > 0)
            throw DeliveryFailure.Bounce("Sorry, no mailbox here by that name. (#5.1.1)");
        byDefault = file == null || file.Text.Length == 0;
        return byDefault ? Latin1.Bytes(delivery.DefaultDelivery) : file!.Text;
    }

    /// <summary>
    /// The Maildir that is all there is in the instructions; null when they ask for anything else. The current directory is
    /// the recipient's home directory.
    /// </summary>
    /// <param name="make">Make the Maildir when it is missing.</param>
    /// <exception cref="DeliveryFailure">Nobody is there, or the instructions cannot be followed.</exception>
    internal static string? OnlyMaildir(Delivery delivery, out bool make)
    {
        ReadOnlySpan<byte> rest = Instructions(delivery, out DotQmail? file, out make);
        Check(rest, !make && file!.ForwardsOnly);
        string? directory = null;
        while (!rest.IsEmpty)
        {
            Instruction instruction = Instruction.Next(ref rest);
            if (instruction.Kind is InstructionKind.Comment or InstructionKind.Blank) continue;
            if (instruction.Kind != InstructionKind.Maildir || directory != null) return null;
            directory = Text(instruction);
        }
        return directory;
    }

    /// <summary>Makes the recipient's home directory the current one.</summary>
    /// <exception cref="DeliveryFailure">It is not there, or nothing may be delivered now.</exception>
    internal static void EnterHome(string directory, bool describeOnly = false)
    {
        int r = Files.ChangeDirectory(directory);
        if (r < 0) throw DeliveryFailure.TryLater("Unable to switch to " + directory, r);
        r = Files.Status(".", out FileStatus home);
        if (r < 0) throw DeliveryFailure.TryLater("Unable to stat home directory", r);
        if ((home.Mode & WritableByOthers) != 0)
            throw DeliveryFailure.TryLater("Uh-oh: home directory is writable. (#4.7.0)");
        if ((home.Mode & Sticky) == 0) return;
        if (!describeOnly)
            throw DeliveryFailure.TryLater("Home directory is sticky: user is editing his .qmail file. (#4.2.1)");
        Standard.Error("Warning: home directory is sticky.");
    }

    /// <summary>Follows the instructions in the current directory.</summary>
    /// <param name="instructions">The text of a .qmail file.</param>
    /// <param name="forwardsOnly">The file's x bit is set.</param>
    /// <param name="makeMaildir">Make a Maildir that is missing: the instructions are the system's, not the user's, and
    /// a user who has not said anything has none.</param>
    /// <returns>What was done: "did 1+0+0", files, forwards and programs, and "qp 4711" when something was
    /// queued.</returns>
    /// <exception cref="DeliveryFailure">An instruction failed; those before it have been followed.</exception>
    internal static string Follow(ReadOnlySpan<byte> instructions, bool forwardsOnly, MessageFile message,
        Delivery delivery, bool makeMaildir = false)
    {
        Check(instructions, forwardsOnly);
        DeliveryVariables variables = new(delivery, Clocks.Realtime);
        List<Range> followed = [];
        int files = 0, forwards = 0, programs = 0, start = 0;
        ReadOnlySpan<byte> rest = instructions;
        bool goOn = true;
        while (goOn && !rest.IsEmpty)
        {
            Instruction instruction = Instruction.Next(ref rest);
            if (delivery.DescribeOnly) Describe(instruction);
            bool program = instruction.RunsProgram, stop = false;
            if (program)
            {
                programs++;
                stop = !delivery.DescribeOnly && !Command.Run(Text(instruction), message, variables);
            }
            switch (instruction.Kind)
            {
                case InstructionKind.Mbox:
                    files++;
                    if (!delivery.DescribeOnly) Mbox.Deliver(Text(instruction), message, delivery);
                    break;
                case InstructionKind.Maildir:
                    files++;
                    if (!delivery.DescribeOnly) Maildir.Deliver(Text(instruction), message, delivery, makeMaildir);
                    break;
                case InstructionKind.Environment:
                    if (!delivery.DescribeOnly) variables.Add(Text(instruction));
                    break;
                case InstructionKind.Forward:
                    forwards++;
                    break;
                case InstructionKind.Program:
                    goOn = !stop;
                    break;
                case InstructionKind.Branch when stop || !program:
                    followed.Add(start..(instructions.Length - rest.Length));
                    goOn = SkipTo(instruction.Label, ref rest);
                    start = instructions.Length - rest.Length;
                    break;
            }
        }

        string done = "did " + files + "+" + forwards + "+" + programs + "\n";
        if (forwards == 0 || delivery.DescribeOnly) return done;
        followed.Add(start..(instructions.Length - rest.Length));
        return done + "qp " + Forwarding.Send(instructions, followed, message, delivery, variables) + "\n";
    }

    /// <summary>Goes on after the next line with that label; false when there is none.</summary>
    private static bool SkipTo(scoped ReadOnlySpan<byte> label, ref ReadOnlySpan<byte> rest)
    {
        while (!rest.IsEmpty)
        {
            Instruction instruction = Instruction.Next(ref rest);
            if (instruction.Kind == InstructionKind.Label && instruction.Label.SequenceEqual(label)) return true;
        }
        return false;
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
                case InstructionKind.Program or InstructionKind.Branch when forwardsOnly && instruction.RunsProgram:
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

    private static void Describe(Instruction instruction)
    {
        string? kind = instruction.Kind switch
        {
            InstructionKind.Mbox => "mbox ",
            InstructionKind.Maildir => "maildir ",
            InstructionKind.Forward => "forward ",
            InstructionKind.Environment => "environment ",
            _ => instruction.RunsProgram ? "program " : null,
        };
        if (kind != null) _ = Standard.Output(kind + Text(instruction) + "\n");
    }

    private static string Shown(ReadOnlySpan<byte> line) =>
        Latin1.String(line[..Math.Min(line.Length, 80)]).Replace('\0', '?') + (line.Length > 80 ? "..." : "");
}
