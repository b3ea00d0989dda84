using System.Globalization;
using System.Text;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>The nodes of block devices in /dev.</summary>
public static class DriveNode
{
    private const ushort FileType = 0xF000;    // stat(2): S_IFMT
    private const ushort BlockType = 0x6000;   // S_IFBLK

    /// <summary>Whether <paramref name="path"/>, or what it links to, is the block device of that number, <c>253:4</c>.</summary>
    public static unsafe bool Is(string path, string number)
    {
        statx facts;
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            return LibC.statx(LibC.AT_FDCWD, name, 0, LibC.STATX_BASIC_STATS, &facts) == 0
                && (facts.stx_mode & FileType) == BlockType
                && number == string.Create(CultureInfo.InvariantCulture, $"{facts.stx_rdev_major}:{facts.stx_rdev_minor}");
        }
    }

    /// <summary>The node itself, where <paramref name="path"/> is a link that udev made.</summary>
    public static string Resolve(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
}
