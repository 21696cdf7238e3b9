// What runs beside a test, such as the other end of its connection.
using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Qmta.Tests;

/// <summary>
/// Threads for tests. An exception that nobody catches in a thread ends the whole test program; here it ends the part alone,
/// and is thrown to the one who waits for the part.
/// </summary>
internal static class Aside
{
    /// <summary>Runs a part in a thread of its own: those of the pool may all be waiting for one.</summary>
    internal static Task Run(Action part) =>
        Task.Factory.StartNew(part, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The same for a part that has a result.</summary>
    internal static Task<T> Run<T>(Func<T> part) =>
        Task.Factory.StartNew(part, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Waits until something is so; the test fails when it is not in half a minute.</summary>
    internal static void WaitFor(Func<bool> condition)
    {
        for (int i = 0; i < 3000 && !condition(); i++) Thread.Sleep(10);
        Assert.True(condition());
    }
}
