using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>One volume group, through LVM's own programs: looks, and single changes. It sees its own drives and nothing else.</summary>
internal sealed class VolumeGroup(LvmTools tools, string name, IReadOnlyList<string> devices)
{
    // A guest's kernel or a scan of udev's may hold a device for a moment after it was let go.
    private const int RemoveTries = 5;

    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(400);

    private volatile IReadOnlyList<string> _devices = devices;
    private volatile Known<GroupFacts?>? _facts;
    private volatile Known<IReadOnlyList<LogicalVolume>>? _volumes;

    internal string Name => name;

    internal LvmTools Tools => tools;

    /// <summary>The paths of its drives, as they were last looked for.</summary>
    internal IReadOnlyList<string> Devices
    {
        get => _devices;
        set => _devices = value;
    }

    /// <summary>The device-mapper device of its thin pool.</summary>
    internal string ThinPoolDevice => $"{DeviceMapper.NameOf(name, LvName.ThinPool)}-tpool";

    internal string DeviceOf(string logicalVolume) => DeviceMapper.NameOf(name, logicalVolume);

    internal string Subject(string logicalVolume) => $"{name}/{logicalVolume}";

    /// <summary>The group; null when it is not on these drives.</summary>
    internal async Task<GroupFacts?> FindAsync(CancellationToken cancellationToken)
    {
        string? version = MetadataVersion.Read(Devices);
        if (_facts is { } known && known.IsOf(version))
        {
            return known.Value;
        }

        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("vgs", GroupFacts.Fields, Devices, [], cancellationToken);
        GroupFacts? facts = rows.Select(GroupFacts.Read).SingleOrDefault(group => group.Name == name);
        _facts = new(version, facts);
        return facts;
    }

    /// <summary>The group, which has to be there and ours.</summary>
    internal async Task<GroupFacts> RequireAsync(CancellationToken cancellationToken)
        => await FindAsync(cancellationToken) is GroupFacts { Tags.IsOurs: true } facts
            ? facts
            : throw new StorageException(StorageErrorKind.NotFound, name, "is no volume group of ours on these drives");

    /// <summary>Every logical volume of it, also the parts of others, as they are now.</summary>
    internal async Task<IReadOnlyList<LogicalVolume>> ListAsync(CancellationToken cancellationToken)
    {
        string? version = MetadataVersion.Read(Devices);   // before LVM is asked: what changes meanwhile is then asked for again
        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("lvs", LogicalVolume.Fields, Devices, ["--all", name], cancellationToken);
        IReadOnlyList<LogicalVolume> all = [.. rows.Select(LogicalVolume.Read)];
        _volumes = new(version, all);
        return all;
    }

    /// <summary>
    /// The same as LVM's metadata has them now: names, sizes, tags. What the kernel says of each, whether it is open and how full
    /// or healthy it is, may be of an earlier moment. LVM is asked only when its metadata has changed.
    /// </summary>
    internal async Task<IReadOnlyList<LogicalVolume>> ListCommittedAsync(CancellationToken cancellationToken)
        => _volumes is { } known && known.IsOf(MetadataVersion.Read(Devices)) ? known.Value : await ListAsync(cancellationToken);

    /// <summary>Where a logical volume's data lies, as LVM takes it to allocate just that: <c>/dev/sda:100-115</c>. Of a redundant one, of each of its copies.</summary>
    internal async Task<IReadOnlyList<string>> ExtentsOfAsync(string logicalVolume, CancellationToken cancellationToken)
        => ExtentsOf(logicalVolume, await tools.ReportAsync("lvs", "lv_name,seg_pe_ranges", Devices, ["--segments", "--all", name], cancellationToken, "seg"));

