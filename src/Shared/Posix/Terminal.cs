// The terminal of a person: whether there is one, and typing that does not show (termios(3)).
using System;

namespace Qmta.Posix;

public static unsafe class Terminal
{
    // struct termios: four words of flags, the local ones last; glibc's is 60 bytes long on every architecture here.
    private const int Room = 256, LocalFlags = 12;
    private const uint EchoFlag = 8;

    /// <summary>Whether a descriptor is a terminal.</summary>
    public static bool Is(int fd)
    {
        byte* settings = stackalloc byte[Room];
        return Libc.tcgetattr(fd, settings) == 0;
    }

    /// <summary>Shows, or does not show, what is typed. Nothing happens when the descriptor is no terminal.</summary>
    public static void Echo(int fd, bool on)
    {
        byte* settings = stackalloc byte[Room];
        if (Libc.tcgetattr(fd, settings) != 0) return;
        ref uint flags = ref *(uint*)(settings + LocalFlags);
        flags = on ? flags | EchoFlag : flags & ~EchoFlag;
        _ = Libc.tcsetattr(fd, 0, settings);
    }
}
