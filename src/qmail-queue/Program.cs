namespace Qmta.Enqueue;

internal static class Program
{
    private static int Main() => 111;
}
