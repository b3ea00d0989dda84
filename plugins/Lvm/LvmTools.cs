using System.Text.Json;
using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// LVM's programs, run so that they see exactly the devices that are named to them, ask nobody, need no udev, no daemon and
/// no writable root, and leave no file but locks.
/// </summary>
internal sealed class LvmTools
{
    // lvm.conf(5) names each. LVM itself takes its locks in /run/lock/lvm: other users of LVM have to find them there.
    private static readonly string[] s_settings =
    [
        "devices/scan_lvs=0", "devices/use_devicesfile=0", "devices/hints=\"none\"", "devices/global_filter=[\"a|.*|\"]", "devices/filter=[\"a|.*|\"]",
        "global/use_lvmpolld=0", "global/event_activation=0", "global/use_lvmlockd=0", "global/locking_dir=\"/run/lock/lvm\"",
        "activation/udev_sync=0", "activation/udev_rules=0", "activation/monitoring=0", "activation/thin_pool_autoextend_threshold=100",
        "backup/backup=0", "backup/archive=0", "log/syslog=0",
    ];

    private const int MaxSaid = 400;

    private readonly Command _lvm;
    private readonly string _settings;

    private LvmTools(Command lvm, Command dmsetup, string? thinCheck)
    {
        _lvm = lvm;
        Mapper = new(dmsetup);
        _settings = string.Join(' ', [.. s_settings, $"global/thin_check_executable=\"{thinCheck ?? ""}\""]);
    }

    /// <summary>Device-mapper.</summary>
    internal DeviceMapper Mapper { get; }

    /// <summary>The programs that are missing here, each as a fact to read.</summary>
    internal static IEnumerable<string> Missing()
        => ((string, string)[])[("lvm", "lvm2"), ("dmsetup", "dmsetup, or device-mapper"), ("wipefs", "util-linux")] is var needed
            ? needed.Where(program => Command.Find(program.Item1) is null).Select(program => $"the program {program.Item1} is missing: install {program.Item2}")
            : [];

    /// <summary>Finds the programs, and makes the directory that they run with.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Unavailable"/>: one is missing.</exception>
    internal static LvmTools Find(LvmOptions options)
    {
        if (Missing().ToList() is { Count: > 0 } missing)
        {
            throw new StorageException(StorageErrorKind.Unavailable, "lvm", string.Join("; ", missing));
        }

        // An empty configuration: what a distribution's own says must not change what we see. DM_DISABLE_UDEV: libdevmapper makes nodes itself.
        Dictionary<string, string> environment = new() { ["LVM_SYSTEM_DIR"] = options.RunDirectory, ["DM_DISABLE_UDEV"] = "1", ["LVM_SUPPRESS_FD_WARNINGS"] = "1" };
        CommandLimits limits = new() { Total = TimeSpan.FromHours(24), Stall = TimeSpan.FromMinutes(5), Output = ByteSize.MiB(16) };
        foreach (string directory in (string[])[options.RunDirectory, "/run/lock/lvm"])
        {
            FileCalls.Run(directory, () => Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        }

        return new(
            Command.Find("lvm", limits)!.With(environment), Command.Find("dmsetup")!.With(environment), Command.Find("thin_check")?.Path);
    }

    /// <summary>
    /// Changes something of what lies on <paramref name="devices"/>. When it returns, a power cut does not take that back. Once it has
    /// begun it is not cancelled: LVM that is ended while a device is suspended leaves all who use that waiting.
    /// </summary>
    /// <exception cref="CommandException">LVM refused. What it says is for people: look what is so.</exception>
    /// <exception cref="StorageException">LVM did it, and no drive could be made to keep it.</exception>
    internal async Task RunAsync(string verb, IReadOnlyList<string> devices, IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await _lvm.RunAsync([verb, .. Scope(devices), .. words], CancellationToken.None);
        }
        catch (CommandException e) when (e.End != CommandEnd.NotStarted)
        {
            throw Told(e, verb, words[^1]);
        }

        Flush(devices);
    }

    /// <summary>Asks for the rows of a report of what lies on <paramref name="devices"/>: <c>lvs</c>, <c>vgs</c>, <c>pvs</c>, or other <paramref name="rows"/> of theirs.</summary>
    /// <exception cref="StorageException">LVM failed, or answers otherwise than it should.</exception>
    internal async Task<IReadOnlyList<LvmRow>> ReportAsync(
        string verb, string fields, IReadOnlyList<string> devices, IReadOnlyList<string> words, CancellationToken cancellationToken, string? rows = null)
    {
        using JsonDocument report = await _lvm.RunJsonAsync(
            [verb, .. Scope(devices), "--reportformat", "json", "--units", "b", "--nosuffix", "--options", fields, .. words], cancellationToken);
        return LvmRow.Read(report, rows ?? verb[..2]);
    }

    // LVM writes its metadata past the page cache, and asks no drive to flush what it has in its own cache. Every drive of a group has
    // the same metadata: one that fails leaves it to the others.
    private static void Flush(IReadOnlyList<string> devices)
    {
        List<Exception> failures = [];
        foreach (string device in devices)
        {
            try
            {
                using BlockFile drive = BlockFile.Open(DriveNode.Resolve(device), writable: false);
                drive.Flush();
            }
            catch (Exception e) when (e is StorageException or IOException)
            {
                failures.Add(e);   // it failed, or it is gone
            }
        }

        if (failures.Count > 0 && failures.Count == devices.Count)
        {
            throw new StorageException(StorageErrorKind.Io, string.Join(", ", devices), $"kept nothing of what LVM wrote: {failures[0].Message}", failures[0]);
        }
    }

    // What LVM said, without the settings and devices that each of its commands carries; those are in the cause.
    private static CommandException Told(CommandException e, string verb, string subject)
    {
        string said = string.Join("; ", e.Said.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
        string reason = said.Length == 0 ? e.End.ToString() : said.Length <= MaxSaid ? said : said[..MaxSaid] + "…";
        return new(e.End, subject, $"LVM's {verb} failed: {reason}", e.ExitCode, e.Said, e);
    }

    private string[] Scope(IReadOnlyList<string> devices)
        => ["--config", _settings, "--devices", string.Join(',', devices)];
}
