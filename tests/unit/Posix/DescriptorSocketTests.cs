using System;
using Qmta.Posix;
using Xunit;

namespace Qmta.Tests.Posix;

public sealed class DescriptorSocketTests
{
    [Fact]
    public void ARequestKeepsItsLengthAndWhatDoesNotFitIsLost()
    {
        Assert.Equal(0, DescriptorSocket.Pair(out int a, out int b));
        byte[] request = new byte[50000];
        for (int i = 0; i < request.Length; i++) request[i] = (byte)i;
        Assert.Equal(0, DescriptorSocket.Send(a, request, [a]));
        Assert.Equal(0, DescriptorSocket.Send(a, request.AsSpan(0, 3), []));
        byte[] received = new byte[65536];
        int[] fds = new int[1];
        Assert.Equal(50000, DescriptorSocket.Receive(b, received, fds, out int count));
        Assert.Equal(request, received[..50000]);
        Assert.Equal(1, count);
        Files.Close(fds[0]);
        Assert.Equal(2, DescriptorSocket.Receive(b, received.AsSpan(0, 2), [], out count));
        Assert.Equal(0, count);
        Assert.Equal(-Errno.EMSGSIZE, DescriptorSocket.Send(a, new byte[4 << 20], []));
        Files.Close(a);
        Assert.Equal(0, DescriptorSocket.Receive(b, received, [], out _));
        Files.Close(b);
    }

    [Fact]
    public void DescriptorsArriveUsableAndInOrder()
    {
        Assert.Equal(0, DescriptorSocket.Pair(out int a, out int b));
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        Assert.Equal(0, DescriptorSocket.Send(a, (byte)'r', [read, write]));
        Files.Close(read);
        Files.Close(write);

        int[] fds = new int[2];
        Assert.Equal(1, DescriptorSocket.Receive(b, out byte request, fds, out int count));
        Assert.Equal((byte)'r', request);
        Assert.Equal(2, count);
        Assert.Equal(0, Files.WriteAll(fds[1], "x"u8));
        Assert.Equal(1, Files.Read(fds[0], new byte[10]));
        Files.Close(fds[0]);
        Files.Close(fds[1]);

        // an answer without descriptors goes the other way
        Assert.Equal(0, DescriptorSocket.Send(b, 7, []));
        Assert.Equal(1, DescriptorSocket.Receive(a, out request, fds, out count));
        Assert.Equal((7, 0), (request, count));

        Files.Close(a);
        Assert.Equal(0, DescriptorSocket.Receive(b, out _, fds, out count));
        Assert.Equal(-Errno.EPIPE, DescriptorSocket.Send(b, 1, []));
        Files.Close(b);
    }

    [Fact]
    public void DescriptorsWithoutRoomAreClosed()
    {
        Assert.Equal(0, DescriptorSocket.Pair(out int a, out int b));
        Assert.Equal(0, Files.Pipe(out int read, out int write));
        Assert.Equal(0, DescriptorSocket.Send(a, 1, [read, write, write]));
        Files.Close(write);
        int[] fds = new int[1];
        Assert.Equal(1, DescriptorSocket.Receive(b, out _, fds, out int count));
        Assert.Equal(1, count);
        // no writer is left: the copies that did not fit are gone
        Assert.Equal(0, Files.Read(fds[0], new byte[1]));
        foreach (int fd in new[] { a, b, read, fds[0] }) Files.Close(fd);
    }
}
