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
    [InlineData("?label  cmd a ", "Branch", "cmd a", "label")]
    [InlineData("? cmd", "Branch", "cmd", "")]
    [InlineData("?label", "Branch", "", "label")]
    [InlineData("?", "Branch", "", "")]
    [InlineData("?a\tcmd", "Branch", "cmd", "a")]
    [InlineData(":label", "Label", "", "label")]
    [InlineData(":label rest", "Label", "rest", "label")]
    [InlineData(":", "Label", "", "")]
    [InlineData("%dir", "Environment", "dir")]
    [InlineData("% ./a b", "Environment", "./a b")]
    [InlineData("%", "Unknown", "%")]
    [InlineData("?a\0", "Unknown", "?a\0")]
    [InlineData("./a\0b", "Unknown", "./a\0b")]
    [InlineData("me@x\0y", "Unknown", "me@x\0y")]
    public void Lines(string line, string kind, string text, string label = "")
    {
        Instruction instruction = Instruction.Parse(Latin1.Bytes(line));
        Assert.Equal(kind, instruction.Kind.ToString());
        Assert.Equal(label, Latin1.String(instruction.Label));
        Assert.Equal(kind == "Program" || (kind == "Branch" && text.Length > 0), instruction.RunsProgram);
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
