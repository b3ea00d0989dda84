using System.Globalization;
using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>The real daemon, killed at any moment while a guest uses a volume that lies over its image, and started again.</summary>
public sealed class KilledLazyTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Length = 48 << 20;
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private readonly TestEngine _host = new();

    // EVESTORAGE_LONG=1 kills as often as the product promises.
    private static int Kills { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 40 : 2;

    public async ValueTask InitializeAsync()
    {
        await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = TestEngine.Pool });
        await _host.EndAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task It_goes_on_by_itself_and_ends_as_the_image_and_what_was_written()
    {
        Random random = new(9);
        FlushedModel model = new(new byte[Length]);
        random.NextBytes(model.Current);
        await File.WriteAllBytesAsync(_host["disk.img"], model.Current, TestContext.Current.CancellationToken);
        _host.LimitLazyCopy(2 << 20);
        int acts = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using HostProgram daemon = Serve();
            if (kill == 0)
            {
                await DoAsync("image", "import", _host["disk.img"], "vm1", "--format", "raw", "--lazy");
                await DoAsync("export", "add", "vm1", "--host", $"{TestEngine.Guest}");
            }

            acts += await UseAsync(daemon, model, random);
            output.WriteLine($"kill {kill + 1} after {acts} acts in all, with {(await ImageAsync())?.GetProperty("copied").GetInt64() >> 10} KiB copied for good");
        }

        _host.LimitLazyCopy(0);
        using HostProgram last = Serve();
        await SettleAsync(model);
        for (long start = Environment.TickCount64; await ImageAsync() is not null;)
        {
            (Environment.TickCount64 - start).ShouldBeLessThan((long)s_limit.TotalMilliseconds);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        output.WriteLine($"{acts} acts of the guest");
        (await DoAsync("doctor", "--json")).GetArrayLength().ShouldBe(0);
        last.Kill();
        Directory.EnumerateFileSystemEntries(Path.Combine(_host.PoolPath, "volumes")).ShouldHaveSingleItem();
        byte[] held = await File.ReadAllBytesAsync(Path.Combine(_host.PoolPath, "volumes/vm1/image"), TestContext.Current.CancellationToken);
        held.AsSpan().CommonPrefixLength(model.Current).ShouldBe(Length);
    }

    [Fact]
    public async Task Killed_while_it_is_made_it_is_there_or_not_and_nothing_else_is_left()
    {
        byte[] image = new byte[4 << 20];
        new Random(10).NextBytes(image);
        await File.WriteAllBytesAsync(_host["disk.img"], image, TestContext.Current.CancellationToken);
        for (int kill = 0; kill < Kills; kill++)
        {
            using (HostProgram daemon = Serve())
            {
                using HostProgram import = HostProgram.Start(_host, "image", "import", _host["disk.img"], "vm1", "--format", "raw", "--lazy");
                await Task.Delay(100 + (1200 * kill / Kills), TestContext.Current.CancellationToken);
                daemon.Kill();
                await import.EndAsync();
            }

            using (HostProgram daemon = Serve())
            {
                bool isThere = (await DoAsync("volume", "list", "--json")).GetArrayLength() == 1;
                while (isThere && (await ImageAsync() is not null || (await DoAsync("operation", "list", "--json")).EnumerateArray().Any(static operation => operation.GetProperty("state").GetString() == "running")))
                {
                    await Task.Delay(50, TestContext.Current.CancellationToken);
                }

                output.WriteLine($"kill {kill + 1}: {(isThere ? "there" : "not there")}");
                string volumes = Path.Combine(_host.PoolPath, "volumes");
                (Directory.Exists(volumes) ? Directory.EnumerateFileSystemEntries(volumes).Count() : 0).ShouldBe(isThere ? 1 : 0);
                if (isThere)
                {
                    (await File.ReadAllBytesAsync(Path.Combine(volumes, "vm1/image"), TestContext.Current.CancellationToken)).AsSpan().SequenceEqual(image).ShouldBeTrue();
                    await DoAsync("volume", "delete", "vm1", "--yes");
                }

                daemon.Kill();
            }
        }
    }

    private HostProgram Serve()
    {
        string socket = Path.Combine(_host["run"], "api.sock");
        File.Delete(socket);   // one that was killed leaves it
        HostProgram daemon = HostProgram.Start(_host, "serve");
        daemon.WaitUntil(() => File.Exists(socket), s_limit);
        return daemon;
    }

    private async Task SettleAsync(FlushedModel model)
    {
        JsonElement export = (await DoAsync("export", "list", "--json"))[0];
        await using GuestDisk guest = await GuestDisk.ConnectAsync(
            new Uri(export.GetProperty("address").GetString()!).Port, export.GetProperty("subsystem").GetString()!, 1, TestEngine.Guest, model.Current);
        await model.SettleAsync(guest.ReadAsync);
    }

    private async Task<int> UseAsync(HostProgram daemon, FlushedModel model, Random random)
    {
        JsonElement export = (await DoAsync("export", "list", "--json"))[0];
        int port = new Uri(export.GetProperty("address").GetString()!).Port;
        await using GuestDisk guest = await GuestDisk.ConnectAsync(port, export.GetProperty("subsystem").GetString()!, 1, TestEngine.Guest, model.Current);
        await model.SettleAsync(guest.ReadAsync);
        using Timer killer = new(_ => daemon.Kill(), null, random.Next(300, 3000), Timeout.Infinite);
        int acts = 0;
        try
        {
            while (true)
            {
                await ActAsync(guest, model, random);
                acts++;
            }
        }
        catch (StorageException)
        {
            daemon.HasEnded(s_limit).ShouldBeTrue();
            return acts;
        }
    }

    private static async Task ActAsync(GuestDisk guest, FlushedModel model, Random random)
    {
        int length = 512 * random.Next(1, 128);
        int offset = 512 * random.Next((Length - length) / 512);
        if (random.Next(3) == 0)
        {
            await guest.ReadAsync(offset, length);
            return;
        }

        byte[] data = new byte[length];
        random.NextBytes(data);
        model.Writing(offset, data);
        bool lasts = random.Next(6) == 0;
        await guest.WriteAsync(offset, data, lasts ? WriteDurability.Stable : WriteDurability.Cached);
        if (lasts)
        {
            model.Flushed(offset, length);
        }
        else if (random.Next(6) == 0)
        {
            await guest.FlushAsync();
            model.Flushed();
        }
    }

    private async Task<JsonElement?> ImageAsync()
        => (await DoAsync("volume", "show", "vm1", "--json")).TryGetProperty("image", out JsonElement image) ? image : null;

    private async Task<JsonElement> DoAsync(params string[] arguments)
    {
        for (int tries = 0; ; tries++)
        {
            (int code, string said, string error) = await HostProgram.RunAsync(_host, [.. arguments, .. arguments.Contains("--json") ? Array.Empty<string>() : ["--json"]]);
            if (code == 0)
            {
                return JsonDocument.Parse(said).RootElement;
            }

            tries.ShouldBeLessThan(100, string.Create(CultureInfo.InvariantCulture, $"{arguments[0]}: {error}"));
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}
