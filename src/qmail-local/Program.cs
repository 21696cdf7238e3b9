namespace Qmta.Local;

internal static class Program
{
    private static int Main() => 111;
}
