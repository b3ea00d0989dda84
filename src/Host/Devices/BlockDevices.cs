using EveStorage.Cli.Api;
using EveStorage.Linux;

namespace EveStorage.Host.Devices;

/// <summary>The drives of this machine, who uses each, and how worn it is.</summary>
internal static class BlockDevices
{
    private const string ById = "/dev/disk/by-id";

    /// <summary>Every whole drive that has a size.</summary>
    internal static IReadOnlyList<DeviceReport> List()
        => [.. Drive.List().Where(drive => drive.Partition is null && drive.Size.Bytes > 0).OrderBy(drive => drive.Name, StringComparer.Ordinal).Select(Describe)];

    private static DeviceReport Describe(Drive drive)
    {
        DriveHealth health = DriveHealth.Of(drive);
        return new()
        {
            Name = drive.Name,
            StablePath = StablePathOf(drive.Name),
            Device = drive.WorldWideName is string name ? $"wwn:{name}" : drive.Serial is string serial ? $"serial:{serial}" : drive.PciAddress is string address ? $"pci:{address}" : null,
            Serial = drive.Serial,
            Model = drive.Model,
            Size = drive.Size,
            Rotational = drive.IsRotational,
            PciAddress = drive.PciAddress,
            Transport = drive.Transport,
            WearPercent = health.WearPercent,
            Problem = health.Problem,
            Uses = UsesOf(drive),
        };
    }

    // Who may not open a drive can't ask whether somebody claims it.
    private static IReadOnlyList<string> UsesOf(Drive drive)
    {
        try
        {
            return DriveUse.Of(drive);
        }
        catch (StorageException e)
        {
            return [$"unknown: {e.Message}"];
        }
    }

    private static string? StablePathOf(string name)
        => !Directory.Exists(ById)
            ? null
            : Directory.EnumerateFiles(ById).Order(StringComparer.Ordinal)
                .FirstOrDefault(link => Path.GetFileName(new FileInfo(link).LinkTarget ?? "") == name);
}
