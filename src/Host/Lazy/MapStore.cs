using System.Buffers.Binary;
using EveStorage.NvmeOf;

namespace EveStorage.Host.Lazy;

/// <summary>How far a volume over an image has come.</summary>
/// <param name="Number">Counts the states: the higher one of two is the newer one.</param>
/// <param name="Copied">Up to where the copy has come.</param>
/// <param name="IsUsed">Whether the volume was ever opened to be written: then it may hold anything where the map says nothing.</param>
/// <param name="IsRefused">Whether its image turned out to be another one than was asked for.</param>
internal sealed record MapState(ulong Number, ByteSize Copied, bool IsUsed, bool IsRefused);

/// <summary>A map on its volume: two places for its state, of which one is whole, then which image it is, then pages of bits. docs/formats/lazy-map.md.</summary>
internal sealed class MapStore(IBlockSource blocks, string subject) : IAsyncDisposable
{
    private const int StateLength = 4096;
    private const int NoteAt = 2 * StateLength;
    private const int PagesAt = 64 << 10;
    private const int MaxNote = PagesAt - NoteAt - (2 * sizeof(uint));
    private const int ZeroStep = 1 << 20;

    private static ReadOnlySpan<byte> Magic => "EVELAZY1"u8;

    /// <summary>How long the volume of a map has to be.</summary>
    internal static ByteSize LengthFor(ByteSize size) => new(PagesAt + ((long)LazyMap.CountPages(size, LazyMap.GranuleFor(size)) * LazyMap.PageLength));

    /// <summary>Writes a new map, which says that nothing is the volume's own. Once this returns it survives a crash.</summary>
    /// <exception cref="StorageException">What says which image it is does not fit.</exception>
    internal async Task CreateAsync(ImageNote note, CancellationToken cancellationToken)
    {
        byte[] text = note.Write();
        if (text.Length > MaxNote)
        {
            throw new StorageException(StorageErrorKind.NotSupported, subject, $"has {text.Length} bytes to say of its image, and {MaxNote} fit: give it a shorter path");
        }

        // All of it, so that no write of it ever wants space of a pool that is full by then, and no old bit is left.
        byte[] zeros = new byte[ZeroStep];
        for (long at = 0, end = LengthFor(note.Size).Bytes; at < end; at += ZeroStep)
        {
            await blocks.WriteAsync(at, zeros.AsMemory(0, (int)Math.Min(ZeroStep, end - at)), WriteDurability.Cached, cancellationToken);
        }

        byte[] place = new byte[PagesAt - NoteAt];
        BinaryPrimitives.WriteUInt32LittleEndian(place, (uint)text.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(place.AsSpan(sizeof(uint)), Crc32C.Of(text));
        text.CopyTo(place.AsSpan(2 * sizeof(uint)));
        await blocks.WriteAsync(NoteAt, place, WriteDurability.Cached, cancellationToken);
        await WriteAsync(new(1, default, IsUsed: false, IsRefused: false), [], cancellationToken);
        await FlushAsync(cancellationToken);
    }

    /// <summary>Reads which image it is and how far it has come.</summary>
    /// <exception cref="StorageException">It is damaged.</exception>
    internal async Task<(ImageNote Note, MapState State)> ReadAsync(CancellationToken cancellationToken)
    {
        byte[] head = new byte[PagesAt];
        await blocks.ReadAsync(0, head, cancellationToken);
        MapState state = new[] { ReadState(head), ReadState(head.AsSpan(StateLength)) }.OfType<MapState>().MaxBy(state => state.Number) ?? throw Damaged();
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(NoteAt));
        if (length > MaxNote)
        {
            throw Damaged();
        }

        ReadOnlySpan<byte> text = head.AsSpan(NoteAt + (2 * sizeof(uint)), (int)length);
        return Crc32C.Of(text) == BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(NoteAt + sizeof(uint))) ? (ImageNote.Read(text, subject), state) : throw Damaged();
    }

    /// <summary>Reads the bits.</summary>
    internal async Task<LazyMap> ReadMapAsync(ImageNote note, MapState state, CancellationToken cancellationToken)
    {
        LazyMap map = new(note.Size, note.Granule, state.Copied);
        byte[] page = new byte[LazyMap.PageLength];
        for (int number = 0, pages = LazyMap.CountPages(note.Size, note.Granule); number < pages; number++)
        {
            await blocks.ReadAsync(PagesAt + ((long)number * page.Length), page, cancellationToken);
            map.Put(number, page);
        }

        return map;
    }

    /// <summary>Writes bits and state. Any of them may survive a crash, each of which is true.</summary>
    /// <exception cref="StorageException">Some of it could not be taken: what was written before holds.</exception>
    internal async Task WriteAsync(MapState state, IEnumerable<(int Page, byte[] Bytes)> pages, CancellationToken cancellationToken)
    {
        foreach ((int page, byte[] bytes) in pages)
        {
            await blocks.WriteAsync(PagesAt + ((long)page * LazyMap.PageLength), bytes, WriteDurability.Cached, cancellationToken);
        }

        byte[] place = new byte[StateLength];
        Magic.CopyTo(place);
        BinaryPrimitives.WriteUInt64LittleEndian(place.AsSpan(8), state.Number);
        BinaryPrimitives.WriteInt64LittleEndian(place.AsSpan(16), state.Copied.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(place.AsSpan(24), state.IsUsed ? 1u : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(place.AsSpan(28), state.IsRefused ? 1u : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(place.AsSpan(32), Crc32C.Of(place.AsSpan(0, 32)));
        await blocks.WriteAsync((long)(state.Number % 2) * StateLength, place, WriteDurability.Cached, cancellationToken);
    }

    /// <summary>Makes what was written survive a crash.</summary>
    internal ValueTask FlushAsync(CancellationToken cancellationToken) => blocks.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => blocks.DisposeAsync();

    private static MapState? ReadState(ReadOnlySpan<byte> place)
        => place[..8].SequenceEqual(Magic) && Crc32C.Of(place[..32]) == BinaryPrimitives.ReadUInt32LittleEndian(place[32..])
            ? new(
                BinaryPrimitives.ReadUInt64LittleEndian(place[8..]),
                new(BinaryPrimitives.ReadInt64LittleEndian(place[16..])),
                BinaryPrimitives.ReadUInt32LittleEndian(place[24..]) != 0,
                BinaryPrimitives.ReadUInt32LittleEndian(place[28..]) != 0)
            : null;

    private StorageException Damaged() => new(StorageErrorKind.Corrupt, subject, "has a map that is damaged, so that nobody knows what of it is its image's: restore it from a copy");
}
