using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>Descriptors that whoever started us gave us, by their numbers.</summary>
public static class InheritedDescriptor
{
    /// <summary>Keeps a descriptor from the programs that we start. One that is not there is kept.</summary>
    public static void CloseOnExec(int number)
    {
        if (LibC.fcntl(number, LibC.F_SETFD, LibC.FD_CLOEXEC) < 0 && LibC.errno != LibC.EBADF)
        {
            throw Errno.Failure($"descriptor {number}", "fcntl");
        }
    }
}
