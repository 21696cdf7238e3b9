// Where tests belong that other tests must not run beside.
using Xunit;

namespace Qmta.Tests;

/// <summary>
/// Tests that change the environment of the process or start programs run one after the other, and none beside them. The C
/// library's setenv(3) moves what getenv(3) in another thread may be reading. A program that is being started has, for a
/// moment, every open file of the process: what another test has closed stays locked, and the script it has written busy.
/// </summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public class AloneCollection;
