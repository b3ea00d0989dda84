using System.Buffers.Binary;
using System.Text;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>
/// What ZFS writes on each drive of a pool: whose it is. It is read to find a pool without asking any that is not ours, and to
/// know whether another machine has it. OpenZFS, include/sys/vdev_impl.h: vdev_label_t; the list is XDR, module/nvpair/nvpair.c.
/// </summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Guid">ZFS's id of it.</param>
/// <param name="State">Whether it is in use, exported or destroyed.</param>
/// <param name="HostId">The machine that had it last; 0 when that has no id.</param>
/// <param name="HostName">How that machine calls itself.</param>
/// <param name="Comment">What its maker wrote.</param>
/// <param name="Written">The transaction in which it was written: the newest label of a pool tells most.</param>
internal sealed record VdevLabel(string Pool, ulong Guid, VdevLabelState State, ulong HostId, string HostName, string Comment, ulong Written)
{
    private const int ListAt = 16 << 10;   // VDEV_SKIP_SIZE, twice: space for a boot block, and a boot header
    private const int LabelLength = 256 << 10;   // sizeof (vdev_label_t)
    private const int ListLength = 112 << 10;   // VDEV_PHYS_SIZE
    private const int HeadLength = 12;   // encoding, byte order, two reserved bytes; then the list's version and flags
    private const int Number = 8;   // sys/nvpair.h: DATA_TYPE_UINT64
    private const int Text = 9;   // DATA_TYPE_STRING

    /// <summary>
    /// The label at the head of a device; null when it has none, or does not answer. There are two, of which ZFS writes the second when
    /// the first is on the drive: a power cut leaves one that can be read.
    /// </summary>
    internal static VdevLabel? Find(string path)
    {
        try
        {
            string node = DriveNode.Resolve(path);
            byte[] list = new byte[ListLength];
            BlockFile.ReadUncached(node, ListAt, list);
            if (Parse(list) is VdevLabel first)
            {
                return first;
            }

            BlockFile.ReadUncached(node, LabelLength + ListAt, list);
            return Parse(list);
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            return null;
        }
    }

    /// <summary>Reads a list; null when it is none of a pool's.</summary>
    internal static VdevLabel? Parse(ReadOnlySpan<byte> list)
    {
        // XDR is the only encoding on drives: NV_ENCODE_XDR.
        if (list.Length < HeadLength || list[0] != 1)
        {
            return null;
        }

        Dictionary<string, ulong> numbers = [];
        Dictionary<string, string> texts = [];
        ReadOnlySpan<byte> rest = list[HeadLength..];
        while (rest.Length >= 8 && BinaryPrimitives.ReadInt32BigEndian(rest) is > 8 and int length && length <= rest.Length)
        {
            ReadPair(rest[8..length], numbers, texts);   // behind its length as it lies here, and as it would lie in memory
            rest = rest[length..];
        }

        return texts.TryGetValue("name", out string? name) && numbers.TryGetValue("pool_guid", out ulong guid)
            ? new(name, guid, (VdevLabelState)Math.Min(numbers.GetValueOrDefault("state"), int.MaxValue), numbers.GetValueOrDefault("hostid"),
                texts.GetValueOrDefault("hostname", ""), texts.GetValueOrDefault("comment", ""), numbers.GetValueOrDefault("txg"))
            : null;
    }

    private static void ReadPair(ReadOnlySpan<byte> pair, Dictionary<string, ulong> numbers, Dictionary<string, string> texts)
    {
        if (!TryText(ref pair, out string name) || pair.Length < 8)
        {
            return;
        }

        int type = BinaryPrimitives.ReadInt32BigEndian(pair);
        pair = pair[8..];   // behind its type and how many it holds
        if (type == Number && pair.Length >= 8)
        {
            numbers[name] = BinaryPrimitives.ReadUInt64BigEndian(pair);
        }
        else if (type == Text && TryText(ref pair, out string value))
        {
            texts[name] = value;
        }
    }

    private static bool TryText(ref ReadOnlySpan<byte> from, out string text)
    {
        text = "";
        if (from.Length < 4 || BinaryPrimitives.ReadUInt32BigEndian(from) is var length && length > from.Length - 4)
        {
            return false;
        }

        text = Encoding.UTF8.GetString(from.Slice(4, (int)length));
        from = from[Math.Min(from.Length, 4 + (((int)length + 3) & ~3))..];   // XDR fills up to four bytes
        return true;
    }
}

/// <summary>sys/fs/zfs.h: pool_state_t.</summary>
internal enum VdevLabelState
{
    /// <summary>A machine has it, or had it when it went down.</summary>
    Active = 0,

    /// <summary>It was let go.</summary>
    Exported = 1,

    /// <summary>It is no more.</summary>
    Destroyed = 2,
}