    /// <summary>The same of what LVM reports.</summary>
    internal static IReadOnlyList<string> ExtentsOf(string logicalVolume, IReadOnlyList<LvmRow> segments)
        => [.. segments
            .Where(row => row["lv_name"].Trim('[', ']') is string part && (part == logicalVolume || part.StartsWith($"{logicalVolume}_rimage_", StringComparison.Ordinal)))
            .SelectMany(row => row["seg_pe_ranges"].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(range => range.StartsWith('/'))];

    /// <summary>Whether any of such extents are on a drive.</summary>
    internal static bool AreOn(IReadOnlyList<string> extents, string path) => extents.Any(range => range.StartsWith($"{path}:", StringComparison.Ordinal));

    internal Task CreateAsync(IReadOnlyList<string> words, CancellationToken cancellationToken)
        => RunAsync("lvcreate", ["--yes", .. words], cancellationToken);

    internal Task ChangeAsync(string logicalVolume, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => RunAsync("lvchange", ["--yes", .. words, Subject(logicalVolume)], cancellationToken);

    /// <summary>The same of several. LVM changes them one by one.</summary>
    internal Task ChangeAsync(IReadOnlyList<string> logicalVolumes, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => RunAsync("lvchange", ["--yes", .. words, .. logicalVolumes.Select(Subject)], cancellationToken);

    internal Task RenameAsync(string from, string to, CancellationToken cancellationToken)
        => RunAsync("lvrename", [name, from, to], cancellationToken);

    /// <summary>Makes a logical volume larger, of <paramref name="ranges"/> alone where there are any, or smaller.</summary>
    internal Task ResizeAsync(string logicalVolume, ByteSize from, ByteSize to, IReadOnlyList<string> ranges, CancellationToken cancellationToken)
        => to > from
            ? RunAsync("lvextend", ["--yes", "--size", $"{to.Bytes}b", Subject(logicalVolume), .. ranges], cancellationToken)
            : RunAsync("lvreduce", ["--yes", "--force", "--size", $"{to.Bytes}b", Subject(logicalVolume)], cancellationToken);

    /// <summary>Makes devices of all that is not to stay inactive; a redundant one also where a drive is missing.</summary>
    internal Task ActivateAsync(CancellationToken cancellationToken)
        => RunAsync("vgchange", ["--yes", "--activate", "y", "--activationmode", "degraded", name], cancellationToken);

    /// <summary>
    /// Removes a logical volume that has <paramref name="tag"/>: LVM looks once more, under its own lock, and without the tag
    /// it does nothing.
    /// </summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is open, and stays so.</exception>
    internal async Task RemoveAsync(string logicalVolume, string tag, TimeProvider time, CancellationToken cancellationToken)
    {
        for (int tries = 1; ; tries++)
        {
            try
            {
                await RunAsync("lvremove", ["--yes", "--select", $"lv_name=\"{logicalVolume}\" && lv_tags=\"{tag}\"", name], cancellationToken);
                return;
            }
            catch (CommandException e)
            {
                // What is so decides, not what LVM said of it.
                LogicalVolume? left = (await ListAsync(cancellationToken)).FirstOrDefault(lv => lv.Name == logicalVolume);
                if (left is null)
                {
                    return;
                }

                if (tries == RemoveTries)
                {
                    throw left.IsOpen ? Busy(logicalVolume, "delete", e) : e;
                }
            }

            await Task.Delay(s_retry, time, cancellationToken);
        }
    }

    /// <summary>Takes a logical volume's device away.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Busy"/>: it is open.</exception>
    internal async Task DeactivateAsync(string logicalVolume, string purpose, CancellationToken cancellationToken)
    {
        try
        {
            await ChangeAsync(logicalVolume, ["--activate", "n"], cancellationToken);
        }
        catch (CommandException e) when (DeviceMapper.Find(DeviceOf(logicalVolume)) is not null)
        {
            throw Busy(logicalVolume, purpose, e);
        }
    }

    internal StorageException Busy(string logicalVolume, string purpose, Exception? cause = null)
    {
        string shown = LvName.Parse(logicalVolume) is VolumeName volume ? $"{volume}" : logicalVolume;
        return new(
            StorageErrorKind.Busy, Subject(shown), $"is open: take its exports away and close {DeviceMapper.PathOf(DeviceOf(logicalVolume))}, then {purpose} it", cause);
    }

    /// <summary>Runs a verb of LVM's on the group.</summary>
    internal Task RunAsync(string verb, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => tools.RunAsync(verb, Devices, words, cancellationToken);

    // What LVM answered, and of which state of its metadata.
    private sealed record Known<T>(string? Version, T Value)
    {
        internal bool IsOf(string? version) => version is not null && version == Version;
    }
}
