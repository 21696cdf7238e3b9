using System;
using System.IO;
using Qmta.Control;
using Qmta.Posix;
using Qmta.Remote;
using Qmta.Smtp;
using Qmta.Text;
using Xunit;

namespace Qmta.Tests.Remote;

public sealed class RemoteAuthTests : IDisposable
{
    private const int OwnerOnly = 0x180; // 0600

    private readonly string directory = Directory.CreateTempSubdirectory("remote-auth").FullName;

    public void Dispose() => Directory.Delete(directory, true);

    [Theory]
    [InlineData("joe@here.example", "joe", "Secr3t")]
    [InlineData("JOE@Here.Example", "joe", "Secr3t")]
    [InlineData("other@here.example", "here", "Secr3t:")]
    [InlineData("ann@there.example", "everybody", "Secr3t")]
    [InlineData("", "everybody", "Secr3t")]
    public void FindsInTheLines(string sender, string user, string password)
    {
        Write("remote_auth", "# users\njoe@here.example:joe Secr3t:\r\n=here.example:here Secr3t::\n:everybody Secr3t\n.\n");
        AssertFound("relay.example:587 /s", sender, "to@far.example", user, password);
    }

    [Theory]
    [InlineData("joe@here.example", "joe")]
    [InlineData("JOE@Here.Example", "joe")]
    [InlineData("other@here.example", "here")]
    [InlineData("raw@raw.example", "raw")]
    [InlineData("ann@there.example", "everybody")]
    [InlineData("", "everybody")]
    public void FindsInTheDatabase(string sender, string user)
    {
        Write("remote_auth", "not read\n");
        CdbWriter.Replace(Path.Combine(directory, "remote_auth.cdb"), 0x180, writer =>
        {
            writer.Add("!joe@here.example\0", "joe Secr3t");
            writer.Add("!here.example\0", "here Secr3t\0");
            writer.Add("raw@raw.example", "raw Secr3t");
            writer.Add("!", "everybody Secr3t");
        });
        AssertFound("relay.example:587 /s", sender, "to@far.example", user, "Secr3t");
    }

    [Theory]
    [InlineData("/s", "sender")]
    [InlineData("/r", "recipient")]
    [InlineData("/work", "work")]
    public void References(string reference, string user)
    {
        Write("remote_auth", "from@x:sender Secr3t:\nto@x:recipient Secr3t:\nwork:work Secr3t:\n.\nafter:the-end x:\n");
        AssertFound("relay.example " + reference, "from@x", "to@x", user, "Secr3t");
        FormatException e = Assert.Throws<FormatException>(() => Resolve("relay.example /after", "from@x", "to@x"));
        Assert.Contains("has no user and password for after", e.Message);
    }

    [Theory]
    [InlineData("from@x:joe:\n", "has a user without a password")]
    [InlineData("from@x:joe Secr3t Secr3t:\n", "is no setting")]
    [InlineData("from@x::\n", "without a password")]
    [InlineData("", "has no user and password for from@x")]
    public void BadLines(string text, string says)
    {
        Write("remote_auth", text);
        FormatException e = Assert.Throws<FormatException>(() => Resolve("relay.example /s", "from@x", ""));
        Assert.Contains(says, e.Message);
        Assert.Contains("remote_auth", e.Message);
        Assert.DoesNotContain("Secr3t", e.Message);
    }

    [Fact]
    public void NoFile() => Assert.Contains("remote_auth.cdb",
        Assert.Throws<FormatException>(() => Resolve("relay.example /s", "from@x", "")).Message);

    [Theory]
    [InlineData(0x20)] // group may read
    [InlineData(0x4)] // others may read
    [InlineData(0x10)] // group may write
    [InlineData(0x2)] // others may write
    public void AFileThatOthersCanReadIsRefused(int also)
    {
        string path = Write("remote_auth", "from@x:joe Secr3t:\n", OwnerOnly | also);
        FormatException e = Assert.Throws<FormatException>(() => Resolve("relay.example /s", "from@x", ""));
        Assert.EndsWith("chmod 600 " + path, e.Message);
        AssertFound("relay.example joe Secr3t", "from@x", "", "joe", "Secr3t"); // the password is not in that file
    }

    [Fact]
    public void RoutesThatOthersCanReadAreRefusedOnlyWhenTheyHoldAPassword()
    {
        string path = Write("smtproutes", "", OwnerOnly | 0x4);
        SmtpRoutes routes = new(
            new RouteTable(["a.example:relay joe Secr3t", "b.example:relay", "c.example:relay /s"], path), new RouteTable(null));
        Assert.EndsWith("chmod 600 " + path, Assert.Throws<FormatException>(() => routes.Find("a.example", "x@y")).Message);
        Assert.Null(routes.Find("b.example", "x@y").Login);
        Assert.NotNull(routes.Find("c.example", "x@y").Login);
        _ = Files.ChangeMode(path, OwnerOnly);
        Assert.NotNull(routes.Find("a.example", "x@y").Login);
    }

    [Fact]
    public void ARouteShowsNothing()
    {
        Route route = new SmtpRoutes([":relay:587 joe Secr3t"]).Find("x", "y@z");
        Assert.Equal(("relay", 587), (route.Relay, route.Port));
        Assert.DoesNotContain("Secr3t", route.ToString());
    }

    private void AssertFound(string route, string sender, string recipient, string user, string password) =>
        Assert.Equal(Expected(user, password), Resolve(route, sender, recipient));

    private static Login Expected(string user, string password) =>
        new(new Credentials(user, password), "relay.example", false, _ => throw new InvalidOperationException(), "");

    private Login Resolve(string route, string sender, string recipient)
    {
        RouteLogin login = RouteLogin.Cut(ref route)!;
        return login.Resolve(new RemoteAuth(new ControlFiles(directory)), route.Split(':')[0], sender, recipient);
    }

    private string Write(string name, string text, int mode = OwnerOnly)
    {
        string path = Path.Combine(directory, name);
        File.WriteAllText(path, text);
        Assert.Equal(0, Files.ChangeMode(path, mode));
        return path;
    }
}
