using System.Security.Cryptography;
using System.Text;
using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// A device that is about to become part of a pool. A physical volume has no room for a mark until it is in a volume group,
/// so its id is made of a word of ours, the device and the operation: by it what a crash left is known as ours, and as whose.
/// One of ours that is in no volume group holds nothing, and counts as free.
/// </summary>
internal static class FreeDevice
{
    internal const string Signature = "LVM2_member";   // what libblkid calls a physical volume

    // LVM's ids are 32 of these, in groups: lib/uuid/uuid.c.
    private const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private const string Word = "evestg";
    private const int DeviceLength = 10;
    private const int OperationLength = 16;

    private static readonly int[] s_groups = [6, 4, 4, 4, 4, 4, 6];

    /// <summary>Whether a device is what a layer will show, which is not there while the plan is made. An id that no drive has is a mistake now.</summary>
    internal static bool IsYetToCome(string device) => device.StartsWith("/dev/mapper/", StringComparison.Ordinal) && !File.Exists(device);

    /// <summary>The drive that <paramref name="device"/> names, where LVM finds it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>.</exception>
    internal static Drive Require(string device)
        => Drive.Find(device) ?? throw new StorageException(StorageErrorKind.NotFound, device, "is no device of this machine: see 'evestorage device list'");

    /// <summary>The id of the physical volume that <paramref name="operation"/> makes of a drive.</summary>
    internal static string UuidFor(Guid operation, Drive drive)
    {
        byte[] device = NameOf(drive);
        string letters = Word + Letters(device, DeviceLength) + Letters([.. operation.ToByteArray(), .. device], OperationLength);
        int at = 0;
        return string.Join('-', s_groups.Select(length => letters.Substring((at += length) - length, length)));
    }

    /// <summary>Whether any operation of ours made a physical volume of that id of a drive.</summary>
    internal static bool IsOurs(string uuid, Drive drive)
        => uuid.Replace("-", "", StringComparison.Ordinal).StartsWith(
            Word + Letters(NameOf(drive), DeviceLength), StringComparison.Ordinal);

    // What a layer shows has neither name nor number for life, and another number after a reboot: it is called as the drive below it.
    private static byte[] NameOf(Drive drive)
    {
        Drive physical = PoolDevices.PhysicalOf(drive);
        return Encoding.UTF8.GetBytes((physical.WorldWideName ?? physical.Serial) is null ? PoolDevices.NodeOf(drive) : physical.Identity);
    }

    private static string Letters(byte[] of, int count) => new([.. SHA256.HashData(of).Take(count).Select(b => Alphabet[b % Alphabet.Length])]);

    /// <summary>Refuses a drive that is in use or has anything on it that is known to anybody, but what an operation of ours left on it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>; its bytes are as they were.</exception>
    /// <returns>The id of the physical volume that is left on it; null when it has nothing.</returns>
    internal static async Task<string?> CheckAsync(LvmTools tools, Drive drive, string device, CancellationToken cancellationToken)
    {
        string node = PoolDevices.NodeOf(drive);
        IReadOnlyList<DeviceSignature> found = await DeviceSignature.FindAsync(node, cancellationToken);
        if (found is [{ Kind: Signature } left] && IsOurs(left.Id, drive) && await PhysicalDrive.IsOrphanAsync(tools, node, cancellationToken))
        {
            return left.Id;
        }

        if (drive.IsFabric)
        {
            throw new StorageException(StorageErrorKind.Conflict, device, "is served over a fabric and no drive of this machine: a pool is not made on it");
        }

        string[] reasons = [.. DriveUse.Of(drive), .. found.Select(signature => $"it has a signature of {signature.Kind}")];
        return reasons.Length == 0
            ? null
            : throw new StorageException(
                StorageErrorKind.Conflict, device, $"{string.Join(", ", reasons)}: it is left as it is; if nobody needs that, 'wipefs --all {node}' makes it free");
    }
}
