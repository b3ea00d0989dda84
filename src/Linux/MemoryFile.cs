using Microsoft.Win32.SafeHandles;

namespace EveStorage.Linux;

/// <summary>A file that has no name and lies in memory, as long as it is open: memfd_create(2).</summary>
public static class MemoryFile
{
    /// <summary>Makes an empty one. What is put into it counts as this process's memory.</summary>
    /// <param name="subject">What it is for; /proc shows it.</param>
    /// <exception cref="StorageException">It can't be made.</exception>
    public static SafeFileHandle Create(string subject)
    {
        SafeFileHandle file = new(OwnCalls.MemFdCreate(subject, OwnCalls.MFD_CLOEXEC), ownsHandle: true);
        return file.IsInvalid ? throw Errno.Failure(subject, "memfd_create") : file;
    }
}
