using System.Buffers.Binary;
using System.Text;

namespace EveStorage.Tests;

/// <summary>
/// What dm-log-writes recorded: each write in the order in which it became stable, and marks
/// (Linux, Documentation/admin-guide/device-mapper/log-writes.rst and drivers/md/dm-log-writes.c).
/// </summary>
internal static class WriteLog
{
    private const ulong Magic = 0x6a736677736872;
    private const ulong Discard = 1 << 2;
    private const ulong Mark = 1 << 3;
    private const int EntrySize = 32;

    /// <summary>Replays the log onto a disk, and stops at each mark to say its name.</summary>
    public static IEnumerable<string> Replay(string log, string disk)
    {
        using FileStream from = File.OpenRead(log);
        using FileStream to = File.OpenWrite(disk);
        byte[] start = Read(from, 0, 512);
        BinaryPrimitives.ReadUInt64LittleEndian(start).ShouldBe(Magic);
        ulong entries = BinaryPrimitives.ReadUInt64LittleEndian(start.AsSpan(16));
        int sectorSize = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(24));
        long at = sectorSize;
        for (ulong entry = 0; entry < entries; entry++)
        {
            byte[] head = Read(from, at, sectorSize);
            long offset = BinaryPrimitives.ReadInt64LittleEndian(head) * sectorSize;
            long length = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(8)) * sectorSize;
            ulong flags = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(16));
            at += sectorSize;
            if ((flags & Mark) != 0)
            {
                to.Flush();
                yield return Encoding.ASCII.GetString(head, EntrySize, BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(24)));
            }
            else if ((flags & Discard) == 0 && length > 0)
            {
                to.Position = offset;
                to.Write(Read(from, at, checked((int)length)));
                at += length;
            }
        }
    }

    private static byte[] Read(FileStream file, long offset, int length)
    {
        byte[] read = new byte[length];
        file.Position = offset;
        file.ReadExactly(read);
        return read;
    }
}
