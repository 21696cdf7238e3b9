// The header fields that injection and delivery know by name (qmail-header(5)); every other field passes untouched.
using System;

namespace Qmta.Message;

/// <summary>What a header field is.</summary>
public enum FieldKind
{
    /// <summary>A field of no concern here.</summary>
    Other,
    /// <summary>An mbox separator, "From somebody date", in front of the header.</summary>
    MboxLine,
    To, Cc, Bcc, ApparentlyTo,
    From, Sender, ReplyTo, ReturnReceiptTo, ErrorsTo, MailReplyTo, MailFollowupTo, NoticeTo,
    ReturnPath, Date, MessageId, ContentLength,
    ResentTo, ResentCc, ResentBcc,
    ResentFrom, ResentSender, ResentReplyTo,
    ResentDate, ResentMessageId,
}

/// <summary>Properties of field kinds.</summary>
public static class FieldKinds
{
    private static readonly string[] Names =
    [
        "", "", "To", "Cc", "Bcc", "Apparently-To",
        "From", "Sender", "Reply-To", "Return-Receipt-To", "Errors-To", "Mail-Reply-To", "Mail-Followup-To",
        "Notice-Requested-Upon-Delivery-To",
        "Return-Path", "Date", "Message-ID", "Content-Length",
        "Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-From", "Resent-Sender", "Resent-Reply-To",
        "Resent-Date", "Resent-Message-ID",
    ];

    /// <summary>The kind a field name stands for; letters' case does not matter.</summary>
    public static FieldKind Find(ReadOnlySpan<byte> name)
    {
        for (int i = (int)FieldKind.To; i < Names.Length; i++)
            if (Names[i].Length == name.Length && EqualsIgnoreCase(name, Names[i])) return (FieldKind)i;
        return FieldKind.Other;
    }

    /// <summary>The field's name as it is usually written; "" for kinds that have none.</summary>
    public static string Name(this FieldKind kind) => Names[(int)kind];

    /// <summary>Whether the contents are an address list.</summary>
    public static bool HoldsAddresses(this FieldKind kind) =>
        kind is >= FieldKind.To and <= FieldKind.ReturnPath or >= FieldKind.ResentTo and <= FieldKind.ResentReplyTo;

    /// <summary>Whether an original message's recipients are named there.</summary>
    public static bool NamesRecipients(this FieldKind kind) => kind is >= FieldKind.To and <= FieldKind.ApparentlyTo;

    /// <summary>Whether a forwarded message's recipients are named there.</summary>
    public static bool NamesResentRecipients(this FieldKind kind) => kind is >= FieldKind.ResentTo and <= FieldKind.ResentBcc;

    /// <summary>Whether its presence marks a forwarded message (qmail-header(5), RESENT MESSAGES).</summary>
    public static bool IsResent(this FieldKind kind) => kind >= FieldKind.ResentTo;

    private static bool EqualsIgnoreCase(ReadOnlySpan<byte> bytes, string name)
    {
        for (int i = 0; i < name.Length; i++)
        {
            byte b = bytes[i];
            if (b != name[i] && !(char.IsAsciiLetter((char)b) && (b | 0x20) == (name[i] | 0x20))) return false;
        }
        return true;
    }
}
