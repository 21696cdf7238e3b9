// One local delivery: who gets the message, from whom, and the trace lines that every kind of delivery shares.
using Qmta.Message;
using Qmta.Text;

namespace Qmta.Local;

/// <summary>What qmail-local is told on its command line (qmail-local(8)).</summary>
/// <param name="User">The account's name.</param>
/// <param name="Home">Its home directory, an absolute path.</param>
/// <param name="Local">The recipient address before its @.</param>
/// <param name="Dash">"" for the account's own address, else what stands between .qmail and the extension.</param>
/// <param name="Ext">The extension: the rest of the local part.</param>
/// <param name="Host">The recipient address after its @.</param>
/// <param name="Sender">The envelope sender; empty for a bounce.</param>
/// <param name="DefaultDelivery">Instructions for an empty or missing .qmail file.</param>
/// <param name="ExtraHeader">Header lines to put in front of the message, or empty (QQEH).</param>
internal sealed record Delivery(string User, string Home, string Local, string Dash, string Ext, string Host,
    string Sender, string DefaultDelivery, string ExtraHeader)
{
    /// <summary>Only say what would be done (option -n).</summary>
    internal bool DescribeOnly { get; init; }

    /// <summary>What "default" in the name of the .qmail file stands for, or null when it does not end so.</summary>
    internal string? Default { get; init; }

    /// <summary>The owner of the list that the .qmail file is, or null.</summary>
    internal string? Owner { get; init; }

    /// <summary>The message's path below mess, or empty when nobody has said.</summary>
    internal string MessageName { get; init; } = "";

    /// <summary>Whether the message is removed from the queue when this is done (DeliveryCommand.IsLast).</summary>
    internal bool IsLast { get; init; }

    /// <summary>The envelope sender of what is forwarded.</summary>
    internal string NewSender => Owner ?? Sender;

    /// <summary>The envelope recipient.</summary>
    internal string Recipient => Local + "@" + Host;

    /// <summary>"Delivered-To: joe@example.org" and a newline.</summary>
    internal string DeliveredTo => "Delivered-To: " + Recipient.Replace('\n', '_') + "\n";

    /// <summary>"Return-Path: &lt;sender&gt;" and a newline.</summary>
    internal string ReturnPath => "Return-Path: <" + QuotedAddress.Of(Sender).Replace('\n', '_') + ">\n";

    /// <summary>The separator in front of a message in an mbox file, and a newline (mbox(5)).</summary>
    /// <param name="now">Seconds since 1970.</param>
    internal string FromLine(long now)
    {
        string sender = Sender.Length == 0 ? "MAILER-DAEMON"
            : Sender.Replace(' ', '-').Replace('\t', '-').Replace('\n', '-');
        return "From " + sender + " " + Dates.Asctime(now) + "\n";
    }

    /// <summary>The extra header lines, ending in a newline when there are any.</summary>
    internal string ExtraHeaderLines =>
        ExtraHeader.Length == 0 || ExtraHeader[^1] == '\n' ? ExtraHeader : ExtraHeader + "\n";
}
