using EveStorage.Linux;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>containerd's own suite for snapshotters. EVESTORAGE_SUITE names one that was built before.</summary>
public sealed class BuiltSuite : IAsyncLifetime
{
    private static readonly CommandLimits s_limits = new() { Total = TimeSpan.FromMinutes(20), Stall = TimeSpan.FromMinutes(15) };

    private readonly TemporaryDirectory _directory = new();

    /// <summary>The program.</summary>
    internal string Program { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Program = Environment.GetEnvironmentVariable("EVESTORAGE_SUITE") ?? _directory["suite"];
        if (!File.Exists(Program) && Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1")
        {
            await Command.At(RepositoryFiles.Path("tests/ContainerdSnapshotter.Tests/suite/build"), s_limits).RunAsync([Program], CancellationToken.None);
        }
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
