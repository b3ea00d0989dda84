using System.Buffers.Binary;
using Tmds.Linux;

namespace EveStorage.Linux;

/// <summary>
/// What an ATA drive says of its own health, asked through SCSI (T10 SAT-4, ATA PASS-THROUGH(16)): the verdict of SMART, and of the
/// device statistics (T13 ACS-4, log 04h) wear and uncorrected errors. SMART's attributes are each vendor's own and not read.
/// </summary>
internal static class AtaHealth
{
    internal const int PageLength = 512;
    private const byte PassThrough = 0x85;
    private const byte NoData = 3 << 1;
    private const byte PioInExtended = (4 << 1) | 1;
    private const byte WantRegisters = 0x20;            // CK_COND
    private const byte FromDeviceInBlocks = 0x0E;       // T_DIR, BYT_BLOK, T_LENGTH in the count
    private const byte Smart = 0xB0;
    private const byte ReturnStatus = 0xDA;
    private const byte ReadLogExtended = 0x2F;
    private const byte DeviceStatistics = 0x04;
    private const byte ErrorsPage = 0x04;
    private const byte SolidStatePage = 0x07;
    private const byte DescriptorSense = 0x72;
    private const byte AtaReturn = 0x09;
    private const int SenseLength = 32;
    private const uint TimeoutMilliseconds = 5000;

    /// <summary>Asks a device that Linux's libata gives: others may not bear the question.</summary>
    internal static DriveHealth Of(Descriptor device)
    {
        Span<byte> page = stackalloc byte[PageLength];
        Span<byte> sense = stackalloc byte[SenseLength];
        string? problem = Ask(device, [PassThrough, NoData, WantRegisters, 0, ReturnStatus, 0, 0, 0, 0, 0, 0x4F, 0, 0xC2, 0, Smart, 0], [], sense)
            ? ReadVerdict(sense)
            : null;
        int? wear = AskStatistics(device, SolidStatePage, page, sense) && ReadStatistic(page, SolidStatePage) is ulong used ? (int)(used & 0xFF) : null;
        long? errors = AskStatistics(device, ErrorsPage, page, sense) && ReadStatistic(page, ErrorsPage) is ulong count ? (long)(count & 0xFFFFFFFF) : null;
        return new(wear, errors, problem);
    }

    /// <summary>What SMART RETURN STATUS answered: 4F C2 in the registers is good, F4 2C is bad.</summary>
    internal static string? ReadVerdict(ReadOnlySpan<byte> sense)
        => (sense[0] & 0x7F) == DescriptorSense && sense[8] == AtaReturn && (sense[17], sense[19]) == (0xF4, 0x2C) ? "it says that it fails soon" : null;

    /// <summary>The first statistic of a page; null where the drive does not have it. The pages' first ones are those that are asked for here.</summary>
    internal static ulong? ReadStatistic(ReadOnlySpan<byte> page, byte number)
    {
        ulong statistic = BinaryPrimitives.ReadUInt64LittleEndian(page[8..]);
        const ulong supportedAndValid = 3UL << 62;
        return page[2] == number && (statistic & supportedAndValid) == supportedAndValid ? statistic & 0xFFFFFFFFFFFF : null;
    }

    private static bool AskStatistics(Descriptor device, byte number, Span<byte> page, Span<byte> sense)
        => Ask(device, [PassThrough, PioInExtended, FromDeviceInBlocks, 0, 0, 0, 1, 0, DeviceStatistics, 0, number, 0, 0, 0, ReadLogExtended, 0], page, sense);

    private static unsafe bool Ask(Descriptor device, ReadOnlySpan<byte> command, Span<byte> data, Span<byte> sense)
    {
        sense.Clear();
        fixed (byte* commandAt = command, dataAt = data, senseAt = sense)
        {
            OwnCalls.ScsiRequest request = new()
            {
                Interface = 'S',
                Direction = data.Length == 0 ? OwnCalls.SG_DXFER_NONE : OwnCalls.SG_DXFER_FROM_DEV,
                CommandLength = (byte)command.Length,
                MaxSenseLength = (byte)sense.Length,
                DataLength = (uint)data.Length,
                Data = dataAt,
                Command = commandAt,
                Sense = senseAt,
                TimeoutMilliseconds = TimeoutMilliseconds,
            };
            // Where registers are asked for they come as sense, and so with a status that is not zero.
            return LibC.ioctl(device, unchecked((int)OwnCalls.SG_IO), &request) == 0
                && request.HostStatus == 0
                && (data.Length == 0 ? request.SenseWritten > 0 : request.Status == 0);
        }
    }
}
