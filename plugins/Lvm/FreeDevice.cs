using System.Security.Cryptography;
using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// A device that is about to become part of a pool. A physical volume has no room for a mark until it is in a volume group,
/// so its id is derived from the operation and the device: by it a crash's leftover is known as this operation's.
/// </summary>
internal static class FreeDevice
{
    private const string Signature = "LVM2_member";   // what libblkid calls a physical volume

    // LVM's ids are 32 of these, in groups: lib/uuid/uuid.c.
    private const string Alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly int[] s_groups = [6, 4, 4, 4, 4, 4, 6];

    /// <summary>The drive that <paramref name="device"/> names, where LVM finds it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>.</exception>
    internal static Drive Require(string device)
        => Drive.Find(device) ?? throw new StorageException(StorageErrorKind.NotFound, device, "is no device of this machine: see 'evestorage device list'");

    /// <summary>The id of the physical volume that <paramref name="operation"/> makes of a drive.</summary>
    internal static string UuidFor(Guid operation, Drive drive)
    {
        // What a layer shows has neither name nor number for life, and another number after a reboot: it is called as the drive below it.
        Drive physical = PoolDevices.PhysicalOf(drive);
        string known = (physical.WorldWideName ?? physical.Serial) is null ? PoolDevices.NodeOf(drive) : physical.Identity;
        byte[] hash = SHA256.HashData([.. operation.ToByteArray(), .. System.Text.Encoding.UTF8.GetBytes(known)]);
        string letters = new([.. hash.Take(32).Select(b => Alphabet[b % Alphabet.Length])]);
        int at = 0;
        return string.Join('-', s_groups.Select(length => letters.Substring((at += length) - length, length)));
    }

    /// <summary>Refuses a drive that is in use or has anything on it that is known to anybody, but what this operation left on it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Conflict"/>; its bytes are as they were.</exception>
    /// <returns>Whether this operation has made a physical volume of it.</returns>
    internal static async Task<bool> CheckAsync(Drive drive, string device, Guid? operation, CancellationToken cancellationToken)
    {
        string node = PoolDevices.NodeOf(drive);
        IReadOnlyList<DeviceSignature> found = await DeviceSignature.FindAsync(node, cancellationToken);
        if (operation is Guid ours && found is [{ Kind: Signature } left] && left.Id == UuidFor(ours, drive))
        {
            return true;
        }

        if (drive.IsFabric)
        {
            throw new StorageException(StorageErrorKind.Conflict, device, "is served over a fabric and no drive of this machine: a pool is not made on it");
        }

        string[] reasons = [.. DriveUse.Of(drive), .. found.Select(signature => $"it has a signature of {signature.Kind}")];
        return reasons.Length == 0
            ? false
            : throw new StorageException(
                StorageErrorKind.Conflict, device, $"{string.Join(", ", reasons)}: it is left as it is; if nobody needs that, 'wipefs --all {node}' makes it free");
    }
}
