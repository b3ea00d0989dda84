using System.Text;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Who owns files.</summary>
public static class FileOwner
{
    /// <summary>The user this process acts as.</summary>
    public static uint Ours => LibC.geteuid();

    /// <summary>The user that owns <paramref name="path"/> itself, not what a link there leads to.</summary>
    /// <exception cref="StorageException">It can't be looked at.</exception>
    public static unsafe uint Of(string path)
    {
        statx facts;
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            return LibC.statx(LibC.AT_FDCWD, name, LibC.AT_SYMLINK_NOFOLLOW, LibC.STATX_UID, &facts) < 0
                ? throw Errno.Failure(path, "statx")
                : facts.stx_uid;
        }
    }

    /// <summary>Gives <paramref name="path"/> to the user and the group that own <paramref name="from"/>.</summary>
    /// <exception cref="StorageException">The caller may not.</exception>
    public static unsafe void CopyTo(string path, string from)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            if (LibC.fchownat(LibC.AT_FDCWD, name, Of(from), GroupOf(from), LibC.AT_SYMLINK_NOFOLLOW) < 0)
            {
                throw Errno.Failure(path, "fchownat");
            }
        }
    }

    /// <summary>The group this process acts as.</summary>
    public static uint OurGroup => LibC.getegid();

    /// <summary>The group of <paramref name="path"/> itself, not of what a link there leads to.</summary>
    /// <exception cref="StorageException">It can't be looked at.</exception>
    public static unsafe uint GroupOf(string path)
    {
        statx facts;
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            return LibC.statx(LibC.AT_FDCWD, name, LibC.AT_SYMLINK_NOFOLLOW, LibC.STATX_GID, &facts) < 0
                ? throw Errno.Failure(path, "statx")
                : facts.stx_gid;
        }
    }

    /// <summary>Gives <paramref name="path"/> to a group.</summary>
    /// <exception cref="StorageException">The caller may not.</exception>
    public static unsafe void SetGroup(string path, uint group)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes($"{path}\0"))
        {
            if (LibC.fchownat(LibC.AT_FDCWD, name, uint.MaxValue, group, LibC.AT_SYMLINK_NOFOLLOW) < 0)
            {
                throw Errno.Failure(path, "fchownat");
            }
        }
    }
}
