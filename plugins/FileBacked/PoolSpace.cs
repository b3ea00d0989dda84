using EveStorage.Linux;

namespace EveStorage.FileBacked;

/// <summary>
/// What a pool takes, and its hard limit. A write that may take blocks spends from a budget, which is measured anew only
/// when it is spent: adding up every file for each write would cost more than the write. A write over blocks that are
/// there needs none. Another process that writes to the same pool has a budget of its own, at most <see cref="Slice"/>.
/// </summary>
internal sealed class PoolSpace(PoolDirectory pool, ByteSize? limit, TimeProvider time)
{
    private const long Slice = 64 << 20;
    private const long Block = 4096;

    private static readonly TimeSpan s_refusalHolds = TimeSpan.FromMilliseconds(100);

    private readonly Lock _measuring = new();
    private long _budget;
    private long _inFlight;
    private long _refusedAt;
    private bool _refused;

    // The budget says nothing before the first measurement, and after something took or gave back space beside it.
    private bool _stale = true;

    // The last measurement found less than a slice: an overwrite is told from a new block before it spends what is left.
    private bool _isNear;

    /// <summary>What the pool's files take now.</summary>
    internal ByteSize Measure() => new(Directory.Exists(pool.Volumes) ? Sum(pool.Volumes) : 0);

    /// <summary>Something took space or gave it back: measure before anything else is allowed or refused.</summary>
    internal void Forget() => Volatile.Write(ref _stale, true);

    /// <summary>Sets <paramref name="length"/> bytes aside for what takes them without writes: a clone, a copy, a reservation.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>: there is not as much.</exception>
    internal SpaceClaim Claim(long length, string subject)
    {
        if (limit is not ByteSize most)
        {
            return new(this, 0);
        }

        lock (_measuring)
        {
            if (Measure().Bytes + Interlocked.Add(ref _inFlight, length) > most.Bytes)
            {
                Interlocked.Add(ref _inFlight, -length);
                throw Full(subject, most);
            }

            Forget();   // what was handed out for writes was more than there is now
            return new(this, length);
        }
    }

    /// <summary>Takes the budget of a write; <see cref="End"/> of what this returns follows it, whatever comes of it.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.OutOfSpace"/>; no <see cref="End"/> follows.</exception>
    internal long Begin(BlockFile image, long offset, long length, string subject)
    {
        if (limit is not ByteSize most || (Volatile.Read(ref _isNear) && Overwrites(image, offset, length)))
        {
            return 0;
        }

        long blocks = ((offset + length + Block - 1) & -Block) - (offset & -Block);
        Interlocked.Add(ref _inFlight, blocks);
        if ((Interlocked.Add(ref _budget, -blocks) < 0 || Volatile.Read(ref _stale)) && !IsAllowed(image, offset, length, blocks, most))
        {
            Interlocked.Add(ref _inFlight, -blocks);
            throw Full(subject, most);
        }

        return blocks;
    }

    /// <summary>The write is done: what it took shows in the files now.</summary>
    internal void End(long taken) => Interlocked.Add(ref _inFlight, -taken);

    private static bool Overwrites(BlockFile image, long offset, long length) => image.NextHole(offset) >= offset + length;

    private static StorageException Full(string subject, ByteSize most)
        => new(StorageErrorKind.OutOfSpace, subject, $"the pool has reached its limit of {most}: delete or discard something, or raise Limit");

    private bool IsAllowed(BlockFile image, long offset, long length, long blocks, ByteSize most)
    {
        lock (_measuring)
        {
            Interlocked.Add(ref _budget, blocks);
            if (Overwrites(image, offset, length))
            {
                return true;
            }

            bool stale = Volatile.Read(ref _stale);
            if (!stale && Interlocked.Add(ref _budget, -blocks) >= 0)
            {
                return true;   // another writer measured meanwhile
            }

            // A full pool is not added up for every write that it refuses. Only a refusal is remembered: that there was room
            // a moment ago says nothing of now.
            if (!stale && _refused && time.GetElapsedTime(_refusedAt) < s_refusalHolds)
            {
                Interlocked.Add(ref _budget, blocks);
                return false;
            }

            // What is in flight counts whole, whether or not it shows in the files by now. Ours is part of it.
            Volatile.Write(ref _stale, false);
            long room = most.Bytes - Measure().Bytes - Volatile.Read(ref _inFlight);
            _refused = room < 0;
            _refusedAt = time.GetTimestamp();
            Volatile.Write(ref _isNear, room < Slice);

            // A smaller write than the refused one may still fit.
            Interlocked.Exchange(ref _budget, Math.Min(_refused ? room + blocks : room, Slice));
            return !_refused;
        }
    }

    /// <summary>What all files in a directory and below it take, <paramref name="but"/> one and what is kept as room.</summary>
    internal static long Sum(string directory, string? but = null)
    {
        long sum = 0;
        foreach (string file in FileCalls.Run(directory, () => Directory.EnumerateFiles(directory, "*", s_all).ToList()).Where(file => file != but && !VolumeRoom.Is(file)))
        {
            try
            {
                sum += BlockFile.Look(file).Allocated;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.NotFound)
            {
                // It was removed in between.
            }
        }

        return sum;
    }

    private static readonly EnumerationOptions s_all = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.ReparsePoint,
        IgnoreInaccessible = true,
    };
}

/// <summary>Space set aside until it shows in the files, or was not needed.</summary>
internal sealed class SpaceClaim(PoolSpace space, long length) : IDisposable
{
    private long _length = length;

    /// <summary>What is still to come, as a long copy goes on: what it wrote shows by now, and must not count twice.</summary>
    internal void Keep(long length)
    {
        long now = Math.Clamp(length, 0, _length);
        space.End(_length - now);
        _length = now;
    }

    public void Dispose()
    {
        Keep(0);
        space.Forget();
    }
}
