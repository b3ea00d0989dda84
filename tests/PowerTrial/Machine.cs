using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Engine;
using EveStorage.Host.Operations;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using EveStorage.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.PowerTrial;

/// <summary>
/// A machine with one drive for a pool, <see cref="PoolDevice"/>, and a place for the host's state. The host on it is started and
/// ended in this process, since starting .NET takes long under emulation.
/// </summary>
internal sealed class Machine : IAsyncDisposable
{
    /// <summary>The pool's drive.</summary>
    internal const string PoolDevice = "/dev/mapper/cut-pool";

    /// <summary>What the host keeps.</summary>
    internal const string State = "/cut/state";

    /// <summary>The keys, which a power cut must leave, too.</summary>
    internal const string Keys = "/cut/keys";

    private const string Run = "/run/evestorage";

    private static readonly Lazy<(Profile Profile, PluginCatalog Catalog)> s_parts = new(Read);

    private readonly StorageEngine _engine;

    private Machine(StorageEngine engine) => _engine = engine;

    internal IStorageApi Api => _engine.For(new Caller(FileOwner.Ours));

    /// <summary>Starts the host as after a boot: with nothing in /run, and what a crash left is finished or undone.</summary>
    internal static async Task<Machine> StartAsync()
    {
        if (Directory.Exists(Run))
        {
            Directory.Delete(Run, recursive: true);
        }

        Machine machine = new(StorageEngine.Open(s_parts.Value.Profile, s_parts.Value.Catalog, static logging => logging.SetMinimumLevel(LogLevel.None)));
        try
        {
            await machine._engine.RecoverAsync(default);
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a change to its end, which has to be a good one.</summary>
    internal async Task ChangeAsync(ChangeRequest request, SafeFileHandle? image = null)
    {
        IStorageApi api = Api;
        Guid id = await api.SubmitAsync(request, image, default);
        OperationReport? last = null;
        await foreach (OperationReport report in api.WatchOperationAsync(id, default))
        {
            last = report;
        }

        if (last?.State != OperationState.Succeeded)
        {
            throw last?.Error?.ToException() ?? new StorageException(StorageErrorKind.Io, request.Subject, $"ended as {last?.State}");
        }
    }

    public ValueTask DisposeAsync() => _engine.DisposeAsync();

    /// <summary>The path of a logical volume of the pool.</summary>
    internal static string PathOf(string logicalVolume) => $"/dev/mapper/evestorage--data-{logicalVolume.Replace("-", "--", StringComparison.Ordinal)}";

    /// <summary>Runs a verb of LVM's on the pool's drive and no other, and gives what it printed.</summary>
    internal static Task<string> LvmAsync(string words)
        => ShellAsync($"lvm {words} --config 'devices/use_devicesfile=0 activation/udev_sync=0 activation/udev_rules=0 activation/monitoring=0 backup/backup=0 backup/archive=0' --devices {PoolDevice}");

    /// <summary>Runs a script, and gives what it printed.</summary>
    internal static Task<string> ShellAsync(string script)
        => (Command.Find("bash", new() { Stall = TimeSpan.FromMinutes(10), Total = TimeSpan.FromMinutes(20) }) ?? throw new InvalidOperationException("bash is needed"))
            .RunAsync(["-euc", $"export DM_DISABLE_UDEV=1 LVM_SUPPRESS_FD_WARNINGS=1\n{script}"], default);

    private static (Profile, PluginCatalog) Read()
    {
        const string path = "/tmp/profile.json";
        File.WriteAllText(path, $$"""
            {
              "State": "{{State}}", "Run": "{{Run}}", "Images": { "Keep": "00:00:00" },
              "Plugins": { "Directories": ["/program/plugins"], "Enabled": ["eve.lvm", "eve.luks", "eve.keys", "eve.raw"] },
              "Keys": { "Kind": "key-file", "Options": { "Directory": "{{Keys}}", "AllowPersistent": true } },
              "Pools": {
                "data": {
                  "Kind": "lvm", "Devices": ["{{PoolDevice}}"], "Options": { "MaxVolumes": 16 },
                  "Layers": [{ "Kind": "luks2", "Placement": "OverVolume", "Options": { "Cipher": "aes-xts" } }]
                }
              }
            }
            """);
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(path), problems);
        problems.ThrowIfAny(profile.Name);
        return (profile, PluginCatalog.Load(profile.Plugins));
    }
}
