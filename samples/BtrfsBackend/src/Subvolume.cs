using System.Buffers.Binary;
using System.Text;
using EveStorage;

namespace Samples.Btrfs;

/// <summary>What btrfs does with subvolumes, by its ioctls: a program's text would have to be parsed, and changes.</summary>
internal static class Subvolume
{
    // linux/btrfs.h: _IOW is 0x40000000, _IOR 0x80000000, the size of the structure stands in bits 16 to 29, the magic is 0x94.
    private const uint SubvolumeCreate = 0x5000940E;   // struct btrfs_ioctl_vol_args
    private const uint SnapshotDestroy = 0x5000940F;   // the same
    private const uint SubvolumeSetFlags = 0x4008941A;   // u64
    private const uint SnapshotCreateV2 = 0x50009417;   // struct btrfs_ioctl_vol_args_v2
    private const uint QuotaControl = 0xC0109428;   // struct btrfs_ioctl_quota_ctl_args
    private const uint QuotaGroupLimit = 0x8030942B;   // struct btrfs_ioctl_qgroup_limit_args
    private const uint GetSubvolumeInfo = 0x81F8943C;   // struct btrfs_ioctl_get_subvol_info_args
    private const uint GetFlags = 0x80086601;   // FS_IOC_GETFLAGS
    private const uint SetFlags = 0x40086602;   // FS_IOC_SETFLAGS

    private const int ArgumentsLength = 4096;
    private const int NameAt = 8;   // after the descriptor
    private const int NameAtV2 = 56;   // after descriptor, transid, flags and four that are unused
    private const int InfoLength = 504;
    private const int UuidAt = 296;
    private const ulong ReadOnly = 2;   // BTRFS_SUBVOL_RDONLY
    private const ulong MaxReferenced = 1;   // BTRFS_QGROUP_LIMIT_MAX_RFER
    private const ulong EnableQuotas = 1;   // BTRFS_QUOTA_CTL_ENABLE
    private const int NoCopyOnWrite = 0x00800000;   // FS_NOCOW_FL
    private const int BlocksAt = 48;   // stx_blocks of struct statx

    /// <summary>Makes an empty one.</summary>
    internal static void Create(string path) => CallByName(path, SubvolumeCreate);

    /// <summary>Freezes what <paramref name="source"/> is now, writable or not. Nothing is copied.</summary>
    internal static void Snapshot(string source, string target, bool isReadOnly)
    {
        using Descriptor from = Descriptor.Open(source);
        using Descriptor parent = Descriptor.Open(Path.GetDirectoryName(target)!);
        byte[] arguments = new byte[ArgumentsLength];
        BinaryPrimitives.WriteInt64LittleEndian(arguments, from.DangerousGetHandle());
        BinaryPrimitives.WriteUInt64LittleEndian(arguments.AsSpan(16), isReadOnly ? ReadOnly : 0);
        Encoding.UTF8.GetBytes(Path.GetFileName(target), arguments.AsSpan(NameAtV2));
        Native.Check(Native.Ioctl(parent, SnapshotCreateV2, arguments), target, "BTRFS_IOC_SNAP_CREATE_V2");
    }

    /// <summary>
    /// Removes it with its files, if it is there. The kernel gives back the space of a subvolume some time after it is gone, and that of a
    /// file at once: who deletes a volume to make room for another gets it so.
    /// </summary>
    internal static void RemoveIfThere(string path)
    {
        if (!Directory.Exists(path))
        {
            return;
        }

        using (Descriptor subvolume = Descriptor.Open(path))
        {
            Native.Check(Native.Ioctl(subvolume, SubvolumeSetFlags, new byte[8]), path, "BTRFS_IOC_SUBVOL_SETFLAGS");
        }

        foreach (string file in Failure.Guard(path, () => Directory.GetFiles(path)))
        {
            Failure.Guard(file, () => File.Delete(file));
        }

        CallByName(path, SnapshotDestroy);
    }

    /// <summary>Its own id, which a snapshot does not share.</summary>
    internal static Guid IdOf(string path)
    {
        using Descriptor subvolume = Descriptor.Open(path);
        byte[] information = new byte[InfoLength];
        Native.Check(Native.Ioctl(subvolume, GetSubvolumeInfo, information), path, "BTRFS_IOC_GET_SUBVOL_INFO");
        return new(information.AsSpan(UuidAt, 16), bigEndian: true);
    }

    /// <summary>Puts <paramref name="first"/> in the place of <paramref name="second"/>, and that in its place, in one act.</summary>
    internal static void Exchange(string first, string second)
        => Native.Check(Native.RenameAt2(Native.CurrentDirectory, first, Native.CurrentDirectory, second, Native.Exchange), second, "renameat2");

    /// <summary>Has the kernel count what each subvolume takes, in all of the file system.</summary>
    internal static void CountSpace(string path)
    {
        using Descriptor subvolume = Descriptor.Open(path);
        byte[] arguments = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(arguments, EnableQuotas);
        Native.Check(Native.Ioctl(subvolume, QuotaControl, arguments), path, "BTRFS_IOC_QUOTA_CTL");
    }

    /// <summary>Lets what lies in the subvolume take no more than <paramref name="limit"/>.</summary>
    internal static void Limit(string path, ByteSize limit)
    {
        using Descriptor subvolume = Descriptor.Open(path);
        byte[] arguments = new byte[48];   // the group 0 is the subvolume's own
        BinaryPrimitives.WriteUInt64LittleEndian(arguments.AsSpan(8), MaxReferenced);
        BinaryPrimitives.WriteInt64LittleEndian(arguments.AsSpan(16), limit.Bytes);
        Native.Check(Native.Ioctl(subvolume, QuotaGroupLimit, arguments), path, "BTRFS_IOC_QGROUP_LIMIT");
    }

    /// <summary>Has files that are made in it from now on written in place.</summary>
    internal static void WriteInPlace(string path)
    {
        using Descriptor subvolume = Descriptor.Open(path);
        byte[] flags = new byte[8];
        Native.Check(Native.Ioctl(subvolume, GetFlags, flags), path, "FS_IOC_GETFLAGS");
        BinaryPrimitives.WriteInt32LittleEndian(flags, BinaryPrimitives.ReadInt32LittleEndian(flags) | NoCopyOnWrite);
        Native.Check(Native.Ioctl(subvolume, SetFlags, flags), path, "FS_IOC_SETFLAGS");
    }

    /// <summary>Has files that are made in it from now on compressed.</summary>
    internal static void Compress(string path, string how)
    {
        byte[] value = Encoding.ASCII.GetBytes(how);
        Native.Check(Native.SetXAttr(path, "btrfs.compression", value, (nuint)value.Length, 0), path, "setxattr");
    }

    /// <summary>What a file takes.</summary>
    internal static ByteSize AllocatedOf(string file)
    {
        byte[] result = new byte[256];
        Native.Check(Native.StatX(Native.CurrentDirectory, file, 0, Native.AllOfStatx, result), file, "statx");
        return new(BinaryPrimitives.ReadInt64LittleEndian(result.AsSpan(BlocksAt)) * 512);
    }

    private static void CallByName(string path, uint request)
    {
        using Descriptor parent = Descriptor.Open(Path.GetDirectoryName(path)!);
        byte[] arguments = new byte[ArgumentsLength];
        Encoding.UTF8.GetBytes(Path.GetFileName(path), arguments.AsSpan(NameAt));
        Native.Check(Native.Ioctl(parent, request, arguments), path, request == SubvolumeCreate ? "BTRFS_IOC_SUBVOL_CREATE" : "BTRFS_IOC_SNAP_DESTROY");
    }
}
