using System.Security.Cryptography;
using EveStorage.PowerTrial;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// Pools of logical volumes after a power cut that takes what a drive had in its cache: dm-log-writes recorded what was stable when.
/// `tests/PowerTrial` records in one guest and looks in another.
/// </summary>
public sealed class LvmPowerLossTests(RecordedPool recorded, ITestOutputHelper output) : IClassFixture<RecordedPool>
{
    private static readonly bool s_long = Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1";

    /// <summary>Imports, and a loop of create, write, snapshot, clone, roll back, grow and delete, cut at each of the flushes that were drawn.</summary>
    [Fact]
    public Task At_any_flush_all_that_was_acknowledged_is_there_and_nothing_half_made() => CutAsync("flushes", s_long ? 200 : 5);

    /// <summary>The host's journal may lie on another drive, whose flushes do nothing for the pool's.</summary>
    [Fact]
    public Task What_was_acknowledged_is_on_the_pools_own_drive() => CutAsync("marks", s_long ? 40 : 3);

    private async Task CutAsync(string cuts, int points)
    {
        await using Guest guest = await recorded.StartAsync();
        string said = await guest.RunAsync($"{RecordedPool.Program} {cuts} {recorded.Taken} {points} 2>&1 || echo failed with $?", 4 * 3600);
        output.WriteLine($"{recorded.Said}\n{said}");

        said.Split('\n').Where(line => line.StartsWith("BROKEN", StringComparison.Ordinal)).ShouldBeEmpty();
        said.ShouldEndWith("points, 0 of them broken");
        (await recorded.ForeignAsync()).ShouldBe(recorded.Foreign);
    }
}

/// <summary>What a guest did to a pool, recorded once, beside drives of somebody else's.</summary>
public sealed class RecordedPool : IAsyncLifetime
{
    /// <summary>In a script: the trial's program, once <see cref="StartAsync"/> has put it there.</summary>
    internal const string Program = "cd /tmp; DOTNET_TieredPGO=0 DOTNET_gcConcurrent=0 dotnet /tmp/trial/EveStorage.PowerTrial.dll";

    private static readonly string[] s_theirs = ["files", "group"];

    private readonly TemporaryDirectory _place = new();
    private readonly Lazy<Task> _recorded;
    private List<Drive> _drives = [];

    public RecordedPool() => _recorded = new(RecordAsync);

    /// <summary>The seed, and how many acts.</summary>
    internal string Taken { get; } = $"{Environment.GetEnvironmentVariable("EVESTORAGE_SEED") ?? "4"} {(Environment.GetEnvironmentVariable("EVESTORAGE_LONG") == "1" ? 40 : 12)}";

    /// <summary>What was done, a line each.</summary>
    internal string Said { get; private set; } = "";

    /// <summary>The digests of the drives that are nobody's business.</summary>
    internal string Foreign { get; private set; } = "";

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A guest with the recording.</summary>
    internal async Task<Guest> StartAsync()
    {
        Guest.RequireLong();
        Guest.Require();
        await _recorded.Value;
        return await UpAsync();
    }

    /// <summary>The digests as they are now.</summary>
    internal async Task<string> ForeignAsync()
    {
        List<string> digests = [];
        foreach (string serial in s_theirs)
        {
            await using FileStream drive = File.OpenRead(_place[$"{serial}.img"]);
            digests.Add(Convert.ToHexStringLower(await SHA256.HashDataAsync(drive)));
        }

        return string.Join(' ', digests);
    }

    public ValueTask DisposeAsync()
    {
        _place.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task RecordAsync()
    {
        (string Serial, int MebiBytes)[] drives =
        [
            ("drive", Drives.MebiBytes), ("log", 4096), ("poollog", 4096), ("replay", Drives.MebiBytes), ("poolreplay", Drives.MebiBytes), ("scratch", 512),
            .. s_theirs.Select(serial => (serial, 64)),
        ];
        _drives = [.. drives.Select(drive => Drive.Make(_place.Path, drive.Serial, ByteSize.MiB(drive.MebiBytes)))];
        await using Guest guest = await UpAsync();
        await guest.RunAsync($"mkfs.ext4 -q {Guest.DriveOf("files")}; pvcreate -q {Guest.DriveOf("group")}; vgcreate -q theirs {Guest.DriveOf("group")}; sync");
        Foreign = await ForeignAsync();
        Said = await guest.RunAsync($"{Program} record {Taken}", 3600);
    }

    private async Task<Guest> UpAsync()
    {
        Drive program = await PublishedHost.DriveAsync();
        Guest guest = await Guest.StartAsync(
            [.. _drives.Append(program).SelectMany(drive => (string[])["--disk", $"{drive}"]), "--share", RepositoryFiles.Path("artifacts/bin/EveStorage.PowerTrial/debug")]);

        // The published host's files, which are compiled ahead, and the trial beside them.
        await guest.RunAsync($"{PublishedHost.Mount}; cp -rs /program /tmp/trial; cp /share/EveStorage.PowerTrial.dll /share/EveStorage.PowerTrial.runtimeconfig.json /tmp/trial/");
        return guest;
    }
}
