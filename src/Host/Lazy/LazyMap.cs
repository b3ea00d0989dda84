using System.Buffers.Binary;
using System.Numerics;

namespace EveStorage.Host.Lazy;

/// <summary>A part of a disk.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">How many bytes.</param>
internal readonly record struct DiskPart(long Offset, long Length)
{
    /// <summary>The byte behind it.</summary>
    internal long End => Offset + Length;
}

/// <summary>
/// Which parts of a volume are its own, and no longer its image's: all up to where the copy has come, and beyond that what bits say. What is
/// its own stays so. Safe for many calls at once.
/// </summary>
internal sealed class LazyMap
{
    /// <summary>The length of a page of bits, in memory and on the disk.</summary>
    internal const int PageLength = 4096;

    /// <summary>How long a map's pages are at most together: what is held in memory while all of a disk is written in places.</summary>
    private const long LongestMap = 32 << 20;

    private const int LeastGranule = 4096;
    private const int BitsInPage = PageLength * 8;
    private const int BitsInWord = 64;

    private readonly long _size;
    private readonly int _granule;
    private readonly ulong[]?[] _pages;
    private readonly SortedSet<int> _changed = [];
    private readonly Lock _lock = new();
    private long _copied;

    /// <summary>An empty one.</summary>
    internal LazyMap(ByteSize size, int granule, ByteSize copied)
    {
        (_size, _granule, _copied) = (size.Bytes, granule, copied.Bytes);
        _pages = new ulong[]?[CountPages(size, granule)];
    }

    /// <summary>How many bytes a bit tells of.</summary>
    internal int Granule => _granule;

    /// <summary>Up to where the copy has come.</summary>
    internal long Copied
    {
        get => Volatile.Read(ref _copied);
        set => Volatile.Write(ref _copied, Math.Min(_size, value));
    }

    /// <summary>The granule of a disk of that size: as many file systems' block, or more where the map would get too long.</summary>
    internal static int GranuleFor(ByteSize size)
    {
        int granule = LeastGranule;
        while (size.Bytes / granule / 8 > LongestMap)
        {
            granule *= 2;
        }

        return granule;
    }

    /// <summary>How many pages a map has.</summary>
    internal static int CountPages(ByteSize size, int granule) => checked((int)((size.Bytes + ((long)granule * BitsInPage) - 1) / ((long)granule * BitsInPage)));

    /// <summary>Where the granule begins that a byte is in.</summary>
    internal long Down(long offset) => offset / _granule * _granule;

    /// <summary>Where the next granule begins, or the disk ends.</summary>
    internal long Up(long offset) => Math.Min(_size, (offset + _granule - 1) / _granule * _granule);

    /// <summary>Whether all of a part is the volume's own.</summary>
    internal bool Has(long offset, long length) => length == 0 || offset + length <= Copied || NextMissing(offset, offset + length) is null;

    /// <summary>Adds whole granules, whose data was written.</summary>
    internal void Add(long offset, long length)
    {
        lock (_lock)
        {
            long end = (offset + length + _granule - 1) / _granule;
            for (long bit = Math.Max(offset, Copied) / _granule; bit < end;)
            {
                int shift = (int)(bit % BitsInWord);
                int count = (int)Math.Min(BitsInWord - shift, end - bit);
                AddBits(bit, (count == BitsInWord ? ulong.MaxValue : (1UL << count) - 1) << shift);
                bit += count;
            }
        }
    }

    /// <summary>The first granules from one that are the image's yet, up to <paramref name="end"/>; null where none are.</summary>
    internal DiskPart? NextMissing(long offset, long end)
    {
        long from = Math.Max(offset, Copied);
        if (from >= end)
        {
            return null;   // the disk's end need not be a granule's
        }

        long last = (end + _granule - 1) / _granule;
        long first = Skip(from / _granule, last, own: true);
        return first < last ? new(first * _granule, Math.Min(_size, Skip(first, last, own: false) * _granule) - (first * _granule)) : null;
    }

    /// <summary>
    /// Takes how far the copy has come, and the pages that have changed since they were taken last, as they are on the disk. Those that
    /// the copy has passed are not needed any more.
    /// </summary>
    internal (long Copied, List<(int Page, byte[] Bytes)> Pages) TakeChanged()
    {
        lock (_lock)
        {
            long copied = Copied;
            List<(int, byte[])> taken = [];
            foreach (int page in _changed.Where(page => (page + 1L) * BitsInPage * _granule > copied))
            {
                byte[] bytes = new byte[PageLength];
                for (int word = 0; word < PageLength / sizeof(ulong); word++)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(word * sizeof(ulong)), _pages[page]![word]);
                }

                taken.Add((page, bytes));
            }

            _changed.Clear();
            return (copied, taken);
        }
    }

    /// <summary>Takes pages back that could not be written: they are taken the next time.</summary>
    internal void PutBack(IEnumerable<int> pages)
    {
        lock (_lock)
        {
            _changed.UnionWith(pages);
        }
    }

    /// <summary>Puts a page as it was on the disk.</summary>
    internal void Put(int page, ReadOnlySpan<byte> bytes)
    {
        if (bytes.ContainsAnyExcept((byte)0))
        {
            ulong[] words = MakePage(page);
            for (int word = 0; word < words.Length; word++)
            {
                words[word] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[(word * sizeof(ulong))..]);
            }
        }
    }

    private void AddBits(long bit, ulong bits)
    {
        int page = (int)(bit / BitsInPage);
        ulong[] words = _pages[page] ?? MakePage(page);
        ref ulong word = ref words[(int)(bit % BitsInPage / BitsInWord)];
        if ((word | bits) != word)
        {
            Volatile.Write(ref word, word | bits);
            _changed.Add(page);
        }
    }

    private ulong[] MakePage(int page)
    {
        ulong[] words = new ulong[PageLength / sizeof(ulong)];
        Volatile.Write(ref _pages[page], words);
        return words;
    }

    // The first bit from one, below the last, that is not as it was said.
    private long Skip(long bit, long last, bool own)
    {
        while (bit < last)
        {
            ulong[]? words = Volatile.Read(ref _pages[(int)(bit / BitsInPage)]);
            if (words is null)
            {
                if (own)
                {
                    return bit;
                }

                bit = ((bit / BitsInPage) + 1) * BitsInPage;
                continue;
            }

            int shift = (int)(bit % BitsInWord);
            ulong word = Volatile.Read(ref words[(int)(bit % BitsInPage / BitsInWord)]);
            ulong others = (own ? ~word : word) >> shift;
            if (others != 0)
            {
                return Math.Min(last, bit + BitOperations.TrailingZeroCount(others));
            }

            bit += BitsInWord - shift;
        }

        return last;
    }
}
