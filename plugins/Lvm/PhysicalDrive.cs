using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>A drive as LVM's physical volume.</summary>
internal static class PhysicalDrive
{
    /// <summary>
    /// Makes a physical volume of a drive that was checked to be free, unless <paramref name="left"/> is this operation's. LVM looks
    /// once more, and nobody answers its question.
    /// </summary>
    internal static async Task MakeAsync(LvmTools tools, Drive drive, string? left, Guid operation, CancellationToken cancellationToken)
    {
        string node = PoolDevices.NodeOf(drive);
        if (left == FreeDevice.UuidFor(operation, drive))
        {
            return;
        }

        if (left is not null)
        {
            await tools.RunAsync("pvremove", [node], ["--yes", node], cancellationToken);
        }

        await tools.RunAsync("pvcreate", [node], ["--uuid", FreeDevice.UuidFor(operation, drive), "--norestorefile", node], cancellationToken);
    }

    /// <summary>Writes on it how the drive is called for life, so that one that is missing can be named.</summary>
    internal static Task NameAsync(LvmTools tools, IReadOnlyList<string> devices, Drive drive, CancellationToken cancellationToken)
        => tools.RunAsync("pvchange", devices, ["--addtag", LvTags.Tag("drive", Plain(PoolDevices.PhysicalOf(drive).Identity)), PoolDevices.NodeOf(drive)], cancellationToken);

    /// <summary>The same for every drive of a group that has no name yet, once none is missing: until then LVM changes no drive.</summary>
    internal static async Task NameAllAsync(VolumeGroup group, IReadOnlyList<PhysicalVolume> all, CancellationToken cancellationToken)
    {
        if (all.Any(volume => volume.IsMissing))
        {
            return;
        }

        foreach (PhysicalVolume volume in all.Where(volume => volume.Tags["drive"] is null))
        {
            if (Drive.Find(volume.Path) is Drive drive)
            {
                await NameAsync(group.Tools, group.Devices, drive, cancellationToken);
            }
        }
    }

    /// <summary>What a drive of a pool is called: as its tag says, else as the drive itself does; by its path when it does not.</summary>
    internal static string CalledOf(PhysicalVolume volume)
        => volume.Tags["drive"] ?? (!volume.IsMissing && Drive.Find(volume.Path) is Drive drive ? Plain(PoolDevices.PhysicalOf(drive).Identity) : volume.Path);

    /// <summary>Whether a device is a physical volume of no volume group.</summary>
    internal static async Task<bool> IsOrphanAsync(LvmTools tools, string node, CancellationToken cancellationToken)
        => (await tools.ReportAsync("pvs", PhysicalVolume.Fields, [node], [], cancellationToken)).Select(PhysicalVolume.Read).ToList() is [{ Group.Length: 0 }];

    /// <summary>Takes a label of ours away that is in no volume group.</summary>
    /// <returns>Whether there was one.</returns>
    internal static async Task<bool> BlankAsync(LvmTools tools, Drive drive, CancellationToken cancellationToken)
    {
        string node = PoolDevices.NodeOf(drive);
        if ((await DeviceSignature.FindAsync(node, cancellationToken)) is not [{ Kind: FreeDevice.Signature } left] || !FreeDevice.IsOurs(left.Id, drive)
            || !await IsOrphanAsync(tools, node, cancellationToken))
        {
            return false;
        }

        await tools.RunAsync("pvremove", [node], ["--yes", node], cancellationToken);
        return true;
    }

    /// <summary>Takes the label away again, if this operation made it and no volume group has it.</summary>
    internal static async Task UnmakeAsync(LvmTools tools, Drive drive, Guid operation, CancellationToken cancellationToken)
    {
        string node = PoolDevices.NodeOf(drive);
        IReadOnlyList<LvmRow> rows = await tools.ReportAsync("pvs", PhysicalVolume.Fields, [node], [], cancellationToken);
        if (rows.Select(PhysicalVolume.Read).Any(found => found.Group.Length == 0 && found.Uuid == FreeDevice.UuidFor(operation, drive)))
        {
            await tools.RunAsync("pvremove", [node], ["--yes", node], cancellationToken);
        }
    }

    /// <summary>A drive's name as a tag may have it.</summary>
    internal static string Plain(string identity)
        => string.Concat(identity.Trim().Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or '.' or '-' or '/' or ':' ? c : '_'));
}
