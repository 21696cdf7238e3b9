using System;
using System.IO;
using Qmta.Posix;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Smtp;

public sealed class PasswordFileTests : IDisposable
{
    private const string Pencil = "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
        + "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="; // RFC 7677 3: user and pencil

    private readonly string directory = Directory.CreateTempSubdirectory("qmta-users").FullName;
    private readonly string path;

    public PasswordFileTests() => path = directory + "/smtpusers";

    public void Dispose() => Directory.Delete(directory, true);

    private PasswordFile Users(string text, int mode = 0x180)
    {
        File.WriteAllText(path, text, System.Text.Encoding.Latin1);
        Assert.Equal(0, Files.ChangeMode(path, mode));
        return new PasswordFile(path);
    }

    private static LoginVerdict Try(PasswordFile file, string user, string password) =>
        file.CheckPassword(user, Latin1.Bytes(password));

    [Theory]
    [InlineData("user", "pencil", LoginResult.Accepted)]
    [InlineData("user", "pencil ", LoginResult.Refused)]
    [InlineData("user", "Pencil", LoginResult.Refused)]
    [InlineData("User", "pencil", LoginResult.Refused)]
    [InlineData("joe@example.org", "a,b:c #", LoginResult.Accepted)]
    [InlineData("joe@example.org", "a,b:c", LoginResult.Refused)]
    [InlineData("nobody", "pencil", LoginResult.Refused)]
    [InlineData("", "pencil", LoginResult.Refused)]
    public void ChecksPasswords(string user, string password, LoginResult result)
    {
        PasswordFile file = Users("# who may send\n\nuser:" + Pencil + "\njoe@example.org:{CRAM}a,b:c #\r\n");
        Assert.Equal(new LoginVerdict(result), Try(file, user, password));
        Assert.True(file.HasCram);
    }

    [Fact]
    public void ChecksCramByThePasswordItself()
    {
        PasswordFile file = Users("tim:{CRAM}tanstaaftanstaaf\nuser:" + Pencil + "\n");
        ReadOnlySpan<byte> challenge = "<1896.697170952@postoffice.reston.mci.net>"u8;
        Assert.Equal(LoginResult.Accepted, file.CheckCram("tim", challenge, "b913a602c7eda7a495b4e6e7334d3890"u8).Result);
        Assert.Equal(LoginResult.Refused, file.CheckCram("tim", challenge, "b913a602c7eda7a495b4e6e7334d3891"u8).Result);
        foreach (string other in new[] { "user", "nobody" })
            Assert.Equal(LoginResult.Refused, file.CheckCram(other, challenge, "b913a602c7eda7a495b4e6e7334d3890"u8).Result);
        Assert.False(Users("user:" + Pencil + "\n").HasCram);
    }

    [Fact]
    public void EntriesOfBothKindsServeScram()
    {
        PasswordFile file = Users(PasswordEntry.ScramLine("ann", "geheim"u8, 4096) + "\n" + PasswordEntry.CramLine("joe", "geheim"u8) + "\n");
        foreach (string user in new[] { "ann", "joe" })
            foreach (bool right in new[] { true, false })
            {
                SaslScram client = new("SCRAM-SHA-256", "SHA256", new Credentials(user, right ? "geheim" : "falsch"), SaslChannel.Plain, false);
                SaslServerScram server = new(file, false, false, _ => null);
                SaslTurn turn = server.Take(client.Start());
                while (turn.Challenge != null) turn = server.Take(client.Answer(turn.Challenge));
                Assert.Equal(right ? LoginResult.Accepted : LoginResult.Refused, turn.Verdict!.Value.Result);
            }
    }

    [Fact]
    public void StrangersCannotTellWhoExists()
    {
        string text = PasswordEntry.SeedLine() + "\n" + PasswordEntry.ScramLine("ann", "x"u8, 5000) + "\n" + PasswordEntry.CramLine("joe", "y"u8) + "\n";
        ScramVerifier Known(PasswordFile file, string user) => file.FindScram(user, out _)!;
        PasswordFile first = Users(text);
        byte[] ann = Known(first, "ann").Salt, joe = Known(first, "joe").Salt, bob = Known(first, "bob").Salt;
        Assert.Equal((16, 16, 16), (ann.Length, joe.Length, bob.Length));
        Assert.NotEqual(bob, Known(first, "rob").Salt);
        foreach (string user in new[] { "ann", "joe", "bob" }) Assert.Equal(5000, Known(first, user).Iterations);
        // Another process, and a change of the file, make no difference.
        PasswordFile second = Users(text + PasswordEntry.ScramLine("eve", "z"u8, 5000) + "\n");
        Assert.Equal(ann, Known(second, "ann").Salt);
        Assert.Equal(joe, Known(second, "joe").Salt);
        Assert.Equal(bob, Known(second, "bob").Salt);
    }

