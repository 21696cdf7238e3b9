// Replies of SMTP servers, and reports of programs in the place of qmail-remote.
using System;
using System.Collections.Generic;
using System.Linq;
using Qmta.Remote;
using Qmta.Smtp;

namespace Qmta.Tests.Fuzz.Targets;

/// <summary>The same replies come out however they are cut; their texts and lines are bounded.</summary>
internal sealed class ReplyTarget : Target
{
    internal override string Name => "smtp-reply";
    internal override string[] Words => ["250 ok\r\n", "250-x\r\n", "550", "\r\n", "\n", "-", "421 bye\r\n", "2500", "25", "\0", "KZDrhs", "r\0Kok\0", new string('z', 4100)];
    internal override int Longest => 16384;
    internal override long Allowance(int length) => (4 << 20) + 1000L * length;

    internal override void Run(byte[] input)
    {
        (List<SmtpReply> whole, string? wrong) = Read(input, false);
        (List<SmtpReply> cut, string? also) = Read(input, true);
        Must(whole.SequenceEqual(cut) && wrong == also, "replies do not depend on the cuts");
        foreach (SmtpReply reply in whole)
        {
            Must(reply.Code is >= 200 and <= 599 && reply.Text.Length <= SmtpReplyParser.LongestText, "a reply is in bounds");
            Must(reply.Text.StartsWith(reply.Code.ToString(), StringComparison.Ordinal) && !reply.Text.Contains('\0') && !reply.Text.Contains('\r'), "its text is its lines");
        }
        if (RemoteReport.Decode(Text(input)) is RemoteReport report)
        {
            Must(report.Merge() is ['K' or 'Z' or 'D', ..], "a report begins with its letter");
            RemoteReport? again = RemoteReport.Decode(report.Encode());
            Must(again != null && again.Merge() == report.Merge() && again.Encode() == report.Encode(), "a report is read back");
        }
    }

    private static (List<SmtpReply> Replies, string? Wrong) Read(byte[] input, bool cut)
    {
        Random chance = Chance(input);
        SmtpReplyParser parser = new();
        List<SmtpReply> replies = [];
        try
        {
            for (int at = 0; at < input.Length;)
            {
                int piece = cut ? PieceOf(chance, input.Length - at) : input.Length - at;
                ReadOnlySpan<byte> bytes = input.AsSpan(at, piece);
                SmtpReply? reply = parser.Take(ref bytes);
                at += piece - bytes.Length;
                if (reply != null) replies.Add(reply);
            }
            return (replies, null);
        }
        catch (FormatException e)
        {
            return (replies, e.Message);
        }
    }
}
