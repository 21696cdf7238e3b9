using System.IO;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public sealed class LocalSocketTests
{
    private static string NewPath => Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

    [Fact]
    public void A_connection_tells_who_connected_and_carries_descriptors()
    {
        string path = NewPath;
        int listening = LocalSocket.Listen(path, 5);
        Assert.True(listening >= 0);
        Assert.Equal(-Errno.EAGAIN, LocalSocket.Accept(listening, out _));
        int client = LocalSocket.Connect(path);
        Assert.True(client >= 0);
        int server = LocalSocket.Accept(listening, out PeerProcess peer);
        Assert.True(server >= 0);
        Assert.Equal(new PeerProcess(Processes.Id, Users.EffectiveUid), peer);
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        Assert.Equal(0, DescriptorSocket.Send(client, 7, [read]));
        int[] received = new int[2];
        Assert.Equal(1, DescriptorSocket.Receive(server, out byte request, received, out int count));
        Assert.Equal((7, 1), (request, count));
        Files.WriteAll(write, "x"u8);
        Assert.Equal(1, Files.Read(received[0], new byte[5]));
        foreach (int fd in (int[])[listening, client, server, read, write, received[0]]) Files.Close(fd);
        Assert.Equal(-Errno.ECONNREFUSED, LocalSocket.Connect(path));
        Files.Unlink(path);
    }

    [Fact]
    public void Listening_takes_the_name_over_and_lets_everybody_connect()
    {
        string path = NewPath;
        int first = LocalSocket.Listen(path, 1);
        int second = LocalSocket.Listen(path, 1);
        Assert.True(second >= 0);
        Assert.Equal(0, Files.Status(path, out FileStatus status));
        Assert.Equal(0x1B6, status.Mode & 0x1FF);
        Files.Close(first);
        int client = LocalSocket.Connect(path);
        Assert.True(client >= 0);
        int server = LocalSocket.Accept(second, out _);
        Assert.True(server >= 0);
        foreach (int fd in (int[])[second, client, server]) Files.Close(fd);
        Files.Unlink(path);
    }

    [Fact]
    public void A_full_backlog_does_not_make_anybody_wait()
    {
        string path = NewPath;
        int listening = LocalSocket.Listen(path, 1);
        int result = 0, tries = 0;
        while (result >= 0 && tries++ < 10) result = LocalSocket.Connect(path);
        Assert.Equal(-Errno.EAGAIN, result);
        Files.Close(listening);
        Files.Unlink(path);
    }

    [Fact]
    public void Paths_that_are_no_socket_names_are_refused()
    {
        string tooLong = "/" + new string('x', LocalSocket.LongestPath);
        Assert.Equal(-Errno.ENAMETOOLONG, LocalSocket.Listen(tooLong, 1));
        Assert.Equal(-Errno.ENAMETOOLONG, LocalSocket.Connect(tooLong));
        Assert.Equal(-Errno.ENAMETOOLONG, LocalSocket.Connect(""));
        Assert.Equal(-Errno.ENOENT, LocalSocket.Connect(NewPath));
    }
}