    [Fact]
    public void FollowsTheFileAndFailsClosed()
    {
        PasswordFile file = Users("user:" + Pencil + "\n");
        Assert.Equal(LoginResult.Accepted, Try(file, "user", "pencil").Result);
        Users("other:" + Pencil + "\n");
        Assert.Equal(LoginResult.Refused, Try(file, "user", "pencil").Result);
        Users("other:" + Pencil + "\nbroken\n");
        Assert.Equal(new LoginVerdict(LoginResult.Unavailable, $"line 2 of {path} has no colon"), Try(file, "other", "pencil"));
        Assert.Null(file.FindScram("other", out string detail));
        Assert.Equal($"line 2 of {path} has no colon", detail);
        Assert.False(file.HasCram);
        File.Delete(path);
        Assert.Equal(new LoginVerdict(LoginResult.Unavailable, $"unable to look at {path}: No such file or directory"),
            Try(file, "other", "pencil"));
        Users("user:" + Pencil + "\n");
        Assert.Equal(LoginResult.Accepted, Try(file, "user", "pencil").Result);
    }

    [Theory]
    [InlineData(0x180, true)] // 600
    [InlineData(0x1A0, true)] // 640
    [InlineData(0x1A4, false)] // 644
    [InlineData(0x1B0, false)] // 660
    [InlineData(0x182, false)] // 602
    public void OthersMustNotReadIt(int mode, bool good)
    {
        LoginVerdict verdict = Try(Users("user:" + Pencil + "\n", mode), "user", "pencil");
        if (good) Assert.Equal(LoginResult.Accepted, verdict.Result);
        else Assert.Equal(new LoginVerdict(LoginResult.Unavailable,
            $"{path} holds passwords and is not its owner's and group's alone: chmod 640 {path}"), verdict);
    }

    [Theory]
    [InlineData("no colon", "has no colon")]
    [InlineData(":x", "has no user before the colon that can be one")]
    [InlineData("a b:{CRAM}x", "has no user before the colon that can be one")]
    [InlineData("a:{CRAM}", "has an empty password")]
    [InlineData("a:secret", "has neither {SCRAM-SHA-256} nor {CRAM} after the colon")]
    [InlineData("a:{SCRAM-SHA-256}", null)]
    [InlineData("a:{SCRAM-SHA-256}4096,,,", null)]
    [InlineData("a:{SCRAM-SHA-256}4095,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", null)]
    [InlineData("a:{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,AAAA,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", null)]
    [InlineData(":{SEED}AAAA", "has a seed that is not 16 bytes or more in base64")]
    [InlineData("u:{CRAM}x\nu:{CRAM}y", "has a user who has one already: u")]
    public void BadLinesAreNamed(string line, string? why)
    {
        why ??= "does not have iterations (4096 to 2000000), salt, StoredKey and ServerKey after {SCRAM-SHA-256}";
        int number = line.Contains('\n') ? 3 : 2;
        Assert.Equal(new LoginVerdict(LoginResult.Unavailable, $"line {number} of {path} {why}"),
            Try(Users("# comment\n" + line + "\n"), "u", "x"));
    }

    [Fact]
    public void LinesAreThoseOfTheSpecification()
    {
        Assert.Equal("user:" + Pencil, PasswordEntry.ScramLine("user", "pencil"u8, 4096, Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==")));
        Assert.NotEqual(PasswordEntry.ScramLine("user", "pencil"u8, 4096), PasswordEntry.ScramLine("user", "pencil"u8, 4096));
        Assert.Throws<FormatException>(() => PasswordEntry.ScramLine("us er", "pencil"u8));
        Assert.Throws<FormatException>(() => PasswordEntry.ScramLine("user", ""u8));
        Assert.Throws<FormatException>(() => PasswordEntry.CramLine("user", "new\nline"u8));
        Assert.Throws<FormatException>(() => PasswordEntry.CramLine("user", "blank "u8));
    }
}
