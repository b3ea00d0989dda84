using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>One volume group, through LVM's own programs: looks, and single changes. It sees its own drives and nothing else.</summary>
internal sealed class VolumeGroup(LvmTools tools, string name, IReadOnlyList<string> devices)
{
    // A guest's kernel or a scan of udev's may hold a device for a moment after it was let go.
    private const int RemoveTries = 5;

    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(400);

    private volatile IReadOnlyList<string> _devices = devices;

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
        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("vgs", GroupFacts.Fields, Devices, [], cancellationToken);
        return rows.Select(GroupFacts.Read).SingleOrDefault(group => group.Name == name);
    }

    /// <summary>The group, which has to be there and ours.</summary>
    internal async Task<GroupFacts> RequireAsync(CancellationToken cancellationToken)
        => await FindAsync(cancellationToken) is GroupFacts { Tags.IsOurs: true } facts
            ? facts
            : throw new StorageException(StorageErrorKind.NotFound, name, "is no volume group of ours on these drives");

    /// <summary>Every logical volume of it, also the parts of others.</summary>
    internal async Task<IReadOnlyList<LogicalVolume>> ListAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("lvs", LogicalVolume.Fields, Devices, ["--all", name], cancellationToken);
        return [.. rows.Select(LogicalVolume.Read)];
    }

    /// <summary>Its drives, also the missing ones.</summary>
    internal async Task<IReadOnlyList<PhysicalVolume>> ListDrivesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("pvs", PhysicalVolume.Fields, Devices, [], cancellationToken);
        return [.. rows.Select(PhysicalVolume.Read).Where(drive => drive.Group == name)];
    }

    internal Task CreateAsync(IReadOnlyList<string> words, CancellationToken cancellationToken)
        => RunAsync("lvcreate", ["--yes", .. words], cancellationToken);

    internal Task ChangeAsync(string logicalVolume, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => RunAsync("lvchange", ["--yes", .. words, Subject(logicalVolume)], cancellationToken);

    internal Task RenameAsync(string from, string to, CancellationToken cancellationToken)
        => RunAsync("lvrename", [name, from, to], cancellationToken);

    internal Task ResizeAsync(string logicalVolume, ByteSize from, ByteSize to, CancellationToken cancellationToken)
        => to > from
            ? RunAsync("lvextend", ["--yes", "--size", $"{to.Bytes}b", Subject(logicalVolume)], cancellationToken)
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
            StorageErrorKind.Busy, Subject(shown), $"is open: take its exports away and close {DeviceMapper.PathOf(DeviceOf(logicalVolume))} to {purpose} it", cause);
    }

    /// <summary>Runs a verb of LVM's on the group.</summary>
    internal Task RunAsync(string verb, IReadOnlyList<string> words, CancellationToken cancellationToken)
        => tools.RunAsync(verb, Devices, words, cancellationToken);
}
