using System.Runtime.InteropServices;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Reads that go to the device.</summary>
public sealed partial class BlockFile
{
    private const int Page = 4096;   // no device has larger sectors

    /// <summary>
    /// Fills <paramref name="destination"/> from the device at <paramref name="path"/> itself. The kernel's cache may keep what
    /// lay there before another program wrote with O_DIRECT: open(2).
    /// </summary>
    /// <exception cref="StorageException">It can't be opened, failed, or is shorter.</exception>
    public static unsafe void ReadUncached(string path, long offset, Span<byte> destination)
    {
        using BlockFile device = Open(path, null, LibC.O_RDONLY | LibC.O_NOFOLLOW | LibC.O_DIRECT);
        long start = offset / Page * Page;
        int length = (int)((offset + destination.Length - start + Page - 1) / Page * Page);
        void* pages = NativeMemory.AlignedAlloc((nuint)length, Page);
        try
        {
            Span<byte> read = new(pages, length);
            device.Read(start, read);
            read.Slice((int)(offset - start), destination.Length).CopyTo(destination);
        }
        finally
        {
            NativeMemory.AlignedFree(pages);
        }
    }
}
