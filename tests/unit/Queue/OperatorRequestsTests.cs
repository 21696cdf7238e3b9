using System.IO;
using System.Linq;
using Qmta.Queue;
using Xunit;

namespace Qmta.Tests.Queue;

public sealed class OperatorRequestsTests : System.IDisposable
{
    private readonly TempQueue queue = new();
    private readonly OperatorRequests requests;

    public OperatorRequestsTests()
    {
        requests = new OperatorRequests(queue.Layout);
        Directory.CreateDirectory(requests.Directory);
    }

    public void Dispose() => queue.Dispose();

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        OperatorRequest[] asked = [new(OperatorVerb.Hold, 12, 99), new(OperatorVerb.Bounce, ulong.MaxValue, -5)];
        string? seen = null;
        string name = requests.Write(asked, path => seen = path);
        Assert.StartsWith(requests.Directory + "/tmp.", seen);
        Assert.Equal([name], requests.Names());
        Assert.Equal(asked, requests.Read(name)!);
        Assert.Null(requests.TakeAnswer(name));
        Assert.Equal(0, requests.Answer(name, ["Kfine", "Dno"]));
        Assert.Equal(["Kfine", "Dno"], requests.TakeAnswer(name)!);
        Assert.Null(requests.TakeAnswer(name));
        Assert.True(requests.Withdraw(name));
        Assert.False(requests.Withdraw(name));
        Assert.Null(requests.Read(name));
        Assert.Empty(Directory.GetFiles(requests.Directory));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hold 12\n")]
    [InlineData("hold 12 5 6\n")]
    [InlineData("hold 012 5\n")]
    [InlineData("hold -12 5\n")]
    [InlineData("format 12 5\n")]
    [InlineData("hold 12 5\nhold\0 13 5\n")]
    [InlineData("hold 99999999999999999999999 5\n")]
    public void GarbageIsNoRequest(string text)
    {
        File.WriteAllText(requests.Directory + "/req.x", text);
        Assert.Null(requests.Read("x"));
    }

    [Fact]
    public void AnAbsurdFileIsNoRequest()
    {
        File.WriteAllText(requests.Directory + "/req.x", string.Concat(Enumerable.Repeat("hold 1 5\n", 1001)));
        Assert.Null(requests.Read("x"));
        File.WriteAllBytes(requests.Directory + "/req.y", new byte[100_000]);
        Assert.Null(requests.Read("y"));
        File.CreateSymbolicLink(requests.Directory + "/req.z", "/dev/zero");
        Assert.Null(requests.Read("z"));
    }

    [Fact]
    public void OldAnswersGoAndRequestsStay()
    {
        foreach (string name in new[] { "req.old", "ans.old", "tmp.old", "ans.new" }) File.WriteAllText(requests.Directory + "/" + name, "x");
        foreach (string name in new[] { "req.old", "ans.old", "tmp.old" })
            File.SetLastWriteTimeUtc(requests.Directory + "/" + name, System.DateTime.UtcNow.AddHours(-2));
        requests.RemoveForgotten(System.DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        Assert.Equal(["ans.new", "req.old"], Directory.GetFiles(requests.Directory).Select(path => Path.GetFileName(path)!).Order());
    }

    [Fact]
    public void AQueueWithoutTheDirectoryHasNoRequests()
    {
        Directory.Delete(requests.Directory);
        Assert.Empty(requests.Names());
        requests.RemoveForgotten(0);
    }
}
