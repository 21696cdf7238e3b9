// DNS responses for the tests, written independently of the code under test.
using System;
using System.Collections.Generic;
using System.Text;

namespace Qmta.Tests.Dns;

internal static class Packets
{
    internal const int A = 1, Ns = 2, CName = 5, Soa = 6, Ptr = 12, Mx = 15, Txt = 16, Aaaa = 28, Tlsa = 52;

    /// <summary>A name without compression.</summary>
    internal static byte[] Name(string name)
    {
        List<byte> bytes = [];
        foreach (string label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.Latin1.GetBytes(label));
        }
        bytes.Add(0);
        return [.. bytes];
    }

    internal static byte[] Record(string owner, int type, int seconds, byte[] data) =>
        [.. Name(owner), .. Two(type), .. Two(1), .. Two(seconds >> 16), .. Two(seconds), .. Two(data.Length), .. data];

    internal static byte[] MxData(int preference, string host) => [.. Two(preference), .. Name(host)];

    internal static byte[] SoaData(int negativeSeconds) =>
        [.. Name("ns"), .. Name("root"), .. new byte[16], .. Two(negativeSeconds >> 16), .. Two(negativeSeconds)];

    /// <summary>A response with recursion available.</summary>
    internal static byte[] Response(int id, string name, int type, int code = 0, byte[][]? answers = null, byte[][]? authority = null,
        int flags = 0x8180)
    {
        List<byte> packet = [.. Two(id), .. Two(flags | code), .. Two(1), .. Two(answers?.Length ?? 0), .. Two(authority?.Length ?? 0), 0, 0,
            .. Name(name), .. Two(type), .. Two(1)];
        foreach (byte[] record in answers ?? []) packet.AddRange(record);
        foreach (byte[] record in authority ?? []) packet.AddRange(record);
        return [.. packet];
    }

    private static byte[] Two(int number) => [(byte)(number >> 8), (byte)number];
}
