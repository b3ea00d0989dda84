namespace EveStorage.Lvm;

/// <summary>
/// Documents by id, two checksummed copies each, in slots of fixed size. A document is replaced copy after copy, the older
/// one first, each flushed: a crash leaves the old document or the new one. A slot whose id no logical volume has is free, so
/// that a document is written before its volume is made, and needs no removal after it is gone.
/// </summary>
internal sealed class RecordArea
{
    /// <summary>The most slots an area may have.</summary>
    internal const int MostSlots = 4096;

    private const int Page = 4096;
    private const int CopyLength = Page + VolumeDocument.MaxLength;
    private const int SlotLength = 2 * CopyLength;
    private const int HeadLength = 64 << 10;
    private const int ReadTries = 3;

    private readonly IRecordDisk _disk;
    private readonly string _subject;

    private RecordArea(IRecordDisk disk, string subject, Guid pool)
    {
        _disk = disk;
        _subject = subject;
        Pool = pool;
    }

    /// <summary>The pool that it is of.</summary>
    internal Guid Pool { get; }

    /// <summary>How many documents it holds at most.</summary>
    internal int Slots => SlotsOf(_disk.Length);

    /// <summary>The room that <paramref name="slots"/> documents need.</summary>
    internal static ByteSize LengthFor(int slots) => new(HeadLength + ((long)slots * SlotLength));

    /// <summary>Makes an empty area. What was there may be anything: no old copy survives.</summary>
    internal static void Format(IRecordDisk disk, Guid pool)
    {
        byte[] empty = new byte[Page];
        for (int slot = 0; slot < SlotsOf(disk.Length); slot++)
        {
            disk.Write(OffsetOf(slot, 0), empty);
            disk.Write(OffsetOf(slot, 1), empty);
        }

        disk.Flush();
        foreach (int copy in (int[])[0, 1])
        {
            byte[] head = new byte[Page];
            RecordCopy.Write(head, new(1, pool, []));
            disk.Write(copy * Page, head);
            disk.Flush();
        }
    }

    /// <summary>Opens an area.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: it is none, or both copies of its head are damaged.</exception>
    internal static RecordArea Open(IRecordDisk disk, string subject)
    {
        byte[] head = new byte[Page];
        foreach (int copy in (int[])[0, 1])
        {
            if (TryRead(disk, copy * Page, head) && RecordCopy.Read(head, subject) is RecordCopy read)
            {
                return new(disk, subject, read.Id);
            }
        }

        throw new StorageException(StorageErrorKind.Corrupt, subject, "holds no records of ours: restore it, or delete the pool");
    }

    /// <summary>The document of <paramref name="id"/>; null when there is none.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Io"/>: it is not found, and a slot can't be read that may have it.</exception>
    internal byte[]? Find(Guid id)
    {
        // Another process may be replacing one copy and then the other while we read.
        for (int tries = 0; tries < ReadTries; tries++)
        {
            for (int slot = 0; slot < Slots; slot++)
            {
                if (Newest(slot, id) is RecordCopy copy)
                {
                    return copy.Document;
                }
            }
        }

        return Enumerable.Range(0, Slots).FirstOrDefault(slot => !CanRead(slot, 0) && !CanRead(slot, 1), -1) is >= 0 and int lost
            ? throw new StorageException(StorageErrorKind.Io, _subject, $"can read neither copy of slot {lost}: replace the drive, or restore the records")
            : null;
    }

    /// <summary>How many of the two copies of a document of one of <paramref name="ids"/> are damaged, in all.</summary>
    internal int CountDamaged(IReadOnlySet<Guid> ids)
        => Enumerable.Range(0, Slots).Count(slot =>
        {
            RecordCopy?[] copies = [ReadCopy(slot, 0), ReadCopy(slot, 1)];
            return copies.OfType<RecordCopy>().Any(copy => ids.Contains(copy.Id)) && (copies.Contains(null) || copies[0]!.Id != copies[1]!.Id);
        });

