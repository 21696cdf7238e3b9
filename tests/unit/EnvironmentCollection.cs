// Where tests belong that change what is the whole process's.
using Xunit;

namespace Qmta.Tests;

/// <summary>
/// Tests that change the environment of the process run one after the other, and none beside them: the C library's
/// setenv(3) moves what getenv(3) in another thread may be reading.
/// </summary>
[CollectionDefinition("environment", DisableParallelization = true)]
public class EnvironmentCollection;
