using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.VhostScsi;

/// <summary>A volume as LIO has it.</summary>
/// <param name="VolumeId">The volume: its backstore has it in its name.</param>
/// <param name="Subsystem">The subsystem it was exported as: its backstore's alias.</param>
/// <param name="Lun">Its number for the guest, from 0; null while it is no disk of a controller.</param>
/// <param name="DevicePath">What it is on; null when nothing is set.</param>
/// <param name="ReadOnly">Whether writes are refused.</param>
/// <param name="Enabled">Whether it can be used.</param>
internal sealed record Backstore(Guid VolumeId, Nqn? Subsystem, int? Lun, string? DevicePath, bool ReadOnly, bool Enabled);

/// <summary>LIO's configfs tree, read. Ours are the backstores with our name, and the controllers that are made of such.</summary>
internal sealed class TargetTree(string root, string fabric, ConfigfsMarks marks)
{
    internal const string KernelRoot = "/sys/kernel/config/target";

    private const string Prefix = "evestorage-";
    private const string Serving = "iblock";   // as EVE calls the link

    internal bool IsPresent => Configfs.IsDirectory(Path.Combine(root, "core")) && Configfs.IsDirectory(Path.Combine(root, fabric));

    internal bool IsLoopback => fabric == "loopback";

    internal ConfigfsMarks Marks => marks;

    internal string Root => root;

    internal string Adapter => $"{root}/core/iblock_0";

    internal string Fabric => $"{root}/{fabric}";

    internal IEnumerable<Backstore> Backstores
        => Configfs.Objects(Adapter).Where(n => n.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParse(n[Prefix.Length..], out _)).Select(n => Read(Guid.Parse(n[Prefix.Length..])));

    internal Backstore? Find(Guid volumeId) => Configfs.IsDirectory(PathOf(volumeId)) ? Read(volumeId) : null;

    internal string PathOf(Guid volumeId) => $"{Adapter}/{Prefix}{volumeId}";

    internal string PathOf(string wwn) => $"{Fabric}/{wwn}";

    internal string GroupOf(string wwn) => $"{Fabric}/{wwn}/tpgt_1";

    internal string LunOf(string wwn, int lun) => string.Create(CultureInfo.InvariantCulture, $"{GroupOf(wwn)}/lun/lun_{lun}");

    internal string LinkOf(string wwn, int lun) => $"{LunOf(wwn, lun)}/{Serving}";

    /// <summary>The numbers of a controller's disks, and the volume of each; null for one that is not ours.</summary>
    internal IReadOnlyDictionary<int, Guid?> LunsOf(string wwn)
        => Configfs.Numbers($"{GroupOf(wwn)}/lun", "lun_").ToDictionary(lun => lun, lun => VolumeAt(LunOf(wwn, lun)));

    /// <summary>Whether a controller can be used; the kernel answers with an error while it can't.</summary>
    internal bool HasNexus(string wwn)
    {
        try
        {
            return Configfs.Find($"{GroupOf(wwn)}/nexus") is { Length: > 0 };
        }
        catch (StorageException)
        {
            return false;
        }
    }

    private Backstore Read(Guid volumeId)
    {
        string path = PathOf(volumeId);
        Nqn? subsystem = Configfs.Find($"{path}/alias") is string alias && alias.StartsWith(Nqn.OwnPrefix, StringComparison.Ordinal) ? new Nqn(alias) : null;
        int? lun = subsystem is Nqn named
            ? LunsOf(Wwn.Of(named)).Where(l => l.Value == volumeId).Select(l => (int?)l.Key).FirstOrDefault()
            : null;
        string device = Configfs.Find($"{path}/udev_path") ?? "";
        return new(volumeId, subsystem, lun, device.Length == 0 ? null : device, IsReadOnly(path), Configfs.Find($"{path}/enable") == "1");
    }

    // It is in a text for people and nowhere else: drivers/target/target_core_iblock.c, iblock_show_configfs_dev_params.
    private static bool IsReadOnly(string path) => (Configfs.Find($"{path}/info") ?? "").Contains("readonly: 1", StringComparison.Ordinal);

    private static Guid? VolumeAt(string lun)
    {
        string? target = Configfs.Objects(lun).Select(n => new DirectoryInfo($"{lun}/{n}").LinkTarget).OfType<string>().Select(Path.GetFileName).FirstOrDefault();
        return target is not null && target.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParse(target[Prefix.Length..], out Guid id) ? id : null;
    }
}
