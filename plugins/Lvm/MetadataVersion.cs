using System.Buffers.Binary;
using EveStorage.Linux;

namespace EveStorage.Lvm;

/// <summary>
/// Tells whether LVM's metadata has changed, without a program: each of LVM's commits writes another place and checksum into
/// the header of the metadata area on the group's drives. lvm2: lib/format_text/layout.h, lib/label/label.h.
/// </summary>
internal static class MetadataVersion
{
    private const int SectorSize = 512;
    private const int LabelSectors = 4;   // the label is in one of the first four
    private const int ContentsAt = 20;    // label_header: where pv_header begins
    private const int AreasAt = 40;       // pv_header: behind its id and size, lists of data and of metadata areas, each closed by zeros
    private const int AreaLength = 16;
    private const int MagicAt = 4;        // mda_header: behind its checksum

    /// <summary>What stands in the headers on <paramref name="devices"/>; null when one can't be read: then nothing is known.</summary>
    internal static string? Read(IReadOnlyList<string> devices)
    {
        List<string> all = [];
        byte[] label = new byte[LabelSectors * SectorSize];
        byte[] header = new byte[SectorSize];
        foreach (string device in devices)
        {
            try
            {
                string node = DriveNode.Resolve(device);
                BlockFile.ReadUncached(node, 0, label);
                if (AreaIn(label) is not long area)
                {
                    return null;
                }

                BlockFile.ReadUncached(node, area, header);
            }
            catch (Exception e) when (e is StorageException or IOException)
            {
                return null;
            }

            if (!IsHeader(header))
            {
                return null;
            }

            all.Add($"{device}:{Convert.ToHexString(header)}");
        }

        return all.Count == 0 ? null : string.Join(' ', all);
    }

    /// <summary>Where a physical volume's first metadata area begins; null when these are not the first sectors of one, or it has none.</summary>
    internal static long? AreaIn(ReadOnlySpan<byte> sectors)
    {
        for (int at = 0; at + SectorSize <= sectors.Length; at += SectorSize)
        {
            ReadOnlySpan<byte> label = sectors.Slice(at, SectorSize);
            if (label.StartsWith("LABELONE"u8))
            {
                uint contents = BinaryPrimitives.ReadUInt32LittleEndian(label[ContentsAt..]);
                return contents > SectorSize - AreasAt ? null : SecondListIn(label[(int)(contents + AreasAt)..]);
            }
        }

        return null;
    }

    private static long? SecondListIn(ReadOnlySpan<byte> areas)
    {
        bool isData = true;
        for (; areas.Length >= AreaLength; areas = areas[AreaLength..])
        {
            long offset = BinaryPrimitives.ReadInt64LittleEndian(areas);
            if (!isData)
            {
                return offset > 0 ? offset : null;
            }

            isData = offset != 0;
        }

        return null;
    }

    private static bool IsHeader(ReadOnlySpan<byte> header) => header[MagicAt..].StartsWith(" LVM2 x[5A%r0N*>"u8);
}
