using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// A second opening of a file, whose reads and writes go to the device and leave nothing in the kernel's cache (open(2), O_DIRECT). What
/// lies in that cache by the first opening is written before it is read here, and dropped before it is written here. Safe for many calls at once.
/// </summary>
/// <remarks>Memory that does not start at a page is copied to some that does, which is kept: <see cref="Bounce"/> bytes for each call that runs at once.</remarks>
public sealed class DirectFile : IDisposable
{
    /// <summary>What offsets and lengths are multiples of. Where a file system has larger sectors, such openings are not for us (<see cref="IsTakenBy"/>).</summary>
    public const int Unit = 4096;

    private const int Bounce = 128 << 10;

    private readonly BlockFile _file;
    private readonly ConcurrentBag<byte[]> _bounces = [];

    private DirectFile(BlockFile file) => _file = file;

    /// <summary>Opens <paramref name="file"/> once more, as writable as it was.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotSupported"/>: its file system has no such openings.</exception>
    public static DirectFile Open(BlockFile file, bool writable)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new(file.Reopen((writable ? LibC.O_RDWR : LibC.O_RDONLY) | LibC.O_DIRECT));
    }

    /// <summary>
    /// Whether files in <paramref name="directory"/> can be read and written so, by a file without a name there. Where none may be made now, as on
    /// a file system that is read-only, opening a file tells.
    /// </summary>
    public static unsafe bool IsTakenBy(string directory)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{directory}\0"))
        {
            int descriptor = LibC.open(name, LibC.O_RDWR | LibC.O_TMPFILE | LibC.O_DIRECT | LibC.O_CLOEXEC, (ushort)0b110_000_000);
            if (descriptor < 0)
            {
                return LibC.errno != LibC.EINVAL && LibC.errno != LibC.EOPNOTSUPP;
            }

            using SafeFileHandle tried = new(descriptor, ownsHandle: true);
            void* page = NativeMemory.AlignedAlloc(Unit, Unit);
            try
            {
                // Its sectors may be larger than a page.
                return (long)LibC.pwrite(descriptor, page, Unit, 0) == Unit || LibC.errno != LibC.EINVAL;
            }
            finally
            {
                NativeMemory.AlignedFree(page);
            }
        }
    }

    /// <summary>Whether these bytes can be read and written so: whole units at whole units.</summary>
    public static bool Takes(long offset, int length) => (offset | (uint)length) % Unit == 0;

    /// <summary>Fills <paramref name="destination"/> from the device.</summary>
    /// <exception cref="StorageException">The device failed, or the file is shorter.</exception>
    public unsafe void Read(long offset, Span<byte> destination)
    {
        fixed (byte* start = destination)   // it would be moved between the question and the call
        {
            if (IsAligned(start))
            {
                _file.Read(offset, destination);
                return;
            }
        }

        byte[] bounce = Rent();
        try
        {
            for (int done = 0; done < destination.Length;)
            {
                Span<byte> piece = PageIn(bounce)[..Math.Min(Bounce, destination.Length - done)];
                _file.Read(offset + done, piece);
                piece.CopyTo(destination[done..]);
                done += piece.Length;
            }
        }
        finally
        {
            _bounces.Add(bounce);
        }
    }

    /// <summary>Writes <paramref name="source"/> to the device, whose own cache may still have it when this returns.</summary>
    /// <exception cref="StorageException">There is no room, or the device failed.</exception>
    public unsafe void Write(long offset, ReadOnlySpan<byte> source)
    {
        fixed (byte* start = source)
        {
            if (IsAligned(start))
            {
                _file.Write(offset, source);
                return;
            }
        }

        byte[] bounce = Rent();
        try
        {
            for (int done = 0; done < source.Length;)
            {
                Span<byte> piece = PageIn(bounce)[..Math.Min(Bounce, source.Length - done)];
                source.Slice(done, piece.Length).CopyTo(piece);
                _file.Write(offset + done, piece);
                done += piece.Length;
            }
        }
        finally
        {
            _bounces.Add(bounce);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static unsafe bool IsAligned(byte* start) => (nuint)start % Unit == 0;

    private byte[] Rent() => _bounces.TryTake(out byte[]? kept) ? kept : GC.AllocateUninitializedArray<byte>(Bounce + Unit, pinned: true);

    private static unsafe Span<byte> PageIn(byte[] bounce)
    {
        fixed (byte* start = bounce)
        {
            return bounce.AsSpan((int)((Unit - ((nuint)start % Unit)) % Unit), Bounce);
        }
    }
}
