using System;
using Qmta.Local;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Local;

public sealed class InstructionTests
{
    [Theory]
    [InlineData("", "Blank", "")]
    [InlineData(" \t ", "Blank", "")]
    [InlineData("# comment", "Comment", "# comment")]
    [InlineData("#", "Comment", "#")]
    [InlineData("#nul\0", "Comment", "#nul\0")]
    [InlineData("./Mailbox", "Mbox", "./Mailbox")]
    [InlineData("./Mailbox \t", "Mbox", "./Mailbox")]
    [InlineData("/var/mail/a b", "Mbox", "/var/mail/a b")]
    [InlineData("./Maildir/", "Maildir", "./Maildir/")]
    [InlineData("./Maildir/  ", "Maildir", "./Maildir/")]
    [InlineData("/", "Maildir", "/")]
    [InlineData(".", "Mbox", ".")]
    [InlineData("|cat >x ", "Program", "cat >x")]
    [InlineData("| cat", "Program", " cat")]
    [InlineData("|", "Program", "")]
    [InlineData("&me@new.example", "Forward", "me@new.example")]
    [InlineData("& me@new.example", "Forward", " me@new.example")]
    [InlineData("me@new.example  ", "Forward", "me@new.example")]
    [InlineData("0me", "Forward", "0me")]
    [InlineData("\xE9t\xE9@x", "Forward", "\xE9t\xE9@x")]
    [InlineData("&", "Unknown", "&")]
    [InlineData("+list", "ForwardsOnly", "")]
    [InlineData("+other", "Unknown", "+other")]
    [InlineData("?label cmd", "Unknown", "?label cmd")]
    [InlineData(":label", "Unknown", ":label")]
    [InlineData("%dir", "Unknown", "%dir")]
    [InlineData("./a\0b", "Unknown", "./a\0b")]
    [InlineData("me@x\0y", "Unknown", "me@x\0y")]
    public void Lines(string line, string kind, string text)
    {
        Instruction instruction = Instruction.Parse(Latin1.Bytes(line));
        Assert.Equal(kind, instruction.Kind.ToString());
        if (kind != "ForwardsOnly") Assert.Equal(text, Latin1.String(instruction.Text));
    }

    [Fact]
    public void TheLastLineNeedsNoNewline()
    {
        ReadOnlySpan<byte> text = "#a\n\n&b"u8;
        string kinds = "";
        while (!text.IsEmpty) kinds += Instruction.Next(ref text).Kind + " ";
        Assert.Equal("Comment Blank Forward ", kinds);
    }
}
