using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// Our mark on a whole drive while ZFS partitions it, or while the partitions are taken away. ZFS writes its table first and its
/// labels later: a power cut between the two leaves partitions that nothing else tells from somebody's. It lies before the first
/// partition and behind the table, where neither ZFS nor the table has anything.
/// </summary>
internal static class DriveClaim
{
    private const long At = 512 << 10;   // a table takes 34 sectors, and ZFS's first partition begins at sector 2048
    private const int Length = 4096;   // a sector of any drive

    private static ReadOnlySpan<byte> Words => "evestorage: ZFS has this drive from us, or had it, and nobody else\n"u8;

    /// <summary>Whether a drive has it.</summary>
    internal static bool IsOn(Drive drive)
    {
        if (drive.Partition is not null || drive.Size.Bytes < At + Length)
        {
            return false;
        }

        byte[] sector = new byte[Length];
        try
        {
            BlockFile.ReadUncached(drive.Path, At, sector);
            return sector.AsSpan().StartsWith(Words);
        }
        catch (StorageException)
        {
            return false;   // it does not answer
        }
    }

    /// <summary>Puts it on a whole drive; a partition, or what a layer shows, is not partitioned, and needs none.</summary>
    /// <exception cref="StorageException">The drive failed.</exception>
    internal static void Put(Drive drive)
    {
        if (drive.Partition is null && MappedDevice.NameOf(drive.Name) is null)
        {
            byte[] sector = new byte[Length];
            Words.CopyTo(sector);
            Write(drive, sector);
        }
    }

    /// <summary>Takes it away.</summary>
    /// <exception cref="StorageException">The drive failed.</exception>
    internal static void Take(Drive drive)
    {
        if (IsOn(drive))
        {
            Write(drive, new byte[Length]);
        }
    }

    private static void Write(Drive drive, byte[] sector)
    {
        using BlockFile node = BlockFile.Open(drive.Path, writable: true);
        node.Write(At, sector);
        node.Flush();
    }
}
