namespace Qmta.Send;

internal static class Program
{
    private static int Main() => 111;
}
