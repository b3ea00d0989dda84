using System.Diagnostics;
using System.Security.Cryptography;
using EveStorage.Cli.Api;

namespace EveStorage.Tests;

/// <summary>The real program, killed at moments of its time: the same file makes it as it is to be, and what the file says nothing of is as it was.</summary>
public sealed class KilledApplyTests(ITestOutputHelper output)
{
    private const string File = """
        {
          "volumes": {
            "data/a": { "size": "8MiB" }, "data/b": { "size": "8MiB", "thick": true }, "data/gone": { "absent": true, "withSnapshots": true },
            "data/disk": { "image": { "file": "disk.raw", "format": "raw", "verify": true } }, "data/small": { "size": "16MiB" }
          }
        }
        """;

    private static int Kills { get; } = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 100 : 3;

    [Fact]
    public async Task Killed_at_any_moment_it_is_made_so_by_the_same_file_and_nothing_foreign_has_changed()
    {
        await using TestEngine measured = await PrepareAsync();
        long start = Stopwatch.GetTimestamp();
        await ApplyAsync(measured);
        TimeSpan whole = Stopwatch.GetElapsedTime(start);
        Random random = new(1);
        for (int kill = 0; kill < Kills; kill++)
        {
            await using TestEngine host = await PrepareAsync();
            string foreign = Foreign(host);
            TimeSpan at = whole * ((kill + random.NextDouble()) / Kills);
            using (HostProgram program = HostProgram.Start(host, "apply", host["site.json"], "--yes"))
            {
                program.HasEnded(at);
                program.Kill();
            }

            output.WriteLine($"kill {kill + 1} at {at.TotalSeconds:0.00} of {whole.TotalSeconds:0.00} s: {(HostProgram.Journaled(host) is OperationReport last ? $"{last.Request.Subject}, {HostProgram.Describe(last)}" : "nothing")}");
            await ApplyAsync(host);

            (await ApplyAsync(host)).ShouldBe("nothing differs, of 5\n");
            Foreign(host).ShouldBe(foreign);
            await host.StartAsync();
            (await host.Api.DiagnoseAsync(default)).ShouldBeEmpty();
            (await host.Api.ListVolumesAsync(null, default)).Select(volume => $"{volume.Name} {volume.Size}").ShouldBe(["a 8MiB", "b 8MiB", "disk 24MiB", "kept 8MiB", "small 16MiB"]);
            Directory.EnumerateFileSystemEntries(host.PoolPath, "*tmp-*", SearchOption.AllDirectories).ShouldBeEmpty();
        }
    }

    private static async Task<string> ApplyAsync(TestEngine host)
    {
        (int code, string said, string error) = await HostProgram.RunAsync(host, "apply", host["site.json"], "--yes");
        code.ShouldBe(0, error);
        return said;
    }

    private static async Task<TestEngine> PrepareAsync()
    {
        TestEngine host = new();
        await System.IO.File.WriteAllBytesAsync(Path.Combine(host.Bases, "disk.raw"), RandomNumberGenerator.GetBytes(24 << 20));
        await System.IO.File.WriteAllTextAsync(host["site.json"], File);
        await (await host.StartAsync()).DoAsync(
            new CreatePool { Pool = TestEngine.Pool }, TestEngine.Create("kept", 8), TestEngine.Create("gone", 8), TestEngine.Create("small", 8),
            new TakeSnapshots { Pool = TestEngine.Pool, Snapshots = [new(new("kept"), "s"), new(new("gone"), "s")] });
        await host.EndAsync();
        await System.IO.File.WriteAllBytesAsync(Path.Combine(host.PoolPath, "volumes/kept/image"), RandomNumberGenerator.GetBytes(8 << 20));
        return host;
    }

    // All of the volume that the file does not name, record and snapshot too.
    private static string Foreign(TestEngine host)
        => string.Join('\n', Directory.EnumerateFiles(Path.Combine(host.PoolPath, "volumes/kept"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => $"{path} {Convert.ToHexString(SHA256.HashData(System.IO.File.ReadAllBytes(path)))}"));
}
