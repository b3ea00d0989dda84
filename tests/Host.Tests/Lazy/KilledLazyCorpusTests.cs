using EveStorage.Cli.Api;
using EveStorage.Cli.Client;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.Tests;

/// <summary>The corpus of sound images behind volumes, while the daemon is killed at a random moment of their imports and of their copies.</summary>
public sealed class KilledLazyCorpusTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int AtOnce = 6;
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private readonly TestEngine _host = new(images: true);
    private readonly Random _random = new(22);

    // EVESTORAGE_LONG=1 takes all of it.
    private static bool IsLong { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    public async ValueTask InitializeAsync()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });
        await _host.EndAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Each_is_whole_in_the_end()
    {
        CorpusImage[] all = [.. new ValidCorpus(_host.Bases).All()];
        (CorpusImage Image, string Volume)[] corpus = [.. all.Select((image, number) => (image, $"vm{number}")).Where((_, number) => IsLong || number % 9 == 5)];
        int again = 0;
        int behind = 0;
        foreach ((CorpusImage Image, string Volume)[] some in corpus.Chunk(AtOnce))
        {
            foreach ((CorpusImage image, string volume) in some)
            {
                await image.MakeAsync(_host[$"{volume}.qcow2"]);
            }

            _host.LimitLazyCopy(256 << 10);   // what they hold takes seconds
            await ImportUntilKilledAsync(some);
            _host.LimitLazyCopy(2 << 20);   // ... and is not all copied before it is looked at
            using HostProgram daemon = Serve();
            await using IStorageApi api = await ConnectAsync();
            IReadOnlyList<VolumeReport> there = await api.ListVolumesAsync(TestEngine.Pool, default);
            again += await ImportAsync(api, some.Where(one => !there.Any(volume => $"{volume.Name}" == one.Volume)));
            behind += there.Count(static volume => volume.Image is not null);
            await RequireSameAsync(api, some);
            daemon.Kill();
        }

        output.WriteLine($"{corpus.Length} images of {all.Length}: {again} were killed before they were there, {behind} while they were copied");
        (again + behind).ShouldBeGreaterThan(0);
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).Count().ShouldBe(corpus.Length);
    }

    private string Socket => Path.Combine(_host["run"], "api.sock");

    private HostProgram Serve()
    {
        File.Delete(Socket);   // one that was killed leaves it
        HostProgram daemon = HostProgram.Start(_host, "serve");
        daemon.WaitUntil(() => File.Exists(Socket), s_limit);
        return daemon;
    }

    // Its socket is there before it listens.
    private async Task<IStorageApi> ConnectAsync()
    {
        using CancellationTokenSource limit = new(s_limit);
        RemoteApi? api;
        while ((api = await RemoteApi.TryConnectAsync(Socket, limit.Token)) is null)
        {
            await Task.Delay(10, limit.Token);
        }

        return api;
    }

    // At any moment of the second or so after one of them was there.
    private async Task ImportUntilKilledAsync((CorpusImage Image, string Volume)[] some)
    {
        using HostProgram daemon = Serve();
        await using Timer killer = new(_ => daemon.Kill());
        int before = _random.Next(some.Length + 1);
        try
        {
            await using IStorageApi api = await ConnectAsync();
            await ImportAsync(api, some.Take(before));
            killer.Change(_random.Next(1500), Timeout.Infinite);
            await ImportAsync(api, some.Skip(before));
        }
        catch (StorageException)
        {
            // it was killed before it had them all
        }

        daemon.HasEnded(s_limit).ShouldBeTrue();
    }

    private async Task<int> ImportAsync(IStorageApi api, IEnumerable<(CorpusImage Image, string Volume)> some)
    {
        int count = 0;
        foreach ((CorpusImage image, string volume) in some)
        {
            using SafeFileHandle file = File.OpenHandle(_host[$"{volume}.qcow2"]);
            Guid id = await api.SubmitAsync(LazyHost.Request(volume, "qcow2") with { Snapshot = image.Snapshot }, file, default);
            OperationReport? last = null;
            await foreach (OperationReport report in api.WatchOperationAsync(id, default))
            {
                last = report;
            }

            last.ShouldNotBeNull().Error.ShouldBeNull(image.Name);
            count++;
        }

        return count;
    }

    private async Task RequireSameAsync(IStorageApi api, (CorpusImage Image, string Volume)[] some)
    {
        using CancellationTokenSource limit = new(s_limit);
        foreach ((CorpusImage image, string volume) in some)
        {
            while ((await api.GetVolumeAsync(TestEngine.Pool, new(volume), limit.Token)).Image is not null)
            {
                await Task.Delay(20, limit.Token);
            }

            string[] snapshot = image.Snapshot is string name ? ["-l", $"snapshot.name={name}"] : [];
            await QemuImages.RunAsync("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", .. snapshot, _host[$"{volume}.qcow2"], _host["expected.raw"]]);
            await QemuImages.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", Path.Combine(_host.PoolPath, "volumes", volume, "image"), _host["expected.raw"]);
        }

        while ((await api.ListOperationsAsync(limit.Token)).Any(static operation => operation.State is OperationState.Running))
        {
            await Task.Delay(20, limit.Token);   // the maps go last
        }

        (await api.DiagnoseAsync(limit.Token)).ShouldBeEmpty();
    }
}
