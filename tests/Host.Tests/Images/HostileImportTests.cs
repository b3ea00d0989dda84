using EveStorage.Cli.Api;
using EveStorage.Testing;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>The hostile corpus through the real worker: each image is refused as it should be, and leaves the pool as it was.</summary>
public sealed class HostileImportTests : IAsyncLifetime
{
    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 takes all of it; every sixth goes through a worker in CI, and each through the parser itself.
    private static int Step { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 1 : 6;

    public async ValueTask InitializeAsync()
        => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("other"));

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Each_is_refused_by_kind_and_sentence_from_a_file_and_from_a_pipe_and_leaves_nothing()
    {
        PoolState before = await PoolState.OfAsync(_host);
        foreach (HostileImage image in HostileCorpus.All.Where((_, number) => number % Step == 0))
        {
            await File.WriteAllBytesAsync(_host["disk.img"], image.Bytes, TestContext.Current.CancellationToken);
            using SafeFileHandle file = File.OpenHandle(_host["disk.img"]);

            ErrorReport error = (await TryRefusalAsync(() => _host.RunAsync(TestEngine.Import("vm1", "qcow2"), file))).ShouldNotBeNull(image.Name);
            ErrorReport? piped = await TryRefusalAsync(() => _host.RunPipedAsync(TestEngine.Import("vm1", "qcow2") with { Verify = false }, new MemoryStream(image.Bytes)));

            error.Kind.ShouldBe(image.Kind, $"{image}: {error.Message}");
            error.Message.ShouldContain(image.Sentence, customMessage: image.Name);

            // Of a pipe nobody knows the end before it is there, and snapshots are only looked at for who asks.
            piped?.Kind.ShouldBeOneOf([StorageErrorKind.Corrupt, StorageErrorKind.NotSupported], $"{image}: {piped.Message}");
            await DropAsync(piped is null);
            (await PoolState.OfAsync(_host)).ShouldBe(before, image.Name);
        }
    }

    private async Task DropAsync(bool imported)
    {
        if (imported)
        {
            await _host.DoAsync(new DeleteVolume { Pool = TestEngine.Pool, Volume = new("vm1") });
        }
    }

    private static async Task<ErrorReport?> TryRefusalAsync(Func<Task<OperationReport>> import)
    {
        try
        {
            return (await import()).Error;
        }
        catch (StorageException refused)
        {
            return ErrorReport.Of(refused);
        }
    }
}
