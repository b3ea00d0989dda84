using EveStorage.Cli.Api;
using EveStorage.Host.FileSystems;

namespace EveStorage.Tests;

/// <summary>A service that runs away fills what is its own: its neighbours and the host go on, and it is told.</summary>
public sealed class NewlogTests : IAsyncLifetime
{
    private readonly FileSystemHost _host = new();

    public async ValueTask InitializeAsync() => await (await _host.StartAsync()).DoAsync(new CreatePool { Pool = FileSystemHost.Pool });

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("ext4", 32)]
    [InlineData("xfs", 320)]
    public async Task A_runaway_writer_meets_ENOSPC_at_its_quota_while_its_neighbours_and_the_host_keep_writing(string kind, long mebibytes)
    {
        await _host.DoAsync(
            FileSystemHost.Create("newlog", mebibytes, reserved: true, kind: kind), FileSystemHost.Create("status", mebibytes, reserved: true, kind: kind));
        List<string> told = [];
        FileSystemWatch watch = _host.Part<FileSystemWatch>();
        using FileStream log = File.Create(_host.PointOf("newlog/log"));
        using FileStream neighbour = File.Create(_host.PointOf("status/status"));
        using FileStream host = File.Create(_host["host"]);
        byte[] piece = new byte[1 << 20];
        new Random(1).NextBytes(piece);

        IOException full = await Should.ThrowAsync<IOException>(async () =>
        {
            while (true)
            {
                log.Write(piece);
                log.Flush(flushToDisk: true);
                await watch.LookAsync(default);
            }
        });
        await watch.LookAsync(default);
        for (int round = 0; round < 8; round++)
        {
            neighbour.Write(piece);
            neighbour.Flush(flushToDisk: true);
            host.Write(piece);
            host.Flush(flushToDisk: true);
        }

        const int ENOSPC = 28;
        full.HResult.ShouldBe(ENOSPC);
        neighbour.Length.ShouldBe(8 << 20);
        log.Length.ShouldBeLessThan(mebibytes << 20);
        EventReport[] events = await _host.Api.ToldAsync().ToArrayAsync();
        events.Where(e => e.Id == "fs.space").Select(e => $"{e.Subject} {e.Severity} {e.Message.Split(", ")[1].Split(' ')[0]}")
            .ShouldBe(["data/newlog Warning 80", "data/newlog Warning 90", "data/newlog Critical 95"]);
    }

    [Fact]
    public async Task After_it_filled_it_can_be_grown_and_written_again()
    {
        await _host.DoAsync(FileSystemHost.Create("newlog", 304, kind: "xfs"));
        using FileStream log = File.Create(_host.PointOf("newlog/log"));
        byte[] piece = new byte[1 << 20];
        Should.Throw<IOException>(() =>
        {
            while (true)
            {
                log.Write(piece);
                log.Flush(flushToDisk: true);
            }
        });

        await _host.DoAsync(new ResizeVolume { Pool = FileSystemHost.Pool, Volume = new("newlog"), Size = ByteSize.MiB(400) });

        log.Write(piece);
        log.Flush(flushToDisk: true);
        log.Length.ShouldBeGreaterThan(200 << 20);
    }
}
