namespace Qmta.Admin;

internal static class Program
{
    private static int Main() => 111;
}
