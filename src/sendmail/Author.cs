// Who sends the message: the From field to be made and the envelope sender, from the environment (qmail-inject(8)).
using Qmta.Message;
using Qmta.Posix;

namespace Qmta.Inject;

/// <summary>The sending user by the variables of qmail-inject(8).</summary>
internal sealed class Author(Submission submission, HostCompletion hosts, InjectLetters letters)
{
    /// <summary>The contents of a From field: name and address.</summary>
    internal string FromContents
    {
        get
        {
            string address = FromAddress;
            // An empty name is a name: it keeps the ones after it out of the field.
            string? name = submission.Name ?? Variables.Get("QMAILNAME") ?? Variables.Get("MAILNAME") ?? Variables.Get("NAME");
            if (string.IsNullOrEmpty(name)) return address;
            Words.OneLine(name, "the sender's name");
            return letters.AddressComment
                ? address + " " + AddressList.Comment(name)
                : AddressList.QuoteName(name) + " <" + address + ">";
        }
    }

    private string FromAddress => QuotedAddress.Of(submission.SenderIsAuthor && submission.Sender is { Length: > 0 } sender
        ? hosts.CompleteAddress(sender)
        : User + "@" + Host);

    /// <summary>The envelope sender that no option and no Return-Path field has set.</summary>
    /// <param name="stamp">What the letter m puts in: the date and the process id.</param>
    internal string EnvelopeSender(string stamp)
    {
        string user = Variable("QMAILSUSER") ?? User;
        string? host = Variable("QMAILSHOST");
        host = host == null ? Host : hosts.Complete(host);
        if (letters.PerMessage) user += "-" + stamp;
        // qmail-send puts each recipient into a sender of this form (addresses(5), SENDER ADDRESSES)
        return letters.PerRecipient ? user + "-@" + host + "-@[]" : user + "@" + host;
    }

    // The password file is asked last: the name service may be slow.
    private static string User => Variable("QMAILUSER") ?? Variable("MAILUSER") ?? Variable("USER") ?? Variable("LOGNAME")
        ?? UserNames.Of(Users.RealUid) ?? "anonymous";

    private string Host
    {
        get
        {
            string? host = Variable("QMAILHOST") ?? Variable("MAILHOST");
            return host == null ? hosts.DefaultHost : hosts.Complete(host);
        }
    }

    private static string? Variable(string name)
    {
        string? value = Variables.Get(name);
        return string.IsNullOrEmpty(value) ? null : Words.OneLine(value, name);
    }
}
