namespace Qmta.Remote;

internal static class Program
{
    private static int Main() => 111;
}
