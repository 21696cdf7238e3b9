namespace Qmta.Inject;

internal static class Program
{
    private static int Main() => 111;
}
