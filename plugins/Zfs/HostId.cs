using System.Buffers.Binary;
using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>The number by which ZFS knows this machine, spl(4): the module's parameter, else what /etc/hostid holds; 0 when it has none.</summary>
internal static class HostId
{
    private const string Parameter = "/sys/module/spl/parameters/spl_hostid";
    private const string FileName = "/etc/hostid";

    internal static ulong Ours
        => FileCalls.Run(FileName, () =>
            File.Exists(Parameter) && ulong.TryParse(File.ReadAllText(Parameter).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong set) && set != 0 ? set
            : File.Exists(FileName) && File.ReadAllBytes(FileName) is { Length: >= 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
            : 0);
}