    /// <summary>Writes or replaces the document of <paramref name="id"/>. The caller holds the pool's lock.</summary>
    /// <param name="id">Whose.</param>
    /// <param name="document">The document, at most <see cref="VolumeDocument.MaxLength"/> bytes.</param>
    /// <param name="live">The ids that have a logical volume: their slots are taken.</param>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: every slot is taken.</exception>
    internal void Write(Guid id, ReadOnlySpan<byte> document, IReadOnlySet<Guid> live)
    {
        int slot = SlotFor(id, live);
        RecordCopy?[] copies = [ReadCopy(slot, 0), ReadCopy(slot, 1)];   // a damaged one counts as the oldest
        ulong generation = copies.Max(copy => copy?.Generation ?? 0) + 1;
        byte[] bytes = new byte[(Page + document.Length + Page - 1) / Page * Page];
        RecordCopy.Write(bytes, new(generation, id, document.ToArray()));
        int older = (copies[0]?.Generation ?? 0) <= (copies[1]?.Generation ?? 0) ? 0 : 1;
        foreach (int copy in (int[])[older, 1 - older])
        {
            _disk.Write(OffsetOf(slot, copy), bytes);
            _disk.Flush();
        }
    }

    private static int SlotsOf(long length) => (int)Math.Clamp((length - HeadLength) / SlotLength, 0, MostSlots);

    private static long OffsetOf(int slot, int copy) => HeadLength + ((long)slot * SlotLength) + (copy * (long)CopyLength);

    private int SlotFor(Guid id, IReadOnlySet<Guid> live)
    {
        int free = -1;
        for (int slot = 0; slot < Slots; slot++)
        {
            RecordCopy?[] copies = [ReadCopy(slot, 0), ReadCopy(slot, 1)];
            if (copies.Any(copy => copy?.Id == id))
            {
                return slot;
            }

            // A copy that can't be read may be the newer one of a volume that is there: its other copy says so.
            // Where neither can be read nobody knows whose they are.
            bool isFree = !copies.Any(copy => copy is not null && live.Contains(copy.Id)) && (CanRead(slot, 0) || CanRead(slot, 1));
            free = free < 0 && isFree ? slot : free;
        }

        return free >= 0
            ? free
            : throw new StorageException(StorageErrorKind.OutOfSpace, _subject, $"holds the records of {Slots} volumes, which is all that this pool was made for: delete one");
    }

    private RecordCopy? Newest(int slot, Guid id)
    {
        RecordCopy?[] heads = [ReadHead(slot, 0), ReadHead(slot, 1)];
        if (!heads.Any(head => head?.Id == id))
        {
            return null;
        }

        return ((RecordCopy?[])[ReadCopy(slot, 0), ReadCopy(slot, 1)]).OfType<RecordCopy>().Where(copy => copy.Id == id).MaxBy(copy => copy.Generation);
    }

    // Its id and generation, without its document and unproven: enough to know where to look.
    private RecordCopy? ReadHead(int slot, int copy)
    {
        byte[] head = new byte[Page];
        return TryRead(_disk, OffsetOf(slot, copy), head) ? RecordCopy.ReadHead(head, out _) : null;
    }

    private RecordCopy? ReadCopy(int slot, int copy)
    {
        byte[] bytes = new byte[Page];
        if (!TryRead(_disk, OffsetOf(slot, copy), bytes) || RecordCopy.ReadHead(bytes, out int length) is null)
        {
            return null;
        }

        byte[] whole = new byte[Page + length];
        return TryRead(_disk, OffsetOf(slot, copy), whole) ? RecordCopy.Read(whole, _subject) : null;
    }

    private bool CanRead(int slot, int copy) => TryRead(_disk, OffsetOf(slot, copy), new byte[Page]);

    // A page that the drive can't read is a damaged copy: that is what the other one is for.
    private static bool TryRead(IRecordDisk disk, long offset, Span<byte> destination)
    {
        try
        {
            disk.Read(offset, destination);
            return true;
        }
        catch (StorageException e) when (e.Kind == StorageErrorKind.Io)
        {
            return false;
        }
    }
}
