using System.Buffers.Binary;
using System.Globalization;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>What a drive says of its own health: NVMe by its SMART log, ATA by SMART and its statistics, eMMC by its registers in /sys. Others say nothing here.</summary>
/// <param name="WearPercent">How much of its promised life is used, which may exceed 100; null where it can't tell.</param>
/// <param name="MediaErrors">Errors of the medium that it could not correct; null where it can't tell.</param>
/// <param name="Problem">Why a person should look, without what to do; null when all is well.</param>
public readonly record struct DriveHealth(int? WearPercent, long? MediaErrors, string? Problem)
{
    private const int SmartLogLength = 512;
    private const byte GetLogPage = 0x02;
    private const uint SmartLog = 0x02;
    private const uint AllNamespaces = 0xFFFFFFFF;
    private const uint TimeoutMilliseconds = 5000;

    // NVMe 2.0, "SMART / Health Information Log Page": the bits of byte 0.
    private static readonly (int Bit, string Meaning)[] s_warnings =
    [
        (0x01, "its spare blocks run out"),
        (0x02, "it is too hot or too cold"),
        (0x04, "it is not reliable any more"),
        (0x08, "it takes no more writes"),
        (0x10, "its backup of volatile memory failed"),
    ];

    /// <summary>Asks <paramref name="drive"/>. A drive that does not answer says nothing.</summary>
    public static DriveHealth Of(Drive drive)
    {
        ArgumentNullException.ThrowIfNull(drive);
        return drive.Name.StartsWith("nvme", StringComparison.Ordinal) && !drive.IsFabric ? OfNvme(drive)
            : DriveSysfs.Read(drive.Directory, "device/vendor") == "ATA" ? OfAta(drive)
            : drive.Transport == "mmc" ? OfMmc(drive.Directory)
            : default;
    }

    /// <summary>Reads a SMART log.</summary>
    internal static DriveHealth ReadSmartLog(ReadOnlySpan<byte> log)
    {
        byte warning = log[0];
        ulong errors = BinaryPrimitives.ReadUInt64LittleEndian(log[160..]);   // of 16 bytes, whose upper half nobody lives to see
        string[] problems = [.. s_warnings.Where(w => (warning & w.Bit) != 0).Select(w => w.Meaning)];
        return new(log[5], (long)Math.Min(errors, long.MaxValue), problems.Length == 0 ? null : string.Join(", ", problems));
    }

    /// <summary>Reads the registers of an eMMC (JESD84-B51, EXT_CSD 267 to 269) as sysfs prints them: <c>0x01 0x02</c> and <c>0x01</c>.</summary>
    internal static DriveHealth ReadMmc(string? lifeTime, string? endOfLife)
    {
        // In steps of ten percent, 0x0B beyond: the worse of the two kinds of cells. Zero is "not defined".
        int[] steps = [.. (lifeTime ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Hex)];
        int worst = steps.Append(0).Max();
        return new(worst == 0 ? null : worst * 10, null, Hex(endOfLife ?? "") switch
        {
            2 => "it has used 80 % of its spare blocks",
            3 => "it has used 90 % of its spare blocks",
            _ => null,
        });
    }

    private static int Hex(string text)
        => text.StartsWith("0x", StringComparison.Ordinal) && int.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int value) ? value : 0;

    private static DriveHealth OfMmc(string directory)
        => ReadMmc(DriveSysfs.Read(directory, "device/life_time"), DriveSysfs.Read(directory, "device/pre_eol_info"));

    private static DriveHealth OfAta(Drive drive) => Asked(drive, AtaHealth.Of);

    private static unsafe DriveHealth OfNvme(Drive drive)
        => Asked(drive, descriptor =>
        {
            byte* log = stackalloc byte[SmartLogLength];
            OwnCalls.NvmeAdminCommand command = new()
            {
                Opcode = GetLogPage,
                Namespace = AllNamespaces,
                Address = (ulong)log,
                Length = SmartLogLength,
                Word10 = SmartLog | (((SmartLogLength / 4) - 1) << 16),   // the number of double words, less one
                TimeoutMilliseconds = TimeoutMilliseconds,
            };
            return LibC.ioctl(descriptor, unchecked((int)OwnCalls.NVME_IOCTL_ADMIN_CMD), &command) == 0
                ? ReadSmartLog(new(log, SmartLogLength))
                : default;
        });

    private static DriveHealth Asked(Drive drive, Func<Descriptor, DriveHealth> ask)
    {
        try
        {
            using BlockFile device = BlockFile.Open(drive.Path, writable: false);
            using Descriptor descriptor = new(device.Handle);
            return ask(descriptor);
        }
        catch (StorageException)
        {
            return default;   // it does not even open, which the pool tells better
        }
    }
}
