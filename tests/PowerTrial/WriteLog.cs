using System.Buffers.Binary;
using System.Text;
using EveStorage.Linux;

namespace EveStorage.PowerTrial;

/// <summary>
/// One entry of what dm-log-writes recorded, which is each write in the order in which it became stable, and marks
/// (Linux, Documentation/admin-guide/device-mapper/log-writes.rst and drivers/md/dm-log-writes.c).
/// </summary>
/// <param name="Number">Its place in the log.</param>
/// <param name="Flags">What it is.</param>
/// <param name="Offset">Where it was written, in bytes.</param>
/// <param name="Length">How much, in bytes.</param>
/// <param name="Data">Where in the log that is.</param>
/// <param name="Mark">What a mark says; null for anything else.</param>
internal sealed record LoggedWrite(long Number, ulong Flags, long Offset, long Length, long Data, string? Mark)
{
    /// <summary>Whether the drive was asked to make what was written before, or this, survive: the moments after which something is promised.</summary>
    internal bool IsPromise => (Flags & (WriteLog.Flush | WriteLog.Through)) != 0;

    /// <summary>Whether it says that its range is not needed any more.</summary>
    internal bool IsDiscard => (Flags & WriteLog.Discard) != 0;
}

/// <summary>A log of dm-log-writes, and its replay.</summary>
internal sealed class WriteLog(string log) : IDisposable
{
    internal const ulong Flush = 1;
    internal const ulong Through = 1 << 1;
    internal const ulong Discard = 1 << 2;
    private const ulong Mark = 1 << 3;
    private const ulong Magic = 0x6a736677736872;
    private const int EntrySize = 32;
    private const int Piece = 1 << 20;

    private readonly FileStream _log = new(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 64 << 10);

    /// <summary>Every entry, in order.</summary>
    internal IEnumerable<LoggedWrite> Read()
    {
        byte[] start = Read(0, 512);
        if (BinaryPrimitives.ReadUInt64LittleEndian(start) != Magic)
        {
            throw new InvalidDataException($"{log} is no log of dm-log-writes");
        }

        long entries = BinaryPrimitives.ReadInt64LittleEndian(start.AsSpan(16));
        int sectorSize = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(24));
        long at = sectorSize;
        for (long number = 0; number < entries; number++)
        {
            byte[] head = Read(at, sectorSize);
            ulong flags = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(16));
            string? mark = (flags & Mark) == 0 ? null : Encoding.ASCII.GetString(head, EntrySize, BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(24)));
            long length = mark is null ? BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(8)) * sectorSize : 0;
            at += sectorSize;
            yield return new(number, flags, BinaryPrimitives.ReadInt64LittleEndian(head) * sectorSize, length, at, mark);
            at += (flags & Discard) == 0 ? length : 0;
        }
    }

    /// <summary>Does to a disk what an entry says. What is discarded is zeros then, as a drive may have it.</summary>
    internal void Replay(LoggedWrite entry, BlockFile disk)
    {
        for (long done = 0; done < entry.Length; done += Piece)
        {
            int length = (int)Math.Min(Piece, entry.Length - done);
            disk.Write(entry.Offset + done, entry.IsDiscard ? new byte[length] : Read(entry.Data + done, length));
        }
    }

    public void Dispose() => _log.Dispose();

    private byte[] Read(long offset, int length)
    {
        byte[] read = new byte[length];
        _log.Position = offset;
        _log.ReadExactly(read);
        return read;
    }
}
